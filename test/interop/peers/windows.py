"""Windows of clients, for a program inside desktop.py: where they are, what keys they get, and what a person sees."""

import json
import select
import struct
import subprocess
import sys
import time
import zlib

POLL_S = 0.3

# Where desktop.py has the X server keep what is on its screen, in the format of xwd.
SCREEN = "/mnt/run/Xvfb_screen0"
XWD_HEADER_BYTES, XWD_COLOUR_BYTES = 100, 12


def tell(event, **facts):
    print(json.dumps({"event": event, **facts}), flush=True)


def xdotool(*args, timeout=None):
    try:
        return subprocess.run(["xdotool", *args], stdout=subprocess.PIPE, text=True, timeout=timeout).stdout.strip()
    except subprocess.TimeoutExpired:
        return ""


def find_window(title):
    return xdotool("search", "--onlyvisible", "--name", title).partition("\n")[0]


def screenshot(path):
    """Writes what is on the screen, as PNG."""
    with open(SCREEN, "rb") as file:
        screen = file.read()
    header = struct.unpack(f">{XWD_HEADER_BYTES // 4}I", screen[:XWD_HEADER_BYTES])
    start, width, height, stride, colours = header[0], header[4], header[5], header[12], header[19]
    start += colours * XWD_COLOUR_BYTES
    rows = bytearray()
    for y in range(height):
        # Four octets a pixel, blue first, and PNG wants three, red first; a row begins with its filter: none.
        row = screen[start + y * stride : start + y * stride + 4 * width]
        pixels = bytearray(3 * width)
        pixels[0::3], pixels[1::3], pixels[2::3] = row[2::4], row[1::4], row[0::4]
        rows += b"\0" + pixels
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    image = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", image) + chunk(b"IDAT", zlib.compress(bytes(rows))) + chunk(b"IEND", b""))


def show_and_tell(client, read, arrange=lambda: None):
    """Until the standard input ends: tells each message of the client's own store once, and makes the screenshots that are ordered.

    An order, {"screenshot": path}, is answered {"event": "done"} once all messages are told that were there before. What is to be seen is
    arranged before, and has a moment to be drawn.
    """
    told = 0
    line = None
    while line != "":
        readable, _, _ = select.select([sys.stdin], [], [], POLL_S)
        line = sys.stdin.readline() if readable else None
        if client.process.poll() is not None:
            raise RuntimeError("the client has ended")
        messages = read()
        for sender, body in messages[told:]:
            tell("message", **{"from": sender, "body": body})
        told = len(messages)
        if line:
            arrange()
            time.sleep(POLL_S)
            screenshot(json.loads(line)["screenshot"])
            tell("done")
