"""Moves one file with slixmpp, over a SOCKS5 bytestream through the proxy of its server, hashed on both ends.

Usage: slixmpp-mover.py JID HOST PORT receive FOLDER | send TO PATH, the password in the environment variable PASSWORD. Tells what it
does by lines of JSON: {"event": "ready", "jid"}, {"event": "done", "sha256"}; ends after one file.
"""

import asyncio
import hashlib
import json
import os
import sys

import slixmpp

# As in the examples that come with slixmpp.
CHUNK_BYTES = 1024 * 1024


def tell(event, **facts):
    print(json.dumps({"event": event, **facts}), flush=True)


class Mover(slixmpp.ClientXMPP):
    def __init__(self, jid, password, what):
        super().__init__(jid, password)
        self.what = what
        self.hash = hashlib.sha256()
        self.file = open(os.path.join(what[1], "received") if what[0] == "receive" else os.devnull, "wb")
        self.register_plugin("xep_0030")
        self.register_plugin("xep_0065", {"auto_accept": True})
        self.add_event_handler("session_start", self.on_session_start)
        self.add_event_handler("socks5_data", self.on_data)
        self.add_event_handler("socks5_closed", self.on_closed)
        self.add_event_handler("disconnected", lambda _: self.loop.stop())

    async def on_session_start(self, _):
        self.send_presence()
        tell("ready", jid=self.boundjid.full)
        if self.what[0] == "send":
            await self.send_file(*self.what[1:])

    def on_data(self, data):
        self.hash.update(data)
        self.file.write(data)

    async def send_file(self, to, path):
        stream = await self["xep_0065"].handshake(to)
        if stream is None:
            raise SystemExit("no bytestream")
        with open(path, "rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                self.hash.update(chunk)
                await stream.write(chunk)
        stream.transport.write_eof()

    def on_closed(self, _):
        self.file.close()
        self.finish()

    def finish(self):
        tell("done", sha256=self.hash.hexdigest())
        self.disconnect()


def main():
    jid, host, port, *what = sys.argv[1:]
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    mover = Mover(jid, os.environ["PASSWORD"], what)
    mover.connect((host, int(port)), disable_starttls=True)
    # slixmpp 1.8.3 looks the account's domain up, unless the address it is given is of IPv4.
    mover.default_domain, mover.default_port = host, int(port)
    loop.run_forever()


main()
