# SPDX-License-Identifier: BSD-2-Clause
"""The operator's side of the lab: porteirod in the box, and the porteiro command."""
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

from world import HERE, SUBSCRIBERS, LabError, run, wait_for

BPFFS = pathlib.Path("/sys/fs/bpf")

CONF = """\
# porteirod of the lab
state_dir = {dir}/state
socket = {dir}/api.sock
pin_dir = {pins}
backend = xdp
vlan_offload = off
"""


class Box:
    def __init__(self, world, programs):
        self.world, self.programs = world, pathlib.Path(programs)
        # Beside the command in a build directory, in sbin when installed.
        self.daemon = shutil.which("porteirod", path=f"{programs}:/usr/local/sbin:/usr/sbin") or "porteirod"
        self.dir = world.dir / "box"
        self.conf, self.socket, self.log = self.dir / "porteirod.conf", self.dir / "api.sock", self.dir / "porteirod.log"
        self.pins = BPFFS / world.name
        self.plan = self.dir / "plan.yaml"

    def prepare(self):
        self.dir.mkdir()
        (self.dir / "state").mkdir()
        shutil.copy(HERE / "plan.yaml", self.plan)
        self.conf.write_text(CONF.format(dir=self.dir, pins=self.pins) +
                             "".join(f"interface = {s.wire} subscriber native\n" for s in SUBSCRIBERS))
        if not os.path.ismount(BPFFS):
            run("mount", "-t", "bpf", "bpf", BPFFS)

    def start(self):
        """Start porteirod in the box's network, and wait until its API answers."""
        with open(self.log, "a") as log:
            daemon = subprocess.Popen(
                self.world.net_only("box", self.daemon, "--config", self.conf),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/")

        def ready():
            if daemon.poll() is not None:
                raise LabError(f"porteirod ended with code {daemon.returncode}:\n{self.log_tail()}")
            return self.porteiro("status", check=False).returncode == 0

        wait_for("porteirod to answer", ready)

    def pids(self):
        """Every process of porteirod: whatever runs in the box is one."""
        return [int(p) for p in run("ip", "netns", "pids", self.world.space("box")).stdout.split()]

    def kill(self):
        """kill -9 to every role at once. Returns how many processes that were."""
        pids = self.pids()
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        wait_for("porteirod to be gone", lambda: not self.pids())
        return len(pids)

    def porteiro(self, *verb, check=True):
        """Run the command as the operator would on the box."""
        env = f"PORTEIRO_SOCKET={self.socket}"
        return run("env", env, *self.world.net_only("box", self.programs / "porteiro", *verb), check=check)

    def ask(self, *verb):
        """The same with --json, parsed."""
        text = self.porteiro(*verb, "--json").stdout
        try:
            return json.loads(text)
        except ValueError:
            raise LabError(f"porteiro {' '.join(verb)} --json gave no JSON: {text[:300]}") from None

    def api(self, method, path, body):
        """One request to the API as any program makes it. Returns when it was begun (time.perf_counter)."""
        class OverSocket(http.client.HTTPConnection):
            def connect(conn):
                conn.sock = socket.socket(socket.AF_UNIX)
                conn.sock.connect(str(self.socket))

        conn, start = OverSocket("localhost", timeout=10), time.perf_counter()
        conn.request(method, path, json.dumps(body), {"Content-Type": "application/json"})
        reply = conn.getresponse()
        text = reply.read().decode(errors="replace")
        conn.close()
        if reply.status >= 300:
            raise LabError(f"{method} {path}: {reply.status} {text}")
        return start

    def refused(self):
        """Packets refused so far, by the counters of the filter."""
        return sum(c["rejected"] + c["dropped"] for c in self.ask("counters")["classes"])

    def log_tail(self, lines=20):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else ""

    def remove(self):
        """What stays in the kernel when the namespaces have gone: the pins."""
        if self.pins.is_dir():
            shutil.rmtree(self.pins)
