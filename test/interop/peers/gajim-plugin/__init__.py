"""Presses Gajim's buttons: gajim-files.py says when, and what it tells."""

import json
import logging
import os
import sys

import gajim
from gajim.common import app, ged
from gajim.plugins import GajimPlugin
from gi.repository import GLib
from nbxmpp.namespaces import Namespace

POLL_MS = 100


facts_file = open(int(os.environ["FACTS"]), "w")


def tell(event, **facts):
    print(json.dumps({"event": event, **facts}), file=facts_file, flush=True)


class Failures(logging.Handler):
    """Of what Gajim does with a stanza, which it logs and forgets."""

    def emit(self, record):
        if record.exc_info:
            tell("failed", reason=str(record.exc_info[1]))


class Files(GajimPlugin):
    def init(self):
        self.contact = os.environ["CONTACT"]
        # Not file-error: Gajim 1.7.3 raises it for connections that it tried beside the one that carries the file, too.
        self.events_handlers = {"file-completed": (ged.POSTGUI, self.on_completed)}

    def activate(self):
        logging.getLogger("nbxmpp.dispatcher").addHandler(Failures())
        GLib.timeout_add(POLL_MS, self.go_online)

    def find_account(self):
        """One whose proxy has told its address, if it is to have one."""
        for account in app.get_connected_accounts():
            if "ALONE" in os.environ:
                return account
            proxy = app.proxy65_manager.get_default_for_name(account)
            if proxy and app.proxy65_manager.get_proxy(proxy, account)[0]:
                return account
        return None

    def go_online(self):
        if self.find_account() is None:
            return GLib.SOURCE_CONTINUE
        tell("online", version=gajim.__version__)
        GLib.io_add_watch(sys.stdin, GLib.PRIORITY_DEFAULT, GLib.IOCondition.IN, self.on_order)
        return GLib.SOURCE_REMOVE

    def on_order(self, *_):
        line = sys.stdin.readline()
        if not line:
            return GLib.SOURCE_REMOVE
        GLib.timeout_add(POLL_MS, self.send, json.loads(line)["file"])
        return GLib.SOURCE_CONTINUE

    def send(self, path):
        account = self.find_account()
        contact = app.get_client(account).get_module("Contacts").get_contact(self.contact)
        for resource in contact.iter_resources():
            if resource.supports(Namespace.JINGLE_FILE_TRANSFER_5):
                app.interface.instances["file_transfers"].send_file(account, contact, resource.jid, path)
                return GLib.SOURCE_REMOVE
        # The contact has not come, or its client has not been asked yet.
        return GLib.SOURCE_CONTINUE

    def on_completed(self, event):
        props = event.file_props
        tell("sent") if props.type_ == "s" else tell("received", file=props.file_name)
