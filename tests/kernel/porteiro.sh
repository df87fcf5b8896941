# SPDX-License-Identifier: BSD-2-Clause
# Sourced after lib.sh: the packet filter by hand in a namespace of the test machine.

# xdp_begin NS: open the filter there. It stays open until the test ends: each opening has the
# kernel verify all programs, which takes seconds under emulation.
xdp_begin()
{
	mkfifo "$tmp/to-xdp" "$tmp/from-xdp"
	exec 7<>"$tmp/to-xdp" 8<>"$tmp/from-xdp"
	# The namespace's network only: `ip netns exec` would hide /sys/fs/bpf as well.
	nsenter --net="/run/netns/$1" "$PORTEIRO_BUILD/tests/packets/xdp_tool" "/sys/fs/bpf/kernel-test-$$" resets=0 \
		<&7 >&8 2>"$tmp/xdp.log" &
	xdp_answer
}

xdp_answer()
{
	local line
	read -r -t 60 line <&8 || { echo "the packet filter does not answer"; return 1; }
	echo "$line"
	case $line in *'"error"'*) return 1 ;; esac
}

# xdp COMMAND...: commands of tests/packets/xdp_tool, each an argument; their answers, a line each.
# Fails with the first that does.
xdp()
{
	local command
	for command; do
		echo "$command" >&7
		xdp_answer || return 1
	done
}

# Packets refused so far, all classes.
xdp_refused() { xdp counters | jq '[.[] | .rejected + .dropped] | add // 0'; }

want_refused() # N
{
	local n
	n=$(xdp_refused)
	[ "$n" = "$1" ] || { echo "FAIL the counters say $n refusals, not $1"; return 1; }
}
