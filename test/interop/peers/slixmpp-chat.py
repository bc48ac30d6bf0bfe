"""Logs in with slixmpp and chats.

Usage: slixmpp-chat.py JID HOST PORT, the password in the environment variable PASSWORD. With CA, the path of a file of
certificates, it insists on TLS and trusts nobody else.

Each line of the standard input is a message to send, as JSON: {"to": JID, "body": text}; its end logs out. Each line of
the standard output is a fact: {"event": "online", "jid"}, {"event": "message", "from", "body"}, {"event": "failed", "reason"}.
"""

import asyncio
import json
import os
import sys

import slixmpp


def tell(event, **facts):
    print(json.dumps({"event": event, **facts}), flush=True)


class Chat(slixmpp.ClientXMPP):
    def __init__(self, jid, password):
        super().__init__(jid, password)
        self.register_plugin("xep_0030")
        self.register_plugin("xep_0199")
        self.add_event_handler("session_start", self.on_session_start)
        self.add_event_handler("message", self.on_message)
        self.add_event_handler("failed_all_auth", lambda _: tell("failed", reason="authentication"))
        self.add_event_handler("disconnected", lambda _: self.loop.stop())

    async def on_session_start(self, _):
        self.send_presence()
        await self.get_roster()
        tell("online", jid=self.boundjid.full)

    def on_message(self, message):
        if message["type"] in ("chat", "normal") and message["body"]:
            tell("message", **{"from": message["from"].full, "body": message["body"]})

    def on_input(self):
        line = sys.stdin.readline()
        if line:
            order = json.loads(line)
            self.send_message(mto=order["to"], mbody=order["body"], mtype="chat")
        else:
            self.loop.remove_reader(sys.stdin)
            self.disconnect()


def main():
    jid, host, port = sys.argv[1:]
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    chat = Chat(jid, os.environ["PASSWORD"])
    loop.add_reader(sys.stdin, chat.on_input)
    authorities = os.environ.get("CA")
    if authorities:
        chat.ca_certs = authorities
        chat.add_event_handler("ssl_invalid_chain", lambda error: tell("failed", reason=str(error)))
        chat.connect((host, int(port)), force_starttls=True)
    else:
        chat.connect((host, int(port)), disable_starttls=True)
    loop.run_forever()


main()
