"""Runs a program on a machine without IPv6, as far as it can tell: socket(2) says EAFNOSUPPORT.

Usage: without-ipv6.py PROGRAM ARGUMENT...
"""

import ctypes
import errno
import os
import socket
import struct
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LOAD, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, ERRNO = 0x7FFF0000, 0x00050000
SOCKET = {"x86_64": 41, "aarch64": 198}[os.uname().machine]

program = b"".join(
    struct.pack("HBBI", *instruction)
    for instruction in [
        (LOAD, 0, 0, 0),
        (JUMP_EQUAL, 0, 3, SOCKET),
        (LOAD, 0, 0, 16),
        (JUMP_EQUAL, 0, 1, socket.AF_INET6),
        (RETURN, 0, 0, ERRNO | errno.EAFNOSUPPORT),
        (RETURN, 0, 0, ALLOW),
    ]
)
buffer = ctypes.create_string_buffer(program)
header = struct.pack("HP", len(program) // 8, ctypes.addressof(buffer))
libc = ctypes.CDLL(None, use_errno=True)
for arguments in [(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, header, 0, 0)]:
    if libc.prctl(*arguments) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
os.execvp(sys.argv[1], sys.argv[1:])
