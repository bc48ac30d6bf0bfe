"""Moves files with Psi+ 1.4, whose keys it presses.

Usage: psi-files.py JID CONTACT [ibb], inside desktop.py, the password in the environment variable PASSWORD.

Psi+ looks for no proxy: its account names the one of its server. With "ibb" it moves files in band only. Each line of the standard input is a file to send to
CONTACT, as JSON: {"file": path}. Each line of the standard output is a fact: {"event": "online", "version"}, {"event": "sent"},
{"event": "received", "file": path}, {"event": "failed", "reason"}.
"""

import json
import os
import select
import subprocess
import sys
import time
from xml.sax.saxutils import escape

HOME = os.environ["HOME"]
DATA = f"{HOME}/psi"
INBOX = f"{HOME}/inbox"
ENVIRONMENT = {**os.environ, "PSIDATADIR": DATA}
NAMESPACE = "http://psi-im.org/options"
ROSTER, OFFER, SAVE, REQUEST, CHOOSE, ERROR = "^Psi\\+$", "^Receive File", "^Save As", "^Send File", "^Choose a file", "^Error"
POLL_S = 0.3
# Menus have no title.
MENU = "^psi-plus$"
# Where the first contact is in the roster.
CONTACT_X, CONTACT_Y = 80, 97
PORT = 5222

OPTIONS = {
    "options.keychain.enabled": False,
    "options.ui.tip.show": False,
    "options.auto-update.check-on-startup": False,
    "options.ui.systemtray.enable": False,
    "options.ui.notifications.passive-popups.enabled": False,
    "options.ui.notifications.sounds.enable": False,
    "options.ui.contactlist.enable-groups": False,
    "options.ui.contactlist.show.offline-contacts": False,
    "options.ui.contactlist.show.self-contact": False,
    # What comes opens a window at once.
    "options.ui.file-transfer.auto-popup": True,
    "options.ui.last-used-save-path": INBOX,
    "options.ui.last-used-open-path": "/mnt/outbox",
}


def tell(event, **facts):
    print(json.dumps({"event": event, **facts}), flush=True)


def as_xml(tree):
    def element(name, value):
        if isinstance(value, dict):
            return f"<{name}>{''.join(element(*child) for child in value.items())}</{name}>"
        kind = {bool: "bool", int: "int", str: "QString"}[type(value)]
        text = str(value).lower() if kind == "bool" else escape(str(value))
        return f'<{name} type="{kind}">{text}</{name}>'

    return "".join(element(*child) for child in tree.items())


def nested(options):
    tree = {}
    for path, value in options.items():
        *branches, leaf = path.split(".")
        at = tree
        for branch in branches:
            at = at.setdefault(branch, {})
        at[leaf] = value
    return tree


def write_options(name, root, options):
    with open(f"{DATA}/profiles/default/{name}", "w") as file:
        file.write(f'<!DOCTYPE {root}>\n<{root} version="1.4" xmlns="{NAMESPACE}">{as_xml(nested(options))}</{root}>\n')


def hidden(password, key):
    """As Psi+ keeps passwords: nobody is to read them over a shoulder."""
    return "".join(f"{ord(character) ^ ord(key[index % len(key)]):04x}" for index, character in enumerate(password))


def prepare(jid, is_in_band):
    bare, resource = jid.split("/")
    account = {
        **{"enabled": True, "auto": True, "keep-alive": True, "enable-sm": False, "automatic-resource": False, "log": False},
        **{"id": "{a}", "name": "a", "jid": bare, "resource": resource, "password": hidden(os.environ["PASSWORD"], bare)},
        **{"use-host": True, "host": "127.0.0.1", "port": PORT, "ssl": "yes", "allow-plain": "over encryped"},
        **{"bytestreams-proxy": f"proxy.{bare.split('@')[1]}", "ibb-only": is_in_band},
    }
    os.makedirs(f"{DATA}/profiles/default")
    os.makedirs(INBOX)
    write_options("options.xml", "options", OPTIONS)
    write_options("accounts.xml", "accounts", {f"accounts.a0.{name}": value for name, value in account.items()})


def xdotool(*args):
    return subprocess.run(["xdotool", *args], stdout=subprocess.PIPE, text=True).stdout.strip()


def find_window(title):
    return xdotool("search", "--onlyvisible", "--name", title).partition("\n")[0]


def press(window, *keys):
    xdotool("windowfocus", "--sync", window, "key", *keys)


class Psi:
    def __init__(self):
        self.told = set()
        self.process = subprocess.Popen(["psi-plus"], stdin=subprocess.DEVNULL, stdout=sys.stderr, env=ENVIRONMENT)

    def until(self, condition, act=lambda: None):
        """Acts and looks, again and again: nothing tells when it has changed."""
        while not condition():
            if self.process.poll() is not None:
                raise RuntimeError("Psi+ has ended")
            if find_window(ERROR):
                raise RuntimeError("Psi+ shows an error")
            act()
            time.sleep(POLL_S)

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
    prepare(jid, is_in_band=flavour == ["ibb"])
    psi = Psi()
    psi.until(lambda: find_window(ROSTER))
    version = subprocess.run(["psi-plus", "--version"], stdout=subprocess.PIPE, text=True, env=ENVIRONMENT).stdout
    tell("online", version=version.split()[1])
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
