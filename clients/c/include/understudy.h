/* Bots that an Understudy server plays, for any engine that can load a C library.
 *
 *     us_client *client = us_connect("127.0.0.1:50051", NULL);
 *     us_stream *stream = us_open(client, "rusher", NULL);
 *     us_spawn(stream, 7, 1234, NULL);
 *     const us_answer *answer;
 *     us_tick(stream, bots, 1, observations, &answer);   // answer->actions: one row per bot
 *     us_close(stream);
 *     us_disconnect(client);
 *
 * Threads. A us_client may be used by many threads at once. A us_stream, and everything it returns, belongs to one
 * thread at a time: hand it from thread to thread as you like, but never call it from two at once. Different streams
 * are independent. No call takes a lock of ours, and no thread of ours exists; gRPC keeps a few helpers of its own.
 *
 * Memory. Strings go in as NUL-terminated UTF-8 and are copied. What comes out belongs to the library; each function
 * says how long it stays. A tick allocates nothing here once the stream is open: buffers for `max_bots` bots and
 * `max_in_flight` ticks are made by us_open. Only one that carries a spawn, a style, a saved state or a person's play
 * may. (gRPC itself allocates some small objects for each message: about seven a tick, measured with 1.51.)
 *
 * Errors. A function that fails returns NULL or a negative us_status, and us_last_error() then holds one sentence.
 * Nothing throws, aborts or prints.
 */
#ifndef UNDERSTUDY_H
#define UNDERSTUDY_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32) && defined(UNDERSTUDY_BUILD)
#define US_API __declspec(dllexport)
#elif defined(_WIN32)
#define US_API __declspec(dllimport)
#elif defined(UNDERSTUDY_BUILD)
#define US_API __attribute__((visibility("default")))
#else
#define US_API
#endif

/* Grows when a program built against an older header could no longer use the library. */
#define US_ABI_VERSION 1

/* Most dimensions of one sensor or action part. */
#define US_MAX_RANK 8

typedef struct us_client us_client; /* A connection; made by us_connect. */
typedef struct us_stream us_stream; /* The bots of one bundle; made by us_open. */

typedef enum us_status {
  US_OK = 0,       /* Done. */
  US_WAIT = 1,     /* us_poll: the oldest tick is not answered yet. us_submit: max_in_flight ticks are under way. */
  US_MISTAKE = -1, /* An argument is wrong. Nothing was sent or changed; the stream goes on. */
  US_GONE = -2     /* The server refused, ended or cannot be reached. The stream is over: each tick gives fallbacks. */
} us_status;

/* What a bot does when its answer is late. */
typedef enum us_fallback {
  US_FALLBACK_REPEAT = 0, /* The last action the game was given for it; zeros for a new bot. */
  US_FALLBACK_NOTHING = 1 /* Zeros in every part. */
} us_fallback;

/* Whether an answer holds decisions of the policy or fallbacks, and why; the same for all bots of a tick. */
typedef enum us_late {
  US_LATE_NO = 0,       /* Decisions. */
  US_LATE_BUDGET = 1,   /* The server's budget for the tick ran out. */
  US_LATE_OVERLOAD = 2, /* The server had too much to do. */
  US_LATE_CLIENT = 3,   /* No answer within patience_ms, so the library itself answered. */
  US_LATE_GONE = 4      /* There is no server any more, so the library itself answered. */
} us_late;

typedef enum us_dtype {
  US_FLOAT32 = 0,
  US_FLOAT64 = 1,
  US_INT8 = 2,
  US_UINT8 = 3,
  US_INT16 = 4,
  US_UINT16 = 5,
  US_INT32 = 6,
  US_UINT32 = 7,
  US_INT64 = 8,
  US_UINT64 = 9,
  US_BOOL = 10 /* One byte, 0 or 1. */
} us_dtype;

typedef enum us_kind {
  US_BOX = 0,         /* Numbers. Every sensor is one; an action part of this kind is float32. */
  US_DISCRETE = 1,    /* A choice from 0 to choices - 1, in one int64. */
  US_MULTI_BINARY = 2 /* `choices` buttons, one int8 each, 1 while held. */
} us_kind;

/* One sensor of an observation row, or one part of an action row. Lives as long as its stream. */
typedef struct us_field {
  const char* name;  /* As the spec has it, such as "rays". */
  const char* units; /* Such as "map units"; empty where values have none. */
  us_kind kind;
  us_dtype dtype;
  uint32_t rank;               /* Dimensions; 0 for a single number. */
  uint32_t shape[US_MAX_RANK]; /* Of one bot's value; the first `rank` are used. */
  uint32_t count;              /* Numbers in one bot's value: the product of the shape. */
  uint32_t bytes;              /* count times the size of the dtype. */
  uint32_t offset;             /* Bytes from the start of a bot's row. Aligned for the dtype. */
  uint32_t choices;            /* Of a US_DISCRETE or US_MULTI_BINARY part; else 0. */
  const char* const* labels;   /* A word for each choice, button or number; NULL if the spec names none. */
  const char* computed_json;   /* How the sensor is computed, in JSON; "{}" if the spec does not say. */
} us_field;

/* The rays of a sensor that is a ray fan. Lives as long as its stream.
 * The sensor is float32 of shape (count, 1 + num_types): the distance in [0, reach], then 1 for the type that was hit
 * and 0 for the others. A ray that hits nothing reads `reach` and zeros. */
typedef struct us_rays {
  uint32_t count;
  uint32_t num_types;
  const double* angles;     /* Degrees from the bot's heading, positive to the right; `count` of them. */
  double reach;             /* In the field's units. */
  const char* const* types; /* What a ray can hit, such as "wall"; `num_types` of them. */
} us_rays;

/* How to connect. Zeros and NULLs are the defaults: neither encryption nor a token, for a server on this machine. */
typedef struct us_connect_options {
  size_t size;          /* sizeof(us_connect_options). */
  const char* token;    /* Sent as `authorization: Bearer TOKEN`; NULL for none. */
  const char* root_pem; /* Certificates that the server's must go back to, in PEM (the text, not a path). Turns TLS on;
                           "" does so with gRPC's own. NULL: no encryption. */
  const char* cert_pem; /* The client's own certificate, for mutual TLS; NULL for none. */
  const char* key_pem;  /* Its key. */
  const char* server_name; /* The name in the server's certificate, if it is not the address; NULL if it is. */
} us_connect_options;

/* How to open a stream. Zeros and NULLs are the defaults. */
typedef struct us_open_options {
  size_t size;           /* sizeof(us_open_options). */
  const char* spec_json; /* The game's spec: the server refuses a bundle that cannot play it. NULL to not compare. */
  const char* resume;    /* The lease (us_lease) of a stream that was cut off, to have its bots back; NULL for none. */
  us_fallback fallback;  /* The server's and the library's. */
  uint32_t budget_us;    /* Microseconds the server may take for a tick, from reading it; 0: no hurry. */
  uint32_t patience_ms;  /* Milliseconds from us_submit until the library answers by itself; 0: wait for ever.
                            Choose it above the budget and the way there and back. gRPC's clock ticks in
                            milliseconds: the wait may be one longer. */
  uint32_t open_timeout_ms; /* How long us_open waits for a server to be there and answer; 0: 10,000. */
  uint32_t max_bots;        /* Living bots at once; 0: 256. Buffers are made for as many. */
  uint32_t max_in_flight;   /* Ticks submitted and not yet answered; 0: 4. */
  uint32_t spin_us;         /* Microseconds for which a wait keeps asking before it sleeps; 0: sleep at once.
                               Burns a core for that long to save the time of waking up. */
} us_open_options;

/* How a bot plays, for bundles that take a style: by name, or as numbers. */
typedef struct us_style {
  const char* name;    /* One of the bundle's styles; NULL to give numbers. */
  const float* vector; /* us_style_size() numbers. */
  uint32_t count;      /* How many there are. */
} us_style;

/* What a recording says of itself. NULL or "" where not known. */
typedef struct us_record_info {
  const char* player; /* Who plays; the server keeps only a keyed hash. */
  const char* game;   /* Default: the behaviour's name. */
  const char* build;
  const char* map;
} us_record_info;

/* The state of a bot after a tick, asked for with us_save. */
typedef struct us_saved {
  uint32_t bot;
  const void* state; /* For us_spawn_saved, in this process or another. */
  size_t size;       /* Bytes of it. */
} us_saved;

/* The answer to one tick. Stays until the next us_submit, us_poll, us_wait, us_tick or us_close of its stream. */
typedef struct us_answer {
  uint64_t tick; /* The number that us_submit gave it; counts from 0. */
  us_late late;
  uint32_t count;         /* Bots. */
  const uint32_t* bots;   /* In the order they were submitted. */
  const uint8_t* actions; /* `count` rows of us_action_bytes(), in that order; each aligned to 8 bytes. */
  uint32_t num_saved;
  const us_saved* saved; /* One per us_save that came with this tick; none in a fallback of the library. */
} us_answer;

/* The library's US_ABI_VERSION; compare it with the header's before anything else if the library is loaded by hand. */
US_API int us_abi_version(void);

/* The sentence about the last call that failed in this thread; "" if none did. Stays until the next failing call. */
US_API const char* us_last_error(void);

/* Name a server, `host:port`. Does not wait: a missing server shows in us_open. NULL if the address or options are
 * wrong. */
US_API us_client* us_connect(const char* address, const us_connect_options* options);

/* Free a client. Its streams go on until they are closed. NULL does nothing. */
US_API void us_disconnect(us_client* client);

/* Open a bundle by name (NULL or "" if the server plays just one). Blocks until the server answers or the open
 * timeout is over, so call it from a loading screen or a thread of yours. NULL if it failed. */
US_API us_stream* us_open(us_client* client, const char* bundle, const us_open_options* options);

/* End the stream and its bots, and free it. Waits at most 0.2 s for the server to take note. NULL does nothing. */
US_API void us_close(us_stream* stream);

/* --- What was opened. These strings and fields live as long as the stream. --- */

US_API const char* us_bundle(const us_stream* stream);    /* Its name. */
US_API const char* us_digest(const us_stream* stream);    /* SHA-256 of its graph, in hexadecimal. */
US_API const char* us_spec_json(const us_stream* stream); /* Its BehaviorSpec, canonical JSON. */
US_API double us_decision_hz(const us_stream* stream);    /* Decisions a second of game time that it was made for. */
US_API uint32_t us_style_size(const us_stream* stream);   /* Numbers in a style; 0 if it takes none. */
US_API const char* us_lease(const us_stream* stream);     /* For us_open_options.resume. A secret. */
US_API float us_grace_s(const us_stream* stream);         /* How long the bots wait for you after a cut. */

/* The bots that `resume` brought back: points `*bots` at them and returns how many. They live; do not spawn them. */
US_API uint32_t us_resumed(const us_stream* stream, const uint32_t** bots);

/* How many of their ticks the server had answered before the cut: those after it are lost, and may be asked again. */
US_API uint64_t us_resumed_ticks(const us_stream* stream);

US_API uint32_t us_num_sensors(const us_stream* stream);
US_API uint32_t us_num_actions(const us_stream* stream);
US_API const us_field* us_sensor(const us_stream* stream, uint32_t index);        /* NULL beyond the last. */
US_API const us_field* us_action(const us_stream* stream, uint32_t index);        /* NULL beyond the last. */
US_API const us_field* us_find_sensor(const us_stream* stream, const char* name); /* NULL, and the error names all. */
US_API const us_field* us_find_action(const us_stream* stream, const char* name); /* NULL, and the error names all. */
US_API const us_rays* us_sensor_rays(const us_stream* stream, uint32_t index);    /* NULL if it is no ray fan. */

/* Bytes of one bot's observation: every sensor at its offset, the whole rounded up to a multiple of 8. */
US_API uint32_t us_observation_bytes(const us_stream* stream);

/* Bytes of one bot's action: every part at its offset, the whole rounded up to a multiple of 8. */
US_API uint32_t us_action_bytes(const us_stream* stream);

/* --- Bots. These take effect with the next tick that is sent: despawns first, then spawns, then styles. --- */

/* Start `bot` (your own number for it) afresh, its noise from `seed`. `style` may be NULL. A living bot restarts. */
US_API us_status us_spawn(us_stream* stream, uint32_t bot, uint64_t seed, const us_style* style);

/* Start `bot` where a saved one stopped. */
US_API us_status us_spawn_saved(us_stream* stream, uint32_t bot, const void* state, size_t size);

/* End `bot`. */
US_API us_status us_despawn(us_stream* stream, uint32_t bot);

/* Give a living bot another style. */
US_API us_status us_restyle(us_stream* stream, uint32_t bot, const us_style* style);

/* Have the next answer hold the state of `bot` after that tick. */
US_API us_status us_save(us_stream* stream, uint32_t bot);

/* --- Recordings, on a server that was started with a folder for them. --- */

/* Have the server write what `bot` sees and does as a recording, until it ends. Between its us_spawn and the next tick.
 */
US_API us_status us_record(us_stream* stream, uint32_t bot, const us_record_info* info);

/* Say what a person, who has the controls of `bot`, does in the next tick: `action` is a row of us_action_bytes(),
 * copied. The bot must be in that tick; its policy answers all the same, so that it can take the controls back at any
 * time, and a recording holds both. Call it before each tick in which the person plays. */
US_API us_status us_played(us_stream* stream, uint32_t bot, const void* action);

/* --- Ticks. --- */

/* Send one tick and return at once.
 *   bots          Who decides now; each living, and at most once.
 *   count         How many; 0 is allowed, to send spawns and despawns alone.
 *   observations  `count` rows of us_observation_bytes(), in the order of `bots`. Every number finite. Copied.
 *   tick          Gets the tick's number; may be NULL.
 * US_WAIT: max_in_flight ticks are under way; nothing was sent: poll first, or let the bots do what they did. */
US_API us_status us_submit(us_stream* stream, const uint32_t* bots, uint32_t count, const void* observations,
                           uint64_t* tick);

/* The answer to the oldest submitted tick if it is there, without waiting. US_WAIT if it is not; US_MISTAKE if no tick
 * is under way. With US_GONE `*answer` holds fallbacks. */
US_API us_status us_poll(us_stream* stream, const us_answer** answer);

/* The same, but waits for the answer (or the end of patience_ms). Never returns US_WAIT. */
US_API us_status us_wait(us_stream* stream, const us_answer** answer);

/* Submit and wait. With patience_ms set it always gives an action: if a stalled server leaves no room for another tick,
 * nothing is sent and `*answer` holds fallbacks at once. No tick may be under way from us_submit. */
US_API us_status us_tick(us_stream* stream, const uint32_t* bots, uint32_t count, const void* observations,
                         const us_answer** answer);

#ifdef __cplusplus
}
#endif

#endif
