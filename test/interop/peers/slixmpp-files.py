"""Logs in with slixmpp, and sends and receives files over SOCKS5 bytestreams, or in band.

Usage: slixmpp-files.py JID HOST PORT FOLDER bare|si|ibb, the password in the environment variable PASSWORD. `bare` opens a
bytestream without a word about what it carries (XEP-0065 alone), `si` offers the file first (XEP-0095, XEP-0096), and so
does `ibb`, with in-band bytestreams only (XEP-0047): of several methods offered, it is the one that slixmpp prefers.

Each line of the standard input is a file to send, as JSON: {"to": full JID, "file": path}; its end logs out. Each line
of the standard output is a fact: {"event": "online", "jid", "version"}, {"event": "sent", "file"}, {"event": "received",
"file", "from"}, {"event": "failed", "reason"}. What comes is stored in FOLDER.
"""

import asyncio
import json
import os
import sys

import slixmpp
from slixmpp.xmlstream.handler import CoroutineCallback
from slixmpp.xmlstream.matcher import StanzaPath

SOCKS5 = "http://jabber.org/protocol/bytestreams"
IBB = "http://jabber.org/protocol/ibb"
CHUNK_BYTES = 65536


def tell(event, **facts):
    print(json.dumps({"event": event, **facts}), flush=True)


class Files(slixmpp.ClientXMPP):
    def __init__(self, jid, password, folder, flavour):
        super().__init__(jid, password)
        self.folder = folder
        self.flavour = flavour
        self.in_band = {}
        self.register_plugin("xep_0030")
        self.register_plugin("xep_0199")
        self.register_plugin("xep_0065", {"auto_accept": flavour == "bare"})
        if flavour != "bare":
            self.register_stream_initiation()
        else:
            self.add_event_handler("socks5_stream", lambda stream: self.receive(stream, "stream", ""))
        self.add_event_handler("session_start", self.on_session_start)
        self.add_event_handler("failed_all_auth", lambda _: tell("failed", reason="authentication"))
        self.add_event_handler("disconnected", lambda _: self.loop.stop())

    def register_stream_initiation(self):
        self.register_plugin("xep_0096")
        # slixmpp 1.8.3 registers its coroutine with a handler that never awaits it: no offer would ever be answered.
        self.remove_handler("SI Request")
        self.register_handler(CoroutineCallback("SI Request", StanzaPath("iq@type=set/si"), self["xep_0095"]._handle_request))
        if self.flavour == "si":
            # Of two methods offered it would choose the one in-band.
            self["xep_0095"].unregister_method(IBB)
        self.add_event_handler("ibb_stream_data", lambda stream: self.on_in_band(stream, "data"))
        self.add_event_handler("ibb_stream_end", lambda stream: self.on_in_band(stream, "closed"))
        self.add_event_handler("si_request", self.on_offer)

    async def on_session_start(self, _):
        self.send_presence()
        await self.get_roster()
        tell("online", jid=self.boundjid.full, version=slixmpp.__version__)

    async def on_offer(self, iq):
        sender, sid, name = iq["from"], iq["si"]["id"], iq["si"]["file"]["name"]
        handler = lambda stream: self.receive(stream, name, sender.full)
        await self["xep_0095"].accept(sender, sid, ifrom=self.boundjid, stream_handler=handler)

    def receive(self, stream, name, sender):
        """The events of the plugin do not tell which stream they are of: those of this one are taken from it."""
        path = os.path.join(self.folder, os.path.basename(name))
        file = open(path, "wb")

        def on_event(event, data):
            if event == "socks5_data":
                file.write(data)
            elif event == "socks5_closed":
                file.close()
                tell("received", **{"file": path, "from": sender})

        if self.flavour == "ibb":
            self.in_band[stream.sid] = on_event
        else:
            stream.event = on_event

    def on_in_band(self, stream, event):
        """These events do tell which stream they are of."""
        on_event = self.in_band.get(stream.sid, lambda event, data: None)
        if event == "data":
            on_event("socks5_data", stream.read())
        elif self.in_band.pop(stream.sid, None):
            on_event("socks5_closed", None)

    async def send_file(self, to, path):
        sid = os.urandom(8).hex()
        if self.flavour != "bare":
            # As dictionaries: version 1.8.3 fails on the plain names.
            methods = [{"label": "", "value": IBB if self.flavour == "ibb" else SOCKS5}]
            facts = {"name": os.path.basename(path), "size": os.path.getsize(path)}
            await self["xep_0096"].request_file_transfer(to, sid=sid, methods=methods, **facts)
        await (self.send_in_band if self.flavour == "ibb" else self.send_over_socks5)(to, sid, path)
        tell("sent", file=path)

    async def send_in_band(self, to, sid, path):
        stream = await self["xep_0047"].open_stream(to, sid=sid)
        with open(path, "rb") as file:
            await stream.sendfile(file)
        await stream.close()

    async def send_over_socks5(self, to, sid, path):
        stream = await self["xep_0065"].handshake(to, sid=sid)
        if stream is None:
            raise RuntimeError("no bytestream")
        closed = asyncio.Future()
        stream.event = lambda event, _: closed.set_result(None) if event == "socks5_closed" else None
        with open(path, "rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                await stream.write(chunk)
        stream.transport.write_eof()
        await closed

    async def obey(self, order):
        try:
            await self.send_file(order["to"], order["file"])
        except Exception as error:
            tell("failed", reason=repr(error))

    def on_input(self):
        line = sys.stdin.readline()
        if line:
            self.loop.create_task(self.obey(json.loads(line)))
        else:
            self.loop.remove_reader(sys.stdin)
            self.disconnect()


def main():
    jid, host, port, folder, flavour = sys.argv[1:]
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    files = Files(jid, os.environ["PASSWORD"], folder, flavour)
    loop.add_reader(sys.stdin, files.on_input)
    files.connect((host, int(port)), disable_starttls=True)
    # slixmpp 1.8.3 looks the account's domain up, unless the address it is given is of IPv4.
    files.default_domain, files.default_port = host, int(port)
    loop.run_forever()


main()
