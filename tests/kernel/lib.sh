# SPDX-License-Identifier: BSD-2-Clause
# Sourced by tests/kernel/*_test.sh: namespaces, waiting, connecting. The test machine is
# thrown away after its tests, but a test still leaves it as it found it.
set -euo pipefail
here=$PORTEIRO_SRC/tests/kernel
tmp=$(mktemp -d)
spaces=

leave()
{
	local code=$? ns pids
	trap - EXIT
	[ $code = 0 ] || [ $code = 77 ] || state >&2 || true
	for ns in $spaces; do
		pids=$(ip netns pids "$ns" 2>/dev/null)
		[ -z "$pids" ] || kill -9 $pids 2>/dev/null || true
		ip netns del "$ns" 2>/dev/null || true
	done
	rm -rf "$tmp"
	exit $code
}
trap leave EXIT

state() { :; } # a test may say more when it fails

space() # NAME...: namespaces, their loopback up
{
	local ns
	for ns; do
		ip netns add "$ns"
		spaces="$spaces $ns"
		ip -n "$ns" link set lo up
		ip netns exec "$ns" sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
	done
}

wire() # NS1 IF1 NS2 IF2: a veth pair, up
{
	ip link add "$2" netns "$1" type veth peer name "$4" netns "$3"
	ip -n "$1" link set "$2" up
	ip -n "$3" link set "$4" up
}

on() { ip netns exec "$@"; }

# wait_for SECONDS COMMAND...: until it is true
wait_for()
{
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || { echo "waited in vain for: $*"; return 1; }
		sleep 0.1
	done
}

serve() # NS PORT...
{
	local ns=$1
	shift
	ip netns exec "$ns" python3 "$here/tcp.py" serve "$@" >"$tmp/serve.$ns" &
	wait_for 20 grep -q ready "$tmp/serve.$ns"
}

# try NS ADDRESS PORT WANT: connect from the namespace; WANT is open, refused or silent
try()
{
	ip netns exec "$1" python3 "$here/tcp.py" try "$2" "$3" "$4" || { echo "FAIL $1: wanted $4"; return 1; }
}

# A peer whose other end answers with XDP_TX needs a program of its own.
pass_program() # IF NS
{
	printf '%s\n' '#include <linux/bpf.h>' '__attribute__((section("xdp"), used)) int pass(struct xdp_md *c) { return XDP_PASS; }' \
		'char pass_license[] __attribute__((section("license"), used)) = "GPL";' >"$tmp/pass.c"
	[ -e "$tmp/pass.o" ] || clang -O2 -target bpf -I/usr/include/x86_64-linux-gnu -c "$tmp/pass.c" -o "$tmp/pass.o"
	ip -n "$2" link set "$1" xdp obj "$tmp/pass.o" sec xdp
}
