#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Install the Debian packages of dist/packages.txt that are missing; needs root only for that.
# The services among them (mail servers, PPP, RADIUS) neither start now nor at the next boot:
# tests and lab run their own. What was installed before is left as it is.
set -euo pipefail
cd "$(dirname "$0")/.."

missing()
{
	grep -v '^#' dist/packages.txt | while read -r p; do
		[ -z "$p" ] || [ "$(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || echo "$p"
	done
}

want=$(missing)
[ -n "$want" ] || exit 0
if [ "$(id -u)" != 0 ]; then
	echo "missing packages, and not root to install them:" $want >&2
	echo "as root: apt-get install" $want >&2
	exit 1
fi

# invoke-rc.d and deb-systemd-invoke ask this script before they start anything. One that stands
# there already is kept beside it and put back, also after a run that was killed.
policy=/usr/sbin/policy-rc.d
kept=$policy.kept-by-porteiro
mark='# porteiro: nothing starts while its packages are being installed'
restore()
{
	if [ -e $kept ]; then
		mv -f $kept $policy
	elif grep -qsF "$mark" $policy; then
		rm -f $policy
	fi
}

mkdir -p /run/lock
exec 9>/run/lock/porteiro-packages
flock 9 # two runs at once: the second finds nothing missing
want=$(missing)
[ -n "$want" ] || exit 0
trap restore EXIT
trap 'exit 1' INT TERM HUP
restore
[ ! -e $policy ] || mv $policy $kept
printf '#!/bin/sh\n%s\nexit 101\n' "$mark" >$policy
chmod 755 $policy

units() { find /lib/systemd/system /usr/lib/systemd/system -maxdepth 1 -name '*.service' -printf '%f\n' 2>/dev/null | sort -u; }

before=$(units)
log=$(mktemp)
trap 'rm -f "$log"; restore' EXIT
echo "installing:" $want
export DEBIAN_FRONTEND=noninteractive
run() { "$@" >"$log" 2>&1 </dev/null || { tail -n 30 "$log" >&2; return 1; }; }
run apt-get update -q
run apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=600 $want
# Not at the next boot either.
for unit in $(comm -13 <(echo "$before") <(units)); do
	case $unit in
	*@.service) ;;
	postfix* | dovecot* | freeradius* | pppoe* | nftables* | bird* | gobgp* | frr*)
		deb-systemd-helper disable "$unit" >/dev/null 2>&1 || true
		;;
	esac
done
