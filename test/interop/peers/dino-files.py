"""Moves files with Dino 0.4, whose buttons it presses.

Usage: dino-files.py JID CONTACT, inside desktop.py, the password in the environment variable PASSWORD.

The chat with CONTACT is open. Each line of the standard input is a file to send, the only one in the working folder, as
JSON: {"file": path}. Each line of the standard output is a fact: {"event": "online", "version"}, {"event": "sent"},
{"event": "received", "file": path}, {"event": "failed", "reason"}.
"""

import contextlib
import json
import os
import re
import select
import sqlite3
import subprocess
import sys
import time

from gi.repository import Gio, GLib

HOME = os.environ["HOME"]
DATA = f"{HOME}/.local/share/dino"
NAME, OBJECT = "im.dino.Dino", "/im/dino/Dino"
WINDOW, CHOOSER = "^Dino$", "^Select file$"
POLL_S = 0.3
CHOOSER_S = 3
# Of Dino's file_transfer.state and .direction.
COMPLETE, FAILED = 0, 3
RECEIVED, SENT = 0, 1
# Where the paper clip is in the window, from its left and from its bottom.
CLIP_X, CLIP_Y = 338, 37
FILE_TRANSFER = "urn:xmpp:jingle:apps:file-transfer:5"

ACCOUNT = """CREATE TABLE account (id INTEGER PRIMARY KEY AUTOINCREMENT, bare_jid TEXT NOT NULL UNIQUE, resourcepart TEXT,
    password TEXT, alias TEXT, enabled INTEGER, roster_version TEXT, mam_earliest_synced INTEGER)"""

# GTK 4.8 crashes now and then when it is asked about a dialog that goes.
ENVIRONMENT = {**os.environ, "GTK_A11Y": "none"}

SETTINGS = {
    ".config/gtk-4.0/settings.ini": "[Settings]\ngtk-enable-animations=0\n",
    # The chooser opens where Dino was started.
    ".config/glib-2.0/settings/keyfile": "[org/gtk/gtk4/settings/file-chooser]\nstartup-mode='cwd'\n",
}


def tell(event, **facts):
    print(json.dumps({"event": event, **facts}), flush=True)


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


def xdotool(*args, timeout=None):
    try:
        return subprocess.run(["xdotool", *args], stdout=subprocess.PIPE, text=True, timeout=timeout).stdout.strip()
    except subprocess.TimeoutExpired:
        return ""


def find_window(title):
    return xdotool("search", "--onlyvisible", "--name", title).partition("\n")[0]


def query(statement, *values):
    with contextlib.closing(sqlite3.connect(f"file:{DATA}/dino.db?mode=ro", uri=True)) as database:
        return database.execute(statement, values).fetchall()


class Dino:
    def __init__(self, contact):
        self.contact = contact
        self.told = set()
        self.process = subprocess.Popen(["dino-im"], stdin=subprocess.DEVNULL, stdout=sys.stderr, env=ENVIRONMENT)
        self.bus = Gio.bus_get_sync(Gio.BusType.SESSION)

    def until(self, condition, act=lambda: None):
        """Acts and looks, again and again: nothing tells when it has changed."""
        while not condition():
            if self.process.poll() is not None:
                raise RuntimeError("Dino has ended")
            act()
            time.sleep(POLL_S)

    def open_chat(self):
        uris = GLib.Variant("(asa{sv})", ([f"xmpp:{self.contact}?message"], {}))
        self.bus.call_sync(NAME, OBJECT, "org.freedesktop.Application", "Open", uris, None, Gio.DBusCallFlags.NO_AUTO_START, -1)

    def is_reachable(self):
        return query(
            "SELECT 1 FROM entity JOIN jid ON jid.id = jid_id JOIN entity_feature ON entity = caps_hash WHERE bare_jid = ? AND feature = ?",
            self.contact,
            FILE_TRANSFER,
        )

    def choose(self):
        # Dino looks who takes files when a chat is opened, and not again when somebody comes.
        self.open_chat()
        time.sleep(POLL_S)
        window = find_window(WINDOW)
        height = int(re.search(r"HEIGHT=(\d+)", xdotool("getwindowgeometry", "--shell", window))[1])
        xdotool("mousemove", "--window", window, str(CLIP_X), str(height - CLIP_Y), "click", "1")
        # A second click, while the chooser comes, would bring a second chooser.
        xdotool("search", "--sync", "--onlyvisible", "--name", CHOOSER, timeout=CHOOSER_S)

    def send(self, path):
        self.until(self.is_reachable)
        self.until(lambda: find_window(CHOOSER), act=self.choose)
        xdotool("windowfocus", "--sync", find_window(CHOOSER))
        # Return takes the first file of the folder, once it has been read, and then it is Send that has the focus.
        is_sent = lambda: query("SELECT 1 FROM file_transfer WHERE direction = ? AND file_name = ?", SENT, os.path.basename(path))
        self.until(is_sent, act=lambda: xdotool("key", "Return"))
        tell("sent")

    def look(self):
        """Tells of transfers that are over."""
        for id, state, path in query("SELECT id, state, path FROM file_transfer WHERE direction = ?", RECEIVED):
            if id not in self.told and state in (COMPLETE, FAILED):
                self.told.add(id)
                if state == COMPLETE:
                    tell("received", file=f"{DATA}/files/{path}")
                else:
                    tell("failed", reason="Dino did not get the file")


def main():
    jid, contact = sys.argv[1:]
    prepare(jid)
    version = ask_version()
    dino = Dino(contact)
    dino.until(lambda: find_window(WINDOW))
    dino.open_chat()
    tell("online", version=version)
    while dino.process.poll() is None:
        readable, _, _ = select.select([sys.stdin], [], [], POLL_S)
        line = readable and sys.stdin.readline()
        if line == "":
            break
        if line:
            dino.send(json.loads(line)["file"])
        dino.look()


try:
    main()
except Exception as error:
    tell("failed", reason=repr(error))
    raise
