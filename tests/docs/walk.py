# SPDX-License-Identifier: BSD-2-Clause
"""Run the second half of doc/walk.md: its ```console box blocks, against a real daemon.

A home at 192.0.2.7 and the operator's box are two network namespaces; behind the box, at 203.0.113.25, something
greets on 25, 465 and 587. `$` commands run in the box, `home$` ones in the home. Times, dates and hashes are not
compared. With --print the page's blocks are printed as they came out, to be pasted into it.
"""
import atexit
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

BIN = os.path.dirname(os.environ["PORTEIRO_BIN"])
SRC = os.environ["PORTEIRO_SRC"]
BOX, HOME = f"walk-box-{os.getpid()}", f"walk-home-{os.getpid()}"
SERVER, PORTS = "203.0.113.25", (25, 465, 587)

clean = []  # undone last first, whatever happens


def skip(reason):
    print("walk:", reason)
    must = os.environ.get("PORTEIRO_MUST_RUN", "")
    sys.exit(1 if "net" in must or "bpf" in must else 77)


def run(*args, ok=True):
    p = subprocess.run(args, capture_output=True, text=True)
    if ok and p.returncode:
        raise RuntimeError(f"{' '.join(args)}: {p.stderr}")
    return p


def clean_up():
    while clean:
        clean.pop()()


def net():
    if run("ip", "netns", "add", BOX, ok=False).returncode:
        skip("no network namespaces here")
    clean.append(lambda: run("ip", "netns", "del", BOX, ok=False))
    run("ip", "netns", "add", HOME)
    clean.append(lambda: run("ip", "netns", "del", HOME, ok=False))
    run("ip", "link", "add", "home0", "netns", BOX, "type", "veth", "peer", "name", "wan0", "netns", HOME)
    for where, command in ((BOX, "addr add 192.0.2.1/24 dev home0"), (BOX, f"addr add {SERVER}/32 dev lo"),
                           (BOX, "link set lo up"), (BOX, "link set home0 up"),
                           (HOME, "addr add 192.0.2.7/24 dev wan0"), (HOME, "link set wan0 up"),
                           (HOME, "route add default via 192.0.2.1")):
        run("ip", "-n", where, *command.split())


def greet(listener):
    while True:
        try:
            with listener.accept()[0] as session:
                session.sendall(b"220 mail.example\r\n")
        except OSError:
            return


def servers():
    """Sockets belong to the namespace in which they were made: one thread goes there and makes them."""
    made = []

    def make():
        with open(f"/run/netns/{BOX}") as netns:
            if ctypes_setns(netns.fileno()):
                return
        made.extend(socket.create_server((SERVER, port)) for port in PORTS)

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    if len(made) != len(PORTS):
        skip("can not enter a network namespace")
    for listener in made:
        threading.Thread(target=greet, args=(listener,), daemon=True).start()


def ctypes_setns(fd):
    import ctypes
    return ctypes.CDLL(None, use_errno=True).setns(fd, 0x40000000)


def inside(where, *args):
    return ["nsenter", f"--net=/run/netns/{where}", *args]


def daemon(folder):
    pins = os.path.join(folder, "bpf")
    os.mkdir(pins)
    if run("mount", "-t", "bpf", "bpf", pins, ok=False).returncode:
        skip("no BPF file system here")
    clean.append(lambda: run("umount", pins, ok=False))
    os.mkdir(os.path.join(folder, "state"))
    config = os.path.join(folder, "porteirod.conf")
    with open(config, "w") as f:
        f.write(f"backend = xdp\ninterface = home0 subscriber generic\nvlan_offload = off\n"
                f"state_dir = {folder}/state\nsocket = {folder}/api.sock\npin_dir = {pins}/porteiro\n")
    log = open(os.path.join(folder, "log"), "w")
    p = subprocess.Popen(inside(BOX, os.path.join(BIN, "porteirod"), "--config", config), stdout=log, stderr=log)
    clean.append(lambda: (p.terminate(), p.wait(20)))
    ready = inside(BOX, os.path.join(BIN, "porteiro"), "status", "--socket", f"{folder}/api.sock")
    end = time.monotonic() + 30
    while run(*ready, ok=False).returncode:
        if p.poll() is not None or time.monotonic() > end:
            print(open(log.name).read())
            raise RuntimeError("porteirod did not start")
        time.sleep(0.05)
    return {"PORTEIROD": str(p.pid), "CONFIG": config, "PORTEIRO_SOCKET": f"{folder}/api.sock",
            "PATH": BIN + ":" + os.environ["PATH"]}, log.name


def same(text):
    """What differs from run to run, taken out."""
    text = re.sub(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\dZ)?", "DATE", text)
    text = re.sub(r"\d+(\.\d+)? ms", "N ms", text)
    text = re.sub(r"/\S*/api\.sock", "SOCKET", text)
    return re.sub(r"\b[0-9a-f]{64}\b", "HASH", text)


def blocks():
    page = open(os.path.join(SRC, "doc", "walk.md"), encoding="utf-8").read()
    for block in re.findall(r"^```console box\n(.*?)^```", page, re.M | re.S):
        parts = re.split(r"^((?:home)?)\$ (.*)\n", block, flags=re.M)
        yield from zip(parts[1::3], parts[2::3], parts[3::3])


def until_dead(path):
    """The roles end when their parent is gone; nobody answers then."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with socket.socket(socket.AF_UNIX) as s:
            if s.connect_ex(path):
                return
        time.sleep(0.02)
    raise RuntimeError("the daemon's roles outlived their parent")


def walk(env):
    # A date that the page could print is one day too near: exceptions last ten years at most.
    year = time.gmtime().tm_year + 1
    wrong = count = 0
    for place, command, said in blocks():
        count += 1
        at = HOME if place else BOX
        command_now = re.sub(r"--until \d{4}", f"--until {year}", command)
        p = subprocess.run(inside(at, "bash", "-c", command_now), cwd=SRC, env={**os.environ, **env},
                           stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        if command.startswith("kill"):
            until_dead(env["PORTEIRO_SOCKET"])
        heard = p.stdout.replace("\r", "") + p.stderr
        if "--print" in sys.argv:
            print(f"{place}$ {command}\n{heard}", end="")
        elif same(heard) != same(said):
            print(f"{place}$ {command}\n--- the page says\n{said}--- it says\n{heard}")
            wrong += 1
    print(f"{count} commands, {wrong} not as the page says")
    return wrong == 0 and count >= 10


def main():
    if os.geteuid():
        skip("not root")
    for name in ("ip", "nsenter", "curl"):
        if not shutil.which(name):
            skip(f"no {name} here")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    atexit.register(clean_up)
    folder = tempfile.mkdtemp(prefix="porteiro-walk-")
    clean.append(lambda: shutil.rmtree(folder, ignore_errors=True))
    net()
    servers()
    env, log = daemon(folder)
    good = walk(env)
    if not good:
        print(open(log).read())
    sys.exit(0 if good else 1)


main()
