// What open pairs carry: octets one way, or both ways for a time, or 64 octets to and fro.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "generator.h"

#define ECHO_BYTES 64
#define WARM_UP_ROUND_TRIPS 200

typedef struct {
  uint64_t to_send, to_receive, received;
} work;

static work *works; // By socket.
static unsigned busy;
static uint64_t received;

// A sender closes after its last octet: what some relays hold back until then is on its way, too.
static void send_some(int fd, work *one) {
  static const char block[BLOCK_BYTES];
  const size_t length = one->to_send < options.write_bytes ? (size_t)one->to_send : options.write_bytes;
  const ssize_t put = send(fd, block, length, MSG_NOSIGNAL);
  if (put < 0 && errno == EAGAIN) return;
  if (put < 0) fail("send");
  one->to_send -= (uint64_t)put;
  if (one->to_send > 0) return;
  shutdown(fd, SHUT_WR);
  watch(EPOLL_CTL_DEL, fd, 0);
}

static void receive_some(int fd, work *one) {
  const ssize_t got = recv(fd, NULL, 16 * 1024 * 1024, MSG_TRUNC | MSG_DONTWAIT);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) {
    fprintf(stderr, "generator: %llu octets before the end: ", (unsigned long long)one->to_receive);
    fail(got == 0 ? "the relay hung up" : "recv");
  }
  received += (uint64_t)got;
  if (one->received < options.least && one->received + (uint64_t)got >= options.least) busy--;
  one->received += (uint64_t)got;
  one->to_receive -= (uint64_t)got;
  if (one->to_receive > 0) return;
  watch(EPOLL_CTL_DEL, fd, 0);
  busy--;
}

static void run(double until) {
  while (busy > 0 && (until == 0 || now() < until)) {
    struct epoll_event events[EVENTS_AT_ONCE];
    const int count = epoll_wait(epoll, events, EVENTS_AT_ONCE, 100);
    for (int i = 0; i < count; i++) {
      const int fd = events[i].data.fd;
      work *one = &works[fd];
      if (one->to_receive > 0 && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) receive_some(fd, one);
      if (one->to_send > 0 && events[i].events & EPOLLOUT) send_some(fd, one);
    }
  }
}

static bool is_deaf(unsigned pair) {
  return options.deaf_every > 0 && pair % options.deaf_every == 0;
}

void shares(uint64_t *least, uint64_t *most) {
  *least = UINT64_MAX;
  *most = 0;
  for (unsigned i = 0; i < options.pairs; i++) {
    const uint64_t share = works[pairs[i].sockets[1]].received;
    if (is_deaf(i)) continue;
    if (share < *least) *least = share;
    if (share > *most) *most = share;
  }
}

uint64_t transfer(void) {
  const bool is_timed = options.seconds > 0, is_endless = is_timed || options.least > 0;
  int highest = 0;
  for (unsigned i = 0; i < options.pairs; i++)
    for (int side = 0; side < 2; side++)
      if (pairs[i].sockets[side] > highest) highest = pairs[i].sockets[side];
  works = calloc((size_t)highest + 1, sizeof *works);
  if (!works) fail("calloc");
  // No accounts and no sink any more: their events would be taken for those of a pair.
  close(epoll);
  epoll = epoll_create1(EPOLL_CLOEXEC);
  for (unsigned i = 0; i < options.pairs; i++) {
    work *first = &works[pairs[i].sockets[0]], *second = &works[pairs[i].sockets[1]];
    first->to_send = second->to_receive = is_endless ? UINT64_MAX : options.octets / options.pairs;
    if (is_timed) second->to_send = first->to_receive = UINT64_MAX;
    watch(EPOLL_CTL_ADD, pairs[i].sockets[0], is_timed ? EPOLLIN | EPOLLOUT : EPOLLOUT);
    watch(EPOLL_CTL_ADD, pairs[i].sockets[1], is_timed ? EPOLLIN | EPOLLOUT : is_deaf(i) ? 0 : EPOLLIN);
    if (!is_deaf(i)) busy++;
  }
  run(is_timed ? now() + options.seconds : 0);
  return received;
}

static void carry(int from, int to) {
  char octets[ECHO_BYTES];
  memset(octets, 'x', sizeof octets);
  if (send(from, octets, sizeof octets, MSG_NOSIGNAL) != sizeof octets) fail("send");
  if (recv(to, octets, sizeof octets, MSG_WAITALL) != sizeof octets) fail("recv");
}

void echo(double *samples) {
  const int *sockets = pairs[0].sockets;
  for (int side = 0; side < 2; side++) fcntl(sockets[side], F_SETFL, 0);
  for (unsigned i = 0; i < WARM_UP_ROUND_TRIPS + options.round_trips; i++) {
    const double started = now();
    carry(sockets[0], sockets[1]);
    carry(sockets[1], sockets[0]);
    if (i >= WARM_UP_ROUND_TRIPS) samples[i - WARM_UP_ROUND_TRIPS] = now() - started;
  }
}
