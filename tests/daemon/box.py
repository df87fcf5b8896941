# SPDX-License-Identifier: BSD-2-Clause
"""A box in the path of a home, with porteirod on it: two veth pairs in namespaces of our own.

    home 192.0.2.10, 2001:db8:1::10  --  box  --  net 203.0.113.1, 2001:db8:2::1

The home has many addresses of its prefix, so that one can be closed and another excepted.
"""
import ctypes
import http.client
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import pytest

PORTEIRO = os.environ["PORTEIRO_BIN"]
PORTEIROD = os.environ["PORTEIROD_BIN"]
SRC = os.environ["PORTEIRO_SRC"]
MUST = os.environ.get("PORTEIRO_MUST_RUN", "").split(",")

PLAN = """\
operator: {name: Rede Exemplo, as: 64500}
segments:
  - name: homes
    kind: residential
    addressing: dynamic
    treatment: closed
    mode: %s
    prefixes: [192.0.2.0/24, "2001:db8:1::/64"]
  - name: shops
    kind: business
    prefixes: [198.51.100.0/24]
"""
CLOSED = PLAN % "reject"
OPEN = CLOSED.replace("treatment: closed", "treatment: open").replace("    mode: reject\n", "")


def need_net():
    """Why namespaces can not be used here, or None."""
    if os.geteuid() != 0:
        return "needs root for network namespaces"
    if subprocess.run(["unshare", "--net", "true"]).returncode != 0:
        return "no network namespaces here"
    return None


def wait_for(what, seconds=20, step=0.02):
    """Poll until `what()` is true; its value."""
    end = time.monotonic() + seconds
    while True:
        value = what()
        if value:
            return value
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(step)


class UnixHTTP(http.client.HTTPConnection):
    def __init__(self, path, timeout=60):
        super().__init__("porteirod", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        kind = headers.get("Content-Type", "")
        self.json = json.loads(body) if "json" in kind and body else None

    def __repr__(self):
        return f"{self.status} {self.body[:500]!r}"


numbers = itertools.count()


class Box:
    def __init__(self, backend, conf="", state=None):
        tag = f"pd{os.getpid()}-{next(numbers)}"
        self.backend = backend
        self.dir = tempfile.mkdtemp(prefix=f"porteirod-{tag}-")
        os.chmod(self.dir, 0o755)
        self.state = state or os.path.join(self.dir, "state")
        self.socket = os.path.join(self.dir, "api.sock")
        self.conf = os.path.join(self.dir, "porteirod.conf")
        self.log = os.path.join(self.dir, "log")
        self.pins = f"/sys/fs/bpf/porteiro-{tag}"
        self.ns = {name: f"{tag}-{name}" for name in ("home", "box", "net")}
        self.parent = None
        self.others = []
        self.write_conf(conf)
        self.wire()

    def write_conf(self, more=""):
        with open(self.conf, "w", encoding="utf-8") as f:
            f.write(f"state_dir = {self.state}\nsocket = {self.socket}\nbackend = {self.backend}\n"
                    f"pin_dir = {self.pins}\nuser = nobody\nreconcile = 3600\nvlan_offload = off\n")
            if self.backend == "xdp":
                f.write("interface = sub0 subscriber generic\n")
            f.write(more)

    # --- the network ---

    def ip(self, *args, ns=None):
        where = ["-n", self.ns[ns]] if ns else []
        subprocess.run(["ip", *where, *args], check=True)

    def wire(self):
        for name, full in self.ns.items():
            self.ip("netns", "add", full)
            self.run(name, "sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0")
        self.ip("link", "add", "sub0", "netns", self.ns["box"], "type", "veth", "peer", "name", "eth0",
                "netns", self.ns["home"])
        self.ip("link", "add", "up0", "netns", self.ns["box"], "type", "veth", "peer", "name", "eth0",
                "netns", self.ns["net"])
        for ns, link, v4, v6 in (("home", "eth0", "192.0.2.10/24", "2001:db8:1::10/64"),
                                 ("box", "sub0", "192.0.2.1/24", "2001:db8:1::1/64"),
                                 ("box", "up0", "203.0.113.2/24", "2001:db8:2::2/64"),
                                 ("net", "eth0", "203.0.113.1/24", "2001:db8:2::1/64")):
            self.ip("addr", "add", v4, "dev", link, ns=ns)
            self.ip("addr", "add", v6, "dev", link, "nodad", ns=ns)
            self.ip("link", "set", link, "up", ns=ns)
            self.ip("link", "set", "lo", "up", ns=ns)
        for last in range(11, 16):
            self.ip("addr", "add", f"192.0.2.{last}/24", "dev", "eth0", ns="home")
        self.run("box", "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
        for ns, gate in (("home", ("192.0.2.1", "2001:db8:1::1")), ("net", ("203.0.113.2", "2001:db8:2::2"))):
            for address in gate:
                self.ip("route", "add", "default", "via", address, ns=ns)
        self.spawn("net", sys.executable, "-c", SERVER)
        # Link-local addresses take a second to be sure of themselves; without them no neighbour is found.
        for source in ("192.0.2.10", "2001:db8:1::10"):
            wait_for(lambda source=source: self.connect(source, port=465) == "open")

    def enter(self, ns):
        return ["nsenter", f"--net=/run/netns/{self.ns[ns]}"]

    def run(self, ns, *args, **more):
        return subprocess.run([*self.enter(ns), *args], **more)

    def spawn(self, ns, *args, **more):
        p = subprocess.Popen([*self.enter(ns), *args], **more)
        self.others.append(p)
        return p

    def connect(self, source="192.0.2.10", port=25, timeout=1.0, to=None):
        """"open", "refused" or "silent", as the home sees it."""
        to = to or ("2001:db8:2::1" if ":" in source else "203.0.113.1")
        p = self.run("home", sys.executable, "-c", CONNECT, source, to, str(port), str(timeout),
                     capture_output=True, text=True, timeout=30)
        return p.stdout.strip() or p.stderr

    # --- the daemon ---

    def start(self, wait=True, binary=None):
        log = open(self.log, "ab")
        self.parent = subprocess.Popen([*self.enter("box"), binary or PORTEIROD, "--config", self.conf], stderr=log,
                                       stdout=log)
        log.close()
        if wait:
            wait_for(self.answers)
        return self

    def answers(self):
        assert self.parent.poll() is None, self.logged()
        try:
            return self.get("/v1/health").status == 200
        except OSError:
            return False

    def logged(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()

    def events(self, name):
        return [line for line in self.logged().splitlines() if f" event={name} " in line + " "]

    def role(self, name):
        """The process id of a role, or None."""
        try:
            with open(f"/proc/{self.parent.pid}/task/{self.parent.pid}/children", encoding="ascii") as f:
                for pid in f.read().split():
                    with open(f"/proc/{pid}/cmdline", encoding="ascii") as c:
                        if f"--role={name}" in c.read():
                            return int(pid)
        except OSError:
            pass
        return None

    def stop(self, how=signal.SIGTERM):
        if self.parent and self.parent.poll() is None:
            children = [self.role(r) for r in ("enforce", "engine", "web")]
            self.parent.send_signal(how)
            self.parent.wait(15)
            wait_for(lambda: not any(p and os.path.exists(f"/proc/{p}/fd") for p in children))
        self.parent = None

    def request(self, method, path, body=None, headers=None):
        c = UnixHTTP(self.socket)
        try:
            c.request(method, path, body=body, headers=headers or {})
            r = c.getresponse()
            return Answer(r.status, r.headers, r.read().decode())
        finally:
            c.close()

    def get(self, path):
        return self.request("GET", path)

    def post(self, path, body=None):
        if body is None:
            return self.request("POST", path)
        return self.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})

    def apply(self, plan=CLOSED, **headers):
        return self.request("POST", "/v1/plan", plan, {"Content-Type": "application/yaml", **headers})

    def allow(self, prefix, until="2030-01-01", reason="test"):
        return self.post("/v1/exceptions", {"prefix": prefix, "until": until, "reason": reason})

    def journal(self, kind=None):
        entries = self.get("/v1/journal?limit=1000").json["entries"]
        return [e for e in entries if kind in (None, e["kind"])]

    def porteiro(self, *args, **more):
        return self.run("box", PORTEIRO, *args, env={**os.environ, "PORTEIRO_SOCKET": self.socket}, text=True,
                        capture_output=True, timeout=60, **more)

    def tamper(self):
        """Take what is in force away behind the daemon's back."""
        if self.backend == "nft":
            self.run("box", "nft", "delete", "table", "inet", "porteiro", check=True)
        else:
            for name in os.listdir(self.pins):
                if name.startswith("link-"):
                    os.unlink(os.path.join(self.pins, name))

    def close(self):
        try:
            self.stop(signal.SIGKILL)
        finally:
            for p in self.others:
                p.kill()
                p.wait()
            for name in self.ns.values():
                subprocess.run(["ip", "netns", "del", name], check=False)
            shutil.rmtree(self.pins, ignore_errors=True)
            if os.path.ismount(self.state):
                subprocess.run(["umount", self.state], check=False)
            shutil.rmtree(self.dir, ignore_errors=True)


CONNECT = """
import socket, sys
source, to, port, timeout = sys.argv[1:]
try:
    socket.create_connection((to, int(port)), timeout=float(timeout), source_address=(source, 0)).close()
    print("open")
except ConnectionRefusedError:
    print("refused")
except socket.timeout:
    print("silent")
"""

SERVER = """
import selectors, socket
s = selectors.DefaultSelector()
for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
    for port in (25, 465, 587):
        l = socket.socket(family)
        l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            l.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        l.bind((address, port))
        l.listen(128)
        s.register(l, selectors.EVENT_READ)
while True:
    for key, _ in s.select():
        c, _ = key.fileobj.accept()
        c.close()
"""

# Connects again and again from a closed address and from an open one, until told to stop, and says
# what it saw: one wrong verdict is one too many.
WATCH = """
import collections, signal, socket, sys, time
closed, open_ = sys.argv[1:3]
seen = {closed: collections.Counter(), open_: collections.Counter()}
stop = []
signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
print("watching", flush=True)
while not stop:
    for source in seen:
        try:
            socket.create_connection(("203.0.113.1", 25), timeout=2, source_address=(source, 0)).close()
            got = "open"
        except ConnectionRefusedError:
            got = "refused"
        except OSError as e:
            got = type(e).__name__
        seen[source][got] += 1
    time.sleep(0.002)
import json
print(json.dumps(seen))
"""


class Watch:
    """A home that never stops trying, from a closed address and an excepted one."""

    def __init__(self, box, closed="192.0.2.10", opened="192.0.2.11"):
        self.closed, self.opened = closed, opened
        self.p = box.spawn("home", sys.executable, "-c", WATCH, closed, opened, stdout=subprocess.PIPE, text=True)
        assert self.p.stdout.readline() == "watching\n"

    def end(self):
        """The number of attempts; fails if any got a wrong verdict."""
        self.p.send_signal(signal.SIGTERM)
        seen = json.loads(self.p.communicate(timeout=30)[0])
        assert set(seen[self.closed]) == {"refused"}, seen
        assert set(seen[self.opened]) == {"open"}, seen
        return sum(seen[self.closed].values())


@pytest.fixture(params=["nft", "xdp"])
def box(request):
    why = need_net()
    if why:
        pytest.exit(f"skipped: {why}", returncode=1 if "net" in MUST else 77)
    b = Box(request.param)
    yield b
    b.close()
