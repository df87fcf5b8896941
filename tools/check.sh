#!/bin/bash
# make check: packages, build, every test, and one line of totals at the end.
set -uo pipefail
cd "$(dirname "$0")/.."
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export PORTEIRO_MUST_RUN=${PORTEIRO_MUST_RUN:-}

tools/packages.sh || exit 1
[ -e build/build.ninja ] || meson setup build || exit 1
ninja -C build || exit 1
meson test -C build --print-errorlogs | tee "$log"
rc=${PIPESTATUS[0]}
awk '/^Ok:/{o+=$2} /^Fail:|^Timeout:/{f+=$2} /^Unexpected Pass:/{f+=$3} /^Skipped:/{s+=$2}
     END{printf "%d passed, %d failed, %d skipped\n", o, f, s; exit o == 0}' "$log" || rc=1
exit "$rc"
