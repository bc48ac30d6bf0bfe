// Goal: whatever both ends of a bytestream do, in whatever order, each sees the octets of the other, and its end.
// Method: plans drawn from a seed, played on real sockets by one thread, while the engine relays between them in its own.
//
// harness fuzz FIRST_SEED SEEDS | stop FIRST_SEED SEEDS | faults FIRST_SEED SEEDS | leaks BYTESTREAMS GROWTH_KIB_MAX | rates | turns | urgent
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
  atomic_fetch_add(&stream->calls, 1);
  atomic_store(&stream->ending, (int)ending);
  // Last: whoever has seen all ends looks at what was told of each.
  atomic_fetch_add((atomic_int *)context, 1);
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
  relay_options options = {.bucket = draw(2) ? bucket : NULL, .tag = stream};
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

// Until all are over, or for so many turns.
static void play(bytestream *streams, int count, uint64_t turns) {
  for (uint64_t last_move = now_ms(); turns > 0; turns--) {
    bool is_any_left = false, did_any = false;
    for (int index = 0; index < count; index++) {
      bytestream *stream = &streams[index];
      if (is_over(stream)) continue;
      is_any_left = true;
      did_any |= act(&stream->ends[0]);
      did_any |= act(&stream->ends[1]);
      if (draw(64) == 0) relay_bound(stream->flow, 65536);
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
    for (int index = 0; index < count; index++) {
      begin(&streams[index], engine, bucket);
      check(streams[index].flow != NULL);
    }
    relay_bucket_change(bucket, 50000000 + draw(100000000));
    play(streams, count, UINT64_MAX);
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

// Stopped at any moment: each is told its end once, and nobody takes what came for all there is.
static void stop(uint64_t first, uint64_t seeds) {
  static bytestream streams[FLOWS];
  for (seed = first; seed < first + seeds; seed++) {
    random_state = seed * 0x9E3779B97F4A7C15ULL + 1;
    atomic_int ended = 0;
    const relay_settings settings = {.threads = 1 + (unsigned)draw(3), .pipes_max = 10000};
    relay_engine *engine = relay_start(&settings, done, &ended);
    check(engine != NULL);
    relay_bucket *bucket = relay_bucket_new(engine, 1 + draw(1000000), NULL);
    check(bucket != NULL);
    const int count = 1 + (int)draw(FLOWS);
    for (int index = 0; index < count; index++) begin(&streams[index], engine, bucket);
    play(streams, count, draw(30));
    relay_stop(engine);
    check(atomic_load(&ended) == count);
    play(streams, count, UINT64_MAX);
    for (int index = 0; index < count; index++) {
      check(atomic_load(&streams[index].calls) == 1);
      relay_release(streams[index].flow);
    }
    relay_bucket_release(bucket);
  }
}

// --- what the system refuses, one time in so many; the linker leads these calls here

static _Atomic uint64_t refuses_one_in;

static bool is_refused(int error) {
  static _Thread_local uint64_t state;
  const uint64_t one_in = refuses_one_in; // Another thread may be setting it to 0.
  if (one_in == 0) return false;
  if (state == 0) state = seed * 0x9E3779B97F4A7C15ULL + (uint64_t)(uintptr_t)&state;
  state = state * 6364136223846793005ULL + 1442695040888963407ULL;
  if ((state >> 33) % one_in > 0) return false;
  errno = error;
  return true;
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size) { return is_refused(ENOMEM) ? NULL : __real_calloc(count, size); }

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size) { return is_refused(ENOMEM) ? NULL : __real_malloc(size); }

int __real_pipe2(int ends[2], int flags);
int __wrap_pipe2(int ends[2], int flags);
int __wrap_pipe2(int ends[2], int flags) { return is_refused(EMFILE) ? -1 : __real_pipe2(ends, flags); }

int __real_eventfd(unsigned value, int flags);
int __wrap_eventfd(unsigned value, int flags);
int __wrap_eventfd(unsigned value, int flags) { return is_refused(ENFILE) ? -1 : __real_eventfd(value, flags); }

int __real_epoll_create1(int flags);
int __wrap_epoll_create1(int flags);
int __wrap_epoll_create1(int flags) { return is_refused(EMFILE) ? -1 : __real_epoll_create1(flags); }

int __real_epoll_ctl(int epoll, int operation, int descriptor, struct epoll_event *event);
int __wrap_epoll_ctl(int epoll, int operation, int descriptor, struct epoll_event *event);
int __wrap_epoll_ctl(int epoll, int operation, int descriptor, struct epoll_event *event) {
  return operation == EPOLL_CTL_ADD && is_refused(ENOSPC) ? -1 : __real_epoll_ctl(epoll, operation, descriptor, event);
}

static void (*on_splice)(int from, int to);

ssize_t __real_splice(int from, off_t *from_offset, int to, off_t *to_offset, size_t length, unsigned flags);
ssize_t __wrap_splice(int from, off_t *from_offset, int to, off_t *to_offset, size_t length, unsigned flags);
ssize_t __wrap_splice(int from, off_t *from_offset, int to, off_t *to_offset, size_t length, unsigned flags) {
  if (on_splice) on_splice(from, to);
  return from < 0 && is_refused(EPERM) ? -1 : __real_splice(from, from_offset, to, to_offset, length, flags);
}

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument) {
  return is_refused(EAGAIN) ? EAGAIN : __real_pthread_create(thread, attributes, run, argument);
}

// Whatever is refused, nothing is lost track of: who is not taken on is told so, and who is, has one end.
static void faults(uint64_t first, uint64_t seeds) {
  static bytestream streams[FLOWS];
  for (seed = first; seed < first + seeds; seed++) {
    random_state = seed * 0x9E3779B97F4A7C15ULL + 1;
    atomic_int ended = 0;
    int taken = 0;
    const relay_settings settings = {.threads = 1 + (unsigned)draw(3), .pipes_max = 10000};
    refuses_one_in = 2 + draw(9);
    errno = 0;
    relay_engine *engine = relay_start(&settings, done, &ended);
    refuses_one_in = 0;
    if (!engine) {
      check(errno != 0);
      continue;
    }
    for (int index = 0; index < FLOWS; index++) {
      refuses_one_in = 2 + draw(9);
      begin(&streams[index], engine, NULL);
      refuses_one_in = 0;
      if (streams[index].flow) taken++;
      else atomic_store(&streams[index].ending, RELAY_RESET);
      for (end *each = streams[index].ends; !streams[index].flow && each < streams[index].ends + 2; each++) close_end(each);
    }
    refuses_one_in = 3;
    for (uint64_t since = now_ms(); atomic_load(&ended) < taken;) {
      for (int index = 0; index < FLOWS; index++) {
        // Some were broken off, which their plan knows nothing of.
        for (end *each = streams[index].ends; each < streams[index].ends + 2; each++) {
          if (!each->is_closed && atomic_load(&streams[index].ending) > RELAY_END) close_end(each);
          act(each);
        }
        if (streams[index].flow && streams[index].abort_after >= 0) relay_abort(streams[index].flow);
      }
      check(now_ms() - since < STILL_MS_MAX);
    }
    refuses_one_in = 0;
    for (int index = 0; index < FLOWS; index++) {
      for (end *each = streams[index].ends; each < streams[index].ends + 2; each++) {
        if (!each->is_closed) close_end(each);
      }
      if (streams[index].flow) check(atomic_load(&streams[index].calls) == 1);
      if (streams[index].flow) relay_release(streams[index].flow);
    }
    relay_stop(engine);
  }
}

// --- what stays

static long resident_kib(void) {
  long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  check(file != NULL && fscanf(file, "%*d %ld", &pages) == 1);
  fclose(file);
  return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

// The sanitizers keep what is freed for a while: with them no growth is looked at.
static void leaks(int bytestreams, long growth_kib_max) {
  static bytestream streams[FLOWS];
  atomic_int ended = 0;
  const relay_settings settings = {.threads = 2, .pipes_max = 10000};
  relay_engine *engine = relay_start(&settings, done, &ended);
  check(engine != NULL);
  long settled_kib = 0;
  int settled = 0;
  random_state = seed = 1;
  for (int count = 0; count < bytestreams; count += FLOWS) {
    for (int index = 0; index < FLOWS; index++) begin(&streams[index], engine, NULL);
    for (int index = 0; index < FLOWS; index++) {
      streams[index].ends[0].to_send = streams[index].ends[0].sent + streams[index].ends[0].to_send % 5000;
      streams[index].ends[1].to_send = streams[index].ends[1].sent + streams[index].ends[1].to_send % 5000;
    }
    play(streams, FLOWS, UINT64_MAX);
    for (int index = 0; index < FLOWS; index++) {
      verify(&streams[index]);
      relay_release(streams[index].flow);
    }
    if (count < bytestreams / 5) settled_kib = resident_kib(), settled = open_descriptors();
  }
  check(growth_kib_max == 0 || resident_kib() - settled_kib < growth_kib_max);
  check(open_descriptors() <= settled + 2 * FLOWS);
  relay_stop(engine);
}

// --- rates

static void connect_flow(relay_engine *engine, int ends[2], bytestream *stream, relay_bucket *bucket) {
  int one[2], other[2];
  connected_pair(one);
  connected_pair(other);
  atomic_init(&stream->ending, -1);
  atomic_init(&stream->calls, 0);
  const relay_options options = {.bucket = bucket, .tag = stream};
  stream->flow = relay_add(engine, one[1], other[1], &options);
  check(stream->flow != NULL);
  ends[0] = one[0];
  ends[1] = other[0];
}

// How often threads other than this one went to sleep.
static long sleeps(void) {
  long sum = 0;
  DIR *folder = opendir("/proc/self/task");
  check(folder != NULL);
  for (struct dirent *each; (each = readdir(folder));) {
    char path[300], line[200];
    long count = 0;
    snprintf(path, sizeof path, "/proc/self/task/%s/status", each->d_name);
    FILE *file = atoi(each->d_name) > 0 && atoi(each->d_name) != (int)getpid() ? fopen(path, "r") : NULL;
    if (!file) continue;
    while (fgets(line, sizeof line, file)) {
      if (sscanf(line, "voluntary_ctxt_switches: %ld", &count) == 1) sum += count;
    }
    fclose(file);
  }
  closedir(folder);
  return sum;
}

// Feeds so many bytestreams one way for so long. Returns the seconds it took.
static double feed(int (*ends)[2], int count, uint64_t for_ms) {
  static char sink[CHUNK_BYTES];
  const uint64_t start = now_ms();
  while (now_ms() - start < for_ms) {
    for (int index = 0; index < count; index++) {
      while (send(ends[index][0], pattern, CHUNK_BYTES, MSG_NOSIGNAL) > 0) {}
      while (recv(ends[index][1], sink, sizeof sink, 0) > 0) {}
    }
    poll(NULL, 0, 5);
  }
  return (double)(now_ms() - start) / 1e3;
}

static void rates(void) {
  // So slow that what it takes fits into the sockets, however seldom this thread runs.
  enum { LIMITED = 8, RATE = 400000 };
  static bytestream streams[LIMITED + 1];
  int ends[LIMITED + 1][2];
  atomic_int ended = 0;
  const relay_settings settings = {.threads = 3, .pipes_max = 10000};
  relay_engine *engine = relay_start(&settings, done, &ended);
  check(engine != NULL);
  relay_bucket *all = relay_bucket_new(engine, RATE, NULL), *own[LIMITED];
  for (int index = 0; index < LIMITED; index++) {
    // The last has a limit of its own, and leaves the rest to the others.
    own[index] = relay_bucket_new(engine, index == LIMITED - 1 ? RATE / 100 : 0, all);
    check(own[index] != NULL);
    connect_flow(engine, ends[index], &streams[index], own[index]);
  }
  double seconds = feed(ends, LIMITED, 2000);
  uint64_t sum = 0;
  const uint64_t last = relay_moved(streams[LIMITED - 1].flow, 0);
  for (int index = 0; index < LIMITED; index++) sum += relay_moved(streams[index].flow, 0);
  check((double)sum <= RATE * (seconds + 0.2) && (double)last <= RATE / 100 * (seconds + 0.2));
  // A limited one wakes its thread about 12 times a second.
  for (int index = 1; index < LIMITED; index++) relay_abort(streams[index].flow);
  feed(ends, 1, 100);
  const long slept = sleeps();
  seconds = feed(ends, 1, 1000);
  check((double)(sleeps() - slept) < 60 * seconds);
  // What was held back comes at once when the limit goes.
  relay_bucket_change(all, 0);
  const uint64_t before = relay_moved(streams[0].flow, 0);
  for (uint64_t since = now_ms(); relay_moved(streams[0].flow, 0) < before + 100000000;) {
    feed(ends, 1, 1);
    check(now_ms() - since < STILL_MS_MAX);
  }
  relay_stop(engine);
  for (int index = 0; index < LIMITED; index++) {
    relay_release(streams[index].flow);
    relay_bucket_release(own[index]);
    close(ends[index][0]);
    close(ends[index][1]);
  }
  relay_bucket_release(all);
}

// --- turns

enum { BULK = 16, FIRST_BYTES = 1024 * 1024 };

// Two octets on their way through the last of these bytestreams, while the others have as much to do as the sockets hold.
static struct {
  bytestream streams[BULK + 1];
  int ends[BULK + 1][2], from, to, seen;
  uint64_t sent_at[BULK], seen_at[2][BULK]; // Octets of each of the others when the second was sent, and when each was passed on.
  atomic_bool is_held;
  pthread_mutex_t hold;
} turns_seen = {.hold = PTHREAD_MUTEX_INITIALIZER};

static void note_octets(uint64_t *moved) {
  for (int index = 0; index < BULK; index++) moved[index] = relay_moved(turns_seen.streams[index].flow, 0);
}

static void watch_turns(int from, int to) {
  static bool is_sent;
  if (to == turns_seen.to && turns_seen.seen < 2) note_octets(turns_seen.seen_at[turns_seen.seen++]);
  if (turns_seen.seen != 1 || is_sent || from == turns_seen.from || to == turns_seen.to) return;
  // In the first long turn, which takes long.
  is_sent = true;
  note_octets(turns_seen.sent_at);
  check(send(turns_seen.ends[BULK][0], "2", 1, MSG_NOSIGNAL) == 1);
  poll(NULL, 0, 20);
}

// Keeps the thread of the engine busy until everything is there.
static void done_once_let_go(void *context, void *tag, relay_ending ending) {
  atomic_store(&turns_seen.is_held, true);
  pthread_mutex_lock(&turns_seen.hold);
  pthread_mutex_unlock(&turns_seen.hold);
  done(context, tag, ending);
}

// Who has little to do waits for a first turn of each of those that came up before it, and behind a long turn for no other.
static void turns(void) {
  static bytestream first;
  int one[2], other[2], ends[2];
  atomic_int ended = 0;
  const relay_settings settings = {.threads = 1, .pipes_max = 10000};
  relay_engine *engine = relay_start(&settings, done_once_let_go, &ended);
  check(engine != NULL);
  pthread_mutex_lock(&turns_seen.hold);
  connect_flow(engine, ends, &first, NULL);
  relay_abort(first.flow);
  while (!atomic_load(&turns_seen.is_held)) poll(NULL, 0, 1);
  for (int index = 0; index < BULK; index++) {
    connect_flow(engine, turns_seen.ends[index], &turns_seen.streams[index], NULL);
    while (send(turns_seen.ends[index][0], pattern, CHUNK_BYTES, MSG_NOSIGNAL) > 0) {}
  }
  connected_pair(one);
  connected_pair(other);
  check(send(one[0], "1", 1, MSG_NOSIGNAL) == 1);
  turns_seen.ends[BULK][0] = one[0], turns_seen.ends[BULK][1] = other[0], turns_seen.from = one[1], turns_seen.to = other[1];
  turns_seen.streams[BULK].flow = relay_add(engine, one[1], other[1], &(relay_options){.tag = &turns_seen.streams[BULK]});
  check(turns_seen.streams[BULK].flow != NULL);
  on_splice = watch_turns;
  pthread_mutex_unlock(&turns_seen.hold);
  char octets[2];
  for (ssize_t got = 0; got < 2;) {
    check(poll(&(struct pollfd){.fd = other[0], .events = POLLIN}, 1, STILL_MS_MAX) == 1);
    const ssize_t some = recv(other[0], octets + got, sizeof octets - (size_t)got, 0);
    check(some > 0);
    got += some;
  }
  relay_stop(engine);
  on_splice = NULL;
  int had_a_turn = 0;
  for (int index = 0; index < BULK; index++) {
    check(turns_seen.seen_at[0][index] <= FIRST_BYTES);
    had_a_turn += turns_seen.seen_at[1][index] > turns_seen.sent_at[index];
  }
  check(memcmp(octets, "12", 2) == 0 && had_a_turn <= 1);
  for (int index = 0; index <= BULK; index++) {
    relay_release(turns_seen.streams[index].flow);
    close(turns_seen.ends[index][0]);
    close(turns_seen.ends[index][1]);
  }
  relay_release(first.flow);
  close(ends[0]);
  close(ends[1]);
}

// --- urgent octets

// An urgent octet is none of the stream (RFC 6093), and stops nothing behind it.
static void urgent(void) {
  static bytestream stream;
  atomic_int ended = 0;
  int ends[2];
  const relay_settings settings = {.threads = 1, .pipes_max = 10};
  relay_engine *engine = relay_start(&settings, done, &ended);
  check(engine != NULL);
  connect_flow(engine, ends, &stream, NULL);
  check(send(ends[0], "before", 6, 0) == 6 && send(ends[0], "!", 1, MSG_OOB) == 1 && send(ends[0], "behind", 6, 0) == 6);
  shutdown(ends[0], SHUT_WR);
  shutdown(ends[1], SHUT_WR);
  char octets[20];
  size_t got = 0;
  for (ssize_t some = 1; some != 0;) {
    check(poll(&(struct pollfd){.fd = ends[1], .events = POLLIN}, 1, STILL_MS_MAX) == 1);
    some = recv(ends[1], octets + got, sizeof octets - got, 0);
    check(some >= 0);
    got += (size_t)some;
  }
  check(got == 12 && memcmp(octets, "beforebehind", got) == 0);
  close(ends[0]);
  close(ends[1]);
  relay_stop(engine);
  check(atomic_load(&stream.ending) == RELAY_END && relay_moved(stream.flow, 0) == 12);
  relay_release(stream.flow);
}

int main(int count, char **arguments) {
  make_pattern();
  check(count > 1);
  doing = arguments[1];
  connected_pair((int[2]){0, 0});
  int before = open_descriptors();
  if (strcmp(doing, "fuzz") == 0) fuzz(strtoull(arguments[2], NULL, 10), strtoull(arguments[3], NULL, 10));
  else if (strcmp(doing, "stop") == 0) stop(strtoull(arguments[2], NULL, 10), strtoull(arguments[3], NULL, 10));
  else if (strcmp(doing, "faults") == 0) faults(strtoull(arguments[2], NULL, 10), strtoull(arguments[3], NULL, 10));
  else if (strcmp(doing, "leaks") == 0) leaks(atoi(arguments[2]), atol(arguments[3]));
  else if (strcmp(doing, "rates") == 0) rates();
  else if (strcmp(doing, "turns") == 0) turns();
  else if (strcmp(doing, "urgent") == 0) urgent();
  else fail(__LINE__, "nothing is called so");
  check(open_descriptors() == before);
  printf("%s: well\n", doing);
  return 0;
}
