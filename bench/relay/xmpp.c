#define _GNU_SOURCE
#include "xmpp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void fail(const char *what, const char *said) {
  fprintf(stderr, "xmpp: %s: %s\n", what, said);
  exit(1);
}

static void say(xmpp_client *client, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(xmpp_client *client, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const size_t room = sizeof client->out - client->out_length;
  const int length = vsnprintf(client->out + client->out_length, room, format, arguments);
  va_end(arguments);
  if (length < 0 || (size_t)length >= room) fail("too much to say at once", format);
  client->out_length += (size_t)length;
}

static size_t receive(xmpp_client *client, int flags) {
  const size_t room = sizeof client->in - 1 - client->in_length;
  const ssize_t got = recv(client->socket, client->in + client->in_length, room, flags);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
  if (got <= 0) fail("the server hung up", client->in);
  client->in_length += (size_t)got;
  client->in[client->in_length] = '\0';
  return (size_t)got;
}

// Waits until the server has said that, and forgets what it said.
static void await_text(xmpp_client *client, const char *text) {
  xmpp_flush(client);
  while (!strstr(client->in, text)) {
    if (strstr(client->in, "<failure") || strstr(client->in, "<stream:error")) fail("not let in", client->in);
    receive(client, 0);
  }
  client->in_length = 0;
  client->in[0] = '\0';
}

static void begin_stream(xmpp_client *client, const char *domain) {
  say(client, "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='%s' version='1.0'>",
      domain);
  await_text(client, "</stream:features>");
}

void xmpp_login(xmpp_client *client, int port, const char *domain, const char *plain_base64, const char *resource) {
  const struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  client->in_length = client->out_length = 0;
  client->in[0] = '\0';
  client->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(client->socket, (const struct sockaddr *)&address, sizeof address) < 0) fail("connect", strerror(errno));
  setsockopt(client->socket, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
  begin_stream(client, domain);
  say(client, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>%s</auth>", plain_base64);
  await_text(client, "<success");
  begin_stream(client, domain);
  say(client, "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>%s</resource></bind></iq>", resource);
  await_text(client, "</iq>");
}

void xmpp_activate(xmpp_client *client, unsigned id, const char *proxy, const char *sid, const char *target) {
  say(client,
      "<iq type='set' id='%u' to='%s'><query xmlns='http://jabber.org/protocol/bytestreams' sid='%s'><activate>%s</activate></query></iq>",
      id, proxy, sid, target);
}

void xmpp_flush(xmpp_client *client) {
  for (size_t sent = 0; sent < client->out_length;) {
    const ssize_t put = send(client->socket, client->out + sent, client->out_length - sent, MSG_NOSIGNAL);
    if (put < 0) fail("send", strerror(errno));
    sent += (size_t)put;
  }
  client->out_length = 0;
}

static const char *find(const char *from, const char *end, const char *text) {
  return memmem(from, (size_t)(end - from), text, strlen(text));
}

void xmpp_read(xmpp_client *client, void (*on_activated)(unsigned id)) {
  if (receive(client, MSG_DONTWAIT) == 0) return;
  const char *rest = client->in, *const end = client->in + client->in_length;
  for (;;) {
    const char *start = find(rest, end, "<iq ");
    const char *close = start ? find(start, end, ">") : NULL;
    if (!close) break;
    const char *id = find(start, close, " id='"), *id2 = find(start, close, " id=\"");
    if (!find(start, close, "result")) fail("not activated", start);
    if (!id && !id2) fail("an answer without an id", start);
    on_activated((unsigned)strtoul((id ? id : id2) + strlen(" id='"), NULL, 10));
    rest = close + 1;
  }
  const char *start = find(rest, end, "<");
  client->in_length = start ? (size_t)(end - start) : 0;
  memmove(client->in, start ? start : rest, client->in_length);
  client->in[client->in_length] = '\0';
}
