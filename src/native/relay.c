#define _GNU_SOURCE
#include "relay.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PIPE_BYTES (1024 * 1024)
#define LARGE_PIPES_MAX 64 // Of that size, or what the user is allowed (pipe(7)); pipes beyond have the kernel's.
#define POOLED_PIPES_MAX 32 // Empty ones that a thread keeps.
#define TURN_CALLS 32 // For each direction, until the others have had their turn,
#define TURN_BYTES (16 * 1024 * 1024) // or so many octets; a pipe full, for those that go first. Shorter turns wake the readers too often.
#define BULK_MS 4 // About as long: then no other long turn begins before it was looked who has come up.
#define SPARSE_BYTES (64 * 1024) // Less than this is little.
#define COPY_BYTES (64 * 1024) // At once, where there is no pipe.
#define EVENTS_MAX 1024
#define BUFFER_LOCK 72 // SO_BUF_LOCK of Linux 5.14: a buffer stays as large as it is.
#define TICK_MS 80
#define CAPACITY_MS 160 // What a bucket holds: a tick to be shared out, and one for a thread that comes late.
#define GRANT_BYTES 4096 // At least, where half a tick brings as much, so that octets do not trickle.
#define RATE_MAX 1e15 // No limit.

typedef struct entry { struct list *in; struct entry *before, *after; void *owner; } entry;
typedef struct list { entry *first, *last; } list;
typedef struct { int ends[2]; bool is_large; } pipe_ends;
// One side of a flow, and the direction from it to its peer.
typedef struct side {
  relay_flow *flow;
  struct side *peer;
  bool is_readable, is_writable, is_urgent, has_ended, has_passed_end;
  int socket;
  pipe_ends pipe;
  char *early;
  size_t early_length, early_sent, in_pipe;
  _Atomic uint64_t moved;
  uint64_t grant; // Octets taken from the buckets, and not moved yet.
  entry wait;
} side;
struct relay_flow {
  struct worker *worker;
  relay_bucket *bucket;
  void *tag;
  bool is_bulk, is_over; // The first: much was moved in its last turn, or it was not done with it.
  atomic_bool is_unwanted;
  atomic_int holders;   // Whoever added it, and its worker.
  pthread_mutex_t lock; // While it is held its sockets are not closed.
  entry place, due;
  side sides[2];
};
struct relay_bucket {
  relay_bucket *parent;
  _Atomic uint64_t rate;
  atomic_int holders;
  double octets, filled_ms, share, sharers; // The last two while it is shared out.
};
typedef struct worker {
  relay_engine *engine;
  pthread_t thread;
  bool is_running;
  int epoll;
  uint64_t tick; // The last at which buckets were shared out.
  size_t pooled, moved; // The second: octets, by all turns so far.
  list sparse, bulk; // Flows that have something to do: those that had little in their last turn go first.
  list running, waiting, over; // The last until all events that may name them have been seen.
  pipe_ends pool[POOLED_PIPES_MAX];
  struct epoll_event events[EVENTS_MAX];
  char copied[COPY_BYTES];
} worker;
struct relay_engine {
  relay_done done;
  void *context;
  int stop; // Becomes readable.
  unsigned threads, pipes_max;
  atomic_uint next, pipes;
  worker workers[];
};

static void append(list *to, entry *each) {
  *each = (entry){.in = to, .before = to->last, .owner = each->owner};
  *(to->last ? &to->last->after : &to->first) = each;
  to->last = each;
}

static void leave(entry *each) {
  if (!each->in) return;
  *(each->before ? &each->before->after : &each->in->first) = each->after;
  *(each->after ? &each->after->before : &each->in->last) = each->before;
  each->in = NULL;
}

static void make_due(relay_flow *flow) {
  if (!flow->due.in) append(flow->is_bulk ? &flow->worker->bulk : &flow->worker->sparse, &flow->due);
}

static bool watch(side *side, int operation) {
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLET, .data.ptr = side};
  return epoll_ctl(side->flow->worker->epoll, operation, side->socket, &event) == 0;
}

// --- rates: who finds too little waits for the next tick, at which all that wait get equal shares
static double least(double one, double other) { return one < other ? one : other; }

static double now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

// What can be had of a bucket and all above it, but for what they hold for others; 0 when it is too little to wake up for.
static double available(relay_bucket *bucket, double at_ms, double held_ms) {
  double octets = TURN_BYTES;
  for (; bucket; bucket = bucket->parent) {
    const double rate = bucket->rate > 0 ? (double)bucket->rate : RATE_MAX, capacity = rate * CAPACITY_MS / 1e3;
    bucket->octets = least(bucket->octets + rate * (at_ms - bucket->filled_ms) / 1e3, capacity < 1 ? 1 : capacity);
    bucket->filled_ms = at_ms;
    const double there = bucket->octets - rate * held_ms / 1e3;
    octets = there < 1 || there < least(GRANT_BYTES, rate * TICK_MS / 2e3) ? 0 : least(octets, there);
  }
  return octets;
}

// Takes so many octets from the buckets in place of those it has not used.
static void take(side *from, double octets) {
  const double taken = (double)(uint64_t)octets;
  for (relay_bucket *bucket = from->flow->bucket; bucket; bucket = bucket->parent) bucket->octets -= taken - (double)from->grant;
  from->grant = (uint64_t)octets;
}

// How many octets may be moved now. With 0 it waits from now on: for what a tick brings, which is shared out after this
// round at the latest. What comes in until the next one is left for those that wait then.
static size_t allowed(side *from, size_t wanted) {
  const double at_ms = now_ms();
  if (from->grant == 0 && !from->wait.in) {
    if (from->flow->worker->tick == (uint64_t)at_ms / TICK_MS) take(from, least((double)wanted, available(from->flow->bucket, at_ms, TICK_MS)));
    if (from->grant == 0) append(&from->flow->worker->waiting, &from->wait);
  }
  return from->grant < wanted ? from->grant : wanted;
}

// Gives those that wait a share each. Returns whether it gave anything: what one cannot take is there for the others.
static bool share_out(list *waiting, double at_ms) {
  bool has_given = false;
  for (entry *each = waiting->first; each; each = each->after) {
    relay_bucket *bucket = ((side *)each->owner)->flow->bucket;
    if (available(bucket, at_ms, 0) == 0) continue;
    for (; bucket; bucket = bucket->parent) bucket->share = bucket->octets / ++bucket->sharers;
  }
  for (entry *each = waiting->first; each; each = each->after) {
    side *from = each->owner;
    double octets = from->grant < TURN_BYTES ? available(from->flow->bucket, at_ms, 0) : 0, share = octets;
    for (relay_bucket *bucket = from->flow->bucket; bucket; bucket->sharers = 0, bucket = bucket->parent) share = least(share, bucket->share);
    octets = least(octets, share < GRANT_BYTES ? GRANT_BYTES : share);
    take(from, (double)from->grant + octets);
    has_given |= octets > 0;
  }
  return has_given;
}

// Who gets nothing stays before those that come back.
static void tick(worker *self, double at_ms) {
  if (self->tick == (uint64_t)at_ms / TICK_MS) return;
  self->tick = (uint64_t)at_ms / TICK_MS;
  while (share_out(&self->waiting, at_ms)) {}
  for (entry *each = self->waiting.first, *after; each; each = after) {
    after = each->after;
    if (((side *)each->owner)->grant > 0) leave(each), make_due(((side *)each->owner)->flow);
  }
}

// --- pipes: held only while they hold octets
static void close_pipe(relay_engine *engine, const pipe_ends *pipe) {
  close(pipe->ends[0]);
  close(pipe->ends[1]);
  atomic_fetch_sub(&engine->pipes, 1);
}

static bool take_pipe(worker *self, side *from) {
  if (self->pooled > 0) return from->pipe = self->pool[--self->pooled], true;
  const unsigned open = atomic_fetch_add(&self->engine->pipes, 1);
  const bool is_open = open < self->engine->pipes_max && pipe2(from->pipe.ends, O_NONBLOCK | O_CLOEXEC) == 0;
  from->pipe.is_large = open < LARGE_PIPES_MAX;
  if (!is_open) atomic_fetch_sub(&self->engine->pipes, 1);
  else if (from->pipe.is_large) (void)fcntl(from->pipe.ends[1], F_SETPIPE_SZ, PIPE_BYTES);
  return is_open;
}

// A small one is kept for want of another, and the last of all is not: a thread may need it that has none.
static void give_pipe_back(worker *self, side *from) {
  const unsigned kept_max = self->engine->pipes == self->engine->pipes_max ? 0 : from->pipe.is_large ? POOLED_PIPES_MAX : 1;
  if (self->pooled < kept_max) self->pool[self->pooled++] = from->pipe;
  else close_pipe(self->engine, &from->pipe);
}

// --- one direction
typedef enum { MOVED, WAITING, BROKEN } outcome;

// What a failed call means: there is nothing to do for now, or the connection is no more.
static outcome after_failure(bool *readiness) {
  if (errno == EINTR) return MOVED;
  if (errno != EAGAIN) return BROKEN;
  *readiness = false;
  return WAITING;
}

// What was read, or why nothing. Behind an end the kernel says "end", even when a reset has come since.
static outcome after_read(side *from, ssize_t octets) {
  if (octets < 0) return after_failure(&from->is_readable);
  int error = 0;
  if (octets == 0) from->has_ended = getsockopt(from->socket, SOL_SOCKET, SO_ERROR, &error, &(socklen_t){sizeof error}) == 0 && error == 0;
  if (octets == 0) return from->has_ended && !from->flow->is_unwanted ? MOVED : BROKEN;
  atomic_fetch_add_explicit(&from->moved, (uint64_t)octets, memory_order_relaxed);
  from->flow->worker->moved += (size_t)octets;
  if (from->flow->bucket) from->grant -= (uint64_t)octets;
  return MOVED;
}

static outcome send_early(side *from) {
  ssize_t sent = send(from->peer->socket, from->early + from->early_sent, from->early_length - from->early_sent, MSG_NOSIGNAL);
  if (sent < 0) return after_failure(&from->peer->is_writable);
  from->early_sent += (size_t)sent;
  if (from->early_sent == from->early_length) free(from->early), from->early = NULL;
  return MOVED;
}

// Without a pipe: octets stay with their source until the peer has taken them, so that nothing is held here.
static outcome copy(worker *self, side *from, size_t wanted) {
  ssize_t octets = recv(from->socket, self->copied, wanted < COPY_BYTES ? wanted : COPY_BYTES, MSG_PEEK);
  if (octets <= 0) return after_read(from, octets);
  octets = send(from->peer->socket, self->copied, (size_t)octets, MSG_NOSIGNAL);
  if (octets < 0) return after_failure(&from->peer->is_writable);
  return recv(from->socket, self->copied, (size_t)octets, MSG_TRUNC) == octets ? after_read(from, octets) : BROKEN;
}

static outcome fill(worker *self, side *from, size_t wanted) {
  ssize_t octets = splice(from->socket, NULL, from->pipe.ends[1], NULL, wanted, SPLICE_F_NONBLOCK);
  const outcome result = octets == 0 ? copy(self, from, wanted) : after_read(from, octets); // 0 is an end, or an urgent octet.
  from->in_pipe = octets > 0 ? (size_t)octets : 0;
  if (octets <= 0) give_pipe_back(self, from);
  return result;
}

static outcome drain(worker *self, side *from) {
  ssize_t octets = splice(from->pipe.ends[0], NULL, from->peer->socket, NULL, from->in_pipe, SPLICE_F_NONBLOCK);
  if (octets < 0) return after_failure(&from->peer->is_writable);
  from->in_pipe -= (size_t)octets;
  if (from->in_pipe == 0) give_pipe_back(self, from);
  return MOVED;
}

static outcome step(worker *self, side *from, size_t budget) {
  if (from->has_passed_end) return WAITING;
  if (from->has_ended && !from->early && from->in_pipe == 0) {
    from->has_passed_end = shutdown(from->peer->socket, SHUT_WR) == 0;
    return from->has_passed_end ? WAITING : BROKEN;
  }
  if (!from->peer->is_writable) return WAITING; // With its octets left where they are, so that they hold no pipe.
  if (from->early) return send_early(from);
  if (from->in_pipe > 0) return drain(self, from);
  const size_t wanted = !from->is_readable ? 0 : from->flow->bucket ? allowed(from, budget) : budget;
  if (wanted == 0) return WAITING;
  // At an urgent octet splice(2) would stop for good.
  return !from->is_urgent && take_pipe(self, from) ? fill(self, from, wanted) : copy(self, from, wanted);
}

static outcome pump(worker *self, side *from, size_t budget) {
  const uint64_t end = from->moved + budget;
  outcome result = MOVED;
  for (int calls = 0; result == MOVED && calls < TURN_CALLS && (from->moved < end || from->in_pipe > 0); calls++)
    result = step(self, from, (size_t)(end - from->moved));
  if (result == WAITING && from->grant > 0) take(from, 0);
  return result;
}

// --- a flow
// A socket that is closed before its end, even because the process was killed, is reset: nobody takes what came for all.
static void set_reset_on_close(const side *side, bool is_on) {
  setsockopt(side->socket, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = is_on}, sizeof(struct linger));
}

static void finish(relay_flow *flow, relay_ending ending) {
  worker *self = flow->worker;
  pthread_mutex_lock(&flow->lock);
  leave(&flow->place);
  append(&self->over, &flow->place);
  for (side *each = flow->sides; each < flow->sides + 2; each++) {
    leave(&each->wait);
    take(each, 0);
    if (each->in_pipe > 0) close_pipe(self->engine, &each->pipe);
    if (ending == RELAY_END) set_reset_on_close(each, false);
    epoll_ctl(self->epoll, EPOLL_CTL_DEL, each->socket, NULL); // Another descriptor of the same socket would keep it.
    close(each->socket);
  }
  flow->is_over = true;
  leave(&flow->due);
  pthread_mutex_unlock(&flow->lock);
  self->engine->done(self->engine->context, flow->tag, ending);
}

static void turn(worker *self, relay_flow *flow) {
  leave(&flow->due);
  const size_t before = self->moved, budget = flow->is_bulk ? TURN_BYTES : PIPE_BYTES;
  const outcome first = pump(self, &flow->sides[0], budget), second = first == BROKEN ? BROKEN : pump(self, &flow->sides[1], budget);
  flow->is_bulk = first == MOVED || second == MOVED || self->moved - before >= SPARSE_BYTES;
  if (second == BROKEN) finish(flow, flow->is_unwanted ? RELAY_ABORTED : RELAY_RESET);
  else if (flow->sides[0].has_passed_end && flow->sides[1].has_passed_end) finish(flow, RELAY_END);
  else if (first == MOVED || second == MOVED) make_due(flow);
}

static void notice(side *side, uint32_t events) {
  relay_flow *flow = side->flow;
  if (flow->is_over) return;
  if (!flow->place.in) append(&flow->worker->running, &flow->place);
  if (flow->is_unwanted) return finish(flow, RELAY_ABORTED);
  // Dead without having been told the peer's end is a reset, also when somebody else was told the error.
  if ((events & EPOLLERR) || ((events & EPOLLHUP) && !side->peer->has_passed_end)) return finish(flow, RELAY_RESET);
  side->is_readable |= (events & EPOLLIN) != 0;
  side->is_writable |= (events & EPOLLOUT) != 0;
  side->is_urgent |= (events & EPOLLPRI) != 0;
  make_due(flow);
}

static void *run(void *argument) {
  worker *self = argument;
  for (bool is_stopping = false, is_last = false; !is_last;) {
    const int until_tick = self->waiting.first ? TICK_MS - (int)((uint64_t)now_ms() % TICK_MS) : -1;
    const int timeout = self->sparse.first || self->bulk.first ? 0 : until_tick;
    const int found = epoll_wait(self->epoll, self->events, EVENTS_MAX, timeout);
    for (int index = 0; index < found; index++) {
      if (self->events[index].data.ptr) notice(self->events[index].data.ptr, self->events[index].events);
      else is_stopping = true;
    }
    while (self->sparse.first) turn(self, self->sparse.first->owner);
    for (const double until_ms = now_ms() + BULK_MS; self->bulk.first && now_ms() < until_ms;) turn(self, self->bulk.first->owner);
    if (self->waiting.first) tick(self, now_ms());
    is_last = is_stopping && found == 1; // No more of those that have been added, but not seen yet.
    while (is_stopping && self->running.first) finish(self->running.first->owner, RELAY_ABORTED);
    for (entry *each; (each = self->over.first); relay_release(each->owner)) leave(each);
  }
  return NULL;
}

// --- called by others
static bool start_worker(worker *self, relay_engine *engine) {
  struct epoll_event event = {.events = EPOLLIN};
  self->engine = engine;
  self->epoll = epoll_create1(EPOLL_CLOEXEC);
  if (self->epoll < 0 || epoll_ctl(self->epoll, EPOLL_CTL_ADD, engine->stop, &event) < 0) return false;
  const int error = pthread_create(&self->thread, NULL, run, self);
  errno = error;
  return self->is_running = error == 0;
}

relay_engine *relay_start(const relay_settings *settings, relay_done done, void *context) {
  const bool is_forbidden = splice(-1, NULL, -1, NULL, 1, 0) < 0 && errno != EBADF; // By a sandbox: every flow would be reset.
  relay_engine *engine = is_forbidden ? NULL : calloc(1, sizeof *engine + settings->threads * sizeof(worker));
  if (!engine) return NULL;
  *engine = (relay_engine){.done = done, .context = context, .pipes_max = settings->pipes_max, .stop = eventfd(0, EFD_CLOEXEC)};
  // Signals are for the threads of whoever uses this; SIGPIPE, which splice(2) raises, for nobody.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  bool is_running = true;
  while (is_running && engine->threads < settings->threads) is_running = start_worker(&engine->workers[engine->threads++], engine);
  const int error = errno;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (!is_running) relay_stop(engine), errno = error;
  return is_running ? engine : NULL;
}

void relay_stop(relay_engine *engine) {
  if (engine->stop >= 0) (void)!write(engine->stop, &(uint64_t){1}, sizeof(uint64_t));
  for (worker *each = engine->workers; each < engine->workers + engine->threads; each++) {
    if (each->is_running) pthread_join(each->thread, NULL);
    while (each->pooled > 0) close_pipe(engine, &each->pool[--each->pooled]);
    if (each->epoll >= 0) close(each->epoll);
  }
  if (engine->stop >= 0) close(engine->stop);
  free(engine);
}

static bool set_up(side *from, const relay_early *early) {
  set_reset_on_close(from, true);
  if (early->length == 0) return true;
  from->early = malloc(early->length);
  if (from->early) memcpy(from->early, early->octets, early->length);
  from->early_length = from->moved = early->length;
  return from->early != NULL;
}

relay_flow *relay_add(relay_engine *engine, int first, int second, const relay_options *options) {
  relay_flow *flow = calloc(1, sizeof *flow);
  if (!flow) return close(first), close(second), NULL;
  side *sides = flow->sides;
  *flow = (relay_flow){.bucket = options->bucket, .tag = options->tag, .holders = 2, .place.owner = flow, .due.owner = flow};
  sides[0] = (side){.flow = flow, .peer = &sides[1], .socket = first, .wait.owner = &sides[0]};
  sides[1] = (side){.flow = flow, .peer = &sides[0], .socket = second, .wait.owner = &sides[1]};
  flow->worker = &engine->workers[flow->bucket ? 0 : atomic_fetch_add(&engine->next, 1) % engine->threads];
  if (flow->bucket) atomic_fetch_add(&flow->bucket->holders, 1);
  pthread_mutex_init(&flow->lock, NULL);
  pthread_mutex_lock(&flow->lock);
  const bool is_known = set_up(&sides[0], &options->early[0]) && set_up(&sides[1], &options->early[1]) && watch(&sides[0], EPOLL_CTL_ADD);
  const bool is_whole = is_known && watch(&sides[1], EPOLL_CTL_ADD);
  pthread_mutex_unlock(&flow->lock);
  if (is_known) return is_whole ? flow : (relay_abort(flow), flow);
  close(first), close(second);
  flow->holders = 1;
  relay_release(flow);
  return NULL;
}

void relay_abort(relay_flow *flow) {
  pthread_mutex_lock(&flow->lock);
  flow->is_unwanted = true;
  if (!flow->is_over) shutdown(flow->sides[0].socket, SHUT_RD); // An event for its thread.
  pthread_mutex_unlock(&flow->lock);
}

void relay_bound(relay_flow *flow, int buffer_bytes) {
  const int half = buffer_bytes / 2, both = 3; // The kernel doubles it (socket(7)). 1: what is sent from, 2: received into.
  pthread_mutex_lock(&flow->lock);
  for (side *each = flow->sides; each < flow->sides + 2 && !flow->is_over; each++)
    setsockopt(each->socket, SOL_SOCKET, SO_SNDBUF, &half, sizeof half),
      setsockopt(each->socket, SOL_SOCKET, BUFFER_LOCK, &both, sizeof both); // To shrink the other would drop octets on their way.
  pthread_mutex_unlock(&flow->lock);
}
uint64_t relay_moved(const relay_flow *flow, int side) { return flow->sides[side].moved; }
void relay_release(relay_flow *flow) {
  if (atomic_fetch_sub(&flow->holders, 1) != 1) return;
  for (int index = 0; index < 2; index++) free(flow->sides[index].early);
  relay_bucket_release(flow->bucket);
  pthread_mutex_destroy(&flow->lock);
  free(flow);
}

relay_bucket *relay_bucket_new(relay_engine *engine, uint64_t bytes_per_second, relay_bucket *parent) {
  relay_bucket *bucket = engine ? calloc(1, sizeof *bucket) : NULL;
  if (!bucket) return NULL;
  if (parent) atomic_fetch_add(&parent->holders, 1);
  *bucket = (relay_bucket){.parent = parent, .rate = bytes_per_second, .octets = RATE_MAX, .holders = 1};
  return bucket;
}

void relay_bucket_change(relay_bucket *bucket, uint64_t bytes_per_second) { bucket->rate = bytes_per_second; }
void relay_bucket_release(relay_bucket *bucket) {
  if (!bucket || atomic_fetch_sub(&bucket->holders, 1) != 1) return;
  relay_bucket_release(bucket->parent);
  free(bucket);
}
