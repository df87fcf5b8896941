#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The kernel is Debian 12's own, and takes the BPF that Porteiro counts on.
set -euo pipefail
uname -r
case $(uname -r) in 6.1.*) ;; *) echo "this is not Debian 12's kernel"; exit 1 ;; esac
cat /proc/filesystems | grep -w bpf
bpftool feature probe kernel | grep -E 'program_type (xdp|sched_cls) is available'
