#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Real homes that dial PPPoE inside two VLAN tags, through a real concentrator. First the filter
# stands on the interface that carries everything: a home's port 25 is refused at once by a reset
# that finds its way back through both tags and the session; an excepted home, and 465 and 587,
# are left alone. Then it stands on the sessions themselves: PPP interfaces carry bare IP and know
# no XDP, so tc does it.
. "$PORTEIRO_SRC/tests/kernel/pppoe.sh"
. "$PORTEIRO_SRC/tests/kernel/porteiro.sh"
net4=192.0.2.25 net6=2001:db8:ffff::25
homes_online
xdp_begin bras

open_to() { try "$1" $net4 "$2" open && try "$1" $net6 "$2" open; } # HOME PORT

closed_to() { try "$1" $net4 25 "$2" && try "$1" $net6 25 "$2"; } # HOME refused|silent

echo "# before: everything is open"
for port in 25 465 587; do open_to home1 $port; done
open_to home2 25

echo "# XDP on the carrying interface"
xdp "segment homes 10.64.0.0/24 reject" "segment homes6 2001:db8:a::/64 reject" load \
	"attach e0 native fix" | grep native
for home in home1 home2; do
	closed_to $home refused
	open_to $home 465
	open_to $home 587
done
want_refused 4

echo "# an exception, written in place"
xdp "put 10.64.0.11/32 off" "put 2001:db8:a::11/128 off"
closed_to home1 refused
open_to home2 25

echo "# drop"
xdp clear "segment homes 10.64.0.0/24 drop" "segment homes6 2001:db8:a::/64 drop" load
before=$(xdp_refused)
closed_to home1 silent
[ "$(xdp_refused)" -ge $((before + 2)) ] || { echo "FAIL silent, but not refused"; exit 1; }
open_to home1 587

echo "# open, resume"
xdp open
open_to home1 25
xdp resume clear "segment homes 10.64.0.0/24 reject" "segment homes6 2001:db8:a::/64 reject" load
closed_to home1 refused

echo "# tc on the sessions"
xdp "detach e0"
open_to home1 25
before=$(xdp_refused)
s1=$(session_of 10.64.0.10) s2=$(session_of 10.64.0.11)
xdp "attach $s1" "attach $s2" | grep -c '"tc"' | grep -x 2
for home in home1 home2; do
	closed_to $home refused
	open_to $home 465
	open_to $home 587
done
want_refused $((before + 4))

echo "# a session ends and another begins, under the same interface name, perhaps with another address"
hang_up home1
dial home1 7
give_v6 home1 2001:db8:a::10
open_to home1 25 # a new interface: the filter went with the old one
[ "$(session_of "$(v4_of home1)")" = "$s1" ]
xdp "attach $s1"
closed_to home1 refused
open_to home1 587
closed_to home2 refused
