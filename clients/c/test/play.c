/* Bots in a corridor with two baffles, played by a server; prints where each is after every tick.
 *
 *     play ADDRESS [--bundle NAME] [--ticks N] [--bots N] [--blind] [--patience MS] [--pause MS] [--resume LEASE]
 *          [--record PLAYER]   record bot 0; in every second run of ten ticks a person has its controls
 *          [--token TOKEN] [--root PEM] [--cert PEM --key PEM]   for a server that knows its clients
 *
 * One line a tick and bot: tick bot x y heading late. Before them: "lease LEASE". A stream that ends is told on
 * standard error once; the bots then go on by their fallbacks. */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "understudy.h"

#define MAX_BOTS 64
#define PI 3.14159265358979323846

typedef struct wall {
  double x1, y1, x2, y2;
} wall;

static const wall WALLS[] = {
    {0, -4, 24, -4}, {0, 4, 24, 4}, {0, -4, 0, 4}, {24, -4, 24, 4}, {8, -4, 8, 1}, {16, -1, 16, 4},
};
enum { NUM_WALLS = sizeof WALLS / sizeof WALLS[0] };

typedef struct walker {
  double x, y, heading;
} walker;

typedef struct settings {
  const char *address, *bundle, *resume, *record, *token, *root, *cert, *key;
  uint32_t ticks, bots, patience_ms, pause_ms;
  int blind;
} settings;

/* How far a ray goes until it meets a wall, at most `reach`. */
static double cast_ray(double x, double y, double degrees, double reach) {
  const double dx = cos(degrees * PI / 180), dy = sin(degrees * PI / 180);
  for (int index = 0; index < NUM_WALLS; ++index) {
    const wall* w = &WALLS[index];
    const double ex = w->x2 - w->x1, ey = w->y2 - w->y1, cross = dx * ey - dy * ex;
    if (fabs(cross) < 1e-9) continue;
    const double along_ray = ((w->x1 - x) * ey - (w->y1 - y) * ex) / cross;
    const double along_wall = ((w->x1 - x) * dy - (w->y1 - y) * dx) / cross;
    if (along_ray >= 0 && along_ray < reach && along_wall >= 0 && along_wall <= 1) reach = along_ray;
  }
  return reach;
}

static void sense(const walker* bot, const us_rays* rays, int blind, float* reading) {
  for (uint32_t ray = 0; ray < rays->count; ++ray, reading += 1 + rays->num_types) {
    const double distance = cast_ray(bot->x, bot->y, bot->heading - rays->angles[ray], rays->reach);
    const int hit = !blind && distance < rays->reach;
    reading[0] = (float)(blind ? rays->reach : distance);
    reading[1] = hit ? 1.0f : 0.0f;
  }
}

/* Step ahead unless a wall is nearer than a body's width. */
static void move(walker* bot, float turn, int64_t pace) {
  const double step = 0.25 * (double)pace;
  bot->heading -= (double)turn;
  if (cast_ray(bot->x, bot->y, bot->heading, 2) < step + 0.3) return;
  bot->x += step * cos(bot->heading * PI / 180);
  bot->y += step * sin(bot->heading * PI / 180);
}

/* What the person does: walk on and turn left, 3 degrees a tick. */
static void take_over(us_stream* stream, uint8_t* action) {
  const float turn = -3;
  const int64_t pace = 1;
  memset(action, 0, us_action_bytes(stream));
  memcpy(action + us_find_action(stream, "turn")->offset, &turn, sizeof turn);
  memcpy(action + us_find_action(stream, "pace")->offset, &pace, sizeof pace);
}

/* `by_person` is what bot 0 does instead of the answer, or NULL. */
static void act(us_stream* stream, const us_answer* answer, const uint8_t* by_person, walker* walkers) {
  const us_field *turn = us_find_action(stream, "turn"), *pace = us_find_action(stream, "pace");
  for (uint32_t row = 0; row < answer->count; ++row) {
    const uint8_t* answered = answer->actions + (size_t)row * us_action_bytes(stream);
    const uint8_t* action = by_person != NULL && row == 0 ? by_person : answered;
    float degrees;
    int64_t steps;
    memcpy(&degrees, action + turn->offset, sizeof degrees);
    memcpy(&steps, action + pace->offset, sizeof steps);
    move(&walkers[row], degrees, steps);
    printf("%" PRIu64 " %u %.4f %.4f %.3f %d\n", answer->tick, answer->bots[row], walkers[row].x, walkers[row].y,
           walkers[row].heading, (int)answer->late);
  }
  fflush(stdout);
}

static void pause_for(uint32_t ms) {
  const struct timespec time = {ms / 1000, (long)(ms % 1000) * 1000000};
  nanosleep(&time, NULL);
}

/* Play to the end of the ticks. Returns 0, or 1 if a call failed in a way that gives no action. */
static int play(us_stream* stream, const settings* set) {
  const us_rays* rays = us_sensor_rays(stream, 0);
  const size_t row_bytes = us_observation_bytes(stream);
  walker walkers[MAX_BOTS];
  uint32_t bots[MAX_BOTS];
  unsigned char* observations = calloc(set->bots, row_bytes);
  us_status status = US_OK;
  uint8_t by_person[256];
  int told = 0;
  for (uint32_t bot = 0; bot < set->bots; ++bot) {
    bots[bot] = bot;
    walkers[bot] = (walker){1, -2.5 + 2.0 * bot / set->bots, 0};
    if (set->resume == NULL) us_spawn(stream, bot, bot, NULL);
  }
  if (set->record != NULL) status = us_record(stream, 0, &(us_record_info){.player = set->record, .map = "corridor"});
  for (uint32_t tick = 0; tick < set->ticks && status != US_MISTAKE; ++tick) {
    const us_answer* answer = NULL;
    for (uint32_t bot = 0; bot < set->bots; ++bot)
      sense(&walkers[bot], rays, set->blind, (float*)(observations + bot * row_bytes));
    const int person = set->record != NULL && tick / 10 % 2 == 1;
    if (person) take_over(stream, by_person), us_played(stream, 0, by_person);
    status = us_tick(stream, bots, set->bots, observations, &answer);
    if (status != US_OK && !told++) fprintf(stderr, "%s\n", us_last_error());
    if (status != US_MISTAKE) act(stream, answer, person ? by_person : NULL, walkers);
    if (set->pause_ms > 0) pause_for(set->pause_ms);
  }
  free(observations);
  return status == US_MISTAKE;
}

/* The text of a file, or NULL if there is none of that name. Lives as long as the program. */
static const char* text_of(const char* path) {
  static char texts[3][1 << 14];
  static int used;
  FILE* file = fopen(path, "r");
  if (file == NULL || used == 3) return NULL;
  char* text = texts[used++];
  text[fread(text, 1, sizeof texts[0] - 1, file)] = '\0';
  fclose(file);
  return text;
}

static settings parse(int argc, char** argv) {
  settings set = {.address = argc > 1 ? argv[1] : "127.0.0.1:50051", .bundle = "", .ticks = 120, .bots = 1};
  for (int index = 2; index < argc; ++index) {
    const char* value = index + 1 < argc ? argv[index + 1] : "0";
    if (strcmp(argv[index], "--blind") == 0) {
      set.blind = 1;
      continue;
    }
    if (strcmp(argv[index], "--bundle") == 0) set.bundle = value;
    if (strcmp(argv[index], "--resume") == 0) set.resume = value;
    if (strcmp(argv[index], "--record") == 0) set.record = value;
    if (strcmp(argv[index], "--token") == 0) set.token = value;
    if (strcmp(argv[index], "--root") == 0) set.root = text_of(value);
    if (strcmp(argv[index], "--cert") == 0) set.cert = text_of(value);
    if (strcmp(argv[index], "--key") == 0) set.key = text_of(value);
    if (strcmp(argv[index], "--ticks") == 0) set.ticks = (uint32_t)atoi(value);
    if (strcmp(argv[index], "--bots") == 0) set.bots = (uint32_t)atoi(value) % (MAX_BOTS + 1);
    if (strcmp(argv[index], "--patience") == 0) set.patience_ms = (uint32_t)atoi(value);
    if (strcmp(argv[index], "--pause") == 0) set.pause_ms = (uint32_t)atoi(value);
    ++index;
  }
  return set;
}

int main(int argc, char** argv) {
  const settings set = parse(argc, argv);
  const us_open_options options = {
      .size = sizeof options, .resume = set.resume, .patience_ms = set.patience_ms, .max_bots = MAX_BOTS};
  const us_connect_options connection = {
      .size = sizeof connection, .token = set.token, .root_pem = set.root, .cert_pem = set.cert, .key_pem = set.key};
  us_client* client = us_connect(set.address, &connection);
  us_stream* stream = us_open(client, set.bundle, &options);
  int failed = 1;
  if (stream == NULL || us_sensor_rays(stream, 0) == NULL) {
    fprintf(stderr, "%s\n", stream == NULL ? us_last_error() : "The bundle's first sensor is no ray fan.");
  } else {
    printf("lease %s\n", us_lease(stream));
    failed = play(stream, &set);
  }
  us_close(stream);
  us_disconnect(client);
  return failed;
}
