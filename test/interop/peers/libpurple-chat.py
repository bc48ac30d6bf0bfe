"""Logs in with libpurple (Pidgin, Finch) and chats.

Usage: libpurple-chat.py JID HOST PORT, the password in the environment variable PASSWORD.

Each line of the standard input is a message to send, as JSON: {"to": JID, "body": text}; its end logs out. Each line of
the standard output is a fact: {"event": "online", "jid", "version"}, {"event": "message", "from", "body"}, {"event":
"failed", "reason"}.
"""

import html
import re
import sys
from ctypes import CFUNCTYPE, c_char_p, c_int, c_void_p

from purple import connect, function, purple, run, tell

send_im = function(purple, "serv_send_im", c_int, c_void_p, c_char_p, c_char_p, c_int)


def on_message(_account, sender, message, _conversation, _flags, _data):
    body = html.unescape(re.sub("<[^>]*>", "", message.decode()))
    tell("message", **{"from": sender.decode(), "body": body})


def listen(_account):
    kind = CFUNCTYPE(None, c_void_p, c_char_p, c_char_p, c_void_p, c_int, c_void_p)
    connect("purple_conversations_get_handle", b"received-im-msg", kind, on_message)


def obey(connection, order):
    send_im(connection, order["to"].encode(), html.escape(order["body"], quote=False).encode(), 0)


run(*sys.argv[1:], obey, listen)
