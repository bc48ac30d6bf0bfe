// The load: both ends of many bytestreams in one process and one thread (epoll), which receives without copying
// (MSG_TRUNC). Either each end connects to a relay by SOCKS5 under the DST.ADDR of its pair, and the bytestream is activated
// when there are --client accounts to do so; or, with --sink, one end connects to a relay that dials the other. A relay that
// is --sink itself shows what this program can do at most.
//
// It stops three times, says how it went in a line of JSON, and waits for a line on its input: before the first connection,
// when all pairs are open (with --closing: have been), and when their octets have arrived.
#define _GNU_SOURCE
#include "generator.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

settings options = {.at_once = 1, .write_bytes = BLOCK_BYTES};
pair *pairs;
int epoll;

void fail(const char *what) {
  fprintf(stderr, "generator: %s: %s\n", what, strerror(errno));
  exit(1);
}

double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

void watch(int operation, int socket, uint32_t events) {
  struct epoll_event event = {.events = events, .data.fd = socket};
  if (epoll_ctl(epoll, operation, socket, &event) < 0) fail("epoll_ctl");
}

static int compare(const void *a, const void *b) {
  const double difference = *(const double *)a - *(const double *)b;
  return (difference > 0) - (difference < 0);
}

static double cpu_seconds(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static double started, started_cpu;

// Says how it went, and waits to be told to go on.
static void stop(const char *event, uint64_t octets, double *samples, size_t count) {
  const double seconds = now() - started, own = cpu_seconds() - started_cpu;
  printf("{\"event\":\"%s\",\"octets\":%llu,\"seconds\":%.6f,\"ownCpuSeconds\":%.6f", event, (unsigned long long)octets, seconds, own);
  if (count > 0) {
    qsort(samples, count, sizeof *samples, compare);
    printf(",\"p50Us\":%.2f,\"p99Us\":%.2f", samples[count / 2] * 1e6, samples[count * 99 / 100] * 1e6);
  }
  if (options.least > 0 && octets > 0) {
    uint64_t least, most;
    shares(&least, &most);
    printf(",\"least\":%llu,\"most\":%llu", (unsigned long long)least, (unsigned long long)most);
  }
  printf("}\n");
  fflush(stdout);
  char line[16];
  if (!fgets(line, sizeof line, stdin)) exit(0); // Whoever started us has left.
  started = now();
  started_cpu = cpu_seconds();
}

static void add_client(char *text) {
  const char *port = strtok(text, ","), *domain = strtok(NULL, ","), *plain = strtok(NULL, ","), *resource = strtok(NULL, ",");
  if (!resource || options.clients == CLIENTS_MAX) exit(2);
  xmpp_client *client = options.client[options.clients++] = calloc(1, sizeof *client);
  if (!client) fail("calloc");
  xmpp_login(client, atoi(port), domain, plain, resource);
}

static void parse(int argc, char **argv) {
  static const struct option names[] = {
      {"pairs", 1, 0, 'n'},   {"relay", 1, 0, 'r'},    {"sink", 1, 0, 's'},   {"client", 1, 0, 'c'},  {"proxy", 1, 0, 'p'},
      {"target", 1, 0, 't'},  {"at-once", 1, 0, 'a'},  {"hello", 1, 0, 'h'},  {"closing", 0, 0, 'x'}, {"octets", 1, 0, 'o'},
      {"write", 1, 0, 'w'},   {"sndbuf", 1, 0, 'b'},   {"seconds", 1, 0, 'd'}, {"round-trips", 1, 0, 'e'},
      {"least", 1, 0, 'l'},   {"deaf-every", 1, 0, 'f'}, {0, 0, 0, 0}};
  for (int name; (name = getopt_long(argc, argv, "", names, NULL)) != -1;) {
    switch (name) {
      case 'n': options.pairs = (unsigned)atoi(optarg); break;
      case 'r': options.relay_port = atoi(optarg); break;
      case 's': options.sink_port = atoi(optarg); break;
      case 'c': add_client(optarg); break;
      case 'p': options.proxy = optarg; break;
      case 't': options.target = optarg; break;
      case 'a': options.at_once = (unsigned)atoi(optarg); break;
      case 'h': options.hello_bytes = (size_t)atoi(optarg); break;
      case 'x': options.is_closing = true; break;
      case 'o': options.octets = strtoull(optarg, NULL, 10); break;
      case 'w': options.write_bytes = (size_t)atoi(optarg); break;
      case 'b': options.sndbuf = atoi(optarg); break;
      case 'd': options.seconds = atof(optarg); break;
      case 'e': options.round_trips = (unsigned)atoi(optarg); break;
      case 'l': options.least = strtoull(optarg, NULL, 10); break;
      case 'f': options.deaf_every = (unsigned)atoi(optarg); break;
      default: exit(2);
    }
  }
  if (options.write_bytes > BLOCK_BYTES || options.pairs == 0) exit(2);
}

// "SID DST.ADDR" in a line for each pair.
static void read_pairs(void) {
  pairs = calloc(options.pairs, sizeof *pairs);
  if (!pairs) fail("calloc");
  for (unsigned i = 0; i < options.pairs; i++) {
    char line[128];
    if (!fgets(line, sizeof line, stdin) || sscanf(line, "%63s %40s", pairs[i].sid, pairs[i].dst_addr) != 2) exit(2);
  }
}

int main(int argc, char **argv) {
  epoll = epoll_create1(EPOLL_CLOEXEC);
  parse(argc, argv);
  read_pairs();
  double *samples = calloc(options.pairs > options.round_trips ? options.pairs : options.round_trips, sizeof *samples);
  if (!samples) fail("calloc");
  prepare_pairs();
  stop("ready", 0, NULL, 0);
  open_pairs(samples);
  stop("open", 0, samples, options.pairs);
  if (options.round_trips > 0) echo(samples);
  const uint64_t octets = options.octets > 0 || options.seconds > 0 || options.least > 0 ? transfer() : 0;
  stop("done", octets, samples, options.round_trips);
}
