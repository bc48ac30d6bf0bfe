"""Adds a contact to a roster, and asks for its presence.

Usage: slixmpp-subscribe.py HOST PORT CA JID CONTACT ANSWER, the password in the environment variable PASSWORD.

ANSWER is what CONTACT, which asks back, hears: "granted", "refused", or "nothing". Ends once its presence may be seen, and it is answered.
"""

import asyncio
import os
import sys

import slixmpp

ANSWERS = {"granted": True, "refused": False, "nothing": None}


class Account(slixmpp.ClientXMPP):
    def __init__(self, jid, contact, authority, answer):
        super().__init__(jid, os.environ["PASSWORD"])
        self.contact = contact
        self.ca_certs = authority
        self.auto_authorize = ANSWERS[answer]
        self.auto_subscribe = False
        self.is_seen = asyncio.get_running_loop().create_future()
        self.is_asked = asyncio.get_running_loop().create_future()
        self.add_event_handler("session_start", self.on_session_start)
        self.add_event_handler("roster_update", self.on_roster_update)
        self.add_event_handler("presence_subscribe", self.on_presence_subscribe)

    async def on_session_start(self, _):
        await self.get_roster()
        self.send_presence()
        self.send_presence(pto=self.contact, ptype="subscribe")

    def on_roster_update(self, _):
        if self.client_roster[self.contact]["subscription"] in ("to", "both") and not self.is_seen.done():
            self.is_seen.set_result(None)

    def on_presence_subscribe(self, _):
        if not self.is_asked.done():
            self.is_asked.set_result(None)


async def main():
    host, port, authority, jid, contact, answer = sys.argv[1:]
    account = Account(jid, contact, authority, answer)
    account.connect((host, int(port)))
    await asyncio.gather(account.is_seen, account.is_asked)
    # What has been answered is with the server once it answers this.
    await account.get_roster()
    await account.disconnect()


asyncio.run(main())
