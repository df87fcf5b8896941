#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Records decoded per CPU second of the collector, beside nfcapd and nfacctd, from the same datagrams.

One JSON line a row into build/bench/flow.jsonl:
{"bench":"flow","subject":"porteiro|nfcapd|nfacctd","format":F,"exporters":N,"mrecords_per_cpu_s":x,"lost":share}

The generator sends at a steady rate over the loopback, so that nobody is overrun, and the collector's own
processor time (user and system, children too) is what counts. Medians of five, subjects in turn.
"""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

BUILD = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "build")
ROUNDS = int(os.environ.get("PORTEIRO_BENCH_ROUNDS", "5"))
RECORDS = 1_000_000
RATE = 300_000
TICKS = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def cpu_seconds(pid):
    """Of a process and its children that still run."""
    total = 0.0
    for task in [pid] + [int(c) for c in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]:
        stat = pathlib.Path(f"/proc/{task}/stat").read_text().rsplit(")", 1)[1].split()
        total += (int(stat[11]) + int(stat[12])) / TICKS
    return total


def queue_empty(port):
    for line in pathlib.Path("/proc/net/udp").read_text().splitlines():
        if f":{port:04X} " in line.split()[1] + " ":
            return line.split()[4] == "00000000:00000000"
    return None


def wait(condition, what, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.01)


class Porteiro:
    name = "porteiro"
    formats = ("netflow5", "netflow9", "ipfix", "sflow5")

    def start(self, port, work, _format):
        return subprocess.Popen([BUILD / "src/prog/porteiro", "flows", "--json", "--address", "127.0.0.1",
                                 "--listen", str(port)], stdout=open(work / "out", "w"), stderr=subprocess.DEVNULL)

    def received(self, work):
        return json.loads((work / "out").read_text())["records"]


class Nfcapd:
    name = "nfcapd"
    formats = ("netflow5", "netflow9", "ipfix")

    def start(self, port, work, _format):
        # -S of files, no compression; -n none: exporters are learned
        return subprocess.Popen(["nfcapd", "-b", "127.0.0.1", "-p", str(port), "-w", str(work), "-B", "33554432"],
                                stdout=subprocess.DEVNULL, stderr=open(work / "err", "w"))

    def received(self, work):
        total = 0
        for f in work.glob("nfcapd.2*"):
            text = subprocess.run(["nfdump", "-I", "-r", f], capture_output=True, text=True, check=True).stdout
            total += int(re.search(r"^Flows: (\d+)", text, re.M).group(1))
        return total


class Nfacctd:
    name = "nfacctd"
    formats = ("netflow5", "netflow9", "ipfix")
    tool = "nfacctd"

    def start(self, port, work, _format):
        (work / "conf").write_text(
            f"daemonize: false\nnfacctd_ip: 127.0.0.1\nnfacctd_port: {port}\nnfacctd_pipe_size: 33554432\n"
            "plugins: memory\naggregate: dst_port\nplugin_buffer_size: 1024000\nplugin_pipe_size: 102400000\n"
            f"imt_path: {work}/imt\n")
        return subprocess.Popen([self.tool, "-f", work / "conf"], stdout=subprocess.DEVNULL,
                                stderr=open(work / "err", "w"))

    def received(self, work):
        return None  # its table is gone with it; loss shows in the kernel's drops only


SUBJECTS = [s for s in (Porteiro(), Nfcapd(), Nfacctd()) if s.name == "porteiro" or shutil.which(s.name)]


def once(subject, fmt, exporters):
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="porteiro-bench-") as name:
        work = pathlib.Path(name)
        p = subject.start(port, work, fmt)
        try:
            wait(lambda: queue_empty(port) is not None or p.poll() is not None, "it does not listen")
            before = cpu_seconds(p.pid)
            sent = int(subprocess.run([BUILD / "tests/bench/flow_gen", str(port), fmt, str(exporters), str(RECORDS),
                                       str(RATE)], capture_output=True, text=True, check=True).stdout)
            if p.poll() is not None:
                return None, 1.0
            wait(lambda: queue_empty(port), "its queue does not run empty")
            time.sleep(0.1)  # what it has taken it still works on
            used = cpu_seconds(p.pid) - before
        finally:
            p.send_signal(signal.SIGTERM if subject.name != "nfacctd" else signal.SIGINT)
            p.wait(timeout=60)
        got = subject.received(work)
        return sent / used / 1e6, None if got is None else 1 - got / sent


def main():
    out = BUILD / "bench"
    out.mkdir(exist_ok=True)
    rows = []
    for exporters in (1, 5000):
        for fmt in Porteiro.formats:
            subjects = [s for s in SUBJECTS if fmt in s.formats]
            figures = {s.name: [] for s in subjects}
            lost = dict.fromkeys(figures)
            for _ in range(ROUNDS):
                for s in subjects:
                    rate, loss = once(s, fmt, exporters)
                    if rate is not None:
                        figures[s.name].append(rate)
                    lost[s.name] = loss if loss is None else max(loss, lost[s.name] or 0)
            for s in subjects:
                median = round(statistics.median(figures[s.name]), 3) if figures[s.name] else None
                rows.append({"bench": "flow", "subject": s.name, "format": fmt, "exporters": exporters,
                             "mrecords_per_cpu_s": median,
                             "lost": None if lost[s.name] is None else round(lost[s.name], 5)})
                print(json.dumps(rows[-1]), flush=True)
    (out / "flow.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))


if __name__ == "__main__":
    main()
