# SPDX-License-Identifier: BSD-2-Clause
"""Completion in bash offers what the command has."""
import os
import re
import subprocess

from command import PORTEIRO, SRC, porteiro

SCRIPT = os.path.join(SRC, "dist", "completion", "porteiro")


def offered(*words):
    text = f"""source {SCRIPT}
COMP_WORDS=({' '.join(f"'{w}'" for w in words)}); COMP_CWORD={len(words) - 1}
_porteiro; printf '%s\\n' "${{COMPREPLY[@]}}" """
    env = {**os.environ, "PATH": os.path.dirname(PORTEIRO) + ":" + os.environ["PATH"]}
    p = subprocess.run(["bash", "--norc", "-c", text], env=env, capture_output=True, text=True, timeout=30)
    assert p.returncode == 0 and p.stderr == "", p
    return p.stdout.split()


def test_every_verb_is_offered():
    verbs = set(re.findall(r"^  ([a-z][a-z-]*) ", porteiro("--help").stdout, re.M))
    assert set(offered("porteiro", "")) == verbs and len(verbs) > 5


def test_a_beginning_narrows_it():
    assert offered("porteiro", "ch") == ["check"]


def test_options_of_the_verb_are_offered():
    assert set(offered("porteiro", "why", "--")) >= {"--port", "--to", "--json", "--exceptions"}
    assert offered("porteiro", "why", "--po") == ["--port"]


def test_anything_else_is_left_to_files():
    assert offered("porteiro", "check", "") == []
