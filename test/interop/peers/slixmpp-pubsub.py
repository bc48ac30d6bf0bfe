"""Logs in with slixmpp and uses a publish-subscribe service by its plugin xep_0060.

Usage: slixmpp-pubsub.py JID HOST PORT SERVICE, the password in the environment variable PASSWORD, and in CA the path of a file
of certificates: it insists on TLS and trusts nobody else.

Each line of the standard input is an order, as JSON: {"do": "create" | "configure" | "subscribe" | "unsubscribe" |
"publish" | "items" | "retract" | "delete", "node", …}; its end logs out. Each line of the standard output is a fact:
{"event": "online", "jid"}, {"event": "done", …} or {"event": "failed", "reason"} for each order, and what the service tells:
{"event": "item", "node", "id", "payload"}, {"event": "retracted", "node", "id"}, {"event": "deleted", "node"}.
"""

import asyncio
import json
import os
import sys
import xml.etree.ElementTree as ElementTree

import slixmpp
from slixmpp.exceptions import IqError

NODE_CONFIG = "http://jabber.org/protocol/pubsub#node_config"


def tell(event, **facts):
    print(json.dumps({"event": event, **facts}), flush=True)


class Pubsub(slixmpp.ClientXMPP):
    def __init__(self, jid, password, service):
        super().__init__(jid, password)
        self.service = service
        self.register_plugin("xep_0004")
        self.register_plugin("xep_0030")
        self.register_plugin("xep_0060")
        self.add_event_handler("session_start", self.on_session_start)
        self.add_event_handler("pubsub_publish", self.on_publish)
        self.add_event_handler("pubsub_retract", self.on_retract)
        self.add_event_handler("pubsub_delete", self.on_delete)
        self.add_event_handler("failed_all_auth", lambda _: tell("failed", reason="authentication"))
        self.add_event_handler("disconnected", lambda _: self.loop.stop())

    async def on_session_start(self, _):
        self.send_presence()
        await self.get_roster()
        tell("online", jid=self.boundjid.full)

    def on_publish(self, message):
        items = message["pubsub_event"]["items"]
        payload = items["item"]["payload"]
        tell("item", node=items["node"], id=items["item"]["id"], payload="" if payload is None else payload.text)

    def on_retract(self, message):
        items = message["pubsub_event"]["items"]
        tell("retracted", node=items["node"], id=items["retract"]["id"])

    def on_delete(self, message):
        tell("deleted", node=message["pubsub_event"]["delete"]["node"])

    def on_input(self):
        line = sys.stdin.readline()
        if line:
            asyncio.ensure_future(self.follow(json.loads(line)))
        else:
            self.loop.remove_reader(sys.stdin)
            self.disconnect()

    async def follow(self, order):
        try:
            tell("done", **(await getattr(self, "do_" + order["do"])(order) or {}))
        except IqError as error:
            tell("failed", reason=error.iq["error"]["condition"])
        except Exception as error:
            tell("failed", reason=repr(error))

    def config(self, values):
        form = self["xep_0004"].make_form(ftype="submit")
        form.add_field(var="FORM_TYPE", ftype="hidden", value=NODE_CONFIG)
        for name, value in values.items():
            form.add_field(var="pubsub#" + name, value=value)
        return form

    async def do_create(self, order):
        await self["xep_0060"].create_node(self.service, order["node"], config=self.config(order.get("config", {})))

    async def do_configure(self, order):
        """Fills in the form as the service shows it."""
        answer = await self["xep_0060"].get_node_config(self.service, order["node"])
        form = answer["pubsub_owner"]["configure"]["form"]
        for name, value in order["config"].items():
            form.get_fields()["pubsub#" + name]["value"] = value
        form["type"] = "submit"
        await self["xep_0060"].set_node_config(self.service, order["node"], form)
        changed = await self["xep_0060"].get_node_config(self.service, order["node"])
        values = changed["pubsub_owner"]["configure"]["form"].get_values()
        return {"config": {name: values["pubsub#" + name] for name in order["config"]}}

    async def do_subscribe(self, order):
        answer = await self["xep_0060"].subscribe(self.service, order["node"])
        return {"subscription": answer["pubsub"]["subscription"]["subscription"]}

    async def do_unsubscribe(self, order):
        await self["xep_0060"].unsubscribe(self.service, order["node"])

    async def do_publish(self, order):
        payload = ElementTree.Element("{urn:example:note}note")
        payload.text = order["payload"]
        answer = await self["xep_0060"].publish(self.service, order["node"], id=order.get("id"), payload=payload)
        return {"id": answer["pubsub"]["publish"]["item"]["id"]}

    async def do_items(self, order):
        answer = await self["xep_0060"].get_items(self.service, order["node"])
        return {"items": [[item["id"], item["payload"].text] for item in answer["pubsub"]["items"]["substanzas"]]}

    async def do_retract(self, order):
        await self["xep_0060"].retract(self.service, order["node"], order["id"])

    async def do_delete(self, order):
        await self["xep_0060"].delete_node(self.service, order["node"])


def main():
    jid, host, port, service = sys.argv[1:]
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    pubsub = Pubsub(jid, os.environ["PASSWORD"], service)
    loop.add_reader(sys.stdin, pubsub.on_input)
    pubsub.ca_certs = os.environ["CA"]
    pubsub.connect((host, int(port)), force_starttls=True)
    loop.run_forever()


main()
