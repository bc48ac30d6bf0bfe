"""Logs in with Wokkel, on Twisted, and uses a publish-subscribe service by its PubSubClient.

Usage, orders and facts are those of slixmpp-pubsub.py.
"""

import json
import os
import sys

import twisted.python.compat

# Where OpenSSL looks, and nowhere else.
os.environ["SSL_CERT_FILE"] = os.environ["CA"]
# Wokkel 18 asks for it; Twisted 22 has it no more.
twisted.python.compat._PY3 = True

from twisted.internet import reactor, stdio
from twisted.internet.defer import inlineCallbacks, maybeDeferred
from twisted.protocols.basic import LineReceiver
from twisted.words.protocols.jabber.jid import JID
from twisted.words.protocols.jabber.xmlstream import IQ
from twisted.words.xish import domish
from wokkel import data_form
from wokkel.client import XMPPClient
from wokkel.pubsub import NS_PUBSUB_NODE_CONFIG, NS_PUBSUB_OWNER, Item, PubSubClient, PubSubRequest
from wokkel.xmppim import AvailablePresence


def tell(event, **facts):
    sys.stdout.write(json.dumps({"event": event, **facts}) + "\n")
    sys.stdout.flush()


class Pubsub(PubSubClient):
    def __init__(self, service):
        super().__init__()
        self.service = JID(service)

    def connectionInitialized(self):
        super().connectionInitialized()
        self.send(AvailablePresence())
        tell("online", jid=self.parent.jid.full())

    def itemsReceived(self, event):
        for item in event.items:
            if item.name == "item":
                tell("item", node=event.nodeIdentifier, id=item["id"], payload=str(item.firstChildElement()))
            else:
                tell("retracted", node=event.nodeIdentifier, id=item["id"])

    def deleteReceived(self, event):
        tell("deleted", node=event.nodeIdentifier)

    def follow(self, order):
        done = maybeDeferred(getattr(self, "do_" + order["do"]), order)
        done.addCallback(lambda facts: tell("done", **(facts or {})))
        done.addErrback(lambda failure: tell("failed", reason=reason_of(failure)))

    @inlineCallbacks
    def do_create(self, order):
        options = {"pubsub#" + name: value for name, value in order.get("config", {}).items()}
        yield self.createNode(self.service, order["node"], options)

    @inlineCallbacks
    def do_configure(self, order):
        """Fills in the form as the service shows it. Wokkel cannot write the request itself: it is meant for services."""
        form = yield self.get_config(order["node"])
        for name, value in order["config"].items():
            form.fields["pubsub#" + name].value = value
        form.formType = "submit"
        request = IQ(self.xmlstream, "set")
        configure = request.addElement((NS_PUBSUB_OWNER, "pubsub")).addElement("configure")
        configure["node"] = order["node"]
        configure.addChild(form.toElement())
        yield request.send(self.service.full())
        changed = yield self.get_config(order["node"])
        return {"config": {name: changed["pubsub#" + name] for name in order["config"]}}

    @inlineCallbacks
    def get_config(self, node):
        request = PubSubRequest("configureGet")
        request.recipient = self.service
        request.nodeIdentifier = node
        answer = yield request.send(self.xmlstream)
        form = data_form.findForm(answer.pubsub.configure, NS_PUBSUB_NODE_CONFIG)
        form.typeCheck()
        return form

    @inlineCallbacks
    def do_subscribe(self, order):
        subscription = yield self.subscribe(self.service, order["node"], self.parent.jid.userhostJID())
        return {"subscription": subscription.state}

    @inlineCallbacks
    def do_unsubscribe(self, order):
        yield self.unsubscribe(self.service, order["node"], self.parent.jid.userhostJID())

    @inlineCallbacks
    def do_publish(self, order):
        payload = domish.Element(("urn:example:note", "note"))
        payload.addContent(order["payload"])
        answer = yield self.publish(self.service, order["node"], [Item(order.get("id"), payload)])
        return {"id": answer.pubsub.publish.item["id"]}

    @inlineCallbacks
    def do_items(self, order):
        items = yield self.items(self.service, order["node"])
        return {"items": [[item["id"], str(item.firstChildElement())] for item in items]}

    @inlineCallbacks
    def do_retract(self, order):
        request = PubSubRequest("retract")
        request.recipient = self.service
        request.nodeIdentifier = order["node"]
        request.itemIdentifiers = [order["id"]]
        yield request.send(self.xmlstream)

    @inlineCallbacks
    def do_delete(self, order):
        yield self.deleteNode(self.service, order["node"])


def reason_of(failure):
    return getattr(failure.value, "condition", None) or repr(failure.value)


class Orders(LineReceiver):
    delimiter = b"\n"

    def __init__(self, client, pubsub):
        self.client = client
        self.pubsub = pubsub

    def lineReceived(self, line):
        self.pubsub.follow(json.loads(line))

    def connectionLost(self, _):
        self.client.stopService()
        reactor.callLater(0, reactor.stop)


def main():
    jid, host, port, service = sys.argv[1:]
    client = XMPPClient(JID(jid), os.environ["PASSWORD"], host, int(port))
    pubsub = Pubsub(service)
    pubsub.setHandlerParent(client)
    client.startService()
    stdio.StandardIO(Orders(client, pubsub), sys.stdin.fileno(), os.open(os.devnull, os.O_WRONLY))
    reactor.run()


main()
