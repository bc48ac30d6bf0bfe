#ifndef GENERATOR_H
#define GENERATOR_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xmpp.h"

#define CLIENTS_MAX 8
#define BLOCK_BYTES (256 * 1024)
#define EVENTS_AT_ONCE 256

typedef struct {
  unsigned pairs;
  int relay_port;
  int sink_port; // 0: both ends connect.
  xmpp_client *client[CLIENTS_MAX];
  unsigned clients;
  const char *proxy, *target;
  unsigned at_once;    // Pairs in the making.
  size_t hello_bytes;  // Each way, before a pair counts as open.
  bool is_closing;     // Pairs end as soon as they are open.
  uint64_t octets;     // From the first to the second end, of all pairs together.
  double seconds;      // Instead: for so long, both ways.
  uint64_t least;      // Instead: on and on, until so many have come through each pair that has a reader.
  unsigned deaf_every; // One pair in so many has none: its second end never reads.
  size_t write_bytes;  // Given to the kernel at once.
  int sndbuf;          // SO_SNDBUF of whoever sends; 0: left to the kernel.
  unsigned round_trips; // Of 64 octets, through the first pair.
} settings;

typedef struct {
  char sid[64], dst_addr[41];
  int sockets[2];
  double started;
  unsigned char ends_in, ends_greeted;
} pair;

extern settings options;
extern pair *pairs;
extern int epoll;

void fail(const char *what) __attribute__((noreturn));
double now(void);
void watch(int operation, int socket, uint32_t events);

// open.c: pairs are made, `at_once` at a time; how long each took goes to `samples`.
void prepare_pairs(void);
void open_pairs(double *samples);

// traffic.c: what open pairs carry.
uint64_t transfer(void); // Returns the octets that arrived.
void shares(uint64_t *least, uint64_t *most); // Of them, of the pairs that have a reader.
void echo(double *samples);

#endif
