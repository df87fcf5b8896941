# SPDX-License-Identifier: BSD-2-Clause
"""porteiro lab up|down|show: a small real network with Porteiro in the middle. See porteiro(1)."""
import argparse
import fcntl
import json
import os
import pathlib
import re
import shutil
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

from mail import MailHost, start_all  # noqa: E402
from operator_box import Box  # noqa: E402
from story import Story, everybody_sends  # noqa: E402
from table import Voice, table  # noqa: E402
from world import PROVIDERS, SUBSCRIBERS, LabError, World  # noqa: E402

DEFAULT = "porteiro-lab"
TOOLS = ("ip", "ss", "nsenter", "sysctl", "openssl", "postfix", "dovecot", "swaks")
PICTURE = """\
    Ana, home      --+                          +-- correio.example
    Bento, home    --+-- box -- internet -------+     (Postfix, Dovecot: 25, 465, 587)
    bakery         --+   (porteirod)            +-- ponto.example
    Carla, home    --+
    with a bot
"""


class Stopped(Exception):
    """A signal asked us to end."""


def need():
    if os.geteuid() != 0:
        raise LabError("the lab makes network namespaces and loads BPF programs: it needs root")
    missing = [t for t in TOOLS if not shutil.which(t)]
    if missing:
        raise LabError(f"not installed: {', '.join(missing)} (the Debian packages are listed in dist/packages.txt)")


def claim(name):
    """One command at a time for one lab. The lock ends with this process."""
    pathlib.Path("/run/lock").mkdir(exist_ok=True)
    lock = open(f"/run/lock/{name}", "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise LabError(f"another command is at work on {name}") from None
    os.set_inheritable(lock.fileno(), False)
    return lock


def take_down(world, box):
    world.remove()
    box.remove()


def up(args, voice):
    world, box = World(args.name), None
    box = Box(world, args.programs)
    if world.exists():
        voice.say(f"{world.name} is up already; taking it down first.")
        take_down(world, box)
    try:
        voice.say(PICTURE)
        voice.say("Building the network, starting two mail providers and porteirod …")
        world.build()
        world.pass_program(args.programs)
        hosts = start_all(world)
        box.prepare()
        box.start()
        story = Story(world, box, hosts, voice)
        result = story.tell()
    except BaseException as error:
        if isinstance(error, LabError) and box.log_tail():
            print(f"porteirod said last:\n{box.log_tail()}", file=sys.stderr)
        take_down(world, box)
        raise
    voice.say()
    table(voice, story.stages)
    voice.say("refused N ms: \"connection refused\" came back after that time. delivered: the message lay in the\n"
              "mailbox of the other side. On 465 and 587 customers authenticate; 25 is server to server.\n")
    around(args, voice, world, box)
    if args.json:
        print(json.dumps(result, indent=1))
    return 0


def around(args, voice, world, box):
    name = "" if world.name == DEFAULT else f" --name {world.name}"
    command = "porteiro" if shutil.which("porteiro") else str((box.programs / "porteiro").resolve())
    voice.say("The lab is up. Look around:")
    voice.say(f"  ip netns exec {world.space('bento')} swaks --server {PROVIDERS[0].v4} --to caixa@{PROVIDERS[0].domain}")
    voice.say(f"  {command} status --socket {box.socket}")
    voice.say(f"  {command} lab show{name}   # who reaches what now")
    voice.say(f"  {command} lab down{name}   # takes it away")


def show(args, voice):
    world = World(args.name)
    if not world.exists():
        print(f"there is no lab {world.name}; make one with porteiro lab up", file=sys.stderr)
        return 1
    hosts = {p.name: MailHost(world, p) for p in PROVIDERS}
    outcomes = everybody_sends(world, hosts)
    table(voice, [("now", outcomes)])
    box = Box(world, args.programs)
    status = box.porteiro("status", check=False)
    voice.say(status.stdout.rstrip() if status.returncode == 0 else "porteirod does not answer: the rules loaded last stay in force.")
    if args.json:
        print(json.dumps({"lab": world.name, "now": [o.json() for o in outcomes], "daemon": status.returncode == 0}, indent=1))
    return 0


def down(args, voice):
    world = World(args.name)
    there = world.exists()
    take_down(world, Box(world, args.programs))
    voice.say(f"{world.name} is gone." if there else f"There was no lab {world.name}.")
    if args.json:
        print(json.dumps({"lab": world.name, "removed": there}))
    return 0


def arguments():
    p = argparse.ArgumentParser(prog="porteiro lab", description=__doc__)
    p.add_argument("what", choices=("up", "down", "show"),
                   help="up: build it and tell the whole story; show: who reaches what now; down: take it away")
    p.add_argument("--name", default=DEFAULT, help="labs of different names may be up together (default: %(default)s)")
    p.add_argument("--json", action="store_true", help="the sessions and figures as one JSON object instead of text")
    p.add_argument("--programs", default=os.environ.get("PORTEIRO_PROGRAMS", "/usr/sbin"), help=argparse.SUPPRESS)
    args = p.parse_args()
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,30}", args.name):
        p.error("a name is small letters, digits and hyphens, at most 31")
    return args


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def stop(signum, _frame):
    for s in SIGNALS:
        signal.signal(s, signal.SIG_IGN)  # once is enough: what follows is the cleaning up
    raise Stopped(signal.Signals(signum).name)


def main():
    args = arguments()
    for s in SIGNALS:
        signal.signal(s, stop)
    voice = Voice(quiet=args.json)
    try:
        need()
        lock = claim(args.name)
        with lock:
            return {"up": up, "down": down, "show": show}[args.what](args, voice)
    except LabError as e:
        print(f"porteiro lab: {e}", file=sys.stderr)
        return 2
    except Stopped as e:
        print(f"porteiro lab: stopped by {e}; everything was taken down", file=sys.stderr)
        return 2


sys.exit(main())
