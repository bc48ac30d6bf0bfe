// Just enough of an XMPP client to activate bytestreams (RFC 6120, XEP-0065 §6.3): many questions at once, none waited for.
#ifndef XMPP_H
#define XMPP_H
#include <stddef.h>

#define XMPP_BUFFER_BYTES (256 * 1024)

typedef struct {
  int socket;
  char in[XMPP_BUFFER_BYTES], out[XMPP_BUFFER_BYTES];
  size_t in_length, out_length;
} xmpp_client;

// Logs in with SASL PLAIN and binds the resource; ends the process when the server does not let us in.
void xmpp_login(xmpp_client *client, int port, const char *domain, const char *plain_base64, const char *resource);

// Asks, with the next flush, for what the requester has to ask for once both sides are connected.
void xmpp_activate(xmpp_client *client, unsigned id, const char *proxy, const char *sid, const char *target);

void xmpp_flush(xmpp_client *client);

// Reads what is there, and tells of each answer; an error ends the process.
void xmpp_read(xmpp_client *client, void (*on_activated)(unsigned id));

#endif
