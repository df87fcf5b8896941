#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Refused connection attempts per second, beside bare XDP_DROP, the kernel's LPM trie, nft and xdp-filter.

One JSON line a row into build/bench/filter.jsonl:
{"bench":"refuse","subject":"porteiro|bare|trie|nft|xdp-filter","family":"v4|v6","prefixes":N,"mpps":x}
{"bench":"load","subject":"porteiro|nft|trie","family":F,"prefixes":N,"seconds":x}     compile and put in force
{"bench":"put","subject":"porteiro","family":F,"prefixes":N,"ms":x}                     one exception in place
{"bench":"other","subject":"pass|porteiro","traffic":T,"ns":x}                          what is not for port 25

Medians of five, subjects in turn. How each is made: doc/performance.md.
"""
import collections
import json
import os
import pathlib
import shutil
import statistics
import struct
import subprocess
import sys

BUILD = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "build")
ROUNDS = int(os.environ.get("PORTEIRO_BENCH_ROUNDS", "5"))
SIZES = [int(n) for n in os.environ.get("PORTEIRO_BENCH_PREFIXES", "1000 65536 1000000").split()]
BENCH = BUILD / "tests/bench/filter_bench"
TOOL = BUILD / "tests/packets/xdp_tool"
TRIE = f"trie:{BUILD / 'tests/bench/trie.bpf.o'}"
rows = []


def row(**fields):
    rows.append(fields)
    print(json.dumps(fields), flush=True)


def subjects(family, prefixes):
    out = ["bare", "porteiro", "porteiro-plain"]
    if prefixes > 1000:
        out.append(TRIE)
    if prefixes == 65536:
        out.append("nft")
    if prefixes == 1000000:
        out.append("nft-load")
    if prefixes == 1000 and family == "v4" and shutil.which("xdp-filter"):
        out.append("other")
    return out


# xdp-filter knows ports or addresses, no prefixes with exceptions: it drops the port from everybody.
OTHER = {
    "BENCH_OTHER": "xdp-filter load bench-b -m native -f tcp -p allow >/dev/null 2>&1 && xdp-filter port 25 -m dst -p tcp",
    "BENCH_OTHER_OFF": "xdp-filter unload bench-b >/dev/null 2>&1",
}


def refuse(family, prefixes):
    rates = collections.defaultdict(list)
    run = subprocess.run([BENCH, family, str(prefixes), str(ROUNDS), *subjects(family, prefixes)], text=True,
                         capture_output=True, env={**os.environ, **OTHER})
    if run.returncode != 0:
        sys.exit(f"filter_bench {family} {prefixes}: {run.stderr.strip()}")
    for line in run.stdout.splitlines():
        r = json.loads(line)
        if r["bench"] == "round":
            rates[r["subject"]].append(r["mpps"])
        elif r["subject"] != "porteiro-plain" and r["bench"] == "load":
            row(bench="load", subject=r["subject"], family=family, prefixes=prefixes,
                seconds=round(r["load_s"] + r.get("compile_s", 0), 4))
        elif r["subject"] == "porteiro" and r["bench"] == "put":
            row(bench="put", subject="porteiro", family=family, prefixes=prefixes, ms=round(r["ms"], 3))
    for subject, mpps in rates.items():
        name = {"other": "xdp-filter", "porteiro-plain": "porteiro, lines not counted"}.get(subject, subject)
        row(bench="refuse", subject=name, family=family, prefixes=prefixes, mpps=round(statistics.median(mpps), 3))


def frame(protocol, dport, flags):
    ip = bytes([0x45, 0, 0, 40, 0, 1, 0, 0, 64, protocol, 0, 0, 10, 1, 2, 3, 192, 0, 2, 25])
    l4 = struct.pack(">HHIIBBHHH", 40000, dport, 1, 2, 0x50, flags, 1000, 0, 0)
    return (b"\2\0\0\0\0\1\2\0\0\0\0\2\x08\0" + ip + l4).hex()


OTHERS = {"UDP": frame(17, 53, 0), "TCP to 443": frame(6, 443, 0x10), "TCP to 25, running": frame(6, 25, 0x10)}


def other():
    """By test-run: the same frame again and again, everything in the caches."""
    times = collections.defaultdict(list)
    commands = ["segment homes 10.0.0.0/8 drop", "load"]
    for _ in range(ROUNDS):
        for f in OTHERS.values():
            commands += [f"repeat 1000000 {f}", f"bare 1000000 {f}"]
    run = subprocess.run([TOOL, "-"], input="\n".join(commands) + "\n", text=True, capture_output=True, check=True)
    answers = iter([json.loads(line)["ns"] for line in run.stdout.splitlines()[3:]])
    for _ in range(ROUNDS):
        for name in OTHERS:
            times["porteiro", name].append(next(answers))
            times["pass", name].append(next(answers))
    for (subject, traffic), ns in times.items():
        row(bench="other", subject=subject, traffic=traffic, ns=statistics.median(ns))


def table():
    rate = {(r["family"], r["prefixes"], r["subject"]): r["mpps"] for r in rows if r["bench"] == "refuse"}
    print(f"\n{'refused, Mpps':34}" + "".join(f"{n:>12}" for n in SIZES))
    for family in ("v4", "v6"):
        for subject in dict.fromkeys(s for f, _, s in rate if f == family):
            print(f"  {family} {subject:29}" + "".join(f"{rate.get((family, n, subject), ''):>12}" for n in SIZES))
        ours = {n: rate.get((family, n, "porteiro")) for n in SIZES}
        if ours.get(65536):
            for peer, want in (("bare", 0.8), ("trie", 5), ("nft", 15)):
                print(f"  {family} at 65536, of {peer}: {ours[65536] / rate[family, 65536, peer]:.2f} (reach {want})")
        if ours.get(1000000) and ours.get(1000):
            print(f"  {family} at 1000000, of the rate at 1000: {ours[1000000] / ours[1000]:.2f} (reach 0.6)")


def main():
    if os.geteuid() != 0:
        sys.exit("filter.py: needs root for network namespaces and BPF")
    for family in ("v4", "v6"):
        for prefixes in SIZES:
            refuse(family, prefixes)
    other()
    out = BUILD / "bench"
    out.mkdir(exist_ok=True)
    (out / "filter.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    table()


main()
