"""Shows what somebody reads in Psi+ 1.4.

Usage: psi-chat.py JID CONTACT, inside desktop.py, the password in the environment variable PASSWORD.

What comes opens a chat. What Psi+ has kept of an earlier time is there. Each line of the standard input is an order, {"screenshot": path}; its end
quits. Each line of the standard output is a fact: {"event": "online", "version"}, {"event": "message", "from", "body"} for each message in the history of
Psi+, whoever has sent it, {"event": "done"}, {"event": "failed", "reason"}.
"""

import contextlib
import os
import re
import sqlite3
import sys

from psi import DATA, PROFILE, Psi, ask_version, prepare
from windows import find_window, show_and_tell, tell, xdotool

OPTIONS = {"options.ui.chat.auto-popup": True}

# Of its history.
CHAT, RECEIVED = 1, 2
CHAT_AT, CHAT_SIZE = ("300", "0"), ("700", "700")


def read():
    path = f"{PROFILE}/history/history.db"
    if not os.path.exists(path):
        return []
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        statement = "SELECT jid, m_text FROM events JOIN contacts ON contacts.id = contact_id WHERE events.type = ? AND direction = ? ORDER BY events.id"
        return database.execute(statement, (CHAT, RECEIVED)).fetchall()


def arrange(contact):
    """Chats open in a window that is too small for a message, above the roster."""
    if chat := find_window(re.escape(contact)):
        xdotool("windowmove", chat, *CHAT_AT, "windowsize", chat, *CHAT_SIZE)


def main():
    jid, contact = sys.argv[1:]
    if not os.path.exists(DATA):
        prepare(jid, OPTIONS, {"log": True})
    psi = Psi()
    tell("online", version=ask_version())
    show_and_tell(psi, read, lambda: arrange(contact))
    psi.process.terminate()
    psi.process.wait()


try:
    main()
except Exception as error:
    tell("failed", reason=repr(error))
    raise
