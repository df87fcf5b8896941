# SPDX-License-Identifier: BSD-2-Clause
"""The lab's world: network namespaces, wires between them, addresses, names.

    ana    home       --+                          +-- correio   mail provider
    bento  home       --+-- box -- internet -------+
    padaria business  --+   (Porteiro)             +-- ponto     mail provider
    carla  home, bot  --+

Each subscriber has a wire of its own to the box, as on an access router; the box routes. No wire
ends outside the lab and no namespace has a route to anywhere else: traffic cannot leave.
"""
import ctypes
import ipaddress
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass

HERE = pathlib.Path(__file__).resolve().parent


class LabError(Exception):
    """What went wrong, in words for the person at the terminal."""


@dataclass(frozen=True)
class Subscriber:
    name: str
    label: str
    v4: str
    v6: str
    wire: str  # interface name in the box


@dataclass(frozen=True)
class Provider:
    name: str
    domain: str
    v4: str
    v6: str

    def address(self, family):
        return self.v4 if family == "v4" else self.v6


SUBSCRIBERS = (
    Subscriber("ana", "Ana, at home", "100.64.10.2", "2001:db8:a001::2", "sub0"),
    Subscriber("bento", "Bento, at home", "100.64.20.2", "2001:db8:a002::2", "sub1"),
    Subscriber("padaria", "bakery, fixed address", "198.51.100.10", "2001:db8:b001::2", "sub2"),
    Subscriber("carla", "Carla, at home, has a bot", "100.64.30.2", "2001:db8:a003::2", "sub3"),
)
PROVIDERS = (
    Provider("correio", "correio.example", "192.0.2.25", "2001:db8:25::25"),
    Provider("ponto", "ponto.example", "203.0.113.25", "2001:db8:26::25"),
)
GATEWAY4, GATEWAY6 = "100.64.0.1", "fe80::1"
SPACES = ("box", "internet") + tuple(s.name for s in SUBSCRIBERS) + tuple(p.name for p in PROVIDERS)


def run(*cmd, check=True, timeout=60):
    """Run a command; its output is text. When it fails: LabError with what it said.

    Output goes by a file, not a pipe: what the command leaves running may keep it open.
    """
    with tempfile.TemporaryFile("w+", errors="replace") as out:
        try:
            done = subprocess.run([str(c) for c in cmd], stdin=subprocess.DEVNULL, stdout=out,
                                  stderr=subprocess.STDOUT, timeout=timeout, check=False)
        except subprocess.TimeoutExpired:
            raise LabError(f"{' '.join(map(str, cmd))}: no end within {timeout} s") from None
        out.seek(0)
        done.stdout = out.read()
    if check and done.returncode != 0:
        raise LabError(f"{' '.join(map(str, cmd))}: {done.stdout.strip() or f'exit code {done.returncode}'}")
    return done


def wait_for(what, condition, seconds=20):
    """Poll until condition() is true and return its value."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise LabError(f"waited {seconds} s in vain for {what}")
        time.sleep(0.02)


class World:
    """Everything of one lab, named after it: namespaces NAME-box, NAME-ana …, files in /run/NAME."""

    def __init__(self, name):
        self.name = name
        self.dir = pathlib.Path("/run") / name

    def space(self, who):
        return f"{self.name}-{who}"

    def exists(self):
        return self.dir.exists() or any(self.present(who) for who in SPACES)

    def present(self, who):
        return pathlib.Path("/run/netns", self.space(who)).exists()

    def on(self, who, *cmd, **kw):
        """Run a command in a namespace, with the lab's own /etc/hosts."""
        return run("ip", "netns", "exec", self.space(who), *cmd, **kw)

    def net_only(self, who, *cmd):
        """The command line that enters a namespace's network and nothing else: /sys stays as it is."""
        return ["nsenter", f"--net=/run/netns/{self.space(who)}", *map(str, cmd)]

    def enter(self, who):
        """Move the calling thread, and it alone, into a namespace."""
        libc = ctypes.CDLL(None, use_errno=True)
        fd = os.open(f"/run/netns/{self.space(who)}", os.O_RDONLY)
        try:
            if libc.setns(fd, 0x40000000) != 0:  # CLONE_NEWNET
                raise LabError(f"cannot enter {self.space(who)}: {os.strerror(ctypes.get_errno())}")
        finally:
            os.close(fd)

    def build(self):
        self.dir.mkdir(mode=0o755)
        names = "127.0.0.1 localhost\n::1 localhost\n" + "".join(
            f"{a} {n}\n" for p in PROVIDERS for a in (p.v4, p.v6) for n in (p.domain, f"mail.{p.domain}"))
        for who in SPACES:
            run("ip", "netns", "add", self.space(who))
            etc = pathlib.Path("/etc/netns", self.space(who))
            etc.mkdir(parents=True)
            (etc / "hosts").write_text(names)
            (etc / "resolv.conf").write_text("nameserver 127.0.0.1\n")  # nobody there: fails at once
            self.ip(who, "link", "set", "lo", "up")
            for key in ("all", "default"):
                self.sysctl(who, f"net.ipv6.conf.{key}.accept_dad", 0)
        for who in ("box", "internet"):
            self.sysctl(who, "net.ipv4.ip_forward", 1)
            self.sysctl(who, "net.ipv6.conf.all.forwarding", 1)
        self.join_subscribers()
        self.join_internet()

    def ip(self, who, *args):
        run("ip", "-n", self.space(who), *args)

    def sysctl(self, who, key, value):
        self.on(who, "sysctl", "-qw", f"{key}={value}")

    def wire(self, a, ifa, b, ifb):
        run("ip", "link", "add", ifa, "netns", self.space(a), "type", "veth",
            "peer", "name", ifb, "netns", self.space(b))
        self.ip(a, "link", "set", ifa, "up")
        self.ip(b, "link", "set", ifb, "up")

    def join_subscribers(self):
        """Unnumbered links, as a BNG has them: one gateway address on every wire, a route per line."""
        for s in SUBSCRIBERS:
            self.wire(s.name, "eth0", "box", s.wire)
            self.ip("box", "addr", "add", f"{GATEWAY4}/32", "dev", s.wire)
            self.ip("box", "addr", "add", f"{GATEWAY6}/64", "dev", s.wire, "nodad")
            self.ip("box", "route", "add", f"{s.v4}/32", "dev", s.wire)
            self.ip("box", "route", "add", f"{s.v6}/128", "dev", s.wire)
            self.ip(s.name, "addr", "add", f"{s.v4}/32", "dev", "eth0")
            self.ip(s.name, "addr", "add", f"{s.v6}/128", "dev", "eth0", "nodad")
            self.ip(s.name, "route", "add", GATEWAY4, "dev", "eth0")
            self.ip(s.name, "route", "add", "default", "via", GATEWAY4, "dev", "eth0", "src", s.v4)
            self.ip(s.name, "route", "add", "default", "via", GATEWAY6, "dev", "eth0", "src", s.v6)

    def join_internet(self):
        self.wire("box", "net0", "internet", "box0")
        link = (("box", "net0", 1), ("internet", "box0", 2))
        for who, dev, host in link:
            self.ip(who, "addr", "add", f"198.51.100.{128 + host}/30", "dev", dev)
            self.ip(who, "addr", "add", f"2001:db8:ff::{host}/64", "dev", dev, "nodad")
        for s in SUBSCRIBERS:
            self.ip("internet", "route", "add", f"{s.v4}/32", "via", "198.51.100.129")
            self.ip("internet", "route", "add", f"{s.v6}/128", "via", "2001:db8:ff::1")
        for p in PROVIDERS:
            self.wire("internet", p.name, p.name, "eth0")
            for address, bits in ((p.v4, 24), (p.v6, 64)):
                net = ipaddress.ip_interface(f"{address}/{bits}").network
                extra = ["nodad"] if bits == 64 else []
                self.ip("internet", "addr", "add", f"{net[1]}/{bits}", "dev", p.name, *extra)
                self.ip(p.name, "addr", "add", f"{address}/{bits}", "dev", "eth0", *extra)
                self.ip(p.name, "route", "add", "default", "via", str(net[1]))
                self.ip("box", "route", "add", str(net), "via", "198.51.100.130" if bits == 24 else "2001:db8:ff::2")

    def pass_program(self, programs):
        """XDP on the homes' end, passing everything: what the box sends back by XDP_TX only enters
        a veth whose other end has a program too. Real subscriber lines are not veths."""
        places = (HERE / "pass.bpf.o", pathlib.Path(programs, "../../lab/pass.bpf.o"))
        obj = next((p for p in places if p.exists()), None)
        if not obj:
            raise LabError("pass.bpf.o is missing: build or install Porteiro first")
        for s in SUBSCRIBERS:
            self.ip(s.name, "link", "set", "eth0", "xdpdrv", "obj", obj, "sec", "xdp")

    def processes(self):
        pids = set()
        for who in SPACES:
            if self.present(who):
                pids |= {int(p) for p in run("ip", "netns", "pids", self.space(who), check=False).stdout.split() if p.isdigit()}
        return pids - {os.getpid()}

    def kill(self):
        """End every process inside; new ones may be born meanwhile, so until there is none."""
        for _ in range(100):
            pids = self.processes()
            if not pids:
                return
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            time.sleep(0.02)
        raise LabError(f"processes would not end: {sorted(self.processes())}")

    def remove(self):
        """Take everything down, also half of a lab. Says nothing if there is nothing."""
        self.kill()
        for who in SPACES:
            if self.present(who):
                run("ip", "netns", "del", self.space(who), check=False)
            shutil.rmtree(pathlib.Path("/etc/netns", self.space(who)), ignore_errors=True)
        try:
            pathlib.Path("/etc/netns").rmdir()
        except OSError:
            pass  # absent, or other people's
        shutil.rmtree(self.dir, ignore_errors=True)
