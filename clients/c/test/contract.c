/* What understudy.h promises, checked against a running server of the steering bundle.
 *
 *     contract ADDRESS
 *
 * Stops at the first promise that is broken, with its line and the last error. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "understudy.h"

#define CHECK(promise)                                                                            \
  do {                                                                                            \
    if (!(promise)) {                                                                             \
      fprintf(stderr, "%s:%d: broken: %s (%s)\n", __FILE__, __LINE__, #promise, us_last_error()); \
      exit(1);                                                                                    \
    }                                                                                             \
  } while (0)

enum { RAYS = 15, ROW_FLOATS = RAYS * 2 };

static const char* address;

static us_stream* open_stream(us_client* client, uint32_t max_in_flight) {
  const us_open_options options = {.size = sizeof options, .max_bots = 8, .max_in_flight = max_in_flight};
  us_stream* stream = us_open(client, NULL, &options);
  CHECK(stream != NULL);
  return stream;
}

static int error_has(const char* words) { return strstr(us_last_error(), words) != NULL; }

/* Everything far away but the left, `left` metres away. */
static void look(float* row, float left) {
  for (int ray = 0; ray < RAYS; ++ray) {
    row[2 * ray] = ray < RAYS / 2 ? left : 10.0f;
    row[2 * ray + 1] = ray < RAYS / 2 ? 1.0f : 0.0f;
  }
}

static float turn_of(us_stream* stream, const us_answer* answer, uint32_t row) {
  float turn;
  memcpy(&turn, answer->actions + row * us_action_bytes(stream) + us_find_action(stream, "turn")->offset, sizeof turn);
  return turn;
}

/* One tick of one bot; its turn in degrees. */
static float turn_after(us_stream* stream, uint32_t bot, float left) {
  float row[ROW_FLOATS];
  const us_answer* answer = NULL;
  look(row, left);
  CHECK(us_tick(stream, &bot, 1, row, &answer) == US_OK);
  CHECK(answer->count == 1 && answer->bots[0] == bot && answer->late == US_LATE_NO);
  return turn_of(stream, answer, 0);
}

static void connecting(void) {
  us_connect_options options = {0};
  CHECK(us_abi_version() == US_ABI_VERSION);
  CHECK(us_connect(NULL, NULL) == NULL && error_has("address is needed"));
  CHECK(us_connect("localhost:1", &options) == NULL && error_has("us_connect_options.size"));
  options.size = sizeof options;
  options.cert_pem = "certificate";
  CHECK(us_connect("localhost:1", &options) == NULL && error_has("needs its key"));
  CHECK(us_open(NULL, "", NULL) == NULL && error_has("client is NULL"));
  us_close(NULL);
  us_disconnect(NULL);
}

static void opening(us_client* client) {
  const us_open_options hasty = {.size = sizeof hasty, .open_timeout_ms = 200};
  const us_open_options stranger = {.size = sizeof stranger, .spec_json = "{}"};
  us_client* nobody = us_connect("127.0.0.1:1", NULL);
  CHECK(us_open(nobody, NULL, &hasty) == NULL && error_has("There is no server at 127.0.0.1:1"));
  us_disconnect(nobody);
  CHECK(us_open(client, "runner", NULL) == NULL && error_has("runner"));
  CHECK(us_open(client, NULL, &stranger) == NULL && error_has("spec"));
}

static void layout(us_client* client) {
  us_stream* stream = open_stream(client, 0);
  us_disconnect(client); /* The stream goes on without its client. */
  const us_field *rays = us_find_sensor(stream, "rays"), *pace = us_find_action(stream, "pace");
  const us_field* buttons = us_action(stream, 2);
  const us_rays* fan = us_sensor_rays(stream, 0);
  CHECK(strcmp(us_bundle(stream), "walker") == 0 && strlen(us_digest(stream)) == 64);
  CHECK(us_num_sensors(stream) == 1 && us_num_actions(stream) == 3 && us_sensor(stream, 1) == NULL);
  CHECK(rays == us_sensor(stream, 0) && rays->rank == 2 && rays->shape[0] == RAYS && rays->shape[1] == 2);
  CHECK(rays->dtype == US_FLOAT32 && rays->count == 30 && rays->bytes == 120 && strcmp(rays->units, "m") == 0);
  CHECK(us_observation_bytes(stream) == 120 && us_action_bytes(stream) == 24);
  CHECK(pace->kind == US_DISCRETE && pace->dtype == US_INT64 && pace->rank == 0 && pace->offset == 8);
  CHECK(pace->choices == 3 && strcmp(pace->labels[2], "run") == 0);
  CHECK(buttons->kind == US_MULTI_BINARY && buttons->bytes == 2 && buttons->offset == 16);
  CHECK(fan->count == RAYS && fan->angles[0] == -90 && fan->reach == 10 && strcmp(fan->types[0], "wall") == 0);
  CHECK(us_find_sensor(stream, "sonar") == NULL && error_has("no sensor 'sonar'; it has rays"));
  CHECK(us_decision_hz(stream) == 10 && us_style_size(stream) == 1 && strlen(us_lease(stream)) > 0);
  CHECK(strstr(us_spec_json(stream), "\"corridor\"") != NULL && us_resumed(stream, NULL) == 0);
  CHECK(turn_after(stream, (us_spawn(stream, 1, 1, NULL), 1), 2) > 0);
  us_close(stream);
}

static void mistakes(us_client* client) {
  us_stream* stream = open_stream(client, 0);
  float rows[2 * ROW_FLOATS];
  const uint32_t twice[] = {3, 3};
  const us_answer* answer = NULL;
  look(rows, 10), look(rows + ROW_FLOATS, 10);
  CHECK(us_tick(stream, twice, 1, rows, &answer) == US_MISTAKE && error_has("Bot 3 does not live"));
  CHECK(us_spawn(stream, 3, 0, NULL) == US_OK);
  CHECK(us_tick(stream, twice, 2, rows, &answer) == US_MISTAKE && error_has("named twice"));
  CHECK(us_tick(stream, twice, 1, NULL, &answer) == US_MISTAKE && error_has("not NULL"));
  rows[4] = NAN;
  CHECK(us_tick(stream, twice, 1, rows, &answer) == US_MISTAKE &&
        error_has("'rays' of bot 3 is not finite at index 4"));
  CHECK(us_poll(stream, &answer) == US_MISTAKE && error_has("No tick is under way"));
  CHECK(us_despawn(stream, 4) == US_MISTAKE && us_save(stream, 4) == US_MISTAKE);
  CHECK(us_restyle(stream, 3, &(us_style){.vector = rows, .count = 2}) == US_MISTAKE && error_has("takes 1"));
  CHECK(us_spawn_saved(stream, 4, NULL, 0) == US_MISTAKE && error_has("no state"));
  for (uint32_t bot = 10; bot < 17; ++bot) CHECK(us_spawn(stream, bot, 0, NULL) == US_OK);
  CHECK(us_spawn(stream, 17, 0, NULL) == US_MISTAKE && error_has("max_bots = 8"));
  CHECK(fabsf(turn_after(stream, 3, 10)) < 0.01f);
  us_close(stream);
}

static void lives(us_client* client) {
  us_stream* stream = open_stream(client, 0);
  us_stream* other = open_stream(client, 0);
  const us_answer* answer = NULL;
  us_spawn(stream, 1, 0, NULL);
  const float first = turn_after(stream, 1, 2), second = turn_after(stream, 1, 2);
  CHECK(first > 0 && second > first); /* The policy's state lives on. */
  us_spawn(stream, 1, 0, NULL);
  CHECK(turn_after(stream, 1, 2) == first);
  us_despawn(stream, 1), us_spawn(stream, 1, 0, NULL), us_despawn(stream, 1), us_spawn(stream, 1, 0, NULL);
  CHECK(turn_after(stream, 1, 2) == first);
  CHECK(us_save(stream, 1) == US_OK && us_tick(stream, NULL, 0, NULL, &answer) == US_OK && answer->count == 0);
  CHECK(answer->num_saved == 1 && answer->saved[0].bot == 1 && answer->saved[0].size > 0);
  CHECK(us_spawn_saved(other, 9, answer->saved[0].state, answer->saved[0].size) == US_OK);
  CHECK(turn_after(other, 9, 2) == second && turn_after(stream, 1, 2) == second);
  CHECK(us_restyle(stream, 1, &(us_style){.name = "lefty"}) == US_OK && turn_after(stream, 1, 10) < second / 2);
  us_spawn(stream, 2, 0, &(us_style){.vector = (const float[]){-1}, .count = 1});
  CHECK(fabsf(turn_after(stream, 2, 10) + 15) < 0.01f);
  us_close(other);
  us_close(stream);
}

static void in_flight(us_client* client) {
  us_stream* stream = open_stream(client, 3);
  float row[ROW_FLOATS];
  const us_answer* answer = NULL;
  const uint32_t bot = 5;
  uint64_t tick = 99;
  us_status status = US_WAIT;
  look(row, 2);
  us_spawn(stream, bot, 0, NULL);
  for (uint64_t sent = 0; sent < 3; ++sent) CHECK(us_submit(stream, &bot, 1, row, &tick) == US_OK && tick == sent);
  CHECK(us_tick(stream, &bot, 1, row, &answer) == US_MISTAKE && error_has("under way"));
  CHECK(us_wait(stream, &answer) == US_OK && answer->tick == 0);
  while ((status = us_poll(stream, &answer)) == US_WAIT) continue;
  CHECK(status == US_OK && answer->tick == 1);
  CHECK(us_submit(stream, &bot, 1, row, NULL) == US_OK && us_submit(stream, &bot, 1, row, NULL) == US_OK);
  CHECK(us_submit(stream, &bot, 1, row, NULL) == US_WAIT);
  for (uint64_t each = 2; each < 5; ++each) CHECK(us_wait(stream, &answer) == US_OK && answer->tick == each);
  CHECK(us_submit(stream, &bot, 1, row, NULL) == US_OK); /* Closed with a tick under way. */
  us_close(stream);
}

static void refusals(us_client* client) {
  us_stream* stream = open_stream(client, 0);
  const us_answer* answer = NULL;
  const uint32_t bot = 1;
  float row[ROW_FLOATS];
  look(row, 2);
  us_spawn(stream, bot, 0, NULL);
  const float last = turn_after(stream, bot, 2);
  us_restyle(stream, bot, &(us_style){.name = "unheard of"});
  CHECK(us_tick(stream, &bot, 1, row, &answer) == US_GONE && error_has("unheard of"));
  CHECK(answer->late == US_LATE_GONE && turn_of(stream, answer, 0) == last);
  CHECK(us_submit(stream, &bot, 1, row, NULL) == US_OK && us_poll(stream, &answer) == US_GONE);
  CHECK(answer->late == US_LATE_GONE && turn_of(stream, answer, 0) == last);
  us_close(stream);
}

static void persons(us_client* client) {
  us_stream* stream = open_stream(client, 0);
  const us_answer* answer = NULL;
  const uint32_t bots[] = {1, 2};
  uint64_t action[3] = {0};
  float rows[2 * ROW_FLOATS];
  look(rows, 2), look(rows + ROW_FLOATS, 2);
  us_spawn(stream, 1, 0, NULL), us_spawn(stream, 2, 0, NULL);
  CHECK(us_record(stream, 3, NULL) == US_MISTAKE && us_played(stream, 3, action) == US_MISTAKE);
  CHECK(us_played(stream, 2, NULL) == US_MISTAKE && error_has("not NULL"));
  CHECK(us_played(stream, 2, action) == US_OK && us_played(stream, 2, action) == US_OK);
  CHECK(us_tick(stream, bots, 1, rows, &answer) == US_MISTAKE && error_has("plays bot 2, which is not in this tick"));
  CHECK(us_tick(stream, bots, 2, rows, &answer) == US_OK && answer->count == 2);
  CHECK(us_tick(stream, bots, 1, rows, &answer) == US_OK && answer->count == 1); /* Said for one tick only. */
  CHECK(us_record(stream, 1, NULL) == US_MISTAKE && error_has("not about to start"));
  us_spawn(stream, 1, 0, NULL);
  CHECK(us_record(stream, 1, &(us_record_info){.player = "ann"}) == US_OK);
  CHECK(us_tick(stream, bots, 1, rows, &answer) == US_GONE && error_has("records nothing"));
  us_close(stream);
}

static void* play_alone(void* client) {
  us_stream* stream = open_stream(client, 0);
  us_spawn(stream, 1, 0, NULL);
  for (int tick = 0; tick < 100; ++tick) CHECK(turn_after(stream, 1, 2) > 0);
  us_close(stream);
  return NULL;
}

static void threads(us_client* client) {
  pthread_t players[4];
  for (int each = 0; each < 4; ++each) CHECK(pthread_create(&players[each], NULL, play_alone, client) == 0);
  for (int each = 0; each < 4; ++each) CHECK(pthread_join(players[each], NULL) == 0);
}

int main(int argc, char** argv) {
  address = argc > 1 ? argv[1] : "127.0.0.1:50051";
  us_client* client = us_connect(address, NULL);
  CHECK(client != NULL);
  connecting();
  opening(client);
  layout(us_connect(address, NULL));
  mistakes(client);
  lives(client);
  in_flight(client);
  refusals(client);
  persons(client);
  threads(client);
  us_disconnect(client);
  puts("Every promise holds.");
  return 0;
}
