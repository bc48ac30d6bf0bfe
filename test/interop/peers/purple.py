"""libpurple (Pidgin, Finch) without its headers or a compiler: its core, its event loop, and an account that logs in."""

import ctypes
import json
import os
import sys
import tempfile
from ctypes import CFUNCTYPE, c_char_p, c_int, c_size_t, c_uint, c_void_p

purple = ctypes.CDLL("libpurple.so.0", mode=ctypes.RTLD_GLOBAL)
glib = ctypes.CDLL("libglib-2.0.so.0", mode=ctypes.RTLD_GLOBAL)

UI = b"streamhost-test"
CONV_TYPE_IM = 1
STATUS_AVAILABLE = 2
INPUT_READ, INPUT_WRITE = 1, 2
IO_IN, IO_OUT, IO_ERR, IO_HUP, IO_NVAL = 1, 4, 8, 16, 32

SourceFunc = CFUNCTYPE(c_int, c_void_p)
InputFunc = CFUNCTYPE(None, c_void_p, c_int, c_int)
FdFunc = CFUNCTYPE(c_int, c_int, c_int, c_void_p)
TimeoutAdd = CFUNCTYPE(c_uint, c_uint, c_void_p, c_void_p)
Remove = CFUNCTYPE(c_int, c_uint)
InputAdd = CFUNCTYPE(c_uint, c_int, c_int, c_void_p, c_void_p)


class EventLoopUiOps(ctypes.Structure):
    """PurpleEventLoopUiOps of libpurple/eventloop.h."""

    _fields_ = [
        ("timeout_add", c_void_p),
        ("timeout_remove", c_void_p),
        ("input_add", InputAdd),
        ("input_remove", c_void_p),
        ("input_get_error", c_void_p),
        ("timeout_add_seconds", c_void_p),
        ("reserved", c_void_p * 3),
    ]


def function(library, name, result, *arguments):
    found = getattr(library, name)
    found.restype, found.argtypes = result, arguments
    return found


account_new = function(purple, "purple_account_new", c_void_p, c_char_p, c_char_p)
account_get_connection = function(purple, "purple_account_get_connection", c_void_p, c_void_p)
account_get_username = function(purple, "purple_account_get_username", c_char_p, c_void_p)
account_set_bool = function(purple, "purple_account_set_bool", None, c_void_p, c_char_p, c_int)
account_set_enabled = function(purple, "purple_account_set_enabled", None, c_void_p, c_char_p, c_int)
account_set_int = function(purple, "purple_account_set_int", None, c_void_p, c_char_p, c_int)
account_set_password = function(purple, "purple_account_set_password", None, c_void_p, c_char_p)
account_set_string = function(purple, "purple_account_set_string", None, c_void_p, c_char_p, c_char_p)
core_get_version = function(purple, "purple_core_get_version", c_char_p)
fd_add = function(glib, "g_unix_fd_add", c_uint, c_int, c_int, FdFunc, c_void_p)
main_loop_new = function(glib, "g_main_loop_new", c_void_p, c_void_p, c_int)
main_loop_quit = function(glib, "g_main_loop_quit", None, c_void_p)
main_loop_run = function(glib, "g_main_loop_run", None, c_void_p)
savedstatus_new = function(purple, "purple_savedstatus_new", c_void_p, c_char_p, c_int)
signal_connect = function(purple, "purple_signal_connect", c_size_t, c_void_p, c_char_p, c_void_p, c_void_p, c_void_p)

keep = []  # What C holds a pointer to must not be collected.


def tell(event, **facts):
    print(json.dumps({"event": event, **facts}), flush=True)


@InputAdd
def input_add(fd, condition, callback, data):
    wanted = (IO_IN | IO_HUP | IO_ERR if condition & INPUT_READ else 0) | (IO_OUT | IO_HUP | IO_ERR | IO_NVAL if condition & INPUT_WRITE else 0)
    call = InputFunc(callback)

    @FdFunc
    def ready(fd, seen, _):
        what = (INPUT_READ if seen & (IO_IN | IO_HUP | IO_ERR) else 0) | (INPUT_WRITE if seen & (IO_OUT | IO_HUP | IO_ERR | IO_NVAL) else 0)
        call(data, fd, what)
        return 1

    keep.append(ready)
    return fd_add(fd, wanted, ready, None)


def address(name):
    return ctypes.cast(getattr(glib, name), c_void_p)


def start_core(folder):
    ops = EventLoopUiOps(
        timeout_add=address("g_timeout_add"),
        timeout_remove=address("g_source_remove"),
        input_add=input_add,
        input_remove=address("g_source_remove"),
        timeout_add_seconds=address("g_timeout_add_seconds"),
    )
    keep.append(ops)
    function(purple, "purple_util_set_user_dir", None, c_char_p)(folder.encode())
    function(purple, "purple_eventloop_set_ui_ops", None, c_void_p)(ctypes.addressof(ops))
    if not function(purple, "purple_core_init", c_int, c_char_p)(UI):
        sys.exit("libpurple could not be started")
    function(purple, "purple_set_blist", None, c_void_p)(function(purple, "purple_blist_new", c_void_p)())


def connect(handle_name, signal, kind, callback):
    handle = function(purple, handle_name, c_void_p)()
    call = kind(callback)
    keep.append(call)
    signal_connect(handle, signal, 1, ctypes.cast(call, c_void_p), None)


def log_in(loop, jid, host, port):
    """@return the account, which tells when it is online, and ends the loop when it could not be"""
    account = account_new(jid.encode(), b"prpl-jabber")
    account_set_password(account, os.environ["PASSWORD"].encode())
    account_set_string(account, b"connection_security", b"opportunistic_tls")
    account_set_bool(account, b"auth_plain_in_clear", 1)
    account_set_string(account, b"connect_server", host.encode())
    account_set_int(account, b"port", int(port))

    def on_signed_on(_connection, _data):
        tell("online", jid=account_get_username(account).decode(), version=core_get_version().decode())

    def on_error(_connection, _error, text, _data):
        tell("failed", reason=text.decode())
        main_loop_quit(loop)

    connect("purple_connections_get_handle", b"signed-on", CFUNCTYPE(None, c_void_p, c_void_p), on_signed_on)
    connect("purple_connections_get_handle", b"connection-error", CFUNCTYPE(None, c_void_p, c_int, c_char_p, c_void_p), on_error)
    account_set_enabled(account, UI, 1)
    function(purple, "purple_savedstatus_activate", None, c_void_p)(savedstatus_new(None, STATUS_AVAILABLE))
    return account


def run(jid, host, port, obey, listen=lambda account: None):
    """Logs in, calls `obey` with the connection and each order of the standard input, and logs out at its end."""
    with tempfile.TemporaryDirectory() as folder:
        start_core(folder)
        loop = main_loop_new(None, 0)
        account = log_in(loop, jid, host, port)
        listen(account)

        @FdFunc
        def on_input(_fd, _seen, _data):
            line = sys.stdin.readline()
            if not line:
                main_loop_quit(loop)
                return 0
            obey(account_get_connection(account), json.loads(line))
            return 1

        fd_add(0, IO_IN | IO_HUP, on_input, None)
        main_loop_run(loop)
        function(purple, "purple_core_quit", None)()
