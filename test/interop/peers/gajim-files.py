"""Moves files with Gajim 1.7, whose buttons a plugin presses.

Usage: gajim-files.py JID CONTACT [alone], inside desktop.py, the password in the environment variable PASSWORD.

With "alone" it uses no proxy, as it comes. Each line of the standard input is a file to send to CONTACT, as JSON: {"file": path}. Each line of the standard output is
a fact: {"event": "online", "version"} when the proxy of the server, if it is to use one, is known, {"event": "sent"}, {"event": "received", "file": path},
{"event": "failed", "reason"}.
"""

import json
import os
import shutil
import sqlite3
import sys

# Gajim's own statements for its settings.
from gajim.common.settings import CREATE_SQL

HOME = os.environ["HOME"]

SETTINGS = {
    "app": {
        "check_for_update": False,
        "plugins_repository_enabled": False,
        "show_notifications": False,
        "sounds_on": False,
        "use_keyring": False,
    },
    "plugins": {"files": {"active": True}},
}


def prepare(jid, is_alone):
    bare, resource = jid.split("/")
    local, domain = bare.split("@")
    account = {
        "name": local,
        "account_label": local,
        "hostname": domain,
        "resource": resource,
        "password": os.environ["PASSWORD"],
        "active": True,
        "use_ft_proxies": not is_alone,
    }
    shutil.copytree("/mnt/peers/gajim-plugin", f"{HOME}/.local/share/gajim/plugins/files")
    os.makedirs(f"{HOME}/.config/gajim")
    with sqlite3.connect(f"{HOME}/.config/gajim/settings.sqlite") as database:
        database.executescript(CREATE_SQL)
        for name, settings in SETTINGS.items():
            database.execute("UPDATE settings SET settings = ? WHERE name = ?", (json.dumps(settings), name))
        settings = {"account": account, "contact": {}, "group_chat": {}}
        database.execute("INSERT INTO account_settings (account, settings) VALUES (?, ?)", (local, json.dumps(settings)))


jid, contact, *flavour = sys.argv[1:]
is_alone = flavour == ["alone"]
prepare(jid, is_alone)
# Gajim has things to say on its standard output, too.
facts = os.dup(1)
os.set_inheritable(facts, True)
os.dup2(2, 1)
os.execvpe("gajim", ["gajim"], {**os.environ, "CONTACT": contact, "FACTS": str(facts), **({"ALONE": "1"} if is_alone else {})})
