#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# nft on a bridge: a box between two wires that routes nothing. A home behind it is refused port 25
# by a reset (nft_reject_bridge) or in silence; the rest passes.
. "$PORTEIRO_SRC/tests/kernel/lib.sh"
modprobe bridge
space home box net
wire home e0 box down0
wire net e0 box up0
ip -n box link add br0 type bridge
ip -n box link set br0 up
for i in down0 up0; do ip -n box link set $i master br0; done
ip -n home addr add 10.68.0.2/24 dev e0
ip -n net addr add 10.68.0.25/24 dev e0
ip -n home addr add 2001:db8:68::2/64 dev e0 nodad
ip -n net addr add 2001:db8:68::25/64 dev e0 nodad
state() { on box nft list ruleset; }
nft_tool() { on box "$PORTEIRO_BUILD/tests/net/nft_tool" -p bridge "$@"; }
plan() # MODE
{
	printf '%s\n' 'operator:' '  name: Kernel test' 'segments:' '  - name: homes' '    kind: residential' \
		'    addressing: dynamic' '    prefixes: [10.68.0.2/32, "2001:db8:68::2/128"]' '    treatment: closed' \
		"    mode: $1" >"$tmp/$1.yaml"
}
plan reject
plan drop
serve net 25 465 587
for address in 10.68.0.25 2001:db8:68::25; do wait_for 20 try home $address 25 open; done

nft_tool load "$tmp/reject.yaml"
nft_tool compare "$tmp/reject.yaml"
for address in 10.68.0.25 2001:db8:68::25; do
	try home $address 25 refused
	try home $address 465 open
	try home $address 587 open
done
nft_tool except "$tmp/reject.yaml" 10.68.0.2/32
try home 10.68.0.25 25 open
try home 2001:db8:68::25 25 refused

nft_tool load "$tmp/drop.yaml"
try home 10.68.0.25 25 silent
nft_tool open
for address in 10.68.0.25 2001:db8:68::25; do try home $address 25 open; done
