"""Logs in with libpurple (Pidgin, Finch), and sends and receives files (XEP-0096).

Usage: libpurple-files.py JID HOST PORT FOLDER, the password in the environment variable PASSWORD.

Each line of the standard input is a file to send, as JSON: {"to": full JID, "file": path}; its end logs out. Each line
of the standard output is a fact: {"event": "online", "jid", "version"}, {"event": "sent", "file"}, {"event": "received",
"file", "from"}, {"event": "failed", "reason"}. What comes is stored in FOLDER.
"""

import os
import sys
from ctypes import CFUNCTYPE, c_char_p, c_int, c_uint, c_void_p

from purple import connect, function, glib, keep, purple, run, SourceFunc, tell

*ACCOUNT, FOLDER = sys.argv[1:]
HANDLE = "purple_xfers_get_handle"
Callback = CFUNCTYPE(None, c_void_p, c_void_p)

accept = function(purple, "purple_xfer_request_accepted", None, c_void_p, c_char_p)
filename = function(purple, "purple_xfer_get_filename", c_char_p, c_void_p)
idle_add = function(glib, "g_idle_add", c_uint, SourceFunc, c_void_p)
local_filename = function(purple, "purple_xfer_get_local_filename", c_char_p, c_void_p)
prefs_set_bool = function(purple, "purple_prefs_set_bool", None, c_char_p, c_int)
remote_user = function(purple, "purple_xfer_get_remote_user", c_char_p, c_void_p)
send_file = function(purple, "serv_send_file", None, c_void_p, c_char_p, c_char_p)


def later(call):
    """Once libpurple is done with what it tells of: only then is the file closed."""

    @SourceFunc
    def on_idle(_data):
        call()
        return 0

    keep.append(on_idle)
    idle_add(on_idle, None)


def on_offer(xfer, _data):
    accept(xfer, os.path.join(FOLDER, os.path.basename(filename(xfer).decode())).encode())


def on_received(xfer, _data):
    facts = {"file": local_filename(xfer).decode(), "from": remote_user(xfer).decode()}
    later(lambda: tell("received", **facts))


def on_sent(xfer, _data):
    path = local_filename(xfer).decode()
    later(lambda: tell("sent", file=path))


def listen(_account):
    # It would look for a router to open a port on, for as long as it takes to find none.
    prefs_set_bool(b"/purple/network/map_ports", 0)
    connect(HANDLE, b"file-recv-request", Callback, on_offer)
    connect(HANDLE, b"file-recv-complete", Callback, on_received)
    connect(HANDLE, b"file-send-complete", Callback, on_sent)
    for signal in (b"file-recv-cancel", b"file-send-cancel"):
        connect(HANDLE, signal, Callback, lambda _xfer, _data: tell("failed", reason="cancelled"))


def obey(connection, order):
    send_file(connection, order["to"].encode(), order["file"].encode())


run(*ACCOUNT, obey, listen)
