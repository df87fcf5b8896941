# SPDX-License-Identifier: BSD-2-Clause
"""What a subscriber does: real SMTP sessions (swaks), and bare connections with the time they take."""
import ipaddress
import socket
import threading
import time
import uuid
from dataclasses import asdict, dataclass

from mail import INBOX, password
from world import PROVIDERS, LabError, wait_for

CONNECT_FAILED = 2  # swaks' exit code


@dataclass
class Outcome:
    """How one session ended, and how long connecting took."""
    who: str
    family: str
    port: int
    result: str  # delivered, refused, silent, unreachable, or failed
    ms: float
    said: str = ""  # failed: what the server or swaks said last

    def json(self):
        return {k: v for k, v in asdict(self).items() if k != "said" or v}


def inside(world, who, function, *args):
    """Call a function in a thread that lives in the subscriber's namespace."""
    box = []

    def work():
        try:
            world.enter(who)
            box.append((function(*args), None))
        except Exception as e:  # handed to the caller below
            box.append((None, e))

    t = threading.Thread(target=work)
    t.start()
    t.join()
    value, error = box[0]
    if error:
        raise error
    return value


def connect(address, port, timeout=3.0):
    """(word, ms): open, refused, silent or unreachable, of one TCP connection."""
    family = socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET
    s = socket.socket(family, socket.SOCK_STREAM)
    s.settimeout(timeout)
    start = time.perf_counter()
    try:
        s.connect((address, port))
        word = "open"
    except ConnectionRefusedError:
        word = "refused"
    except TimeoutError:
        word = "silent"
    except OSError:
        word = "unreachable"
    ms = 1000 * (time.perf_counter() - start)
    s.close()
    return word, ms


def last_words(text):
    """The line of a swaks transcript that says why: its last complaint or the server's last reply."""
    lines = [l.strip() for l in text.splitlines() if l.startswith(("***", "<** ", "<~* "))]
    return lines[-1] if lines else (text.strip().splitlines() or ["it said nothing"])[-1]


def session(world, hosts, who, family, port):
    """Send one message as this subscriber would, and see whether it lies in the mailbox.

    By IPv4 the server is the first provider's, by IPv6 the second's. On 25 the mail is for that very
    provider, as mail servers (and bots) send it; on 465 and 587 the subscriber authenticates as its
    customer and writes to the other provider.
    """
    first, second = PROVIDERS if family == "v4" else PROVIDERS[::-1]
    to = first if port == 25 else second
    token = uuid.uuid4().hex
    word, ms = inside(world, who.name, connect, first.address(family), port)
    cmd = ["swaks", "--server", first.address(family), "--port", port, "--helo", f"{who.name}.lab",
           "--from", f"{who.name}@{first.domain}", "--to", f"{INBOX}@{to.domain}", "--timeout", "10",
           "--header", f"Subject: {who.name} by {family} to {port}", "--header", f"X-Lab-Token: {token}"]
    if family == "v6":
        cmd.append("-6")
    if port != 25:
        cmd += ["--tlsc" if port == 465 else "--tls", "--tls-verify", "--tls-ca-path", world.dir / "ca.pem",
                "--auth", "PLAIN", "--auth-user", f"{who.name}@{first.domain}", "--auth-password", password(who.name)]
    done = world.on(who.name, *cmd, check=False)
    if done.returncode == CONNECT_FAILED and word != "open":
        return Outcome(who.name, family, port, word, ms)
    if done.returncode != 0:
        return Outcome(who.name, family, port, "failed", ms, last_words(done.stdout))
    try:
        wait_for("the message", lambda: hosts[to.name].received(token), 15)
    except LabError:
        return Outcome(who.name, family, port, "failed", ms, f"accepted, but never arrived at {to.domain}")
    return Outcome(who.name, family, port, "delivered", ms)


def until_open(world, who, address, port, seconds=10):
    """Start knocking at once, every half millisecond; returns a function that waits until the port opened
    and gives that moment (time.perf_counter)."""
    result, started = {}, threading.Event()

    def knock():
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            word, _ = connect(address, port, 0.05)
            if word == "open":
                result["at"] = time.perf_counter()
                return
            started.set()
            time.sleep(0.0005)

    t = threading.Thread(target=lambda: inside(world, who, knock))
    t.start()
    if not started.wait(seconds):
        raise LabError(f"port {port} of {address} is open to {who} already")

    def finish():
        t.join()
        if not result:
            raise LabError(f"port {port} of {address} did not open to {who} within {seconds} s")
        return result["at"]

    return finish


def bot_run(world, who, attempts):
    """A bot at work: one attempt after the other to port 25 of every provider, both families.
    Returns how many ended in which way."""
    targets = [a for p in PROVIDERS for a in (p.v4, p.v6)]

    def work():
        ends = {}
        for i in range(attempts):
            word, _ = connect(targets[i % len(targets)], 25)
            ends[word] = ends.get(word, 0) + 1
        return ends

    return inside(world, who, work)
