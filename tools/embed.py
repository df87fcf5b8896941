#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""embed.py OUT NAME FILE...: a C table of texts, `const struct embedded NAME[]`, one row a file."""
import os
import sys

out, name, files = sys.argv[1], sys.argv[2], sys.argv[3:]
with open(out, "w", encoding="ascii") as f:
    f.write(f'/* Made by tools/embed.py. */\n#include "tell/embedded.h"\n\nconst struct embedded {name}[] = {{\n')
    for path in files:
        with open(path, "rb") as g:
            data = g.read()
        f.write(f'\t{{ "{os.path.basename(path)}",\n')
        for line in data.splitlines(True):
            text = "".join(chr(b) if 32 <= b < 127 and b not in b'"\\?' else f"\\{b:03o}" for b in line)
            f.write(f'\t  "{text}"\n')
        f.write("\t},\n")
    f.write("\t{ 0 },\n};\n")
