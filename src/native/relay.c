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
#define LARGE_PIPES_MAX 64 // Of that size, in the whole engine, or what the system allows (pipe(7)); others have the kernel's.
#define POOLED_PIPES_MAX 32 // Empty ones a thread keeps.
#define COPY_BYTES (64 * 1024) // Moved at once where there is no pipe to be had.
#define TURN_CALLS 16 // For each direction, until the others have had their turn.
#define TURN_BYTES (64 * 1024 * 1024) // For all directions that have something to do, together,
#define TURN_BYTES_MIN (64 * 1024) // but for each at least so many.
#define EVENTS_MAX 256 // Taken from the kernel at once,
#define HARVESTS_MAX 64 // and so often before a round, for all that can move something to be in it.
#define TICK_MS 80
#define CAPACITY_TICKS 2 // One to be dealt out, one for a thread that comes late.
#define GRANT_BYTES_MAX (64 * 1024 * 1024)
#define GRANT_BYTES_MIN 4096 // Where a tick brings as much, so that octets do not trickle.
#define RATE_MAX 1000000000000 // Whatever is above moves as fast, and sums fit.
#define TOKENS_PER_OCTET 1000 // So that each tick brings a whole number of them.
#define IDLE_TICKS_MAX 1000 // After which any bucket is full.

typedef struct list_entry {
  struct list *in;
  struct list_entry *before, *after;
  void *owner;
} list_entry;

typedef struct list {
  list_entry *first, *last;
  size_t count;
} list;

typedef struct {
  int ends[2];
  bool is_large;
} pipe_ends;

// One side of a flow, and the direction from it to its peer.
typedef struct side {
  relay_flow *flow;
  struct side *peer;
  int socket;
  bool is_readable, is_writable, is_urgent, has_ended, has_passed_end, has_pipe, is_expected;
  pipe_ends pipe;
  size_t in_pipe, early_length, early_sent;
  char *early;
  _Atomic uint64_t moved;
  uint64_t grant; // Octets taken from the buckets, and not moved yet.
  list_entry wait;
} side;

struct relay_flow {
  struct worker *worker;
  relay_bucket *bucket;
  void *tag;
  int buffer_bytes;
  bool has_begun, is_unwanted;
  atomic_int holders; // Whoever added it, its worker, and an order that names it.
  list_entry order, place, due;
  side sides[2];
};

struct relay_bucket {
  relay_engine *engine;
  relay_bucket *parent;
  uint64_t rate, tokens, tick, share, sharers; // The last two while tokens are dealt out.
  atomic_int holders;
};

typedef struct worker {
  relay_engine *engine;
  pthread_t thread;
  int epoll, wake;
  unsigned pooled, expected; // Directions that wait for tokens, or have not been told yet that there are some.
  list running, due, over;   // The last until the events that may name them are through.
  pipe_ends pool[POOLED_PIPES_MAX];
  list orders, granted; // Under the engine's lock: what other threads have for this one.
  char copied[COPY_BYTES];
} worker;

struct relay_engine {
  relay_done done;
  void *context;
  unsigned threads, pipes_max;
  atomic_uint next, pipes, large_pipes;
  atomic_int holders;   // Whoever started it, its flows and its buckets.
  pthread_mutex_t lock; // Of orders, buckets, and what follows.
  bool is_stopping;
  uint64_t tick; // The last at which tokens were dealt out.
  list waiting;
  worker workers[];
};

static void append(list *to, list_entry *entry) {
  *entry = (list_entry){.in = to, .before = to->last, .owner = entry->owner};
  *(to->last ? &to->last->after : &to->first) = entry;
  to->last = entry;
  to->count++;
}

static void *leave(list_entry *entry) {
  if (!entry->in) return NULL;
  *(entry->before ? &entry->before->after : &entry->in->first) = entry->after;
  *(entry->after ? &entry->after->before : &entry->in->last) = entry->before;
  entry->in->count--;
  entry->in = NULL;
  return entry->owner;
}

static void *shift(list *from) {
  return from->first ? leave(from->first) : NULL;
}

static void schedule(relay_flow *flow) {
  if (!flow->due.in) append(&flow->worker->due, &flow->due);
}

// --- who holds what

static void drop_engine(relay_engine *engine) {
  if (atomic_fetch_sub(&engine->holders, 1) != 1) return;
  pthread_mutex_destroy(&engine->lock);
  free(engine);
}

void relay_bucket_release(relay_bucket *bucket) {
  while (bucket && atomic_fetch_sub(&bucket->holders, 1) == 1) {
    relay_bucket *parent = bucket->parent;
    drop_engine(bucket->engine);
    free(bucket);
    bucket = parent;
  }
}

void relay_release(relay_flow *flow) {
  if (atomic_fetch_sub(&flow->holders, 1) != 1) return;
  for (int index = 0; index < 2; index++) free(flow->sides[index].early);
  relay_bucket_release(flow->bucket);
  drop_engine(flow->worker->engine);
  free(flow);
}

// --- rates: buckets fill up at ticks; who finds too little waits for the next one, and all that wait get equal shares

static uint64_t least(uint64_t one, uint64_t other) {
  return one < other ? one : other;
}

static uint64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void add_tokens(relay_bucket *bucket, uint64_t tokens) {
  uint64_t capacity = bucket->rate * TICK_MS * CAPACITY_TICKS;
  bucket->tokens = least(bucket->tokens + tokens, capacity < TOKENS_PER_OCTET ? TOKENS_PER_OCTET : capacity);
}

static void refill(relay_bucket *bucket, uint64_t tick) {
  add_tokens(bucket, bucket->rate * TICK_MS * least(tick - bucket->tick, IDLE_TICKS_MAX));
  bucket->tick = tick;
}

// What can be had of a bucket and all above it; 0 when it is too little to wake up for.
static uint64_t available(const relay_bucket *bucket) {
  uint64_t octets = GRANT_BYTES_MAX, worthwhile = GRANT_BYTES_MIN;
  for (; bucket; bucket = bucket->parent) {
    if (bucket->rate == 0) continue;
    octets = least(octets, bucket->tokens / TOKENS_PER_OCTET);
    worthwhile = least(worthwhile, bucket->rate * TICK_MS / TOKENS_PER_OCTET);
  }
  return octets >= worthwhile ? octets : 0;
}

static void grant(side *from, uint64_t octets) {
  from->grant = octets;
  for (relay_bucket *bucket = from->flow->bucket; bucket; bucket = bucket->parent) {
    if (bucket->rate > 0) bucket->tokens -= octets * TOKENS_PER_OCTET;
  }
}

// Under the lock. Who gets nothing stays before those that come back; what one leaves is for whoever asks until the next tick.
static void deal(relay_engine *engine) {
  uint64_t tick = now_ms() / TICK_MS;
  if (tick <= engine->tick) return;
  engine->tick = tick;
  for (list_entry *each = engine->waiting.first; each; each = each->after) {
    for (relay_bucket *bucket = ((side *)each->owner)->flow->bucket; bucket; bucket = bucket->parent) {
      refill(bucket, tick);
      bucket->share = bucket->rate > 0 ? bucket->tokens / TOKENS_PER_OCTET / ++bucket->sharers : GRANT_BYTES_MAX;
    }
  }
  for (list_entry *each = engine->waiting.first, *after; each; each = after) {
    after = each->after;
    side *from = each->owner;
    uint64_t share = GRANT_BYTES_MAX, most = available(from->flow->bucket);
    for (relay_bucket *bucket = from->flow->bucket; bucket; bucket = bucket->parent) {
      share = least(share, bucket->share);
      bucket->sharers = 0;
    }
    if (most == 0) continue;
    grant(from, least(most, share < GRANT_BYTES_MIN ? GRANT_BYTES_MIN : share));
    leave(each);
    append(&from->flow->worker->granted, each);
  }
}

// How many octets may be moved now. With 0 it waits from now on, until tell_granted().
static size_t take_tokens(side *from, size_t wanted) {
  worker *self = from->flow->worker;
  if (from->is_expected || from->grant > 0) return from->is_expected ? 0 : least(from->grant, wanted);
  pthread_mutex_lock(&self->engine->lock);
  deal(self->engine); // Those that wait come first: what is left then is of no use to them.
  for (relay_bucket *bucket = from->flow->bucket; bucket; bucket = bucket->parent) refill(bucket, self->engine->tick);
  uint64_t octets = least(wanted, available(from->flow->bucket));
  grant(from, octets);
  if (octets == 0) append(&self->engine->waiting, &from->wait);
  pthread_mutex_unlock(&self->engine->lock);
  from->is_expected = octets == 0;
  if (from->is_expected) self->expected++;
  return octets;
}

// Gives back what was granted and not used, and waits no more.
static void give_tokens_back(side *from) {
  worker *self = from->flow->worker;
  pthread_mutex_lock(&self->engine->lock);
  leave(&from->wait);
  for (relay_bucket *bucket = from->flow->bucket; bucket; bucket = bucket->parent) add_tokens(bucket, from->grant * TOKENS_PER_OCTET);
  pthread_mutex_unlock(&self->engine->lock);
  if (from->is_expected) self->expected--;
  from->is_expected = false;
  from->grant = 0;
}

static void tell_granted(worker *self) {
  pthread_mutex_lock(&self->engine->lock);
  deal(self->engine);
  for (side *from; (from = shift(&self->granted)); self->expected--) {
    from->is_expected = false;
    schedule(from->flow);
  }
  pthread_mutex_unlock(&self->engine->lock);
}

// --- pipes: held only while they hold octets

static bool open_pipe(relay_engine *engine, pipe_ends *pipe) {
  bool is_open = atomic_fetch_add(&engine->pipes, 1) < engine->pipes_max && pipe2(pipe->ends, O_NONBLOCK | O_CLOEXEC) == 0;
  if (!is_open) atomic_fetch_sub(&engine->pipes, 1);
  if (!is_open) return false;
  pipe->is_large = atomic_fetch_add(&engine->large_pipes, 1) < LARGE_PIPES_MAX && fcntl(pipe->ends[1], F_SETPIPE_SZ, PIPE_BYTES) > 0;
  if (!pipe->is_large) atomic_fetch_sub(&engine->large_pipes, 1);
  return true;
}

static void close_pipe(relay_engine *engine, const pipe_ends *pipe) {
  close(pipe->ends[0]);
  close(pipe->ends[1]);
  atomic_fetch_sub(&engine->pipes, 1);
  if (pipe->is_large) atomic_fetch_sub(&engine->large_pipes, 1);
}

static bool take_pipe(worker *self, side *from) {
  from->has_pipe = self->pooled > 0 || open_pipe(self->engine, &from->pipe);
  if (self->pooled > 0) from->pipe = self->pool[--self->pooled];
  return from->has_pipe;
}

// A small one is kept only for want of others, and the last of all not: another thread may need it.
static void give_pipe_back(worker *self, side *from) {
  if (!from->has_pipe) return;
  bool is_kept = from->in_pipe == 0 && (from->pipe.is_large ? self->pooled < POOLED_PIPES_MAX : self->pooled == 0) &&
                 atomic_load(&self->engine->pipes) < self->engine->pipes_max;
  if (is_kept) self->pool[self->pooled++] = from->pipe;
  else close_pipe(self->engine, &from->pipe);
  from->has_pipe = false;
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

// Behind an end the kernel says "end", even when a reset has come since.
static outcome after_end(side *from) {
  int error = 0;
  from->has_ended = getsockopt(from->socket, SOL_SOCKET, SO_ERROR, &error, &(socklen_t){sizeof error}) == 0 && error == 0;
  return from->has_ended ? MOVED : BROKEN;
}

static void count(side *from, ssize_t octets) {
  atomic_fetch_add_explicit(&from->moved, (uint64_t)octets, memory_order_relaxed);
  if (from->flow->bucket) from->grant -= (uint64_t)octets;
}

static outcome send_early(side *from) {
  ssize_t sent = send(from->peer->socket, from->early + from->early_sent, from->early_length - from->early_sent, MSG_NOSIGNAL);
  if (sent < 0) return after_failure(&from->peer->is_writable);
  from->early_sent += (size_t)sent;
  return MOVED;
}

static outcome fill(worker *self, side *from, size_t wanted) {
  ssize_t octets = splice(from->socket, NULL, from->pipe.ends[1], NULL, wanted, SPLICE_F_NONBLOCK);
  outcome result = octets > 0 ? MOVED : octets == 0 ? after_end(from) : after_failure(&from->is_readable);
  if (octets <= 0) give_pipe_back(self, from);
  else count(from, octets);
  from->in_pipe = octets > 0 ? (size_t)octets : 0;
  return result;
}

static outcome drain(worker *self, side *from) {
  ssize_t octets = splice(from->pipe.ends[0], NULL, from->peer->socket, NULL, from->in_pipe, SPLICE_F_NONBLOCK);
  if (octets < 0) return after_failure(&from->peer->is_writable);
  from->in_pipe -= (size_t)octets;
  if (from->in_pipe == 0) give_pipe_back(self, from);
  return MOVED;
}

// Without a pipe: octets stay with their source until the peer has taken them, so that nothing is held here.
static outcome copy(worker *self, side *from, size_t wanted) {
  ssize_t seen = recv(from->socket, self->copied, least(wanted, COPY_BYTES), MSG_PEEK);
  if (seen <= 0) return seen == 0 ? after_end(from) : after_failure(&from->is_readable);
  ssize_t sent = send(from->peer->socket, self->copied, (size_t)seen, MSG_NOSIGNAL);
  if (sent < 0) return after_failure(&from->peer->is_writable);
  count(from, sent);
  return recv(from->socket, self->copied, (size_t)sent, MSG_TRUNC) == sent ? MOVED : BROKEN;
}

static outcome step(worker *self, side *from, size_t budget) {
  side *to = from->peer;
  if (from->has_ended && from->in_pipe == 0 && from->early_sent == from->early_length) {
    from->has_passed_end = from->has_passed_end || shutdown(to->socket, SHUT_WR) == 0;
    return from->has_passed_end ? WAITING : BROKEN;
  }
  if (!to->is_writable) return WAITING; // With its octets left where they are, so that they hold no pipe.
  if (from->early_sent < from->early_length) return send_early(from);
  if (from->in_pipe > 0) return drain(self, from);
  size_t wanted = !from->is_readable ? 0 : from->flow->bucket ? take_tokens(from, budget) : budget;
  if (wanted == 0) return WAITING;
  // At an urgent octet splice(2) would stop for good.
  return !from->is_urgent && take_pipe(self, from) ? fill(self, from, wanted) : copy(self, from, wanted);
}

static outcome pump(worker *self, side *from, size_t budget) {
  uint64_t end = from->moved + budget;
  outcome result = MOVED;
  for (int calls = 0; result == MOVED && calls < TURN_CALLS && (from->moved < end || from->in_pipe > 0); calls++) {
    result = step(self, from, (size_t)(end - from->moved));
  }
  if (result == WAITING && from->flow->bucket && !from->is_expected && from->grant > 0) give_tokens_back(from);
  return result;
}

// --- a flow

// Whatever closes a socket before its end, be it the kernel because the process was killed, closes it with a reset, so that
// neither side takes what it has for all there is.
static void set_reset_on_close(const side *side, bool is_on) {
  setsockopt(side->socket, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = is_on}, sizeof(struct linger));
}

static void finish(relay_flow *flow, relay_ending ending) {
  worker *self = flow->worker;
  for (side *each = flow->sides; each < flow->sides + 2; each++) {
    if (flow->bucket) give_tokens_back(each);
    give_pipe_back(self, each);
    if (ending == RELAY_END) set_reset_on_close(each, false);
    // Another descriptor of the same socket would keep it here.
    epoll_ctl(self->epoll, EPOLL_CTL_DEL, each->socket, NULL);
    close(each->socket);
  }
  leave(&flow->due);
  leave(&flow->place);
  append(&self->over, &flow->place);
  self->engine->done(self->engine->context, flow->tag, ending);
}

static void turn(worker *self, relay_flow *flow, size_t budget) {
  side *sides = flow->sides;
  outcome first = pump(self, &sides[0], budget);
  outcome second = first == BROKEN ? BROKEN : pump(self, &sides[1], budget);
  if (second == BROKEN) finish(flow, RELAY_RESET);
  else if (sides[0].has_passed_end && sides[1].has_passed_end) finish(flow, RELAY_END);
  else if (first == MOVED || second == MOVED) schedule(flow);
}

static void notice(side *side, uint32_t events) {
  relay_flow *flow = side->flow;
  if (flow->place.in != &flow->worker->running) return;
  // Dead without having been told the peer's end is a reset, also when somebody else was told the error.
  if ((events & EPOLLERR) || ((events & EPOLLHUP) && !side->peer->has_passed_end)) return finish(flow, RELAY_RESET);
  side->is_readable |= (events & EPOLLIN) != 0;
  side->is_writable |= (events & EPOLLOUT) != 0;
  side->is_urgent |= (events & EPOLLPRI) != 0;
  schedule(flow);
}

static bool watch(worker *self, side *side) {
  set_reset_on_close(side, true);
  const int half = side->flow->buffer_bytes / 2; // The kernel doubles it (socket(7)).
  if (half > 0) setsockopt(side->socket, SOL_SOCKET, SO_RCVBUF, &half, sizeof half);
  if (half > 0) setsockopt(side->socket, SOL_SOCKET, SO_SNDBUF, &half, sizeof half);
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLET, .data.ptr = side};
  return epoll_ctl(self->epoll, EPOLL_CTL_ADD, side->socket, &event) == 0;
}

// --- a thread

static void follow(worker *self, relay_flow *flow, bool is_unwanted) {
  if (!flow->has_begun) {
    flow->has_begun = true;
    append(&self->running, &flow->place);
    if (!watch(self, &flow->sides[0]) || !watch(self, &flow->sides[1])) finish(flow, RELAY_RESET);
  }
  if (is_unwanted && flow->place.in == &self->running) finish(flow, RELAY_ABORTED);
  relay_release(flow);
}

// Returns whether the thread is to go on.
static bool follow_orders(worker *self) {
  (void)!read(self->wake, &(uint64_t){0}, sizeof(uint64_t));
  for (;;) {
    pthread_mutex_lock(&self->engine->lock);
    bool goes_on = !self->engine->is_stopping;
    relay_flow *flow = shift(&self->orders);
    bool is_unwanted = flow && flow->is_unwanted;
    pthread_mutex_unlock(&self->engine->lock);
    if (!flow) return goes_on;
    follow(self, flow, is_unwanted);
  }
}

static bool harvest(worker *self) {
  struct epoll_event events[EVENTS_MAX];
  bool goes_on = true;
  int timeout = self->due.first ? 0 : self->expected > 0 ? TICK_MS - (int)(now_ms() % TICK_MS) : -1;
  for (int found = EVENTS_MAX, harvests = 0; found == EVENTS_MAX && harvests < HARVESTS_MAX; harvests++) {
    found = epoll_wait(self->epoll, events, EVENTS_MAX, harvests == 0 ? timeout : 0);
    for (int index = 0; index < found; index++) {
      if (events[index].data.ptr) notice(events[index].data.ptr, events[index].events);
      else goes_on = follow_orders(self);
    }
  }
  if (self->expected > 0) tell_granted(self);
  return goes_on;
}

static void *run(void *argument) {
  worker *self = argument;
  relay_flow *flow;
  for (bool goes_on = true; goes_on;) {
    goes_on = harvest(self);
    size_t turns = self->due.count, budget = least(PIPE_BYTES, TURN_BYTES / (turns + 1));
    for (; turns > 0 && (flow = shift(&self->due)); turns--) turn(self, flow, budget < TURN_BYTES_MIN ? TURN_BYTES_MIN : budget);
    while ((flow = shift(&self->over))) relay_release(flow);
  }
  while (self->running.first) finish(self->running.first->owner, RELAY_ABORTED);
  while ((flow = shift(&self->over))) relay_release(flow);
  return NULL;
}

// --- called by others

static void wake(worker *to) {
  (void)!write(to->wake, &(uint64_t){1}, sizeof(uint64_t));
}

static bool start_worker(worker *self, relay_engine *engine) {
  self->engine = engine;
  self->epoll = epoll_create1(EPOLL_CLOEXEC);
  self->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  struct epoll_event event = {.events = EPOLLIN};
  if (self->epoll >= 0 && self->wake >= 0 && epoll_ctl(self->epoll, EPOLL_CTL_ADD, self->wake, &event) == 0) {
    // Signals are for the threads of whoever uses this; SIGPIPE, which splice(2) raises, for nobody.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    errno = pthread_create(&self->thread, NULL, run, self);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (errno == 0) return true;
  }
  int error = errno;
  if (self->epoll >= 0) close(self->epoll);
  if (self->wake >= 0) close(self->wake);
  errno = error;
  return false;
}

relay_engine *relay_start(const relay_settings *settings, relay_done done, void *context) {
  relay_engine *engine = calloc(1, sizeof *engine + settings->threads * sizeof(worker));
  if (!engine) return NULL;
  engine->done = done;
  engine->context = context;
  engine->pipes_max = settings->pipes_max;
  atomic_init(&engine->holders, 1);
  pthread_mutex_init(&engine->lock, NULL);
  while (engine->threads < settings->threads && start_worker(&engine->workers[engine->threads], engine)) engine->threads++;
  if (engine->threads == settings->threads) return engine;
  int error = errno;
  relay_stop(engine);
  errno = error;
  return NULL;
}

void relay_stop(relay_engine *engine) {
  pthread_mutex_lock(&engine->lock);
  engine->is_stopping = true;
  pthread_mutex_unlock(&engine->lock);
  for (worker *each = engine->workers; each < engine->workers + engine->threads; each++) {
    wake(each);
    pthread_join(each->thread, NULL);
    while (each->pooled > 0) close_pipe(engine, &each->pool[--each->pooled]);
    close(each->epoll);
    close(each->wake);
  }
  drop_engine(engine);
}

static bool keep_early(side *from, relay_early early) {
  if (early.length == 0) return true;
  from->early = malloc(early.length);
  if (!from->early) return false;
  memcpy(from->early, early.octets, early.length);
  from->early_length = from->moved = early.length;
  return true;
}

relay_flow *relay_add(relay_engine *engine, int first, int second, const relay_options *options) {
  const int sockets[2] = {first, second};
  relay_flow *flow = calloc(1, sizeof *flow);
  if (!flow || !keep_early(&flow->sides[0], options->early[0]) || !keep_early(&flow->sides[1], options->early[1])) {
    close(first);
    close(second);
    if (flow) free(flow->sides[0].early);
    free(flow);
    errno = ENOMEM;
    return NULL;
  }
  for (int index = 0; index < 2; index++) {
    side *each = &flow->sides[index];
    each->flow = flow;
    each->peer = &flow->sides[1 - index];
    each->socket = sockets[index];
    each->wait.owner = each;
  }
  flow->worker = &engine->workers[atomic_fetch_add(&engine->next, 1) % engine->threads];
  flow->order.owner = flow->place.owner = flow->due.owner = flow;
  flow->tag = options->tag;
  flow->buffer_bytes = options->buffer_bytes;
  flow->bucket = options->bucket;
  if (flow->bucket) atomic_fetch_add(&flow->bucket->holders, 1);
  atomic_fetch_add(&engine->holders, 1);
  atomic_init(&flow->holders, 3);
  pthread_mutex_lock(&engine->lock);
  append(&flow->worker->orders, &flow->order);
  pthread_mutex_unlock(&engine->lock);
  wake(flow->worker);
  return flow;
}

void relay_abort(relay_flow *flow) {
  relay_engine *engine = flow->worker->engine;
  pthread_mutex_lock(&engine->lock);
  // Once is enough, and a stop breaks off everything anyway.
  if (!flow->is_unwanted && !engine->is_stopping) {
    flow->is_unwanted = true;
    if (!flow->order.in) {
      atomic_fetch_add(&flow->holders, 1);
      append(&flow->worker->orders, &flow->order);
    }
    wake(flow->worker);
  }
  pthread_mutex_unlock(&engine->lock);
}

uint64_t relay_moved(const relay_flow *flow, int side) {
  return atomic_load_explicit(&flow->sides[side].moved, memory_order_relaxed);
}

relay_bucket *relay_bucket_new(relay_engine *engine, uint64_t bytes_per_second, relay_bucket *parent) {
  relay_bucket *bucket = calloc(1, sizeof *bucket);
  if (!bucket) return NULL;
  atomic_fetch_add(&engine->holders, 1);
  if (parent) atomic_fetch_add(&parent->holders, 1);
  *bucket = (relay_bucket){.engine = engine, .parent = parent, .holders = 1};
  relay_bucket_change(bucket, bytes_per_second);
  return bucket;
}

void relay_bucket_change(relay_bucket *bucket, uint64_t bytes_per_second) {
  pthread_mutex_lock(&bucket->engine->lock);
  deal(bucket->engine);
  refill(bucket, bucket->engine->tick);
  bucket->rate = least(bytes_per_second, RATE_MAX);
  add_tokens(bucket, 0);
  pthread_mutex_unlock(&bucket->engine->lock);
}
