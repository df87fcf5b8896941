# SPDX-License-Identifier: BSD-2-Clause
"""The command under test."""
import os
import subprocess

PORTEIRO = os.environ["PORTEIRO_BIN"]
SRC = os.environ["PORTEIRO_SRC"]

PLAN = """\
operator:
  name: Rede Exemplo
segments:
  - name: homes
    kind: residential
    place: Beira
    prefixes:
      - 192.0.2.0/24
      - 2001:db8::/32
  - name: shops
    kind: business
    prefixes: [192.0.2.128/26]
smarthosts:
  - name: relay
    prefixes:
      - 198.51.100.25
"""


def porteiro(*args, stdin=None):
    return subprocess.run([PORTEIRO, *map(str, args)], input=stdin, text=True, capture_output=True, timeout=60)
