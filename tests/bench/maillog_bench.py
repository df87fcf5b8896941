#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Mail-log index beside wc, grep and pflogsumm on the same generated log; one JSON line each.

usage: maillog_bench.py PORTEIRO [MEGABYTES]
"""
import gzip
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile


def generate(path, bytes_wanted):
    """A Postfix log of a busy provider: half submissions on three services, half transport, seven lines a message."""
    rnd = random.Random(25)
    written = n = 0
    with open(path, "w", encoding="ascii", buffering=1 << 20) as f:
        while written < bytes_wanted:
            second = n // 40
            st = f"Nov {1 + second // 86400 % 20:2} {second // 3600 % 24:02}:{second // 60 % 60:02}:{second % 60:02} mail"
            qid, pid = f"{0x4000000000 + n * 7919 % 0xfffffffff:X}", rnd.randrange(1000, 30000)
            user, ip = f"user{rnd.randrange(200000)}@provedor.example", f"198.18.{rnd.randrange(256)}.{rnd.randrange(256)}"
            login = rnd.random() < .45
            tag = rnd.choice(("postfix", "postfix/submission", "postfix/submission", "postfix/submissions")) if login else "postfix"
            sasl = f", sasl_method=PLAIN, sasl_username={user}" if login else ""
            text = (f"{st} {tag}/smtpd[{pid}]: connect from host.example.net[{ip}]\n"
                    f"{st} {tag}/smtpd[{pid}]: {qid}: client=host.example.net[{ip}]{sasl}\n"
                    f"{st} postfix/cleanup[{pid + 1}]: {qid}: message-id=<{n}.{pid}@host.example.net>\n"
                    f"{st} postfix/qmgr[900]: {qid}: from=<{user}>, size={rnd.randrange(900, 90000)}, nrcpt=1 (queue active)\n"
                    f"{st} postfix/smtp[{pid + 2}]: {qid}: to=<someone{n}@example.org>, relay=mx.example.org[192.0.2.7]:25, delay=1.2, "
                    f"delays=0.1/0/0.5/0.6, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as {n:X}ABCDE)\n"
                    f"{st} {tag}/smtpd[{pid}]: disconnect from host.example.net[{ip}] ehlo=2 starttls=1 auth=1 mail=1 rcpt=1 data=1 quit=1 commands=8\n"
                    f"{st} postfix/qmgr[900]: {qid}: removed\n")
            f.write(text)
            written += len(text)
            n += 1


def cpu(args, repeat):
    """The least CPU time of several runs, and the largest memory."""
    best = None
    for _ in range(repeat):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(args, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        best = used if best is None else min(best, used)
    return best


def main():
    porteiro, megabytes = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 600
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "mail.log")
        generate(log, megabytes * 1_000_000)
        size = os.path.getsize(log)
        packed = log + ".gz"
        with open(log, "rb") as source, gzip.open(packed, "wb", 6) as out:
            shutil.copyfileobj(source, out, 1 << 20)
        rows = [("porteiro index", [porteiro, "index", "--json", "--workers", "1", log], 5),
                ("porteiro index, gzip", [porteiro, "index", "--json", "--workers", "1", packed], 3),
                ("wc -l", ["wc", "-l", log], 5), ("grep -c sasl_username", ["grep", "-c", "sasl_username", log], 5)]
        if shutil.which("pflogsumm"):
            rows.append(("pflogsumm", ["pflogsumm", log], 1))
        for name, args, repeat in rows:
            seconds = cpu(args, repeat)
            print(json.dumps({"bench": "mail log", "what": name, "bytes": size, "cpu_s": round(seconds, 3),
                              "MB_per_cpu_s": round(size / 1e6 / seconds, 1)}), flush=True)


if __name__ == "__main__":
    main()
