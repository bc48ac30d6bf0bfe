// The floor: about the least that relaying costs in user space. One thread, edge-triggered epoll, splice(2) through pipes
// of 1 MiB that are held only while they hold octets. It speaks just enough SOCKS5 to pair two connections by DST.ADDR
// (RFC 1928, XEP-0065 §5.3.2); nobody activates, nothing has a deadline, and whoever says something else is hung up on.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIPE_BYTES (1024 * 1024)
#define POOLED_PIPES_MAX 256
// Calls one direction may make before the others have their turn.
#define TURN_CALLS 16
#define EVENTS_AT_ONCE 256
#define GREETING_BYTES 3
#define REQUEST_BYTES 47
#define DST_ADDR_AT 5
#define DST_ADDR_BYTES 40
#define BUCKETS 4096

typedef struct connection {
  int socket;
  struct connection *peer; // None in the handshake and while it waits.
  struct connection *next; // In its bucket, in the queue of those with something to do, or among those that are over.
  uint8_t handshake[GREETING_BYTES + REQUEST_BYTES];
  size_t handshake_length;
  bool is_readable, is_writable;
  bool is_due, is_over;
  bool is_ended; // No more octets come from it, and its peer has been told.
  bool has_pipe;
  int pipe[2]; // From here to the peer.
  size_t in_pipe;
} connection;

static int epoll;
static connection *waiting[BUCKETS];
static connection *due_head, *due_tail;
static connection *over; // Freed once no event of this round can name them.
static int pool[POOLED_PIPES_MAX][2];
static size_t pooled;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void make_due(connection *one) {
  if (one->is_due || one->is_over) return;
  one->is_due = true;
  one->next = NULL;
  if (due_tail) due_tail->next = one;
  else due_head = one;
  due_tail = one;
}

static void take_pipe(connection *one) {
  if (one->has_pipe) return;
  one->has_pipe = true;
  if (pooled > 0) {
    memcpy(one->pipe, pool[--pooled], sizeof one->pipe);
    return;
  }
  if (pipe2(one->pipe, O_NONBLOCK | O_CLOEXEC) < 0) fail("pipe2");
  (void)fcntl(one->pipe[1], F_SETPIPE_SZ, PIPE_BYTES);
}

static void give_pipe_back(connection *one) {
  if (!one->has_pipe) return;
  one->has_pipe = false;
  if (one->in_pipe == 0 && pooled < POOLED_PIPES_MAX) {
    memcpy(pool[pooled++], one->pipe, sizeof one->pipe);
    return;
  }
  close(one->pipe[0]);
  close(one->pipe[1]);
  one->in_pipe = 0;
}

static connection **bucket_of(const connection *one) {
  uint32_t hash = 0;
  for (size_t i = 0; i < DST_ADDR_BYTES; i++) hash = hash * 31 + one->handshake[GREETING_BYTES + DST_ADDR_AT + i];
  return &waiting[hash % BUCKETS];
}

static void close_one(connection *one, bool is_reset) {
  if (one->is_over) return;
  one->is_over = true;
  if (is_reset) {
    const struct linger now = {1, 0};
    setsockopt(one->socket, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  close(one->socket);
  give_pipe_back(one);
}

// Whoever is due is freed when its turn comes.
static void bury(connection *one) {
  if (one->is_due) return;
  one->next = over;
  over = one;
}

static void end_pair(connection *one, bool is_reset) {
  connection *peer = one->peer;
  if (one->is_over) return;
  if (!peer) {
    for (connection **at = bucket_of(one); *at; at = &(*at)->next)
      if (*at == one) {
        *at = one->next;
        break;
      }
  }
  close_one(one, is_reset);
  bury(one);
  if (!peer) return;
  close_one(peer, is_reset);
  bury(peer);
}

static bool is_for_later(void) { return errno == EAGAIN || errno == EINTR; }

// Fills an empty pipe, else drains it, for as long as there is something to move.
static void move(connection *one) {
  connection *peer = one->peer;
  for (int call = 0; call < TURN_CALLS; call++) {
    if (one->in_pipe == 0) {
      if (!one->is_readable || one->is_ended) {
        give_pipe_back(one);
        return;
      }
      take_pipe(one);
      const ssize_t got = splice(one->socket, NULL, one->pipe[1], NULL, PIPE_BYTES, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
      if (got < 0 && !is_for_later()) return end_pair(one, true);
      if (got < 0) one->is_readable = false;
      if (got > 0) one->in_pipe = (size_t)got;
      if (got == 0) {
        one->is_ended = true;
        if (peer->is_ended) return end_pair(one, false);
        shutdown(peer->socket, SHUT_WR);
      }
    } else {
      if (!peer->is_writable) return;
      const ssize_t put = splice(one->pipe[0], NULL, peer->socket, NULL, one->in_pipe, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
      if (put < 0 && !is_for_later()) return end_pair(one, true);
      if (put < 0) peer->is_writable = false;
      else one->in_pipe -= (size_t)put;
    }
  }
  make_due(one);
}

static void pair_or_wait(connection *one) {
  connection **at = bucket_of(one);
  for (; *at; at = &(*at)->next)
    if (memcmp((*at)->handshake + GREETING_BYTES, one->handshake + GREETING_BYTES, REQUEST_BYTES) == 0) break;
  if (!*at) {
    one->next = NULL;
    *at = one;
    return;
  }
  connection *peer = *at;
  *at = peer->next;
  one->peer = peer;
  peer->peer = one;
  make_due(one);
  make_due(peer);
}

static void shake_hands(connection *one) {
  static const uint8_t greeting[GREETING_BYTES] = {5, 1, 0};
  static const uint8_t request[DST_ADDR_AT] = {5, 1, 0, 3, DST_ADDR_BYTES};
  while (one->handshake_length < sizeof one->handshake) {
    const size_t until = one->handshake_length < GREETING_BYTES ? GREETING_BYTES : sizeof one->handshake;
    const ssize_t got = recv(one->socket, one->handshake + one->handshake_length, until - one->handshake_length, 0);
    if (got < 0 && is_for_later()) return;
    if (got <= 0) return end_pair(one, false);
    one->handshake_length += (size_t)got;
    if (one->handshake_length == GREETING_BYTES) {
      if (memcmp(one->handshake, greeting, sizeof greeting) != 0) return end_pair(one, false);
      if (send(one->socket, (const uint8_t[]){5, 0}, 2, MSG_NOSIGNAL) != 2) return end_pair(one, true);
    }
  }
  uint8_t reply[REQUEST_BYTES];
  memcpy(reply, one->handshake + GREETING_BYTES, sizeof reply);
  if (memcmp(reply, request, sizeof request) != 0) return end_pair(one, false);
  reply[1] = 0;
  if (send(one->socket, reply, sizeof reply, MSG_NOSIGNAL) != sizeof reply) return end_pair(one, true);
  pair_or_wait(one);
}

static void accept_all(int listener) {
  for (;;) {
    const int socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket < 0) {
      if (is_for_later() || errno == ECONNABORTED) return;
      fail("accept4");
    }
    connection *one = calloc(1, sizeof *one);
    if (!one) fail("calloc");
    one->socket = socket;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = one};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event) < 0) fail("epoll_ctl");
  }
}

static void take_event(connection *one, uint32_t events) {
  if (one->is_over) return;
  if (events & EPOLLERR) return end_pair(one, true);
  if (events & EPOLLOUT) one->is_writable = true;
  if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP)) one->is_readable = true;
  if (one->handshake_length < sizeof one->handshake) shake_hands(one);
  else if (one->peer) {
    if (one->is_readable) make_due(one);
    if (one->is_writable && one->peer->in_pipe > 0) make_due(one->peer);
  }
}

static void take_turns(void) {
  connection *one = due_head;
  due_head = due_tail = NULL;
  while (one) {
    connection *next = one->next;
    one->is_due = false;
    if (one->is_over) bury(one);
    else move(one);
    one = next;
  }
}

static int listen_on_loopback(void) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  if (bind(listener, (struct sockaddr *)&address, length) < 0 || listen(listener, 4096) < 0) fail("listen");
  getsockname(listener, (struct sockaddr *)&address, &length);
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  return listener;
}

int main(void) {
  signal(SIGPIPE, SIG_IGN);
  epoll = epoll_create1(EPOLL_CLOEXEC);
  const int listener = listen_on_loopback();
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) < 0) fail("epoll");
  for (;;) {
    struct epoll_event events[EVENTS_AT_ONCE];
    const int count = epoll_wait(epoll, events, EVENTS_AT_ONCE, due_head ? 0 : -1);
    for (int i = 0; i < count; i++) {
      if (events[i].data.ptr) take_event(events[i].data.ptr, events[i].events);
      else accept_all(listener);
    }
    take_turns();
    while (over) {
      connection *next = over->next;
      free(over);
      over = next;
    }
  }
}
