# SPDX-License-Identifier: BSD-2-Clause
# Sourced: a small access network as carriers build it. Each home dials PPPoE inside its own pair
# of VLAN tags (service 100, customer 7 or 8) over an Ethernet access switch to a concentrator
# (pppoe-server), which routes to a host "net":
#
#   home1 e0.100.7 ppp0 --+
#                         +-- access (bridge) -- bras e0 [e0.100.{7,8} pppN] e1 -- net
#   home2 e0.100.8 ppp0 --+
#
# Homes are 10.64.0.10 and .11, 2001:db8:a::10 and ::11; net is 192.0.2.25, 2001:db8:ffff::25.
. "$PORTEIRO_SRC/tests/kernel/lib.sh"

for m in 8021q pppoe ppp_generic bridge veth; do modprobe $m; done
[ -e /dev/ppp ] || mknod /dev/ppp c 108 0

state()
{
	for f in "$tmp"/*.log; do echo "--- $f"; tail -n 20 "$f"; done
	for ns in home1 home2 bras; do echo "--- $ns"; ip -n $ns -br addr; ip -n $ns route; done
}

tags() # NS CUSTOMER-TAG: two VLAN interfaces, tags written into the frame as on a wire
{
	local ns=$1 c=$2
	on "$ns" ethtool -K e0 txvlan off tx-vlan-stag-hw-insert off >/dev/null
	ip -n "$ns" link show e0.100 >/dev/null 2>&1 ||
		ip -n "$ns" link add link e0 name e0.100 type vlan proto 802.1ad id 100
	ip -n "$ns" link set e0.100 up
	ip -n "$ns" link add link e0.100 name "e0.100.$c" type vlan proto 802.1Q id "$c"
	ip -n "$ns" link set "e0.100.$c" up
}

access_network()
{
	space home1 home2 access bras net
	ip -n access link add br0 type bridge
	ip -n access link set br0 up
	wire home1 e0 access a1
	wire home2 e0 access a2
	wire bras e0 access up0
	for i in a1 a2 up0; do
		ip -n access link set $i master br0
		on access ethtool -K $i txvlan off tx-vlan-stag-hw-insert off >/dev/null
	done
	pass_program access up0
	tags home1 7
	tags home2 8
	tags bras 7
	tags bras 8
	wire bras e1 net e0
	ip -n bras addr add 192.0.2.1/24 dev e1
	ip -n bras addr add 2001:db8:ffff::1/64 dev e1 nodad
	ip -n net addr add 192.0.2.25/24 dev e0
	ip -n net addr add 2001:db8:ffff::25/64 dev e0 nodad
	ip -n net route add default via 192.0.2.1
	ip -n net route add default via 2001:db8:ffff::1
	on bras sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	serve net 25 465 587
}

concentrator() # pppoe-server on both customer VLANs
{
	printf '%s\n' noauth +ipv6 nodetach noccp novj lcp-echo-interval 5 lcp-echo-failure 4 \
		"logfile $tmp/bras-pppd.log" >"$tmp/server-options"
	on bras pppoe-server -F -I e0.100.7 -I e0.100.8 -C bras -L 10.64.0.1 -R 10.64.0.10 -N 8 \
		-O "$tmp/server-options" >"$tmp/pppoe-server.log" 2>&1 &
}

dial() # HOME CUSTOMER-TAG: a session, its addresses, v6 added as DHCPv6 would
{
	local ns=$1
	ip netns exec "$ns" pppd plugin pppoe.so "nic-e0.100.$2" noauth defaultroute +ipv6 nodetach noccp novj \
		user "$ns" >"$tmp/$ns.log" 2>&1 &
	echo $! >"$tmp/$ns.pid"
	wait_for 20 sh -c "ip -n $ns -4 addr show dev ppp0 | grep -q 'inet 10.64'"
}

# The name, in the concentrator, of the interface towards an address.
session_of() { ip -n bras route get "$1" | sed -n 's/.* dev \([^ ]*\).*/\1/p'; }

v4_of() { ip -n "$1" -4 -o addr show dev ppp0 | sed 's/.*inet \([^ ]*\) .*/\1/'; }

give_v6() # HOME ADDRESS
{
	ip -n "$1" addr add "$2/128" dev ppp0 nodad
	ip -n "$1" route add default dev ppp0 src "$2"
	ip -n bras route add "$2/128" dev "$(session_of "$(v4_of "$1")")"
}

homes_online()
{
	access_network
	concentrator
	dial home1 7
	dial home2 8
	give_v6 home1 2001:db8:a::10
	give_v6 home2 2001:db8:a::11
}

hang_up() # HOME: end the session as a router does that is switched off in good order
{
	local s
	s=$(session_of "$(v4_of "$1")")
	kill -TERM "$(cat "$tmp/$1.pid")"
	wait_for 30 sh -c "! ip -n $1 link show ppp0"
	wait_for 30 sh -c "! ip -n bras link show $s"
}
