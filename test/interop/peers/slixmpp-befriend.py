"""Makes two accounts contacts of each other.

Usage: slixmpp-befriend.py HOST PORT CA JID JID, the password of both in the environment variable PASSWORD.

Ends once each may see the presence of the other.
"""

import asyncio
import os
import sys

import slixmpp


class Account(slixmpp.ClientXMPP):
    def __init__(self, jid, contact, authority):
        super().__init__(jid, os.environ["PASSWORD"])
        self.contact = contact
        self.ca_certs = authority
        self.auto_authorize = True
        self.auto_subscribe = True
        self.befriended = asyncio.get_running_loop().create_future()
        self.add_event_handler("session_start", self.on_session_start)
        self.add_event_handler("roster_update", self.on_roster_update)

    async def on_session_start(self, _):
        await self.get_roster()
        self.send_presence()
        self.send_presence(pto=self.contact, ptype="subscribe")

    def on_roster_update(self, _):
        if self.client_roster[self.contact]["subscription"] == "both" and not self.befriended.done():
            self.befriended.set_result(None)


async def main():
    host, port, authority, one, other = sys.argv[1:]
    accounts = [Account(one, other, authority), Account(other, one, authority)]
    for account in accounts:
        account.connect((host, int(port)))
    await asyncio.gather(*(account.befriended for account in accounts))
    await asyncio.gather(*(account.disconnect() for account in accounts))


asyncio.run(main())
