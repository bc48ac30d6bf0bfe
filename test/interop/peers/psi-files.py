"""Moves files with Psi+ 1.4, whose keys it presses.

Usage: psi-files.py JID CONTACT [ibb], inside desktop.py, the password in the environment variable PASSWORD.

Psi+ looks for no proxy: its account names the one of its server. With "ibb" it moves files in band only. Each line of the standard input is a file to send to
CONTACT, as JSON: {"file": path}. Each line of the standard output is a fact: {"event": "online", "version"}, {"event": "sent"},
{"event": "received", "file": path}, {"event": "failed", "reason"}.
"""

import json
import os
import select
import sys

from psi import ERROR, HOME, ROSTER, Psi, ask_version, prepare, press
from windows import POLL_S, find_window, tell, xdotool

INBOX = f"{HOME}/inbox"
OFFER, SAVE, REQUEST, CHOOSE = "^Receive File", "^Save As", "^Send File", "^Choose a file"
# Menus have no title.
MENU = "^psi-plus$"
# Where the first contact is in the roster.
CONTACT_X, CONTACT_Y = 80, 97

OPTIONS = {
    "options.ui.contactlist.show.offline-contacts": False,
    # What comes opens a window at once.
    "options.ui.file-transfer.auto-popup": True,
    "options.ui.last-used-save-path": INBOX,
    "options.ui.last-used-open-path": "/mnt/outbox",
}


class Files(Psi):
    def __init__(self):
        super().__init__()
        self.told = set()

    def choose(self):
        # Only contacts that have come are in the roster, and only their menu has this letter, for "Send File".
        roster = find_window(ROSTER)
        if xdotool("search", "--onlyvisible", "--classname", MENU):
            press(roster, "f")
        else:
            xdotool("mousemove", "--window", roster, str(CONTACT_X), str(CONTACT_Y), "click", "3")

    def send(self, path):
        self.until(lambda: find_window(CHOOSE), act=self.choose)
        xdotool("windowfocus", "--sync", find_window(CHOOSE), "type", path)
        # The first one may go to what is proposed to complete the path.
        self.until(lambda: not find_window(CHOOSE), act=lambda: xdotool("key", "Return"))
        # Begins, and does nothing once it has begun; it is gone once the bytestream is there.
        self.until(lambda: not find_window(REQUEST), act=lambda: press(find_window(REQUEST), "ctrl+Return"))
        tell("sent")

    def look(self):
        """Accepts what is offered, and tells of what has come."""
        if find_window(ERROR):
            raise RuntimeError("Psi+ shows an error")
        if save := find_window(SAVE):
            press(save, "Return")
        elif offer := find_window(OFFER):
            press(offer, "ctrl+Return")
        for name in os.listdir(INBOX):
            # Until it is whole, it has another name.
            if not name.endswith(".part") and name not in self.told:
                self.told.add(name)
                tell("received", file=f"{INBOX}/{name}")


def main():
    jid, _contact, *flavour = sys.argv[1:]
    domain = jid.split("/")[0].split("@")[1]
    os.makedirs(INBOX)
    prepare(jid, OPTIONS, {"bytestreams-proxy": f"proxy.{domain}", "ibb-only": flavour == ["ibb"]})
    psi = Files()
    tell("online", version=ask_version())
    while psi.process.poll() is None:
        readable, _, _ = select.select([sys.stdin], [], [], POLL_S)
        line = readable and sys.stdin.readline()
        if line == "":
            break
        if line:
            psi.send(json.loads(line)["file"])
        psi.look()


try:
    main()
except Exception as error:
    tell("failed", reason=repr(error))
    raise
