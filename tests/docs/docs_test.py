# SPDX-License-Identifier: BSD-2-Clause
"""What is written about the code, held against the code."""
import glob
import os
import re
import shutil
import subprocess

import pytest

PORTEIRO = os.environ["PORTEIRO_BIN"]
SRC = os.environ["PORTEIRO_SRC"]
MAN = sorted(glob.glob(os.path.join(SRC, "man", "*.[1-8]")))
PROSE = [os.path.join(SRC, name) for name in os.listdir(SRC) if name.endswith(".md")] + sorted(
    glob.glob(os.path.join(SRC, "doc", "**", "*.md"), recursive=True))


def read(*path):
    with open(os.path.join(SRC, *path), encoding="utf-8") as f:
        return f.read()


def tracked():
    """The files of the repository; outside of one, all but what a build made."""
    git = subprocess.run(["git", "-C", SRC, "ls-files"], capture_output=True, text=True)
    if git.returncode == 0 and git.stdout:
        return [path for path in git.stdout.splitlines() if os.path.exists(os.path.join(SRC, path))]
    found = []
    for root, folders, names in os.walk(SRC):
        folders[:] = [f for f in folders if not f.startswith((".", "build")) and f != "node_modules"]
        found += [os.path.relpath(os.path.join(root, name), SRC) for name in names]
    return found


def sections(page, macro):
    """{title: text} of a manual page cut at .Sh or .Ss."""
    found, title = {}, None
    for line in read("man", page).splitlines():
        m = re.match(r"\.(Sh|Ss) (.+)", line)
        if m:
            title = m[2].strip('"') if m[1] == macro else None
            if title:
                found[title] = ""
        elif title:
            found[title] += line + "\n"
    return found


def verbs():
    """First words of the rows of src/prog/verbs.c, each once."""
    names = re.findall(r'^\s*{\s*"([a-z][a-z-]*)(?: [a-z-]+)?",', read("src/prog/verbs.c"), re.M)
    assert len(names) > 3
    return sorted(set(names))


def test_every_verb_has_its_section_and_every_section_its_verb():
    found = list(sections("porteiro.1", "Ss"))
    assert found == verbs(), "the sections of VERBS in man/porteiro.1, in order, are not the verbs"


def rendered_verbs():
    """{verb: text} as a reader of porteiro(1) sees it."""
    page = subprocess.run(["mandoc", "-Tascii", "-Owidth=200", os.path.join(SRC, "man", "porteiro.1")],
                          capture_output=True, text=True, check=True).stdout
    page = re.sub(".\b", "", page)
    parts = re.split(r"^   ([a-z][a-z-]*)$", page, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


OPTION = re.compile(r"(?<![\w-])--([a-z][a-z-]*)")


@pytest.mark.parametrize("verb", verbs())
def test_a_verb_answers_help_and_its_options_are_in_the_manual(verb):
    p = subprocess.run([PORTEIRO, verb, "--help"], capture_output=True, text=True, timeout=30)
    assert p.returncode == 0 and p.stdout.startswith(f"usage: porteiro {verb}"), p
    if not shutil.which("mandoc"):
        pytest.skip("mandoc is not installed")
    options = set(OPTION.findall(p.stdout)) - {"help"}
    pages = rendered_verbs()
    manual = set(OPTION.findall(pages[verb]))
    for other in re.findall(r"options\s+(?:are\s+those\s+)?of\s+([a-z-]+)", pages[verb]):
        manual |= set(OPTION.findall(pages.get(other, "")))
    assert options <= manual, f"not in man/porteiro.1: {sorted(options - manual)}"
    assert "json" in options, "every verb has --json"


def schema_keys():
    """{noun: keys} from the tables that libcyaml reads by."""
    text = read("src/model/plan_schema.c")
    tables = re.findall(r"cyaml_schema_field_t (\w+)_fields\[\] = {(.*?)CYAML_FIELD_END", text, re.S)
    return {name: set(re.findall(r'(?:FIELD_\w+|CYAML_FIELD_MAPPING_PTR)\(\s*"(\w+)"', body)) for name, body in tables}


def test_every_key_of_the_plan_is_in_the_manual():
    keys = schema_keys()
    assert set(keys) == {"plan", "operator", "defaults", "segment", "smarthost", "wave"}
    manual = sections("porteiro-plan.5", "Ss")
    for table, section in (("operator", "operator"), ("defaults", "defaults"), ("segment", "segments"),
                           ("smarthost", "smarthosts"), ("wave", "waves")):
        assert set(re.findall(r"^\.It Ic (\w+)", manual[section], re.M)) == keys[table], section
    assert keys["plan"] == set(manual)


def test_the_example_shows_every_key():
    text = read("doc/examples/wisp.yaml")
    shown = set(re.findall(r"^[ -]*(\w+):", text, re.M)) | set(re.findall(r'"(\w+): ', text))
    assert set.union(*schema_keys().values()) <= shown


@pytest.mark.parametrize("page", MAN, ids=os.path.basename)
def test_manual_pages_are_clean(page):
    if not shutil.which("mandoc"):
        pytest.skip("mandoc is not installed")
    # What other pages are installed here is not the page's fault; long lines of source do not show.
    said = subprocess.run(["mandoc", "-Tlint", "-Wstyle", page], capture_output=True, text=True).stdout.splitlines()
    harmless = ("referenced manual not found", "mandoc.db", "input text line longer than 80 bytes")
    said = [line for line in said if not any(text in line for text in harmless)]
    assert not said, "\n".join(said)


PATH = re.compile(r"(?<![\w/.~-])((?:src|tests|doc|man|tools|dist|web|\.ci)/[\w./*{},-]*[\w*/}])")


def expand(path):
    m = re.search(r"\{([^}]*)\}", path)
    return [path] if not m else [p for word in m[1].split(",") for p in expand(path[:m.start()] + word + path[m.end():])]


@pytest.mark.parametrize("path", PROSE + MAN, ids=lambda path: os.path.relpath(path, SRC))
def test_every_path_that_is_named_exists(path):
    """NAME stands for any name."""
    missing = [p for named in PATH.findall(read(path)) for p in expand(named.replace("NAME", "*"))
               if not glob.glob(os.path.join(SRC, p))]
    assert not missing, missing


def test_every_invariant_names_its_guard():
    rows = re.findall(r"^\| (\d) \| .* \| (.*) \|$", read("ARCHITECTURE.md"), re.M)
    assert [number for number, _ in rows] == list("123456789")
    assert all(PATH.search(guard) for _, guard in rows), rows


def test_links_between_the_documents_lead_somewhere():
    for path in PROSE:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", read(path)):
            assert os.path.exists(os.path.join(os.path.dirname(path), target)), (path, target)


def test_code_in_the_documents_is_our_code():
    """A block that begins with ```c PATH stands in that file, line for line."""
    seen = 0
    for path in PROSE:
        for source, block in re.findall(r"^```c (\S+)\n(.*?)^```", read(path), re.M | re.S):
            assert block in read(source), (os.path.relpath(path, SRC), source)
            seen += 1
    assert seen >= 3


def test_the_sources_are_formatted():
    if not shutil.which("clang-format"):
        pytest.skip("clang-format is not installed")
    files = [path for path in tracked() if path.endswith((".c", ".h")) and not path.endswith("vmlinux.h")]
    p = subprocess.run(["clang-format", "--dry-run", "-Werror", *files], cwd=SRC, capture_output=True, text=True)
    assert p.returncode == 0, "run 'make fmt':\n" + "\n".join(
        line for line in p.stderr.splitlines() if "error:" in line)


def test_every_source_names_its_licence():
    wrong = []
    for path in tracked():
        if not path.endswith((".c", ".h", ".py", ".sh", ".1", ".5", ".7", ".8")) or "/corpus/" in path:
            continue
        head = read(path)[:300]
        wanted = "GPL-2.0" if path.startswith("src/bpf/") else "BSD-2-Clause"
        if "SPDX-License-Identifier:" not in head or wanted not in head:
            wrong.append(path)
    assert not wrong, wrong


def console_blocks(path):
    """(command, what it printed) of every ```console block."""
    for block in re.findall(r"^```console\n(.*?)^```", read(path), re.M | re.S):
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, _, said = part.partition("\n")
            yield command, said


@pytest.mark.parametrize("path", PROSE, ids=lambda path: os.path.relpath(path, SRC))
def test_commands_in_the_documents_print_what_is_said(path):
    where = os.path.dirname(PORTEIRO) + os.pathsep + os.environ["PATH"]
    for command, said in console_blocks(path):
        p = subprocess.run(["bash", "-c", command], cwd=SRC, env={**os.environ, "PATH": where}, capture_output=True,
                           text=True, timeout=60)
        assert p.stdout + p.stderr == said, command


def test_make_install_goes_where_it_is_told(tmp_path):
    for env, args in (({"DESTDIR": str(tmp_path)}, []), ({}, [f"DESTDIR={tmp_path}"])):
        said = subprocess.run(["make", "-n", "-C", SRC, "install", *args], env={**os.environ, **env},
                              capture_output=True, text=True, check=True).stdout
        assert f"DESTDIR={tmp_path} meson install" in said, said
