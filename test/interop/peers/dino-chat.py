"""Shows what somebody reads in Dino 0.4.

Usage: dino-chat.py JID CONTACT, inside desktop.py, the password in the environment variable PASSWORD.

The chat with CONTACT is open. What Dino has kept of an earlier time is there. Each line of the standard input is an order, {"screenshot": path}; its end
quits. Each line of the standard output is a fact: {"event": "online", "version"}, {"event": "message", "from", "body"} for each message in Dino's database,
whoever has sent it, {"event": "done"}, {"event": "failed", "reason"}.
"""

import os
import sys

from dino import DATA, Dino, ask_version, prepare, query
from windows import show_and_tell, tell

RECEIVED = 0


def read():
    statement = "SELECT bare_jid, body FROM message JOIN jid ON jid.id = counterpart_id WHERE direction = ? ORDER BY message.id"
    return query(statement, RECEIVED)


def main():
    jid, contact = sys.argv[1:]
    if not os.path.exists(DATA):
        prepare(jid)
    version = ask_version()
    dino = Dino(contact)
    dino.open_chat()
    tell("online", version=version)
    show_and_tell(dino, read)
    dino.quit()


try:
    main()
except Exception as error:
    tell("failed", reason=repr(error))
    raise
