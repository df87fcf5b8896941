#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Native XDP on a real driver (virtio_net) and a wire whose far end has no program of its own, like
# any subscriber's: the reset goes out by XDP_TX.
. "$PORTEIRO_SRC/tests/kernel/lib.sh"
. "$PORTEIRO_SRC/tests/kernel/porteiro.sh"
space home box
card home 02:00:00:00:00:03 n0
card box 02:00:00:00:00:04 n0
ip -n home addr add 10.67.0.2/24 dev n0
ip -n box addr add 10.67.0.1/24 dev n0
ip -n home addr add 2001:db8:67::2/64 dev n0 nodad
ip -n box addr add 2001:db8:67::1/64 dev n0 nodad
state() { on box ethtool -k n0; }
serve box 25 587
wait_for 20 try home 10.67.0.1 25 open

xdp_begin box
xdp "segment home 10.67.0.2/32 reject" "segment home6 2001:db8:67::2/128 reject" load \
	"attach n0 native fix" | grep native
for address in 10.67.0.1 2001:db8:67::1; do
	try home $address 25 refused
	try home $address 587 open
done
want_refused 2
