#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Two e1000 cards on one wire: this card takes VLAN tags off before XDP sees the packet, so that a
# customer's tag would hide from the filter. Porteiro refuses to filter blindly, and says why, or
# turns that off where it is told to.
. "$PORTEIRO_SRC/tests/kernel/lib.sh"
. "$PORTEIRO_SRC/tests/kernel/porteiro.sh"
modprobe 8021q
space home box
card home 02:00:00:00:00:01 n0
card box 02:00:00:00:00:02 n0
for ns in home box; do
	ip -n $ns link add link n0 name n0.30 type vlan id 30
	ip -n $ns link set n0.30 up
done
ip -n home addr add 10.66.0.2/24 dev n0.30
ip -n box addr add 10.66.0.1/24 dev n0.30
ip -n home addr add 2001:db8:66::2/64 dev n0.30 nodad
ip -n box addr add 2001:db8:66::1/64 dev n0.30 nodad
state() { on box ethtool -k n0 | grep vlan; }
offload() { on box ethtool -k n0 | sed -n 's/^rx-vlan-offload: \(on\|off\).*/\1/p'; }
serve box 25 587
wait_for 20 try home 10.66.0.1 25 open
wait_for 20 try home 2001:db8:66::1 25 open
[ "$(offload)" = on ]
xdp_begin box
xdp "segment home 10.66.0.2/32 reject" "segment home6 2001:db8:66::2/128 reject" load

echo "# told nothing: refused, with the reason, and nothing changed"
if xdp "attach n0 generic" >"$tmp/said"; then
	echo "FAIL the filter stands on an interface whose VLAN tags it can not see"
	exit 1
fi
grep 'n0.*VLAN tags' "$tmp/said"
[ "$(offload)" = on ]
try home 10.66.0.1 25 open

echo "# told to turn it off"
xdp "attach n0 generic fix" | grep generic
[ "$(offload)" = off ]
for address in 10.66.0.1 2001:db8:66::1; do
	try home $address 25 refused
	try home $address 587 open
done
want_refused 2
