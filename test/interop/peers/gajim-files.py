"""Moves files with Gajim 1.7, whose buttons a plugin presses.

Usage: gajim-files.py JID CONTACT [alone], inside desktop.py, the password in the environment variable PASSWORD.

With "alone" it uses no proxy, as it comes. Each line of the standard input is a file to send to CONTACT, as JSON: {"file": path}. Each line of the standard output is
a fact: {"event": "online", "version"} when the proxy of the server, if it is to use one, is known, {"event": "sent"}, {"event": "received", "file": path},
{"event": "failed", "reason"}.
"""

import os
import shutil
import sys

from gajim_home import DATA, prepare

jid, contact, *flavour = sys.argv[1:]
is_alone = flavour == ["alone"]
prepare(jid, {"use_ft_proxies": not is_alone}, {"files": {"active": True}})
shutil.copytree("/mnt/peers/gajim-plugin", f"{DATA}/plugins/files")
# Gajim has things to say on its standard output, too.
facts = os.dup(1)
os.set_inheritable(facts, True)
os.dup2(2, 1)
os.execvpe("gajim", ["gajim"], {**os.environ, "CONTACT": contact, "FACTS": str(facts), **({"ALONE": "1"} if is_alone else {})})
