# SPDX-License-Identifier: BSD-2-Clause
"""porteiro index against real servers: Postfix and Dovecot on loopback, driven by swaks, with a known truth per account."""
import collections
import json
import os
import pathlib
import shutil
import socket
import subprocess
import time

import pytest

PORTEIRO = os.environ["PORTEIRO_BIN"]
ADDRESS = "127.0.0.2"
PASSWORD = "segredo"
ACCOUNTS = [f"{name}@provedor.example" for name in ("ana", "bia", "caio", "davi", "eva", "fabio")]


def need(reason):
    if "net" in os.environ.get("PORTEIRO_MUST_RUN", "").split(","):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session", autouse=True)
def able():
    if os.geteuid() != 0:
        need("Postfix and Dovecot need root to start")
    for program in ("postfix", "dovecot", "swaks", "openssl"):
        if not shutil.which(program) and not os.path.exists("/usr/sbin/" + program):
            need(f"{program} is not installed")


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind((ADDRESS, 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def wait(what, condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            pytest.fail("waited in vain for " + what)
        time.sleep(0.05)


def listening(port):
    with socket.socket() as s:
        return s.connect_ex((ADDRESS, port)) == 0


@pytest.fixture(scope="session")
def base(tmp_path_factory):
    """A short path that daemons with other users can enter."""
    path = pathlib.Path(f"/tmp/porteiro-real-{os.getpid()}")
    path.mkdir(mode=0o755)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=mail.provedor.example",
                    "-keyout", path / "key.pem", "-out", path / "cert.pem"], check=True, capture_output=True)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def auth(base):
    """Dovecot: the login for Postfix, and a submission service of its own with two ports, in front of Postfix."""
    ports = dict(zip(("587", "465", "relay"), free_ports(3)))
    run, conf = base / "dovecot", base / "dovecot.conf"
    run.mkdir()
    (base / "users").write_text("".join(f"{a}:{{PLAIN}}{PASSWORD}::::::\n" for a in ACCOUNTS))
    conf.write_text(f"""
base_dir = {run}
state_dir = {run}/state
log_path = {base}/dovecot.log
protocols = submission
listen = {ADDRESS}
hostname = mail.provedor.example
ssl = yes
ssl_cert = <{base}/cert.pem
ssl_key = <{base}/key.pem
disable_plaintext_auth = no
mail_location = maildir:{base}/mail/%u
mail_uid = nobody
mail_gid = nogroup
first_valid_uid = 1
auth_mechanisms = plain login
passdb {{
  driver = passwd-file
  args = {base}/users
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={base}/mail/%u
}}
service auth {{
  unix_listener {base}/auth {{
    mode = 0666
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
submission_relay_host = {ADDRESS}
submission_relay_port = {ports["relay"]}
submission_relay_trusted = yes
login_log_format_elements = user=<%u> method=%m rip=%r lip=%l lport=%a mpid=%e %c session=<%{{session}}>
service submission-login {{
  inet_listener submission {{
    port = {ports["587"]}
  }}
  inet_listener submissions {{
    port = {ports["465"]}
    ssl = yes
  }}
}}
""")
    (base / "mail").mkdir(mode=0o777)
    os.chmod(base / "mail", 0o777)
    child = subprocess.Popen(["dovecot", "-F", "-c", conf], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait("Dovecot", lambda: listening(ports["587"]) and (base / "auth").exists())
    yield ports
    child.terminate()
    child.wait(20)


class Postfix:
    """One instance with its own folder; services: name -> (port, master.cf options)."""

    def __init__(self, base, name, services):
        self.etc, self.log = base / name, base / f"{name}.log"
        self.etc.mkdir()
        queue = self.etc / "queue"
        queue.mkdir()
        data = self.etc / "data"
        data.mkdir()
        shutil.chown(data, "postfix")
        self.services = services
        self.master = self.etc / "master.cf"
        lines = [f"{ADDRESS}:{port} inet n - n - - smtpd\n" + "".join(f"  -o {o}\n" for o in options)
                 for port, options in services.values()]
        self.master.write_text("".join(lines) + "".join(f"{line}\n" for line in (
            "pickup unix n - n 60 1 pickup", "cleanup unix n - n - 0 cleanup", "qmgr unix n - n 300 1 qmgr",
            "rewrite unix - - n - - trivial-rewrite", "bounce unix - - n - 0 bounce", "defer unix - - n - 0 bounce",
            "trace unix - - n - 0 bounce", "verify unix - - n - 1 verify", "proxymap unix - - n - - proxymap",
            "smtp unix - - n - - smtp", "error unix - - n - - error", "retry unix - - n - - error",
            "discard unix - - n - - discard", "local unix - n n - - local", "anvil unix - - n - 1 anvil",
            "tlsmgr unix - - n 1000? 1 tlsmgr", "scache unix - - n - 1 scache", "postlog unix-dgram n - n - 1 postlogd")))
        (self.etc / "main.cf").write_text(f"""
compatibility_level = 3.6
queue_directory = {queue}
data_directory = {data}
maillog_file = {self.log}
maillog_file_prefixes = {base}
myhostname = mail.provedor.example
mydestination =
inet_interfaces = loopback-only
inet_protocols = ipv4
mynetworks = 127.0.0.9/32
alias_maps =
local_recipient_maps =
default_transport = discard
relay_transport = discard
smtpd_sasl_type = dovecot
smtpd_sasl_path = {base}/auth
smtpd_sasl_auth_enable = yes
smtpd_tls_security_level = may
smtpd_tls_cert_file = {base}/cert.pem
smtpd_tls_key_file = {base}/key.pem
smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination
smtpd_authorized_xclient_hosts = 127.0.0.0/8
smtpd_authorized_xforward_hosts = 127.0.0.0/8
smtp_send_xforward_command = yes
smtp_tls_security_level = none
default_process_limit = 20
""")

    def __enter__(self):
        done = subprocess.run(["postfix", "-c", self.etc, "start"], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr + (self.log.read_text() if self.log.exists() else "")
        for port, options in self.services.values():
            wait("Postfix", lambda: listening(port))
        return self

    def __exit__(self, *_):
        subprocess.run(["postfix", "-c", self.etc, "stop"], capture_output=True)
        pid = self.etc / "queue/pid/master.pid"
        wait("Postfix's end", lambda: not pid.exists() or not pid.read_text().strip() or
             not os.path.exists(f"/proc/{pid.read_text().strip()}"))

    def settled(self, messages):
        """All messages have left the queue."""
        wait("the queue", lambda: self.log.read_text().count(": removed") >= messages)


def send(port, user=None, tls=None, sender=None, source=None, extra=(), body="x"):
    args = ["swaks", "--server", ADDRESS, "--port", str(port), "--to", "x@elsewhere.example", "--helo", "pc",
            "--from", sender or user, "--body", body, "--silent", "2", "--timeout", "20", *extra]
    if user:
        args += ["--auth", "PLAIN", "--auth-user", user, "--auth-password", PASSWORD]
    if tls:
        args.append("--tls-on-connect" if tls == "implicit" else "--tls")
    if source:
        args += ["--local-interface", source]
    done = subprocess.run(args, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def index(*args):
    done = subprocess.run([PORTEIRO, "index", "--json", *map(str, args)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def truth(sent):
    """[(user, channel)] -> what by_channel and messages must be."""
    users = collections.defaultdict(set)
    for user, channel in sent:
        users[channel].add(user)
    names = ("legacy25", "587", "465", "webmail", "other", "unclassified")
    return {c: len(users[c]) for c in names}, {c: sum(x[1] == c for x in sent) for c in names}


def agree(got, sent):
    by_channel, messages = truth(sent)
    assert got["messages"] == messages
    assert got["by_channel"] == by_channel
    assert got["users"]["active"] == len({u for u, _ in sent})


def test_postfix_tagged(base, auth):
    ports = dict(zip(("smtp", "submission", "submissions", "filtered", "before", "proxy", "inner", "inner2"), free_ports(8)))
    reinject = ["content_filter=", "smtpd_sasl_auth_enable=no", "mynetworks=127.0.0.0/8", "syslog_name=postfix/reinject"]
    services = {
        "smtp": (ports["smtp"], []),
        "submission": (ports["submission"], ["syslog_name=postfix/submission"]),
        "submissions": (ports["submissions"], ["syslog_name=postfix/submissions", "smtpd_tls_wrappermode=yes"]),
        "filtered": (ports["filtered"], ["syslog_name=postfix/submission", f"content_filter=smtp:[{ADDRESS}]:{ports['inner']}"]),
        "before": (ports["before"], ["syslog_name=postfix/submission", f"smtpd_proxy_filter=inet:{ADDRESS}:{ports['inner2']}"]),
        "proxy": (ports["proxy"], ["syslog_name=postfix/smtps-haproxy", "smtpd_upstream_proxy_protocol=haproxy"]),
        "inner": (ports["inner"], reinject),
        "inner2": (ports["inner2"], reinject),
    }
    ana, bia, caio, davi, eva, fabio = ACCOUNTS
    sent = []

    def submit(service, user, channel, tls=None, **more):
        send(ports[service], user, tls, **more)
        sent.append((user, channel))

    with Postfix(base, "tagged", services) as p:
        submit("submission", ana, "587", "starttls")
        submit("submission", ana, "587")
        submit("submissions", bia, "465", "implicit")
        submit("smtp", caio, "legacy25")
        submit("smtp", davi, "legacy25")
        submit("submissions", davi, "465", "implicit")
        submit("filtered", eva, "587", "starttls")
        submit("before", fabio, "587")
        submit("proxy", fabio, "465", extra=("--proxy-version", "1", "--proxy-family", "TCP4", "--proxy-source", "192.0.2.77",
                                             "--proxy-source-port", "4711", "--proxy-dest", "192.0.2.9", "--proxy-dest-port", "465"))
        # Transport between servers, an own network without a password, and somebody who is refused.
        send(ports["smtp"], sender="velho@provedor.example", source="127.0.0.9")
        refused = subprocess.run(["swaks", "--server", ADDRESS, "--port", str(ports["smtp"]), "--to", "x@elsewhere.example",
                                  "--from", ana, "--silent", "2"], capture_output=True)
        assert refused.returncode != 0
        p.settled(len(sent) + 2)
        got = index(p.log)
        agree(got, sent)
        assert got["coverage"]["refused"] >= 1 and got["coverage"]["messages_without_origin"] == 0
        assert got["lines"]["malformed"] == 0 and got["coverage"]["unexplained"] == {}
        assert got["users"]["migrated"] == 4
        # A message from the server's own loopback is nobody's submission, whatever mynetworks says.
        agree(index("--own", "127.0.0.9", p.log), sent)
        # What lint-mail proves of this very configuration leads to the same figures.
        lint = subprocess.run([PORTEIRO, "lint-mail", "--json", "--master", p.master, "--main", p.etc / "main.cf"],
                              capture_output=True, text=True)
        tags = {x["logged_as"] for x in json.loads(lint.stdout)[0]["listeners"]}
        assert {"postfix/smtpd", "postfix/submission/smtpd", "postfix/submissions/smtpd"} <= tags
        # Copies and halves of the log change nothing.
        lines = p.log.read_text().splitlines(True)
        half = base / "half.log"
        half.write_text("".join(lines[len(lines) // 3:]))
        agree(index(half, p.log), sent)


def test_postfix_untagged_is_said_and_not_guessed(base, auth):
    ports = free_ports(3)
    services = {"smtp": (ports[0], []), "submission": (ports[1], []), "submissions": (ports[2], ["smtpd_tls_wrappermode=yes"])}
    ana, bia, caio = ACCOUNTS[:3]
    with Postfix(base, "untagged", services) as p:
        send(ports[0], ana)
        send(ports[1], bia, "starttls")
        send(ports[2], caio, "implicit")
        p.settled(3)
        got = index(p.log)
        agree(got, [(ana, "unclassified"), (bia, "unclassified"), (caio, "unclassified")])
        assert got["index"]["active"] is None and got["index"]["worst_case"] == 0.0


def test_dovecot_in_front_of_postfix(base, auth):
    ana, bia, caio = ACCOUNTS[:3]
    with Postfix(base, "behind", {"relay": (auth["relay"], ["syslog_name=postfix/fromproxy"])}) as p:
        send(auth["587"], ana, "starttls")
        send(auth["465"], bia, "implicit")
        send(auth["465"], caio, "implicit")
        p.settled(3)
        log = base / "dovecot.log"
        wait("Dovecot's log", lambda: log.read_text().count("Successfully relayed") >= 3)
        ports = ["--port", f"{auth['587']}=587", "--port", f"{auth['465']}=465"]
        agree(index(*ports, log, p.log), [(ana, "587"), (bia, "465"), (caio, "465")])
        agree(index(*ports, log), [(ana, "587"), (bia, "465"), (caio, "465")])
        assert index(p.log)["messages"]["unclassified"] == 3  # behind the front nobody knows the port


def test_the_policy_service_tells_exact_ports_and_never_stands_in_the_way(base, auth):
    """Untagged services, but exact: Postfix says the port itself. And mail flows on when the listener is gone."""
    ana, bia, caio = ACCOUNTS[:3]
    ports, policy = free_ports(3), free_ports(1)[0]
    seen = base / "seen.jsonl"
    services = {"smtp": (ports[0], []), "submission": (ports[1], []), "submissions": (ports[2], ["smtpd_tls_wrappermode=yes"])}
    p = Postfix(base, "watched", services)
    with open(p.etc / "main.cf", "a", encoding="ascii") as f:
        f.write(f"smtpd_end_of_data_restrictions = check_policy_service {{ inet:{ADDRESS}:{policy}, default_action=DUNNO, timeout=2s }}\n"
                "smtpd_policy_service_try_limit = 1\n")
    listener = subprocess.Popen([PORTEIRO, "listen-mail", "--listen", f"inet:{ADDRESS}:{policy}", "--output", seen, "--json"],
                                stdout=subprocess.PIPE, text=True)
    try:
        wait("the listener", lambda: listening(policy))
        with p:
            send(ports[0], ana)
            send(ports[1], bia, "starttls")
            send(ports[2], caio, "implicit")
            send(ports[2], caio, "implicit", extra=("--to", "x@elsewhere.example,y@elsewhere.example"))
            send(ports[0], sender="velho@provedor.example", source="127.0.0.9")
            # Hostile peers on the policy port harm nobody.
            for junk in (b"GET / HTTP/1.1\n\n", b"x" * 100000, b"request=smtpd_access_policy\nsasl_username=\xff\xfe\n\n"):
                with socket.create_connection((ADDRESS, policy)) as s:
                    try:
                        s.sendall(junk)
                    except OSError:
                        pass
            p.settled(5)
            rows = [json.loads(line) for line in seen.read_text().splitlines()]
            assert [(r["user"], r["port"]) for r in rows] == [(ana, ports[0]), (bia, ports[1]), (caio, ports[2]), (caio, ports[2])]
            assert rows[0]["tls"] == "" and rows[1]["tls"].startswith("TLS")
            got = index(*(x for port, c in zip(ports, ("25", "587", "465")) for x in ("--port", f"{port}={c}")), seen)
            agree(got, [(ana, "legacy25"), (bia, "587"), (caio, "465"), (caio, "465")])
            listener.terminate()
            said = json.loads(listener.communicate(timeout=20)[0])
            assert said["written"] == 4 and said["without_login"] == 1 and said["unreadable"] == 1 and said["lost"] == 0
            send(ports[1], bia, "starttls")  # the listener is gone, and mail flows
            p.settled(6)
    finally:
        if listener.poll() is None:
            listener.kill()
            listener.wait()
