# SPDX-License-Identifier: BSD-2-Clause
"""Network namespaces, wires, mail-like servers and clients for tests; all gone at the end."""
import ctypes
import os
import socket
import subprocess
import threading
import time

import pytest

CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)
PATIENCE_S = 1.2  # to call a server silent: a hundred times what an answer takes here


def need(what):
    """Skip, or fail where skipping is forbidden."""
    reason = f"needs {what}"
    if what in os.environ.get("PORTEIRO_MUST_RUN", "").split(","):
        pytest.fail(reason)
    pytest.skip(reason)


def run(*args, stdin=None, check=True):
    r = subprocess.run([str(a) for a in args], input=stdin, text=True, capture_output=True, timeout=120)
    if check and r.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, args))}: {r.returncode}\n{r.stdout}{r.stderr}")
    return r


def wait_for(condition, seconds=20):
    """Poll until true; what it last said otherwise."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s in vain"
        time.sleep(0.02)


class Space:
    """One namespace, by a name that nobody else on this machine has."""

    made = 0

    def __init__(self, role):
        Space.made += 1
        self.name = f"pt{os.getpid()}-{Space.made}-{role}"
        run("ip", "netns", "add", self.name)
        self.sh("ip link set lo up; sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 "
                "net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0")

    def run(self, *args, **kw):
        # not `ip netns exec`, which covers /sys and with it the BPF file system
        return run("nsenter", f"--net=/var/run/netns/{self.name}", *args, **kw)

    def sh(self, script, **kw):
        return self.run("sh", "-ec", script, **kw)

    def delete(self):
        for pid in run("ip", "netns", "pids", self.name, check=False).stdout.split():
            run("kill", "-9", pid, check=False)
        run("ip", "netns", "del", self.name, check=False)

    def inside(self, function):
        """Call it in a thread that lives in the namespace; sockets made there stay there."""
        result = []

        def body():
            with open(f"/var/run/netns/{self.name}", "rb") as ns:
                if LIBC.setns(ns.fileno(), CLONE_NEWNET) != 0:
                    result.append(OSError(ctypes.get_errno(), "setns"))
                    return
            try:
                result.append(function())
            except BaseException as e:  # handed to the caller
                result.append(e)

        thread = threading.Thread(target=body)
        thread.start()
        thread.join()
        if isinstance(result[0], BaseException):
            raise result[0]
        return result[0]


class Server:
    """Greets like a mail server and answers each line with "250 " and the line."""

    def __init__(self, space, ports):
        self.sockets = [space.inside(lambda p=p: socket.create_server(
            ("::", p), family=socket.AF_INET6, dualstack_ipv6=True, backlog=64)) for p in ports]
        for s in self.sockets:
            threading.Thread(target=self.accept, args=(s,), daemon=True).start()

    def accept(self, server):
        while True:
            try:
                conn, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(conn,), daemon=True).start()

    @staticmethod
    def talk(conn):
        try:
            conn.sendall(b"220 here\r\n")
            while line := conn.recv(500):
                conn.sendall(b"250 " + line)
        except OSError:
            pass
        conn.close()

    def close(self):
        for s in self.sockets:
            s.shutdown(socket.SHUT_RDWR)
            s.close()


def connect(space, source, target, port):
    """A greeted session, from that source address."""
    family = socket.AF_INET6 if ":" in target else socket.AF_INET
    s = space.inside(lambda: socket.socket(family, socket.SOCK_STREAM))
    try:
        s.settimeout(PATIENCE_S)
        s.bind((source, 0))
        s.connect((target, port))
        assert s.recv(500) == b"220 here\r\n"
        return s
    except BaseException:
        s.close()
        raise


def attempt(space, source, target, port=25):
    """What a mail program would see: "open", "refused" or "silent"."""
    try:
        connect(space, source, target, port).close()
        return "open"
    except ConnectionRefusedError:
        return "refused"
    except TimeoutError:
        return "silent"


def attempts(space, rows):
    """All at once: silence takes its time."""
    answers = [None] * len(rows)

    def one(i):
        answers[i] = attempt(space, *rows[i])

    threads = [threading.Thread(target=one, args=(i,)) for i in range(len(rows))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return answers


def says(session, line=b"NOOP\r\n"):
    """What a running session sees: "talks", "reset" or "silent"."""
    try:
        session.sendall(line)
        return "talks" if session.recv(500) == b"250 " + line else "mute"
    except ConnectionResetError:
        return "reset"
    except TimeoutError:
        return "silent"
