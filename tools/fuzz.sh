#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# make fuzz [SECONDS=n] [TARGET=name]: fuzz each target for some seconds, starting from its corpus.
#
# New inputs are kept in build-fuzz/found/NAME, crashes in build-fuzz/crash-NAME-*. A crash goes
# into tests/fuzz/corpus/NAME with its fix. Targets are named in tests/fuzz/meson.build.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${SECONDS_EACH:-60}
only=${TARGET:-}
dir=build-fuzz
[ -e $dir/build.ninja ] ||
	CC=clang meson setup $dir -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false -Dbuildtype=debugoptimized \
		-Dc_args=-fsanitize=fuzzer-no-link >/dev/null
count=0
for source in tests/fuzz/*_fuzz.c; do
	[ -e "$source" ] || break
	name=$(basename "$source" _fuzz.c)
	[ -z "$only" ] || [ "$only" = "$name" ] || continue
	ninja -C $dir "tests/fuzz/${name}_fuzz" >$dir/ninja.log || { cat $dir/ninja.log; exit 1; }
	mkdir -p "$dir/found/$name"
	words=()
	[ ! -e "tests/fuzz/$name.dict" ] || words=("-dict=tests/fuzz/$name.dict")
	echo "== $name, $seconds s"
	UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 "$dir/tests/fuzz/${name}_fuzz" -max_total_time="$seconds" \
		-artifact_prefix="$dir/crash-$name-" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 "${words[@]}" \
		"$dir/found/$name" "tests/fuzz/corpus/$name" 2>&1 | tail -n 12
	count=$((count + 1))
done
[ $count -gt 0 ] || { echo "there is no fuzz target${only:+ called $only}" >&2; exit 2; }
