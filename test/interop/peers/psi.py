"""Psi+ 1.4, whose keys are pressed from outside: for a program inside desktop.py, with the password of the account in PASSWORD."""

import os
import subprocess
import sys
import time
from xml.sax.saxutils import escape

from windows import POLL_S, find_window, xdotool

HOME = os.environ["HOME"]
DATA = f"{HOME}/psi"
PROFILE = f"{DATA}/profiles/default"
ENVIRONMENT = {**os.environ, "PSIDATADIR": DATA}
NAMESPACE = "http://psi-im.org/options"
ROSTER, ERROR = "^Psi\\+$", "^Error"
PORT = 5222

OPTIONS = {
    "options.keychain.enabled": False,
    "options.ui.tip.show": False,
    "options.auto-update.check-on-startup": False,
    "options.ui.systemtray.enable": False,
    "options.ui.notifications.passive-popups.enabled": False,
    "options.ui.notifications.sounds.enable": False,
    "options.ui.contactlist.enable-groups": False,
    "options.ui.contactlist.show.self-contact": False,
}


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
    with open(f"{PROFILE}/{name}", "w") as file:
        file.write(f'<!DOCTYPE {root}>\n<{root} version="1.4" xmlns="{NAMESPACE}">{as_xml(nested(options))}</{root}>\n')


def hidden(password, key):
    """As Psi+ keeps passwords: nobody is to read them over a shoulder."""
    return "".join(f"{ord(character) ^ ord(key[index % len(key)]):04x}" for index, character in enumerate(password))


def prepare(jid, options, of_account):
    """What Psi+ asks for when it is new: options of the program, and of its account."""
    bare, resource = jid.split("/")
    account = {
        **{"enabled": True, "auto": True, "keep-alive": True, "enable-sm": False, "automatic-resource": False, "log": False},
        **{"id": "{a}", "name": "a", "jid": bare, "resource": resource, "password": hidden(os.environ["PASSWORD"], bare)},
        **{"use-host": True, "host": "127.0.0.1", "port": PORT, "ssl": "yes", "allow-plain": "over encryped"},
        **of_account,
    }
    os.makedirs(PROFILE)
    write_options("options.xml", "options", {**OPTIONS, **options})
    write_options("accounts.xml", "accounts", {f"accounts.a0.{name}": value for name, value in account.items()})


def ask_version():
    return subprocess.run(["psi-plus", "--version"], stdout=subprocess.PIPE, text=True, env=ENVIRONMENT).stdout.split()[1]


def press(window, *keys):
    xdotool("windowfocus", "--sync", window, "key", *keys)


class Psi:
    def __init__(self):
        self.process = subprocess.Popen(["psi-plus"], stdin=subprocess.DEVNULL, stdout=sys.stderr, env=ENVIRONMENT)
        self.until(lambda: find_window(ROSTER))

    def until(self, condition, act=lambda: None):
        """Acts and looks, again and again: nothing tells when it has changed."""
        while not condition():
            if self.process.poll() is not None:
                raise RuntimeError("Psi+ has ended")
            if find_window(ERROR):
                raise RuntimeError("Psi+ shows an error")
            act()
            time.sleep(POLL_S)
