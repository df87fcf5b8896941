#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# make check: packages, builds with gcc and clang, every test, one line of totals at the end.
#
#   build          gcc, warnings are errors: every suite
#   build-clang    clang, warnings are errors: built only
#   build-asan     gcc with AddressSanitizer and UBSan: suite 'unit', with the fuzz corpora
#   check-kernel   Debian's own kernel in QEMU: suite 'packets' and tests/kernel
#
# A skipped test says why. What cannot run is a failure where PORTEIRO_MUST_RUN names its need.
set -uo pipefail
cd "$(dirname "$0")/.."
export PORTEIRO_MUST_RUN=${PORTEIRO_MUST_RUN:-}
log=$(mktemp -d)
trap 'rm -rf "$log"' EXIT
passed=0 failed=0 skipped=0

phase() { printf '\n== %s (at %d:%02d)\n' "$1" $((SECONDS / 60)) $((SECONDS % 60)); }

count() # passed failed skipped
{
	passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
}

totals()
{
	printf '\n%d passed, %d failed, %d skipped\n' $passed $failed $skipped
	[ $failed = 0 ] && [ $passed -gt 0 ]
	exit
}

broken() # what: nothing after this makes sense
{
	echo "FAIL $1"
	count 0 1 0
	totals
}

# Settings that a build directory has from before give way to those asked for here.
build() # DIR [SETTING]...
{
	local dir=$1 how=setup
	shift
	[ ! -e "$dir/build.ninja" ] || how=configure
	meson $how "$dir" -Dwerror=true "$@" >"$log/setup" 2>&1 || { cat "$log/setup"; return 1; }
	ninja -C "$dir" >"$log/ninja" 2>&1 || { grep -v '^\[.*\] \(Compiling\|Linking\|Generating\)' "$log/ninja"; return 1; }
	tail -n 1 "$log/ninja"
}

# Run tests of a build, list the ones skipped with their reason, add up.
suites() # DIR [meson test argument]...
{
	local dir=$1
	shift
	rm -f "$dir/meson-logs/testlog.json"
	meson test -C "$dir" --no-rebuild --print-errorlogs "$@" 2>&1 | grep -v '^ninja\|^Full log\|^$\|: *0 *$'
	python3 tools/testlog.py "$dir/meson-logs/testlog.json" >"$log/sum" || broken "no test log in $dir"
	sed 1d "$log/sum"
	read -r p f s <"$log/sum"
	count "$p" "$f" "$s"
}

phase "packages"
tools/packages.sh || broken "packages are missing"
phase "build with gcc, every suite"
CC=gcc build build || broken "the build with gcc"
suites build
phase "build with clang"
CC=clang build build-clang || broken "the build with clang"
echo "built without a warning"
count 1 0 0
phase "units and fuzz corpora under AddressSanitizer and UBSan"
# Instrumented code makes gcc see null pointers that are none; the two builds before are the judges.
CC=gcc build build-asan -Dwerror=false -Db_sanitize=address,undefined -Db_lundef=false || broken "the build with sanitizers"
# No strict_string_checks: strndup() of so many bytes of what is no string is no fault.
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export LSAN_OPTIONS=suppressions=$PWD/tests/lsan.supp PORTEIRO_PLANS=400
suites build-asan --suite unit
phase "Debian's own kernel"
tools/check-kernel.sh -t "$log/kernel"
if read -r p f s <"$log/kernel"; then count "$p" "$f" "$s"; else broken "check-kernel told nothing"; fi
totals
