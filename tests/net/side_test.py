# SPDX-License-Identifier: BSD-2-Clause
"""Which side an interface is stays known to whoever takes the filter over, also without CAP_SYS_ADMIN."""
import json

import box
import net

NO_ADMIN = ("setpriv", "--bounding-set=-sys_admin", "--inh-caps=-all")


def where(xdp, *how):
    r = xdp.network.box.run(*how, box.XDP_TOOL, xdp.pins, stdin="where\n")
    return {name: at["side"] for name, at in json.loads(r.stdout.splitlines()[-1]).items()}


def test_the_side_outlives_the_process(network, tmp_path):
    xdp = box.Xdp(network, tmp_path)
    try:
        xdp.load()
        want = {"s0": "subscriber", "u0": "uplink"}
        assert where(xdp) == want
        assert where(xdp, *NO_ADMIN) == want
        xdp.commands("attach u0 generic fix")  # now towards subscribers
        assert where(xdp, *NO_ADMIN) == {"s0": "subscriber", "u0": "subscriber"}
        xdp.commands("attach u0 uplink tc")
        assert where(xdp, *NO_ADMIN) == want
        xdp.commands("detach u0")
        assert where(xdp) == {"s0": "subscriber"}
    finally:
        xdp.close()
    assert net.run("ls", xdp.pins, check=False).stdout == ""
