"""Moves files with Dino 0.4, whose buttons it presses.

Usage: dino-files.py JID CONTACT, inside desktop.py, the password in the environment variable PASSWORD.

The chat with CONTACT is open. Each line of the standard input is a file to send, the only one in the working folder, as
JSON: {"file": path}. Each line of the standard output is a fact: {"event": "online", "version"}, {"event": "sent"},
{"event": "received", "file": path}, {"event": "failed", "reason"}.
"""

import json
import os
import re
import select
import sys
import time

from dino import DATA, WINDOW, Dino, ask_version, prepare, query
from windows import POLL_S, find_window, tell, xdotool

CHOOSER = "^Select file$"
CHOOSER_S = 3
# Of Dino's file_transfer.state and .direction.
COMPLETE, FAILED = 0, 3
RECEIVED, SENT = 0, 1
# Where the paper clip is in the window, from its left and from its bottom.
CLIP_X, CLIP_Y = 338, 37
FILE_TRANSFER = "urn:xmpp:jingle:apps:file-transfer:5"


class Files(Dino):
    def __init__(self, contact):
        super().__init__(contact)
        self.told = set()

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
    dino = Files(contact)
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
