"""Dino 0.4, whose buttons are pressed from outside: for a program inside desktop.py, with the password of the account in PASSWORD."""

import contextlib
import os
import sqlite3
import subprocess
import sys
import time
from urllib.parse import quote

from gi.repository import Gio, GLib

from windows import POLL_S, find_window

HOME = os.environ["HOME"]
DATA = f"{HOME}/.local/share/dino"
NAME, OBJECT, INTERFACE = "im.dino.Dino", "/im/dino/Dino", "org.freedesktop.Application"
WINDOW = "^Dino$"

ACCOUNT = """CREATE TABLE account (id INTEGER PRIMARY KEY AUTOINCREMENT, bare_jid TEXT NOT NULL UNIQUE, resourcepart TEXT,
    password TEXT, alias TEXT, enabled INTEGER, roster_version TEXT, mam_earliest_synced INTEGER)"""

# GTK 4.8 crashes now and then when it is asked about a dialog that goes.
ENVIRONMENT = {**os.environ, "GTK_A11Y": "none"}

SETTINGS = {
    ".config/gtk-4.0/settings.ini": "[Settings]\ngtk-enable-animations=0\n",
    # The chooser opens where Dino was started.
    ".config/glib-2.0/settings/keyfile": "[org/gtk/gtk4/settings/file-chooser]\nstartup-mode='cwd'\n",
}


def prepare(jid):
    """What Dino asks for when it is new; it makes the other tables of its database itself."""
    bare, resource = jid.split("/")
    for name, text in SETTINGS.items():
        path = f"{HOME}/{name}"
        os.makedirs(os.path.dirname(path))
        with open(path, "w") as file:
            file.write(text)
    os.makedirs(DATA)
    with contextlib.closing(sqlite3.connect(f"{DATA}/dino.db")) as database, database:
        database.execute(ACCOUNT)
        account = (bare, resource, os.environ["PASSWORD"], 1)
        database.execute("INSERT INTO account (bare_jid, resourcepart, password, enabled) VALUES (?, ?, ?, ?)", account)


def ask_version():
    """It can only tell while none is running."""
    return subprocess.run(["dino-im", "--version"], stdout=subprocess.PIPE, text=True, env=ENVIRONMENT).stdout.split()[1]


def query(statement, *values):
    with contextlib.closing(sqlite3.connect(f"file:{DATA}/dino.db?mode=ro", uri=True)) as database:
        return database.execute(statement, values).fetchall()


class Dino:
    def __init__(self, contact):
        self.contact = contact
        self.process = subprocess.Popen(["dino-im"], stdin=subprocess.DEVNULL, stdout=sys.stderr, env=ENVIRONMENT)
        self.bus = Gio.bus_get_sync(Gio.BusType.SESSION)
        self.until(lambda: find_window(WINDOW))

    def until(self, condition, act=lambda: None):
        """Acts and looks, again and again: nothing tells when it has changed."""
        while not condition():
            if self.process.poll() is not None:
                raise RuntimeError("Dino has ended")
            act()
            time.sleep(POLL_S)

    def call(self, method, arguments):
        self.bus.call_sync(NAME, OBJECT, INTERFACE, method, arguments, None, Gio.DBusCallFlags.NO_AUTO_START, -1)

    def open_chat(self):
        self.call("Open", GLib.Variant("(asa{sv})", ([f"xmpp:{quote(self.contact, safe='@')}?message"], {})))

    def quit(self):
        """As its menu does: it says good-bye to its server."""
        self.call("ActivateAction", GLib.Variant("(sava{sv})", ("quit", [], {})))
        self.process.wait()
