// How a pair comes about: connect, greeting, CONNECT (RFC 1928), activation (XEP-0065 §6.3), some octets each way.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "generator.h"

#define SOCKETS_MAX 65536
#define REPLY_BYTES 47
#define REQUESTER 0
#define TARGET 1

typedef enum { CONNECTING, GREETED, REQUESTED, JOINED, GREETING_THE_OTHER, OPEN, TOLD_ITS_PAIR } state;

// By socket.
static struct {
  unsigned pair;
  state state;
  size_t due; // Octets that are to come in this state.
} ends[SOCKETS_MAX];

static int sink = -1;
static unsigned pairs_begun, pairs_open;
static double *opened_after;

static void expect(int socket, state state, size_t due) {
  ends[socket].state = state;
  ends[socket].due = due;
}

static void send_all(int socket, const void *octets, size_t length) {
  if (send(socket, octets, length, MSG_NOSIGNAL) != (ssize_t)length) fail("send");
}

static struct sockaddr_in loopback(int port) {
  return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void connect_end(unsigned number, int side) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0 || fd >= SOCKETS_MAX) fail("socket");
  const struct sockaddr_in address = loopback(options.relay_port);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
  if (options.sndbuf) setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &options.sndbuf, sizeof options.sndbuf);
  if (connect(fd, (const struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS) fail("connect");
  ends[fd].pair = number;
  expect(fd, CONNECTING, 0);
  pairs[number].sockets[side] = fd;
  watch(EPOLL_CTL_ADD, fd, EPOLLOUT);
}

static void begin_pair(void) {
  const unsigned number = pairs_begun++;
  pairs[number].started = now();
  connect_end(number, sink < 0 ? TARGET : REQUESTER);
}

static void accept_ends(void) {
  for (int fd; (fd = accept4(sink, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    expect(fd, TOLD_ITS_PAIR, sizeof(unsigned));
    watch(EPOLL_CTL_ADD, fd, EPOLLIN);
  }
}

static void pair_is_open(unsigned number) {
  pair *one = &pairs[number];
  opened_after[number] = now() - one->started;
  pairs_open++;
  for (int side = 0; side < 2 && options.is_closing; side++) close(one->sockets[side]);
  if (pairs_begun < options.pairs) begin_pair();
}

static void pair_carries(unsigned number) {
  static const char hello[64 * 1024];
  for (int side = 0; side < 2; side++) {
    expect(pairs[number].sockets[side], GREETING_THE_OTHER, options.hello_bytes);
    if (options.hello_bytes) send_all(pairs[number].sockets[side], hello, options.hello_bytes);
  }
  if (!options.hello_bytes) pair_is_open(number);
}

static void end_is_in(int socket) {
  const unsigned number = ends[socket].pair;
  pair *one = &pairs[number];
  expect(socket, JOINED, 0);
  if (++one->ends_in < 2) {
    // XEP-0065 §6.3: the requester connects when it has heard that the target did.
    if (sink < 0) connect_end(number, REQUESTER);
    return;
  }
  if (!options.clients) return pair_carries(number);
  xmpp_activate(options.client[number % options.clients], number, options.proxy, one->sid, options.target);
}

static void connected(int fd) {
  int error = 0;
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &(socklen_t){sizeof error});
  if ((errno = error)) fail("connect");
  watch(EPOLL_CTL_MOD, fd, EPOLLIN);
  if (sink >= 0) {
    send_all(fd, &ends[fd].pair, sizeof ends[fd].pair);
    return end_is_in(fd);
  }
  send_all(fd, "\5\1\0", 3);
  expect(fd, GREETED, 2);
}

static void request(int fd) {
  char octets[REPLY_BYTES] = {5, 1, 0, 3, 40};
  memcpy(octets + 5, pairs[ends[fd].pair].dst_addr, 40);
  send_all(fd, octets, sizeof octets);
  expect(fd, REQUESTED, REPLY_BYTES);
}

// All octets of a step have come; the last of them are in `octets`.
static void step_is_over(int fd, const char *octets) {
  switch (ends[fd].state) {
    case GREETED: return request(fd);
    case REQUESTED: return end_is_in(fd);
    case TOLD_ITS_PAIR:
      memcpy(&ends[fd].pair, octets, sizeof ends[fd].pair);
      if (ends[fd].pair >= options.pairs) fail("not one of ours");
      pairs[ends[fd].pair].sockets[TARGET] = fd;
      return end_is_in(fd);
    default:
      expect(fd, OPEN, 0);
      if (++pairs[ends[fd].pair].ends_greeted == 2) pair_is_open(ends[fd].pair);
  }
}

static void take_event(int fd, uint32_t events) {
  if (ends[fd].state == CONNECTING) return connected(fd);
  char octets[REPLY_BYTES];
  const bool is_hello = ends[fd].state == GREETING_THE_OTHER;
  const size_t due = ends[fd].due;
  const ssize_t got = recv(fd, octets, is_hello || due < sizeof octets ? due : sizeof octets, is_hello ? MSG_TRUNC : 0);
  if (got < 0 && errno == EAGAIN && !(events & (EPOLLHUP | EPOLLERR))) return;
  if (got <= 0 || due == 0) {
    fprintf(stderr, "generator: pair %u of %u, state %d: ", ends[fd].pair, options.pairs, (int)ends[fd].state);
    fail(got == 0 ? "the relay hung up" : "recv");
  }
  if (ends[fd].state == REQUESTED && due == REPLY_BYTES && got > 1 && octets[1] != 0) {
    fprintf(stderr, "generator: reply %d\n", octets[1]);
    exit(1);
  }
  ends[fd].due -= (size_t)got;
  if (ends[fd].due == 0) step_is_over(fd, octets);
}

void prepare_pairs(void) {
  for (unsigned i = 0; i < options.clients; i++) watch(EPOLL_CTL_ADD, options.client[i]->socket, EPOLLIN);
  if (!options.sink_port) return;
  const struct sockaddr_in address = loopback(options.sink_port);
  sink = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  setsockopt(sink, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
  if (bind(sink, (const struct sockaddr *)&address, sizeof address) < 0 || listen(sink, 4096) < 0) fail("listen");
  watch(EPOLL_CTL_ADD, sink, EPOLLIN);
}

static xmpp_client *client_of(int fd) {
  for (unsigned i = 0; i < options.clients; i++)
    if (options.client[i]->socket == fd) return options.client[i];
  return NULL;
}

void open_pairs(double *samples) {
  opened_after = samples;
  while (pairs_begun < options.pairs && pairs_begun < options.at_once) begin_pair();
  while (pairs_open < options.pairs) {
    struct epoll_event events[EVENTS_AT_ONCE];
    const int count = epoll_wait(epoll, events, EVENTS_AT_ONCE, -1);
    for (int i = 0; i < count; i++) {
      const int fd = events[i].data.fd;
      xmpp_client *client = client_of(fd);
      if (client) xmpp_read(client, pair_carries);
      else if (fd == sink) accept_ends();
      else take_event(fd, events[i].events);
    }
    for (unsigned i = 0; i < options.clients; i++) xmpp_flush(options.client[i]);
  }
}
