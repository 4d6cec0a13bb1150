/* Counts who allocates during ticks: this library, or gRPC and protobuf below it.
 *
 *     allocations ADDRESS [TICKS]
 *
 * Prints "ours N others M" for so many ticks after a warm-up. Takes the place of malloc and operator new; a call counts
 * as ours if the code that makes it lies in libunderstudy (which includes what gRPC's headers compile into it). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "understudy.h"

extern void* __libc_malloc(size_t size);

enum { BOTS = 64, WARM_UP = 200 };

static int counting;
static long ours, others;
static void* library;

static void count(void* caller) {
  Dl_info info;
  if (!__atomic_load_n(&counting, __ATOMIC_RELAXED)) return;
  const int inside = dladdr(caller, &info) != 0 && info.dli_fbase == library;
  __atomic_add_fetch(inside ? &ours : &others, 1, __ATOMIC_RELAXED);
}

void* malloc(size_t size) {
  count(__builtin_return_address(0));
  return __libc_malloc(size);
}

/* operator new(size_t), which libunderstudy then finds here first. */
void* _Znwm(size_t size);
void* _Znwm(size_t size) {
  count(__builtin_return_address(0));
  return __libc_malloc(size);
}

static int play(us_stream* stream, int ticks) {
  uint32_t bots[BOTS];
  unsigned char* observations = calloc(BOTS, us_observation_bytes(stream));
  const us_answer* answer = NULL;
  us_status status = US_OK;
  for (uint32_t bot = 0; bot < BOTS; ++bot) us_spawn(stream, bots[bot] = bot, bot, NULL);
  for (int tick = 0; tick < WARM_UP + ticks && status == US_OK; ++tick) {
    __atomic_store_n(&counting, tick >= WARM_UP, __ATOMIC_RELAXED);
    status = us_tick(stream, bots, BOTS, observations, &answer);
  }
  __atomic_store_n(&counting, 0, __ATOMIC_RELAXED);
  free(observations);
  return status != US_OK;
}

int main(int argc, char** argv) {
  Dl_info info;
  us_client* client = us_connect(argc > 1 ? argv[1] : "127.0.0.1:50051", NULL);
  us_stream* stream = us_open(client, NULL, NULL);
  int failed = stream == NULL || dladdr(dlsym(RTLD_DEFAULT, "us_tick"), &info) == 0;
  if (!failed) {
    library = info.dli_fbase;
    failed = play(stream, argc > 2 ? atoi(argv[2]) : 1000);
  }
  if (failed)
    fprintf(stderr, "%s\n", us_last_error());
  else
    printf("ours %ld others %ld\n", ours, others);
  us_close(stream);
  us_disconnect(client);
  return failed;
}
