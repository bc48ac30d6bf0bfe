// Goal: whatever both ends of a bytestream do, in whatever order, each sees the octets of the other, and its end.
// Method: plans drawn from a seed, played on real sockets by one thread, while the engine relays between them in its own.
//
// harness fuzz FIRST_SEED SEEDS | leaks BYTESTREAMS | rates | urgent | stop | faults
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../../src/native/relay.h"

#define FLOWS 24
#define PATTERN_BYTES 65521
#define CHUNK_BYTES (64 * 1024)
#define STILL_MS_MAX 30000

static const char *doing = "nothing";
static uint64_t seed;

static void fail(int line, const char *what) {
  fprintf(stderr, "%s, seed %llu, line %d: %s (errno: %s)\n", doing, (unsigned long long)seed, line, what, strerror(errno));
  exit(1);
}

static void check_at(int line, bool holds, const char *what) {
  if (!holds) fail(line, what);
}

#define check(condition) check_at(__LINE__, (condition), #condition)

static uint64_t random_state;

static uint64_t draw(uint64_t below) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return (random_state * 0x2545F4914F6CDD1DULL >> 20) % below;
}

static uint64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int open_descriptors(void) {
  int count = 0;
  DIR *folder = opendir("/proc/self/fd");
  check(folder != NULL);
  while (readdir(folder)) count++;
  closedir(folder);
  return count;
}

// --- sockets and octets

static void connected_pair(int ends[2]) {
  static int listener = -1;
  static struct sockaddr_in address;
  if (listener < 0) {
    address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 16) == 0);
    check(getsockname(listener, (struct sockaddr *)&address, &length) == 0);
  }
  ends[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  check(connect(ends[0], (struct sockaddr *)&address, sizeof address) == 0);
  ends[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  check(ends[1] >= 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
}

static unsigned char pattern[PATTERN_BYTES + CHUNK_BYTES];

static void make_pattern(void) {
  random_state = 88172645463325252ULL;
  for (size_t index = 0; index < sizeof pattern; index++) {
    pattern[index] = index < PATTERN_BYTES ? (unsigned char)draw(256) : pattern[index - PATTERN_BYTES];
  }
}

// --- one bytestream and what both its ends mean to do

typedef enum { ENDS, RESETS, ENDS_AND_RESETS, WAITS } last_act;

typedef struct {
  struct bytestream *of;
  int socket;
  uint64_t key, to_send, sent, received;
  uint64_t reads_until; // It does not read on before it has sent everything.
  last_act last;
  size_t chunk;
  bool has_shut, saw_end, saw_reset, is_closed;
} end;

typedef struct bytestream {
  end ends[2];
  relay_flow *flow;
  int64_t abort_after; // Turns; -1: never.
  uint64_t early[2];
  atomic_int ending; // -1 while it runs.
  atomic_int calls;
} bytestream;

static bool is_over(const bytestream *stream) {
  return stream->ends[0].is_closed && stream->ends[1].is_closed && atomic_load(&stream->ending) >= 0;
}

static void done(void *context, void *tag, relay_ending ending) {
  bytestream *stream = tag;
  atomic_fetch_add((atomic_int *)context, 1);
  atomic_fetch_add(&stream->calls, 1);
  atomic_store(&stream->ending, (int)ending);
}

static void close_end(end *self) {
  close(self->socket);
  self->is_closed = true;
}

static void reset_end(end *self) {
  const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
  setsockopt(self->socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close_end(self);
}

static void was_reset(end *self) {
  check(errno == ECONNRESET || errno == EPIPE);
  self->saw_reset = true;
  close_end(self);
}

static bool send_some(end *self) {
  uint64_t left = self->to_send - self->sent;
  size_t length = left < self->chunk ? (size_t)left : self->chunk;
  ssize_t sent = send(self->socket, pattern + (self->sent + self->key) % PATTERN_BYTES, length, MSG_NOSIGNAL);
  if (sent < 0 && errno == EAGAIN) return false;
  if (sent < 0) return was_reset(self), true;
  self->sent += (uint64_t)sent;
  return true;
}

static bool receive_some(end *self) {
  static unsigned char octets[CHUNK_BYTES];
  const end *peer = &self->of->ends[self == &self->of->ends[0]];
  ssize_t got = recv(self->socket, octets, self->chunk, 0);
  if (got < 0 && errno == EAGAIN) return false;
  if (got < 0) return was_reset(self), true;
  self->saw_end |= got == 0;
  check(memcmp(octets, pattern + (self->received + peer->key) % PATTERN_BYTES, (size_t)got) == 0);
  self->received += (uint64_t)got;
  check(self->received <= peer->sent);
  // An end is what the other side meant: it sent everything and ended.
  if (got == 0) check(peer->has_shut && self->received == peer->sent);
  return true;
}

static bool failed(end *self) {
  int error = 0;
  socklen_t length = sizeof error;
  check(getsockopt(self->socket, SOL_SOCKET, SO_ERROR, &error, &length) == 0);
  errno = error;
  return error != 0;
}

// Does what it can do now. Returns whether it did anything.
static bool act(end *self) {
  if (self->is_closed) return false;
  bool is_sent = self->sent == self->to_send;
  bool did = !is_sent && send_some(self);
  if (self->is_closed) return true;
  if (!self->saw_end && (is_sent || self->received < self->reads_until)) did |= receive_some(self);
  if (self->is_closed) return true;
  is_sent = self->sent == self->to_send;
  if (is_sent && self->last == RESETS) return reset_end(self), true;
  if (is_sent && !self->has_shut && self->last != WAITS) {
    check(shutdown(self->socket, SHUT_WR) == 0 || errno == ENOTCONN);
    self->has_shut = did = true;
    if (self->last == ENDS_AND_RESETS) return reset_end(self), true;
  }
  if (self->saw_end && self->has_shut) return close_end(self), true;
  // Nothing more can come: a reset shows in the error alone.
  if (self->saw_end && failed(self)) return was_reset(self), true;
  return did;
}

static bool is_broken_off(const bytestream *stream) {
  return stream->ends[0].last != ENDS || stream->ends[1].last != ENDS;
}

static uint64_t some_octets(void) {
  const uint64_t most[] = {1, 100, 5000, 70000, 300000, 3000000};
  return draw(most[draw(6)]);
}

static void plan(bytestream *stream) {
  for (int index = 0; index < 2; index++) {
    const size_t chunks[] = {1 + (size_t)draw(600), 4096, 16384, CHUNK_BYTES};
    end *each = &stream->ends[index];
    *each = (end){.of = stream, .key = draw(PATTERN_BYTES), .to_send = some_octets(), .last = ENDS, .chunk = chunks[draw(4)]};
    if (each->chunk < 1000) each->to_send %= 20000;
    each->reads_until = draw(2) ? UINT64_MAX : draw(50000);
  }
  // If both held back until they have sent everything, neither would.
  stream->ends[draw(2)].reads_until = UINT64_MAX;
  stream->abort_after = -1;
  const uint64_t fate = draw(10);
  if (fate >= 6) stream->ends[draw(2)].last = WAITS;
  end *breaker = &stream->ends[stream->ends[0].last == WAITS];
  if (fate >= 6 && fate < 8) breaker->last = fate == 6 ? RESETS : ENDS_AND_RESETS;
  if (fate >= 8) stream->abort_after = (int64_t)draw(60);
}

// What was read before the hand-over, as whoever accepted the connection does it.
static size_t read_ahead(end *self, int accepted, unsigned char *octets) {
  if (draw(3) > 0) return 0;
  size_t most = (size_t)draw(self->to_send + 1) % 40000;
  while (self->sent < most && send_some(self)) {}
  ssize_t got = recv(accepted, octets, CHUNK_BYTES, 0);
  return got > 0 ? (size_t)got : 0;
}

static void begin(bytestream *stream, relay_engine *engine, relay_bucket *bucket) {
  static unsigned char octets[2][CHUNK_BYTES];
  relay_options options = {.bucket = draw(2) ? bucket : NULL, .buffer_bytes = draw(3) ? 0 : 65536, .tag = stream};
  int accepted[2];
  plan(stream);
  atomic_init(&stream->ending, -1);
  atomic_init(&stream->calls, 0);
  for (int index = 0; index < 2; index++) {
    int ends[2];
    connected_pair(ends);
    stream->ends[index].socket = ends[0];
    accepted[index] = ends[1];
    stream->early[index] = read_ahead(&stream->ends[index], ends[1], octets[index]);
    options.early[index] = (relay_early){octets[index], (size_t)stream->early[index]};
  }
  stream->flow = relay_add(engine, accepted[0], accepted[1], &options);
  check(stream->flow != NULL);
}

static void verify(bytestream *stream) {
  const end *ends = stream->ends;
  int ending = atomic_load(&stream->ending);
  check(atomic_load(&stream->calls) == 1);
  for (int index = 0; index < 2; index++) {
    uint64_t moved = relay_moved(stream->flow, index);
    check(moved <= ends[index].sent && moved >= ends[1 - index].received);
    if (ending == RELAY_END) check(moved == ends[index].sent);
  }
  if (!is_broken_off(stream)) {
    check(ending == RELAY_END);
    check(!ends[0].saw_reset && !ends[1].saw_reset);
    check(ends[0].received == ends[1].sent && ends[1].received == ends[0].sent);
    return;
  }
  check(ending == (stream->abort_after >= 0 ? RELAY_ABORTED : RELAY_RESET));
  for (int index = 0; index < 2; index++) check(ends[index].saw_reset || ends[index].last == RESETS || ends[index].last == ENDS_AND_RESETS);
}

static void play(bytestream *streams, int count) {
  for (uint64_t last_move = now_ms();;) {
    bool is_any_left = false, did_any = false;
    for (int index = 0; index < count; index++) {
      bytestream *stream = &streams[index];
      if (is_over(stream)) continue;
      is_any_left = true;
      did_any |= act(&stream->ends[0]);
      did_any |= act(&stream->ends[1]);
      if (stream->abort_after == 0) relay_abort(stream->flow);
      if (stream->abort_after == 0 && draw(2)) relay_abort(stream->flow);
      if (stream->abort_after > 0) stream->abort_after--;
    }
    if (!is_any_left) return;
    if (did_any) last_move = now_ms();
    else poll(NULL, 0, 1);
    check(now_ms() - last_move < STILL_MS_MAX);
  }
}

static void fuzz(uint64_t first, uint64_t seeds) {
  static bytestream streams[FLOWS];
  for (seed = first; seed < first + seeds; seed++) {
    random_state = seed * 0x9E3779B97F4A7C15ULL + 1;
    atomic_int ended = 0;
    const unsigned pipes[] = {0, 1, 5, 10000};
    const relay_settings settings = {.threads = 1 + (unsigned)draw(3), .pipes_max = pipes[draw(4)]};
    relay_engine *engine = relay_start(&settings, done, &ended);
    check(engine != NULL);
    relay_bucket *all = relay_bucket_new(engine, draw(2) ? 0 : 200000000, NULL);
    relay_bucket *bucket = relay_bucket_new(engine, draw(2) ? 0 : 100000000, all);
    check(all != NULL && bucket != NULL);
    int count = 1 + (int)draw(FLOWS);
    for (int index = 0; index < count; index++) begin(&streams[index], engine, bucket);
    relay_bucket_change(bucket, 50000000 + draw(100000000));
    play(streams, count);
    for (int index = 0; index < count; index++) {
      verify(&streams[index]);
      if (draw(2)) relay_abort(streams[index].flow);
      if (draw(2)) relay_release(streams[index].flow);
      else streams[index].abort_after = -2;
    }
    check(atomic_load(&ended) == count);
    relay_stop(engine);
    for (int index = 0; index < count; index++) {
      if (streams[index].abort_after != -2) continue;
      relay_abort(streams[index].flow);
      relay_release(streams[index].flow);
    }
    relay_bucket_change(bucket, 1);
    relay_bucket_release(all);
    relay_bucket_release(bucket);
  }
}

int main(int count, char **arguments) {
  make_pattern();
  check(count > 1);
  doing = arguments[1];
  connected_pair((int[2]){0, 0});
  int before = open_descriptors();
  if (strcmp(doing, "fuzz") == 0) fuzz(strtoull(arguments[2], NULL, 10), strtoull(arguments[3], NULL, 10));
  else check(!"known");
  check(open_descriptors() == before);
  printf("%s: well\n", doing);
  return 0;
}
