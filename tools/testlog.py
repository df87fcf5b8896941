# SPDX-License-Identifier: BSD-2-Clause
"""testlog.py LOG: add up meson's testlog.json. First line "PASSED FAILED SKIPPED", then a line for
each test that was skipped, with what it said last."""
import json
import sys

GOOD, SKIP = {"OK", "EXPECTEDFAIL"}, {"SKIP"}
tests = [json.loads(line) for line in open(sys.argv[1])]
good = sum(t["result"] in GOOD for t in tests)
skip = [t for t in tests if t["result"] in SKIP]
print(good, len(tests) - good - len(skip), len(skip))
for t in skip:
    said = [l.strip() for l in (t.get("stdout", "") + "\n" + t.get("stderr", "")).splitlines() if l.strip()]
    print(f"skip  {t['name']}: {said[-1] if said else 'it gave no reason'}")
