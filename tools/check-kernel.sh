#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# make check-kernel: boot Debian's own kernel in QEMU and run the packet tests there.
#
# The machine shares this one's files read-only, under a writable layer in its memory. It
# runs every meson test of suite 'packets' and tests/kernel/*.sh: these need what many kernels
# lack (VLANs, PPP, a bridge in nft). Software emulation only: KVM hangs inside some hosts.
#
#   tools/check-kernel.sh [-t TOTALS] [PATTERN]
#
# PATTERN picks tests by name. With -t, totals go to that file, for tools/check.sh. The kernel is
# KEEP=1 leaves console and logs in a folder under $TMPDIR. The kernel is downloaded once to $PORTEIRO_KERNEL_DIR (build/kernel), never installed.
set -uo pipefail
cd "$(dirname "$0")/.."
totals=
[ "${1:-}" != -t ] || { totals=$2; shift 2; }
pattern=${1:-}
build=${BUILD:-build}
dir=${PORTEIRO_KERNEL_DIR:-$build/kernel}
limit=${PORTEIRO_KERNEL_LIMIT:-1500} # seconds for the whole machine
must=${PORTEIRO_MUST_RUN:-}

finish() # passed failed skipped
{
	[ -z "$totals" ] || echo "$1 $2 $3" >"$totals"
	[ -n "$totals" ] || echo "$1 passed, $2 failed, $3 skipped"
	[ "$2" = 0 ]
	exit
}

cannot() # reason: a skip, or a failure where these tests must run
{
	case ,$must, in
	*,bpf,* | *,net,*) echo "FAIL check-kernel: $1"; finish 0 1 0 ;;
	esac
	echo "skip check-kernel: $1"
	finish 0 0 1
}

# The kernel named by linux-image-amd64, unpacked under $dir; sets $release.
fetch()
{
	local package
	package=$(apt-cache depends linux-image-amd64 2>/dev/null | awk '/Depends: linux-image-/ { print $2; exit }')
	if [ -z "$package" ]; then
		[ "$(id -u)" != 0 ] || apt-get update -q >/dev/null
		package=$(apt-cache depends linux-image-amd64 | awk '/Depends: linux-image-/ { print $2; exit }')
	fi
	[ -n "$package" ] || cannot "apt knows no linux-image-amd64"
	release=${package#linux-image-}
	[ -e "$dir/$release/done" ] && return
	echo "check-kernel: fetching $package"
	rm -rf "${dir:?}/$release" && mkdir -p "$dir/$release"
	(cd "$dir/$release" && apt-get download -q -o APT::Sandbox::User=root "$package" >fetch.log 2>&1) || {
		cat "$dir/$release/fetch.log"
		cannot "cannot download $package"
	}
	dpkg -x "$dir/$release"/*.deb "$dir/$release/root" && rm "$dir/$release"/*.deb
	# Only what tests can use: the rest is 300 MB of drivers.
	(cd "$dir/$release/root/lib/modules/$release/kernel" &&
		rm -rf sound drivers/{gpu,media,infiniband,staging,usb,scsi,iio,hwmon,input,mmc,mtd,video,gpio})
	depmod -b "$dir/$release/root" "$release" && touch "$dir/$release/done"
}

# The first root: busybox and the modules that reach the second.
initramfs()
{
	local root=$1/initramfs m
	mkdir -p "$root"/{bin,proc,sys,dev,layer,modules}
	cp "$(command -v busybox)" "$root/bin/busybox"
	for m in sh mount mkdir insmod poweroff switch_root hostname ip echo cat; do
		ln -s busybox "$root/bin/$m"
	done
	for m in virtio_pci 9pnet_virtio 9p overlay; do
		modprobe -d "$dir/$release/root" -S "$release" --show-depends $m
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' >"$1/modules.list"
	while read -r m; do
		cp "$m" "$root/modules/" && basename "$m"
	done <"$1/modules.list" >"$root/modules/order"
	cp tests/kernel/init "$root/init" && chmod 755 "$root/init"
	(cd "$root" && find . | cpio -o -H newc --quiet) >"$1/initramfs.cpio"
}

# tests.json for the guest: meson's suite 'packets', then our own scripts.
list_tests()
{
	meson introspect --tests "$build" | python3 -c '
import glob, json, os, re, sys
pattern, src, build = sys.argv[1:]
env = {"PORTEIRO_SRC": src, "PORTEIRO_BUILD": os.path.abspath(build), "PORTEIRO_KERNEL_TEST": "1",
       "PYTHONDONTWRITEBYTECODE": "1"}
tests = []
for t in json.load(sys.stdin):
    if any(s.split(":")[-1] == "packets" for s in t["suite"]):
        tests.append({"name": t["name"], "cmd": t["cmd"], "env": {**t["env"], **env},
                      "workdir": t["workdir"] or os.path.abspath(build), "timeout": t["timeout"] * 5})
for path in sorted(glob.glob("tests/kernel/*_test.sh")):
    name = "kernel/" + os.path.basename(path)[:-len("_test.sh")]
    tests.append({"name": name, "cmd": ["bash", os.path.join(src, path)], "env": env,
                  "workdir": src, "timeout": 600})
json.dump([t for t in tests if re.search(pattern, t["name"])], sys.stdout, indent=1)
' "$pattern" "$PWD" "$build"
}

boot() # workdir
{
	# Two wires: 0 joins e1000 cards, whose offloads take VLAN tags off; 1 joins virtio cards.
	timeout --foreground -k 10 "$limit" qemu-system-x86_64 -nodefaults -no-reboot -display none \
		-machine q35,accel=tcg -cpu max -smp 2 -m 2048 \
		-kernel "$dir/$release/root/boot/vmlinuz-$release" -initrd "$1/initramfs.cpio" \
		-append "console=ttyS0 quiet panic=-1 loglevel=4 mitigations=off random.trust_cpu=on PORTEIRO_MUST_RUN=$must" \
		-serial "file:$1/console" \
		-fsdev local,id=host,path=/,security_model=none,readonly=on,multidevs=remap \
		-device virtio-9p-pci,fsdev=host,mount_tag=host \
		-fsdev local,id=modules,path="$dir/$release/root/lib/modules",security_model=none,readonly=on \
		-device virtio-9p-pci,fsdev=modules,mount_tag=modules \
		-fsdev local,id=out,path="$1/out",security_model=none \
		-device virtio-9p-pci,fsdev=out,mount_tag=out \
		-netdev hubport,id=n0,hubid=0 -device e1000,netdev=n0,mac=02:00:00:00:00:01 \
		-netdev hubport,id=n1,hubid=0 -device e1000,netdev=n1,mac=02:00:00:00:00:02 \
		-netdev hubport,id=n2,hubid=1 -device virtio-net-pci,netdev=n2,mac=02:00:00:00:00:03,mq=off \
		-netdev hubport,id=n3,hubid=1 -device virtio-net-pci,netdev=n3,mac=02:00:00:00:00:04,mq=off \
		>"$1/qemu.log" 2>&1 </dev/null
}

report() # workdir: results, then what a failed test said
{
	awk -F'\t' '$2 != "end" { printf "%-5s %-40s %6ss  %s\n", ($2 == "fail" ? "FAIL" : $2), $1, $3, $4 }' "$1/out/results.tsv"
	awk -F'\t' '$2 == "fail" { gsub(/[\/ ]/, "-", $1); print $1 }' "$1/out/results.tsv" | while read -r name; do
		echo "--- $name"
		tail -n 120 "$1/out/$name.log"
	done
	if ! grep -q '^end' "$1/out/results.tsv"; then
		echo "FAIL the machine stopped before its tests had ended; its console and QEMU said:"
		tail -n 40 "$1/console" "$1/qemu.log"
	fi
	read -r ok fail skip < <(awk -F'\t' '{ n[$2]++ } END { print n["ok"] + 0, n["fail"] + !n["end"], n["skip"] + 0 }' "$1/out/results.tsv")
	[ $((ok + fail + skip)) -gt 0 ] || { echo "FAIL no test ran"; fail=1; }
	finish "$ok" "$fail" "$skip"
}

for tool in qemu-system-x86_64 busybox cpio depmod dpkg; do
	command -v $tool >/dev/null || cannot "$tool is not installed"
done
[ "$(uname -m)" = x86_64 ] || cannot "only on x86_64"
mkdir -p "$dir" && dir=$(cd "$dir" && pwd)
fetch
work=$(mktemp -d "${TMPDIR:-/tmp}/porteiro-kernel-XXXXXX")
[ -n "${KEEP:-}" ] || trap 'rm -rf "$work"' EXIT
mkdir "$work/out"
touch "$work/console" "$work/out/results.tsv"
pwd >"$work/out/source"
list_tests >"$work/out/tests.json" || exit 1
initramfs "$work"
echo "check-kernel: booting Linux $release"
boot "$work"
report "$work"
