// Moves octets between pairs of connected TCP sockets with splice(2), in threads of its own. Knows nothing of Node: the
// addon (addon.c) and the harness (test/native) are its two users.
#pragma once
#include <stddef.h>
#include <stdint.h>
typedef struct relay_engine relay_engine;
typedef struct relay_flow relay_flow;     // One bytestream. Held until relay_release(), which may come after relay_stop().
typedef struct relay_bucket relay_bucket; // Octets a second, for all flows and buckets below it. Held in the same way.
// Properly from both sides, or broken off, which both sides then see as a reset.
typedef enum { RELAY_END = 0, RELAY_RESET = 1, RELAY_ABORTED = 2 } relay_ending;
// Pipes open at once, in all threads together; where none is left, octets are copied.
typedef struct { unsigned threads, pipes_max; } relay_settings;
typedef struct { const void *octets; size_t length; } relay_early;
typedef struct {
  relay_early early[2]; // What was read from each side before; copied.
  relay_bucket *bucket; // Or NULL: no limit. Flows with one are moved by the first thread.
  void *tag;
} relay_options;
// Called once for each flow, by the thread that moved it, after both its sockets are closed.
typedef void (*relay_done)(void *context, void *tag, relay_ending ending);
relay_engine *relay_start(const relay_settings *settings, relay_done done, void *context); // NULL, with errno set: it cannot.
void relay_stop(relay_engine *engine); // Breaks off whatever runs: `done` has been called for each flow when it returns.
// Takes over two non-blocking sockets: the engine closes them, also when it returns NULL (out of memory).
relay_flow *relay_add(relay_engine *engine, int first, int second, const relay_options *options);
void relay_abort(relay_flow *flow); // Breaks it off unless it is over: any number of times, in any thread.
void relay_bound(relay_flow *flow, int buffer_bytes); // For what each socket has to send; what it receives into stays as it is.
uint64_t relay_moved(const relay_flow *flow, int side); // Octets taken from the first side (0) or the second (1) so far.
void relay_release(relay_flow *flow);
// 0 octets a second: no limit of its own. NULL when out of memory.
relay_bucket *relay_bucket_new(relay_engine *engine, uint64_t bytes_per_second, relay_bucket *parent);
void relay_bucket_change(relay_bucket *bucket, uint64_t bytes_per_second); // Loses nothing; holds from the next tick on.
void relay_bucket_release(relay_bucket *bucket);
