# SPDX-License-Identifier: BSD-2-Clause
"""Inside the test machine: run what the host asked for, write the results down.

OUT/tests.json is a list of {name, cmd, env, workdir, timeout}. One line per
test goes to OUT/results.tsv (name, ok|fail|skip, seconds, reason) as it ends, its output to
OUT/NAME.log. Exit code 77 is a skip, and a failure when PORTEIRO_MUST_RUN is set:
this machine exists to have what those tests need.
"""
import json
import os
import pathlib
import platform
import signal
import subprocess
import sys
import time


def run(test, log):
    env = dict(os.environ, **test.get("env", {}))
    with open(log, "wb") as out:
        proc = subprocess.Popen(test["cmd"], cwd=test.get("workdir"), env=env, stdin=subprocess.DEVNULL,
                                stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            code = proc.wait(test["timeout"])
            return code, f"exit code {code}"
        except subprocess.TimeoutExpired:
            return None, f"no end within {test['timeout']} s"
        finally:
            try:
                os.killpg(proc.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


def reason(log):
    """The last line a test wrote: why it failed or was skipped."""
    lines = [l.strip() for l in log.read_text(errors="replace").splitlines() if l.strip()]
    return lines[-1].replace("\t", " ")[:200] if lines else "it said nothing"


def main(out):
    must = os.environ.get("PORTEIRO_MUST_RUN", "")
    with open(out / "results.tsv", "w", buffering=1) as results:
        print(f"check-kernel: Linux {platform.release()} is up", flush=True)
        for test in json.loads((out / "tests.json").read_text()):
            log = out / (test["name"].replace("/", "-").replace(" ", "_") + ".log")
            start = time.monotonic()
            code, said = run(test, log)
            word = {0: "ok", 77: "skip"}.get(code, "fail")
            if word == "skip" and must:
                word = "fail"
            text = "" if word == "ok" else f"{said}: {reason(log)}"
            results.write(f"{test['name']}\t{word}\t{time.monotonic() - start:.1f}\t{text}\n")
            print(f"check-kernel: {word} {test['name']}", flush=True)
        results.write("end\tend\t0\t\n")


main(pathlib.Path(sys.argv[1]))
