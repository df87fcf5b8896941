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
	ip netns exec "$ns" python3 "$here/tcp.py" "$@" >"$tmp/serve.$ns" &
	wait_for 20 grep -q ready "$tmp/serve.$ns"
}

# try NS ADDRESS PORT WANT: connect from the namespace; WANT is open, refused or silent. Bash does
# it itself: a Python for each would take most of the time under emulation. Only silence is worth
# little waiting; the other two come, but late on a busy machine.
try()
{
	local said got patience=30
	[ "$4" != silent ] || patience=4
	said=$(on "$1" timeout $patience bash -c 'exec 3<>"/dev/tcp/$0/$1" && read -r line <&3 && echo "$line"' "$2" "$3" 2>&1) && got=open ||
		case $? in
		124) got=silent ;;
		*) case $said in *"Connection refused"*) got=refused ;; *) got="neither: $said" ;; esac ;;
		esac
	echo "$1 to $2 port $3: $got"
	[ "$got" = "$4" ] || { echo "FAIL wanted $4"; return 1; }
}

# A peer of a veth that gets what XDP_TX sends needs a program of its own.
pass_program() # NS IF
{
	ip -n "$1" link set "$2" xdpdrv obj "$PORTEIRO_BUILD/lab/pass.bpf.o" sec xdp
}

# card NS MAC NAME: one of the machine's emulated network cards, into a namespace
card()
{
	local name
	modprobe e1000
	modprobe virtio_net
	name=$(ip -j link | jq -r --arg mac "$2" '.[] | select(.address == $mac) | .ifname')
	[ -n "$name" ] || { echo "the machine has no card $2"; return 1; }
	ip link set "$name" netns "$1" name "$3"
	ip -n "$1" link set "$3" up
}
