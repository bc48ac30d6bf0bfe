"""Runs a program as on a desktop of its own: an X server, a D-Bus session, a home, an account without rights.

Usage: desktop.py FOLDER PROGRAM [ARGUMENT...], as root, in mount and PID namespaces of its own.

Inside, FOLDER is /mnt; its ca.pem is the only authority that is trusted, and no name is resolved. The program begins in
/mnt/outbox. A FOLDER that was a desktop before is it again, with its home. Whatever was started ends with this process, which ends with the program.
"""

import os
import subprocess
import sys

# nobody and nogroup, on Debian.
USER = {"user": 65534, "group": 65534, "extra_groups": []}

TEMPORARY = "/tmp"

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "PASSWORD": os.environ["PASSWORD"],
    "PYTHONDONTWRITEBYTECODE": "1",
    "LANG": "C.UTF-8",
    "HOME": "/mnt/home",
    "XDG_RUNTIME_DIR": "/mnt/run",
    "DBUS_SESSION_BUS_ADDRESS": "unix:path=/mnt/run/bus",
    "GDK_BACKEND": "x11",
    # Software rendering of OpenGL would leave Dino no time to read from its server.
    "GSK_RENDERER": "cairo",
    "GSETTINGS_BACKEND": "keyfile",
}


def mount(folder):
    """For this process and its children only: the namespace is theirs."""
    for source, target in [
        (folder, "/mnt"),
        ("/mnt/ca.pem", "/etc/ssl/certs/ca-certificates.crt"),
        # No names are asked for: nobody here could answer.
        ("/dev/null", "/etc/resolv.conf"),
    ]:
        subprocess.run(["mount", "--bind", source, target], check=True)
    # Where X servers agree on who has which display.
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", TEMPORARY], check=True)
    sockets = f"{TEMPORARY}/.X11-unix"
    os.mkdir(sockets)
    os.chmod(sockets, 0o1777)
    for path in ["/mnt/home", "/mnt/run", "/mnt/outbox"]:
        os.makedirs(path, 0o700, exist_ok=True)
        os.chown(path, USER["user"], USER["group"])


def start_display():
    """Starts an X server; returns the name of its display once it accepts clients."""
    reader, writer = os.pipe()
    # Without -noreset it would begin anew, and turn clients away, each time that the last one leaves.
    command = ["Xvfb", "-displayfd", str(writer), "-noreset", "-screen", "0", "1024x768x24", "-fbdir", "/mnt/run", "-nolisten", "tcp"]
    subprocess.Popen(command, pass_fds=[writer], stdout=subprocess.DEVNULL, env=ENVIRONMENT, **USER)
    os.close(writer)
    with open(reader) as numbers:
        return f":{numbers.readline().strip()}"


def start_session():
    """Forks into the background once it accepts clients."""
    command = ["dbus-daemon", "--session", f"--address={ENVIRONMENT['DBUS_SESSION_BUS_ADDRESS']}", "--fork", "--nopidfile"]
    subprocess.run(command, check=True, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **USER)


folder, *program = sys.argv[1:]
mount(folder)
ENVIRONMENT["DISPLAY"] = start_display()
start_session()
sys.exit(subprocess.call(program, cwd="/mnt/outbox", env=ENVIRONMENT, **USER))
