/* How long a tick takes there and back, as the game sees it.
 *
 *     latency ADDRESS [--bundle NAME] [--bots 64] [--ticks 5000] [--warmup 200] [--in-flight 1] [--spin US] [--hz RATE]
 *
 * Prints one JSON object, times in microseconds. With --in-flight above 1 a time is from us_submit to the answer, other
 * ticks being under way. With --hz ticks start at that rate, as a game's do; without, each starts when one ends. */
#define _POSIX_C_SOURCE 200809L
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "understudy.h"

typedef struct settings {
  const char *address, *bundle;
  uint32_t bots, ticks, warmup, in_flight, spin_us, hz;
} settings;

static double now_us(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e6 + (double)time.tv_nsec * 1e-3;
}

static void sleep_until(double moment_us) {
  const struct timespec time = {(time_t)(moment_us / 1e6), (long)((moment_us - 1e6 * (time_t)(moment_us / 1e6)) * 1e3)};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
}

static int ascending(const void* left, const void* right) {
  const double a = *(const double*)left, b = *(const double*)right;
  return (a > b) - (a < b);
}

/* Times of every tick after the warm-up; the number of late answers, or -1 if a call failed. */
static long measure(us_stream* stream, const settings* set, double* times) {
  const uint32_t all = set->warmup + set->ticks;
  uint32_t* bots = calloc(set->bots, sizeof *bots);
  unsigned char* observations = calloc(set->bots, us_observation_bytes(stream));
  double* began = calloc(all, sizeof *began);
  long late = 0;
  us_status status = US_OK;
  for (uint32_t bot = 0; bot < set->bots; ++bot) {
    bots[bot] = bot;
    if (us_spawn(stream, bot, bot, NULL) != US_OK) status = US_MISTAKE;
  }
  const double start = now_us();
  for (uint32_t sent = 0, done = 0; done < all && status == US_OK;) {
    while (sent < all && sent - done < set->in_flight && status == US_OK) {
      if (set->hz > 0) sleep_until(start + 1e6 * sent / set->hz);
      began[sent++] = now_us();
      status = us_submit(stream, bots, set->bots, observations, NULL);
    }
    const us_answer* answer = NULL;
    if (status == US_OK) status = us_wait(stream, &answer);
    if (status == US_OK && done >= set->warmup) {
      times[done - set->warmup] = now_us() - began[done];
      late += answer->late != US_LATE_NO;
    }
    ++done;
  }
  free(bots);
  free(observations);
  free(began);
  return status == US_OK ? late : -1;
}

static void print(us_stream* stream, const settings* set, double* times, long late, double seconds) {
  const uint32_t n = set->ticks;
  double sum = 0;
  for (uint32_t tick = 0; tick < n; ++tick) sum += times[tick];
  qsort(times, n, sizeof *times, ascending);
  printf(
      "{\"bundle\": \"%s\", \"bots\": %u, \"sensor_bytes\": %u, \"action_bytes\": %u, \"in_flight\": %u, "
      "\"spin_us\": %u, \"hz\": %u, \"ticks\": %u, \"late\": %ld, \"decisions_per_s\": %.0f, \"mean_us\": %.1f, "
      "\"min_us\": %.1f, \"p50_us\": %.1f, \"p90_us\": %.1f, \"p99_us\": %.1f, \"max_us\": %.1f}\n",
      us_bundle(stream), set->bots, us_observation_bytes(stream), us_action_bytes(stream), set->in_flight, set->spin_us,
      set->hz, n, late, (double)(set->warmup + n) * set->bots / seconds, sum / n, times[0], times[n / 2],
      times[n * 9ull / 10], times[n * 99ull / 100], times[n - 1]);
}

static settings parse(int argc, char** argv) {
  settings set = {argc > 1 ? argv[1] : "127.0.0.1:50051", "", 64, 5000, 200, 1, 0, 0};
  struct {
    const char* flag;
    uint32_t* number;
  } numbers[] = {
      {"--bots", &set.bots},           {"--ticks", &set.ticks},  {"--warmup", &set.warmup},
      {"--in-flight", &set.in_flight}, {"--spin", &set.spin_us}, {"--hz", &set.hz},
  };
  for (int index = 2; index + 1 < argc; index += 2) {
    if (strcmp(argv[index], "--bundle") == 0) set.bundle = argv[index + 1];
    for (size_t each = 0; each < sizeof numbers / sizeof numbers[0]; ++each)
      if (strcmp(argv[index], numbers[each].flag) == 0) *numbers[each].number = (uint32_t)atoi(argv[index + 1]);
  }
  return set;
}

int main(int argc, char** argv) {
  const settings set = parse(argc, argv);
  const us_open_options options = {
      .size = sizeof options, .max_bots = set.bots, .max_in_flight = set.in_flight, .spin_us = set.spin_us};
  us_client* client = us_connect(set.address, NULL);
  us_stream* stream = us_open(client, set.bundle, &options);
  double* times = calloc(set.ticks, sizeof *times);
  long late = -1;
  if (stream != NULL && times != NULL) {
    const double start = now_us();
    late = measure(stream, &set, times);
    if (late >= 0) print(stream, &set, times, late, (now_us() - start) / 1e6);
  }
  if (late < 0) fprintf(stderr, "%s\n", us_last_error());
  free(times);
  us_close(stream);
  us_disconnect(client);
  return late < 0;
}
