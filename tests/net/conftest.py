# SPDX-License-Identifier: BSD-2-Clause
import os

import pytest

import box
import net


@pytest.fixture(scope="session", autouse=True)
def privileged():
    probe = net.run("unshare", "-n", "true", check=False) if os.geteuid() == 0 else None
    if probe is None or probe.returncode != 0:
        net.need("net")


@pytest.fixture(scope="module")
def network(privileged):
    n = None
    try:
        n = box.Network()
        yield n
    finally:
        if n:
            n.close()


@pytest.fixture
def nft(network, tmp_path):
    f = box.Nft(network, tmp_path)
    f.plan(box.plan())
    yield f
    network.box.run("nft", "flush", "ruleset")


def pytest_sessionfinish(session, exitstatus):
    """A file of which everything was skipped is skipped, not passed."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if exitstatus == 0 and reporter and reporter.stats.get("skipped") and not reporter.stats.get("passed"):
        session.exitstatus = 77
