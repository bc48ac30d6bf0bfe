"""Shows what somebody reads in Gajim 1.7.

Usage: gajim-chat.py JID CONTACT, inside desktop.py, the password in the environment variable PASSWORD.

What Gajim has kept of an earlier time is there. Each line of the standard input is an order, {"screenshot": path}, before which the chat with CONTACT is
opened; its end quits. Each line of the standard output is a fact: {"event": "online", "version"}, {"event": "message", "from", "body"} for each message
in the history of Gajim, whoever has sent it, {"event": "done"}, {"event": "failed", "reason"}.
"""

import contextlib
import os
import sqlite3
import subprocess
import sys
import time

import gajim
from gi.repository import Gio, GLib

from gajim_home import CONFIGURATION, DATA, prepare
from windows import POLL_S, find_window, show_and_tell, tell

NAME, OBJECT, INTERFACE = "org.gajim.Gajim", "/org/gajim/Gajim", "org.freedesktop.Application"
WINDOW = "^Gajim"
# Of its KindConstant.
RECEIVED = 4


def read():
    path = f"{DATA}/logs.db"
    if not os.path.exists(path):
        return []
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        statement = "SELECT jid, message FROM logs JOIN jids ON jids.jid_id = logs.jid_id WHERE kind = ? ORDER BY log_line_id"
        return database.execute(statement, (RECEIVED,)).fetchall()


class Gajim:
    def __init__(self, jid, contact):
        self.process = subprocess.Popen(["gajim"], stdin=subprocess.DEVNULL, stdout=sys.stderr)
        self.account, self.contact = jid.split("@")[0], contact
        self.bus = Gio.bus_get_sync(Gio.BusType.SESSION)
        while not find_window(WINDOW):
            if self.process.poll() is not None:
                raise RuntimeError("Gajim has ended")
            time.sleep(POLL_S)

    def act(self, action, *parameters):
        arguments = GLib.Variant("(sava{sv})", (action, parameters, {}))
        self.bus.call_sync(NAME, OBJECT, INTERFACE, "ActivateAction", arguments, None, Gio.DBusCallFlags.NO_AUTO_START, -1)

    def open_chat(self):
        self.act("open-chat", GLib.Variant("as", [self.account, self.contact]))

    def quit(self):
        self.act("quit")
        self.process.wait()


def main():
    jid, contact = sys.argv[1:]
    if not os.path.exists(CONFIGURATION):
        prepare(jid, {}, {})
    client = Gajim(jid, contact)
    tell("online", version=gajim.__version__)
    show_and_tell(client, read, client.open_chat)
    client.quit()


try:
    main()
except Exception as error:
    tell("failed", reason=repr(error))
    raise
