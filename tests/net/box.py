# SPDX-License-Identifier: BSD-2-Clause
"""A small network for filters: homes, a box that forwards or bridges, the world.

    home  10.1.M.2 and .3 and 2001:db8:1:M::2 and ::3 for each segment number M
    world 192.0.2.25 and 2001:db8:f::25, a relay at .26 and ::26
"""
import json
import os

from net import Space, Server, run

NFT_TOOL = os.environ["PORTEIRO_NFT_TOOL"]
XDP_TOOL = os.environ["PORTEIRO_XDP_TOOL"]

# Number, what becomes of TCP/25 from there, strict, what becomes of TCP/25 towards it.
SEGMENTS = [
    (1, "reject", False, "off"),
    (2, "drop", False, "off"),
    (3, "monitor", False, "off"),
    (4, "off", False, "off"),
    (5, "reject", True, "off"),
    (6, "drop", True, "off"),
    (7, "off", False, "reject"),
    (8, "off", False, "drop"),
    (9, "off", False, "monitor"),
]
WORLD = {4: "192.0.2.25", 6: "2001:db8:f::25"}
RELAY = {4: "192.0.2.26", 6: "2001:db8:f::26"}


def home(family, segment, host=2):
    return f"10.1.{segment}.{host}" if family == 4 else f"2001:db8:1:{segment}::{host}"


def prefixes(segment):
    return [f"10.1.{segment}.0/24", f"2001:db8:1:{segment}::/64"]


def plan(segments=SEGMENTS, relay=True):
    lines = ["operator:", "  name: Test", "segments:"]
    for number, mode, strict, inbound in segments:
        lines += [f"  - name: s{number}", "    kind: residential", f"    treatment: {'open' if mode == 'off' else 'closed'}"]
        lines += [] if mode == "off" else [f"    mode: {mode}"]
        lines += [f"    strict: {'yes' if strict else 'no'}"] if mode != "off" else []
        lines += [f"    inbound: {inbound}", f"    prefixes: {json.dumps(prefixes(number))}"]
    if relay:
        lines += ["smarthosts:", "  - name: relay", f"    prefixes: {json.dumps(list(RELAY.values()))}"]
    return "\n".join(lines) + "\n"


class Network:
    """Routed by default; bridged: both sides in one piece of wire."""

    def __init__(self, bridged=False):
        self.spaces = []
        self.home, self.box, self.world = (self.space(r) for r in ("home", "box", "world"))
        run("ip", "link", "add", "h0", "netns", self.home.name, "type", "veth", "peer", "name", "s0", "netns", self.box.name)
        run("ip", "link", "add", "w0", "netns", self.world.name, "type", "veth", "peer", "name", "u0", "netns", self.box.name)
        self.bridge() if bridged else self.route()
        self.servers = [Server(self.world, [25, 465, 587]), Server(self.home, [25, 587])]

    def space(self, role):
        self.spaces.append(Space(role))
        return self.spaces[-1]

    def addresses(self):
        for m, *_ in SEGMENTS:
            self.home.sh("".join(f"ip addr add 10.1.{m}.{h}/16 dev h0; ip addr add 2001:db8:1:{m}::{h}/48 dev h0 nodad; "
                                 for h in (2, 3)))
        self.world.sh("for h in 25 26; do ip addr add 192.0.2.$h/24 dev w0; ip addr add 2001:db8:f::$h/64 dev w0 nodad; done")

    def route(self):
        self.box.sh("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1; "
                    "ip link set s0 up; ip link set u0 up; "
                    "ip addr add 10.1.0.1/16 dev s0; ip addr add 2001:db8:1::1/48 dev s0 nodad; "
                    "ip addr add 192.0.2.1/24 dev u0; ip addr add 2001:db8:f::1/64 dev u0 nodad")
        self.home.sh("ip link set h0 up")
        self.world.sh("ip link set w0 up")
        self.addresses()
        self.home.sh("ip route add default via 10.1.0.1; ip -6 route add default via 2001:db8:1::1")
        self.world.sh("ip route add default via 192.0.2.1; ip -6 route add default via 2001:db8:f::1")

    def bridge(self):
        self.box.sh("ip link add b0 type bridge; for i in s0 u0; do ip link set $i master b0 up; done; ip link set b0 up")
        self.home.sh("ip link set h0 up")
        self.world.sh("ip link set w0 up")
        self.addresses()
        self.home.sh("ip route add 192.0.2.0/24 dev h0; ip -6 route add 2001:db8:f::/64 dev h0")
        self.world.sh("ip route add 10.1.0.0/16 dev w0; ip -6 route add 2001:db8:1::/48 dev w0")

    def close(self):
        for s in getattr(self, "servers", []):
            s.close()
        for s in self.spaces:
            s.delete()


class Nft:
    """The nft filter in the box."""

    def __init__(self, network, tmp, place="forward", interfaces=("s0",)):
        self.network, self.path = network, tmp / "plan.yaml"
        self.options = ["-p", place] + [w for i in interfaces for w in ("-i", i)]
        self.records = []

    def tool(self, *args, check=True):
        r = self.network.box.run(NFT_TOOL, *self.options, *self.records, *args, check=False)
        if check:
            assert r.returncode == 0, r.stderr
        return r

    def plan(self, text):
        self.path.write_text(text)

    def load(self, exceptions=(), restrictions=(), text=None):
        if text:
            self.plan(text)
        self.records = [w for e in exceptions for w in ("-x", e)] + [w for r in restrictions for w in ("-r", r)]
        return json.loads(self.tool("load", self.path).stdout)

    def put(self, prefix):
        out = json.loads(self.tool("except", self.path, prefix).stdout)
        self.records += ["-x", prefix]
        return out

    def restrict(self, prefix, mode, seconds):
        return json.loads(self.tool("restrict", self.path, prefix, mode, seconds).stdout)

    def compare(self):
        r = self.tool("compare", self.path, check=False)
        assert r.returncode in (0, 1), r.stderr
        return json.loads(r.stdout)

    def open(self):
        self.tool("open")

    def resume(self):
        self.tool("resume")

    def is_open(self):
        return self.tool("is-open", check=False).returncode == 0

    def counters(self):
        return {c.pop("class"): c for c in map(json.loads, self.tool("counters").stdout.splitlines())}

    def close(self):
        pass


class Xdp:
    """The packet program at the box's subscriber side; generic, as a native reset needs XDP at the peer too."""

    def __init__(self, network, tmp):
        self.pins = f"/sys/fs/bpf/{network.box.name}"
        self.network = network
        self.text = None
        self.commands("clear")
        self.attached = False

    def commands(self, *lines):
        r = self.network.box.run(XDP_TOOL, self.pins, stdin="\n".join(lines) + "\n")
        answers = [json.loads(line) for line in r.stdout.splitlines()]
        for a in answers:
            assert "error" not in a, a
        return answers

    def plan(self, text):
        pass

    def rules(self, exceptions):
        lines = [f"segment s{n} {p} {mode}{' strict' if strict else ''} inbound={inbound}"
                 for n, mode, strict, inbound in SEGMENTS for p in prefixes(n)]
        return lines + [f"smarthost {a}" for a in RELAY.values()] + [f"exception {e}" for e in exceptions]

    def load(self, exceptions=()):
        out = self.commands(*self.rules(exceptions), "load")
        if not self.attached:
            self.commands("attach s0 generic fix", "attach u0 uplink generic fix")
            self.attached = True
        return out[-1]

    def open(self):
        self.commands("open")

    def resume(self):
        self.commands("resume")

    def close(self):
        self.commands("remove")
