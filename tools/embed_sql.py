#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""embed_sql.py OUT IN...: the numbered migrations as one C table, in order, none missing."""
import os
import sys

out, paths = sys.argv[1], sorted(sys.argv[2:], key=os.path.basename)
with open(out, "w") as f:
    f.write('#include "store/migration.h"\n\nconst struct migration migrations[] = {\n')
    for n, path in enumerate(paths, 1):
        name = os.path.basename(path)
        if int(name.split("_")[0]) != n:
            sys.exit(f"{name}: migration {n} is missing")
        text = open(path).read().replace("\\", "\\\\").replace('"', '\\"')
        lines = "".join(f'\t  "{line}\\n"\n' for line in text.splitlines())
        f.write(f'\t{{ {n}, "{name}",\n{lines}\t}},\n')
    f.write("\t{ 0, 0, 0 },\n};\n")
