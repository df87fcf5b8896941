#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The access network itself: both homes reach every port through PPPoE over QinQ, so that a port
# closed in the tests after this one was closed by Porteiro.
. "$PORTEIRO_SRC/tests/kernel/pppoe.sh"
time homes_online
for home in home1 home2; do
	for port in 25 465 587; do
		try $home 192.0.2.25 $port open
		try $home 2001:db8:ffff::25 $port open
	done
done
