"""The home of Gajim 1.7: for a program inside desktop.py, with the password of the account in PASSWORD."""

import json
import os
import sqlite3

# Gajim's own statements for its settings.
from gajim.common.settings import CREATE_SQL

HOME = os.environ["HOME"]
DATA = f"{HOME}/.local/share/gajim"
CONFIGURATION = f"{HOME}/.config/gajim"

APP = {
    "check_for_update": False,
    "plugins_repository_enabled": False,
    "show_notifications": False,
    "sounds_on": False,
    "use_keyring": False,
}


def prepare(jid, of_account, plugins):
    """What Gajim asks for when it is new: settings of its account, and of plugins."""
    bare, resource = jid.split("/")
    local, domain = bare.split("@")
    account = {
        "name": local,
        "account_label": local,
        "hostname": domain,
        "resource": resource,
        "password": os.environ["PASSWORD"],
        "active": True,
        **of_account,
    }
    os.makedirs(CONFIGURATION)
    with sqlite3.connect(f"{CONFIGURATION}/settings.sqlite") as database:
        database.executescript(CREATE_SQL)
        for name, settings in {"app": APP, "plugins": plugins}.items():
            database.execute("UPDATE settings SET settings = ? WHERE name = ?", (json.dumps(settings), name))
        settings = {"account": account, "contact": {}, "group_chat": {}}
        database.execute("INSERT INTO account_settings (account, settings) VALUES (?, ?)", (local, json.dumps(settings)))
