# SPDX-License-Identifier: BSD-2-Clause
"""The include map of ARCHITECTURE.md, held against every file of src/.

    base < model < wire; observe, classify, decide, enforce and tell see these and not each other;
    they meet in prog. Only store and prog see the store's inside. Tests beside the code may see all.
"""
import collections
import os
import re

import pytest

SRC = os.path.join(os.environ["PORTEIRO_SRC"], "src")

BELOW = {"base", "model", "wire"}
STAGES = ["observe", "classify", "decide", "enforce", "tell"]
MAY_SEE = {
    "base": {"base"},
    "model": {"base", "model"},
    "wire": BELOW,
    "bpf": {"bpf"},
    "store": {"base", "model", "store"},
    **{stage: BELOW | {stage} for stage in STAGES},
    "prog": BELOW | set(STAGES) | {"prog", "store", "bpf"},
}
# Single headers beyond the map: what the packet programs and user space say to each other, and the
# door of the store.
MAY_SEE_HEADER = [
    ({"enforce", "observe"}, re.compile(r"^bpf/\w+_abi\.h$|\.skel\.h$")),
    (set(STAGES), re.compile(r"^store/store\.h$")),
]

# Pure code gets `now` as an argument and does no I/O.
PURE = {"model", "wire", "classify", "decide"}
IMPURE = re.compile(r"(?<![\w.>])(wall_now|mono_now|time|clock_gettime|gettimeofday|open|fopen|openat|socket|connect|"
                    r"text_read|printf|getenv|system|popen|random|rand|getrandom|usleep|nanosleep|sleep)\s*\(")


def sources(*folders):
    for folder in sorted(folders or os.listdir(SRC)):
        for root, _, names in os.walk(os.path.join(SRC, folder)):
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    yield folder, os.path.join(root, name)


def includes(path):
    return re.findall(r'^\s*#\s*include\s+"([^"]+)"', open(path, encoding="utf-8").read(), re.M)


def is_test(path):
    return os.path.basename(path).endswith(("_test.c", "_test.h")) or path.endswith("base/cmocka.h")


def allowed(folder, header):
    target = header.split("/")[0]
    return target in MAY_SEE[folder] or any(folder in who and what.search(header) for who, what in MAY_SEE_HEADER)


def code(path):
    """The source without comments, strings and preprocessor lines."""
    text = open(path, encoding="utf-8").read()
    text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.S)
    text = re.sub(r'"(\\.|[^"\\\n])*"', '""', text)
    return re.sub(r"^\s*#(\\\n|[^\n])*", "", text, flags=re.M)


def test_every_folder_is_on_the_map():
    assert {folder for folder, _ in sources()} <= set(MAY_SEE)


def test_no_file_sees_what_it_may_not():
    wrong, seen = [], 0
    for folder, path in sources():
        for header in [] if is_test(path) else includes(path):
            seen += 1
            if "/" not in header and folder == "bpf":
                continue  # packet programs are compiled in their own folder
            if header.endswith(".skel.h") and allowed(folder, header):
                continue
            if "/" not in header:
                wrong.append(f'{path}: "{header}": write the path from src/')
            elif not allowed(folder, header):
                wrong.append(f'{path}: {folder} may not see "{header}"')
    assert not wrong, "\n".join(wrong)
    assert seen > 100


def test_only_tests_see_the_test_library():
    wrong = [path for _, path in sources()
             if not is_test(path) and re.search(r'#\s*include\s+["<](base/)?cmocka\.h', open(path).read())]
    assert not wrong, wrong


def test_no_two_headers_need_each_other():
    graph = collections.defaultdict(list)
    for _, path in sources():
        if path.endswith(".h"):
            graph[os.path.relpath(path, SRC)] = includes(path)
    done, trail = set(), []

    def visit(header):
        assert header not in trail, " needs ".join(trail[trail.index(header):] + [header])
        if header in done:
            return
        trail.append(header)
        for needed in graph.get(header, []):
            visit(needed)
        trail.pop()
        done.add(header)

    for header in list(graph):
        visit(header)


@pytest.mark.parametrize("folder", sorted(PURE))
def test_pure_code_asks_no_clock_and_touches_no_file(folder):
    if not os.path.isdir(os.path.join(SRC, folder)):
        pytest.skip(f"there is no src/{folder} yet")
    wrong = [f"{path}: {match[1]}()" for _, path in sources(folder) if not is_test(path)
             for match in IMPURE.finditer(code(path))]
    assert not wrong, "\n".join(wrong)


# Invariant 8: who has capabilities or the store gets only what our own processes have checked and packed.
FOREIGN = re.compile(r"\b(plan_parse|plan_file_\w+|conf_parse|exceptions_parse|api_parse\w*|MHD_\w+|json_load\w*|"
                     r"c?yaml_\w+|pcap_\w+|flow_\w+)\s*\(")


def prog(*patterns):
    found = [path for _, path in sources("prog") if re.match("|".join(patterns), os.path.basename(path))]
    assert found
    return found


def test_who_has_privilege_reads_nothing_foreign():
    wrong = [f"{path}: {m[1]}()" for path in prog(r"engine.*\.c", r"role_enforce\.c", r"parent.*\.c")
             for m in FOREIGN.finditer(code(path))]
    assert not wrong, "\n".join(wrong)


def test_who_reads_foreign_bytes_has_no_capability():
    readers = [path for path in prog(r"web.*\.c", r"role_config\.c") if FOREIGN.search(code(path))]
    assert len(readers) >= 2
    for path in prog(r"web\.c", r"role_config\.c", r"engine\.c"):
        lists = re.findall(r"caps\[\]\s*=\s*{([^}]*)}", code(path))
        assert [text.strip() for text in lists] == ["-1"], path


# Invariant 6: no place in which a destination of a line could be written down.
def test_there_is_no_room_for_destinations():
    place = re.compile(r"\b(dst|daddr|dest\w*|destination\w*|peer\w*|remote\w*|server_addr\w*)\b", re.I)
    sql = [os.path.join(root, name) for root, _, names in os.walk(os.path.join(SRC, "store"))
           for name in names if name.endswith(".sql")]
    assert sql
    shared = [path for _, path in sources("bpf") if path.endswith("_abi.h")]
    for path in sql + shared:
        text = re.sub(r"--[^\n]*", "", open(path).read()) if path.endswith(".sql") else code(path)
        assert not place.search(text), (path, place.search(text)[0])


def test_the_searches_find_something(tmp_path):
    """A check that can not fail proves nothing: each of the above is shown a breach."""
    assert not allowed("decide", "enforce/filter.h") and not allowed("base", "model/addr.h")
    assert allowed("enforce", "bpf/filter_abi.h") and not allowed("decide", "bpf/filter_abi.h")
    bad = tmp_path / "bad.c"
    bad.write_text('#include "x/y.h"\n/* time(NULL) */ int f(void) { puts("open("); return time(NULL) > 0; }\n')
    assert FOREIGN.search("r = plan_parse(t->bytes, t->len") and not FOREIGN.search("plan_unpack(bytes)")
    assert includes(bad) == ["x/y.h"] and [m[1] for m in IMPURE.finditer(code(bad))] == ["time"]
