# SPDX-License-Identifier: BSD-2-Clause
"""porteiro index: each rule of counting, from written logs with a known truth."""
import json
import os
import pathlib
import subprocess

import pytest

PORTEIRO = os.environ["PORTEIRO_BIN"]
NOV25 = 1795564800  # 2026-11-25


def run(*args, stdin=None, env=None):
    return subprocess.run([PORTEIRO, "index", *map(str, args)], input=stdin, capture_output=True, timeout=60,
                          env={**os.environ, "TZ": "UTC", **(env or {})})


def index(*args, stdin=None, env=None):
    done = run("--json", *args, stdin=stdin, env=env)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


class Log:
    """A Postfix log under construction; queue ids and pids are made up as it grows."""

    def __init__(self, path, host="mx"):
        self.path, self.host, self.lines, self.ids = path, host, [], 0

    def add(self, stamp, rest):
        self.lines.append(f"{stamp} {self.host} {rest}")
        return self

    def client(self, stamp, tag, user, client="a[192.0.2.1]", extra=""):
        self.ids += 1
        qid = f"{0xA000000000 + self.ids:X}"
        sasl = f", sasl_method=PLAIN, sasl_username={user}" if user else ""
        self.add(stamp, f"{tag}/smtpd[{4000 + self.ids}]: {qid}: client={client}{sasl}{extra}")
        return qid

    def message(self, stamp, tag, user, sender=None, client="a[192.0.2.1]"):
        qid = self.client(stamp, tag, user, client)
        self.add(stamp, f"postfix/cleanup[9]: {qid}: message-id=<{qid}@x>")
        self.add(stamp, f"postfix/qmgr[9]: {qid}: from=<{sender or user}>, size=600, nrcpt=1 (queue active)")
        self.add(stamp, f"postfix/qmgr[9]: {qid}: removed")
        return qid

    def write(self):
        self.path.write_text("".join(line + "\n" for line in self.lines))
        os.utime(self.path, (NOV25, NOV25))  # stamps without a year are before it
        return self.path


@pytest.fixture
def log(tmp_path):
    return Log(tmp_path / "mail.log")


def test_tagged_services_are_told_apart(log):
    for n, tag in enumerate(("postfix", "postfix/submission", "postfix/submissions", "postfix/smtps", "postfix/sogo",
                             "postfix/submission-haproxy")):
        log.message("2026-11-20T08:00:00+00:00", tag, f"user{n}@p.example")
    got = index(log.write())
    assert got["messages"] == {"legacy25": 1, "587": 2, "465": 2, "webmail": 1, "other": 0, "unclassified": 0}
    assert {k: v for k, v in got["by_channel"].items() if k != "unclassified"} == {
        "legacy25": 1, "587": 2, "465": 2, "webmail": 1, "other": 0}
    assert got["users"]["active"] == 6 and got["users"]["base"] is None
    assert got["index"]["active"] == pytest.approx(5 / 6) and got["index"]["worst_case"] == pytest.approx(5 / 6)
    assert got["window"] == {"from": "2026-11-20", "to": "2026-11-20"}
    assert got["lines"] == {"read": 24, "understood": 24, "ignored": 0, "malformed": 0}


def test_a_log_without_tags_is_unclassified_until_somebody_says(log):
    log.message("Nov 20 08:00:00", "postfix", "ana@p.example")
    log.message("Nov 20 08:00:01", "postfix", "bia@p.example")
    got = index(log.write())
    assert got["messages"]["unclassified"] == 2 and got["messages"]["legacy25"] == 0
    assert got["index"] == {"active": None, "worst_case": 0.0, "base": None, "base_worst_case": None}
    assert got["coverage"]["unclassified_share"] == 1.0
    told = index("--tag", "postfix/smtpd=25", log.path)
    assert told["messages"]["legacy25"] == 2 and told["index"]["active"] == 0.0


def test_a_tag_nobody_explained_is_reported_by_name(log):
    log.message("Nov 20 08:00:00", "postfix/clientes", "ana@p.example")
    got = index(log.write())
    assert got["messages"]["unclassified"] == 1
    assert got["coverage"]["unexplained"] == {"postfix/clientes/smtpd": 1}
    assert index("--tag", "clientes=587", log.path)["messages"]["587"] == 1


def test_two_instances_are_judged_by_their_own_tags(tmp_path):
    tagged, bare = Log(tmp_path / "a", "mx1"), Log(tmp_path / "b", "mx2")
    tagged.message("Nov 20 08:00:00", "postfix/submission", "ana@p.example")
    tagged.message("Nov 20 08:00:00", "postfix", "bia@p.example")
    bare.message("Nov 20 08:00:00", "postfix", "caio@p.example")
    other = Log(tmp_path / "c", "mx1").message("Nov 20 08:00:00", "postfix-out", "davi@p.example")
    assert other
    got = index(tagged.write(), bare.write())
    assert got["messages"]["legacy25"] == 1 and got["messages"]["unclassified"] == 1


def test_tags_that_came_later_do_not_speak_for_the_days_before(log):
    log.message("Nov 10 08:00:00", "postfix", "ana@p.example")
    log.message("Nov 12 08:00:00", "postfix/submission", "ana@p.example")
    log.message("Nov 13 08:00:00", "postfix", "bia@p.example")
    got = index(log.write())
    assert got["messages"]["unclassified"] == 1 and got["messages"]["legacy25"] == 1


def test_copies_overlaps_and_order_change_nothing(tmp_path):
    whole = Log(tmp_path / "mail.log")
    for n in range(200):
        tag = ("postfix", "postfix/submission", "postfix/smtps")[n % 3]
        whole.message(f"Nov {10 + n // 20:2} 08:{n % 60:02}:00", tag, f"u{n % 37}@p.example")
    whole.write()
    first, second = Log(tmp_path / "mail.log.2"), Log(tmp_path / "mail.log.1")
    first.lines, second.lines = whole.lines[:500], whole.lines[400:]
    want = index(whole.path)
    for paths in ((first.write(), second.write()), (second.path, first.path), (whole.path, whole.path, second.path)):
        got = index(*paths)
        for key in ("messages", "by_channel", "users", "index", "window"):
            assert got[key] == want[key]
    doubled = Log(tmp_path / "doubled")
    doubled.lines = [line for line in whole.lines for _ in range(2)]
    assert index(doubled.write())["messages"] == want["messages"]


def test_the_same_log_with_other_stamps_is_the_same_log(log, tmp_path):
    log.message("Nov 20 08:00:00", "postfix/submission", "ana@p.example")
    copy = Log(tmp_path / "copy", "mx.p.example")
    copy.message("2026-11-20T08:00:00.123456+00:00", "postfix/submission", "ana@p.example")
    assert index(log.write(), copy.write())["messages"]["587"] == 1


def test_the_year_turns_inside_a_log_and_between_logs(log, tmp_path):
    log.message("Dec 30 23:00:00", "postfix/submission", "ana@p.example")
    log.message("Jan  2 01:00:00", "postfix/submission", "ana@p.example")
    log.write()
    os.utime(log.path, (1767400000, 1767400000))  # 2026-01-03
    assert index(log.path)["window"] == {"from": "2025-12-30", "to": "2026-01-02"}
    assert index("--year", "2019", log.path)["window"] == {"from": "2019-12-30", "to": "2020-01-02"}


def test_since_and_until_cut_by_day(log):
    for day in (10, 11, 12, 13):
        log.message(f"Nov {day} 23:59:59", "postfix/submission", f"u{day}@p.example")
    log.write()
    got = index("--since", "2026-11-11", "--until", "2026-11-12", log.path, "--year", "2026")
    assert got["users"]["active"] == 2 and got["messages"]["587"] == 2
    assert got["window"] == {"from": "2026-11-11", "to": "2026-11-12"}
    assert got["coverage"]["outside_window"] == 2


def test_a_content_filter_does_not_count_twice(log):
    a = log.message("Nov 20 08:00:00", "postfix/submission", "ana@p.example")
    log.client("Nov 20 08:00:01", "postfix", "", "localhost[127.0.0.1]",
               f", orig_queue_id={a}, orig_client=a[192.0.2.1]")
    # The same with a filter that forwards the login, as XCLIENT does.
    b = log.client("Nov 20 08:01:00", "postfix/submission", "bia@p.example")
    log.client("Nov 20 08:01:01", "postfix/reinject", "bia@p.example", "localhost[127.0.0.1]", f", orig_queue_id={b}")
    got = index(log.write())
    assert got["messages"]["587"] == 2 and got["messages"]["unclassified"] == 0
    assert got["coverage"]["reinjected"] == 2


def test_a_before_queue_filter_leaves_the_login_without_an_id(log):
    for _ in range(3):
        log.add("Nov 20 08:00:00", "postfix/submission/smtpd[7]: NOQUEUE: client=a[192.0.2.1], sasl_method=PLAIN, "
                "sasl_username=ana@p.example")
    log.client("Nov 20 08:00:00", "postfix", "", "localhost[127.0.0.1]", ", orig_client=a[192.0.2.1]")
    log.write()
    assert index(log.path)["messages"]["587"] == 3  # one process may well take three in a second
    assert index(log.path, log.path)["messages"]["587"] == 3


def test_webmail_is_webmail_whatever_port_it_uses(log):
    log.message("Nov 20 08:00:00", "postfix/submission", "ana@p.example", client="web[192.0.2.80]")
    log.message("Nov 20 08:00:00", "postfix", "bia@p.example", client="web[192.0.2.80]")
    log.message("Nov 20 08:00:00", "postfix", "", sender="caio@p.example", client="localhost[127.0.0.1]")
    log.message("Nov 20 08:00:00", "postfix/submission", "davi@p.example")
    log.write()
    got = index("--webmail", "192.0.2.80", "--webmail", "127.0.0.1", log.path)
    assert got["messages"] == {"legacy25": 0, "587": 1, "465": 0, "webmail": 3, "other": 0, "unclassified": 0}
    assert got["index"]["worst_case"] == 1.0
    assert index(log.path)["messages"]["legacy25"] == 1  # nobody said where the webmail stands


def test_webmail_by_its_user_id(log, tmp_path):
    log.add("Nov 20 08:00:00", "postfix/pickup[5]: A1B2C3: uid=33 from=<ana@p.example>")
    log.add("Nov 20 08:00:00", "postfix/pickup[5]: A1B2C4: uid=0 from=<root>")
    config = tmp_path / "site.yaml"
    config.write_text("webmail-uids: [33]\n")
    assert index(log.write())["users"]["active"] == 0
    assert index("-c", config, log.path)["messages"]["webmail"] == 1


def test_an_inner_hop_from_the_webmail_host_is_not_a_second_message(log):
    a = log.client("Nov 20 08:00:00", "postfix/submission", "ana@p.example")
    log.add("Nov 20 08:00:00", f"postfix/cleanup[9]: {a}: message-id=<1@x>")
    b = log.message("Nov 20 08:00:01", "postfix", "", sender="ana@p.example", client="localhost[127.0.0.1]")
    log.add("Nov 20 08:00:01", f"postfix/smtp[8]: {a}: to=<x@y>, relay=127.0.0.1[127.0.0.1]:10024, delay=1, "
            f"status=sent (250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as {b})")
    got = index("--webmail", "127.0.0.1", log.write())
    assert got["messages"]["587"] == 1 and got["messages"]["webmail"] == 0


def test_relay_without_password_counts_for_own_networks_only(log):
    log.message("Nov 20 08:00:00", "postfix", "", sender="ana@p.example", client="unknown[10.1.2.3]")
    log.message("Nov 20 08:00:00", "postfix", "", sender="x@other.example", client="mail[198.51.100.9]")
    log.message("Nov 20 08:00:00", "postfix/submission", "bia@p.example")
    log.write()
    assert index(log.path)["users"]["active"] == 1
    got = index("--own", "10.0.0.0/8", log.path)
    assert got["messages"]["legacy25"] == 1 and got["users"]["active"] == 2
    assert got["evidence25"]["own_network"] == 1


def test_a_local_sender_from_dynamic_space_needs_corroboration(log, tmp_path):
    for sender, client in (("ana@p.example", "dsl[203.0.113.1]"), ("bia@p.example", "dsl[203.0.113.2]"),
                           ("x@elsewhere.example", "dsl[203.0.113.3]")):
        log.message("Nov 20 08:00:00", "postfix", "", sender=sender, client=client)
    config = tmp_path / "site.yaml"
    config.write_text("dynamic-networks: 203.0.113.0/24\ndomains: [p.example]\n")
    log.add("Nov 20 09:00:00", "dovecot: imap-login: Info: Login: user=<ana@p.example>, method=PLAIN, "
            "rip=203.0.113.1, lip=192.0.2.5, mpid=1, TLS, session=<x>")
    got = index("-c", config, log.write())
    assert got["evidence25"]["corroborated"] == 1 and got["evidence25"]["dynamic"] == 1
    assert got["by_channel"]["legacy25"] == 1 and got["by_channel"]["unclassified"] == 1


def test_one_account_written_in_five_ways(log, tmp_path):
    for name in ("Ana@P.example", "ana", "ana+lista@p.example", "P\\ana", "a.silva@p.example"):
        log.message("Nov 20 08:00:00", "postfix/submission", name)
    (tmp_path / "aliases").write_text("# comment\na.silva@p.example ana@p.example\n")
    config = tmp_path / "site.yaml"
    config.write_text("realm: p.example\naliases: aliases\n")
    assert index(log.write())["users"]["active"] == 3  # nothing told: bare names are others
    got = index("-c", config, log.path)
    assert got["users"]["active"] == 1 and got["messages"]["587"] == 5


def test_a_user_on_two_channels_has_not_migrated(log):
    log.message("Nov 20 08:00:00", "postfix/smtps", "ana@p.example")
    log.message("Nov 20 18:00:00", "postfix", "ana@p.example")
    got = index(log.write())
    assert got["by_channel"]["465"] == 1 and got["by_channel"]["legacy25"] == 1
    assert got["users"]["active"] == 1 and got["index"]["active"] == 0.0


def test_the_whole_base_counts_those_who_never_send(log, tmp_path):
    log.message("Nov 20 08:00:00", "postfix/smtps", "ana@p.example")
    log.message("Nov 20 08:00:00", "postfix", "bia@p.example")
    base = tmp_path / "accounts"
    base.write_text("ana@p.example\nbia@p.example;Bia\n# closed\ncaio@p.example\ndavi@p.example,x\n")
    got = index("--base", base, log.write())
    assert got["users"]["base"] == 4 and got["base"]["never_sent"] == 2
    assert got["index"]["base"] == 0.25 and got["index"]["active"] == 0.5


DOVECOT = ("{stamp} mx dovecot: submission-login: Login: user=<{user}>, method=PLAIN, rip=192.0.2.1, lip=192.0.2.9, "
           "{lport}mpid=7, TLS, session=<{session}>\n"
           "{stamp} mx dovecot: submission({user})<7><{session}>: Successfully relayed message: from=<{user}>, size=9, "
           "id=x, nrcpt=1, reply=`250 2.0.0 Ok: queued as {qid}'\n"
           "{stamp} mx dovecot: submission({user})<7><{session}>: Disconnected: Logged out\n")


def test_dovecot_in_front_is_counted_there_and_not_behind(log, tmp_path):
    front = tmp_path / "dovecot.log"
    a = log.client("Nov 20 08:00:00", "postfix/fromproxy", "ana@p.example", extra="").strip()
    log.lines[-1] = log.lines[-1].replace("=PLAIN", "=XCLIENT")
    b = log.client("Nov 20 08:00:00", "postfix/fromproxy", "bia@p.example")
    log.lines[-1] = log.lines[-1].replace("=PLAIN", "=XCLIENT")
    front.write_text(DOVECOT.format(stamp="Nov 20 08:00:00", user="ana@p.example", lport="lport=587, ", session="s1", qid=a)
                     + DOVECOT.format(stamp="Nov 20 08:00:00", user="bia@p.example", lport="lport=465, ", session="s2",
                                      qid=b))
    got = index(front, log.write())
    assert got["messages"] == {"legacy25": 0, "587": 1, "465": 1, "webmail": 0, "other": 0, "unclassified": 0}
    assert got["coverage"]["reinjected"] == 2 and got["users"]["active"] == 2
    assert index(log.path)["messages"]["unclassified"] == 2  # without the front's log nobody knows
    bare = tmp_path / "bare.log"
    bare.write_text(DOVECOT.format(stamp="Nov 20 08:00:00", user="ana@p.example", lport="", session="s1", qid=a))
    assert index(bare)["messages"]["unclassified"] == 1  # one login service, two ports
    assert index("--tag", "submission-login=587", bare)["messages"]["587"] == 1
    assert index("--webmail", "192.0.2.1", bare)["messages"]["webmail"] == 1
    own = tmp_path / "own-file.log"
    own.write_text(front.read_text().replace("mx dovecot: ", "").replace(": Login", ": Info: Login"))
    assert index(own)["messages"]["465"] == 1


def test_lost_lines_are_said(log):
    log.add("Nov 20 08:00:00", "rsyslogd: imuxsock lost 57 messages from pid 812 due to rate-limiting")
    log.message("Nov 20 08:00:00", "postfix/smtps", "ana@p.example")
    # A message long after the log's first line that came from nowhere: its first line is missing.
    log.add("Nov 20 09:00:00", "postfix/cleanup[9]: BADBAD1: message-id=<2@x>")
    log.add("Nov 20 09:00:00", "postfix/qmgr[9]: BADBAD1: from=<bia@p.example>, size=600, nrcpt=1 (queue active)")
    # A bounce and a forward were born here and miss nothing.
    for qid, sender in (("B0B0B01", ""), ("B0B0B02", "caio@p.example")):
        log.add("Nov 20 09:00:00", f"postfix/cleanup[9]: {qid}: message-id=<{qid}@x>")
        if sender:
            log.add("Nov 20 09:00:00", f"postfix/local[9]: AAAAAA1: to=<x>, relay=local, status=sent (forwarded as {qid})")
        log.add("Nov 20 09:00:00", f"postfix/qmgr[9]: {qid}: from=<{sender}>, size=600, nrcpt=1 (queue active)")
        log.add("Nov 20 09:00:01", f"postfix/qmgr[9]: {qid}: removed")
    got = index(log.write())
    assert got["coverage"]["lost_lines_said"] == 57 and got["coverage"]["messages_without_origin"] == 1
    assert b"holes" in run(log.path).stdout


def test_hostile_lines_are_counted_and_do_no_harm(log):
    head = "Nov 20 08:00:00 mx postfix/submission/smtpd[1]: "
    good = head + "A1B2C3D4: client=a[192.0.2.1], sasl_method=PLAIN, sasl_username="
    bad = [
        good.encode() + b"x" * 1_000_000,                      # 1 MB line
        good.encode() + b"a\x00b",                              # NUL
        good.encode() + b"a\x1b[31m",                           # terminal escape
        b"\x00" * 4096,                                         # what a crash leaves in a log
        good.encode() + b"y" * 400,                             # longer than any account
    ]
    forged = [
        b"Nov 20 08:00:00 mx postfix/smtpd[1]: NOQUEUE: reject: RCPT from a[192.0.2.1]: 550 no; from=<a@b> "
        b"helo=<A1B2C3D5: client=a[192.0.2.1], sasl_method=PLAIN, sasl_username=victim>",
        b"Nov 20 08:00:00 mx other[1]: postfix/submission/smtpd[1]: A1B2C3D6: client=a[192.0.2.1], "
        b"sasl_method=PLAIN, sasl_username=victim2",
    ]
    last = (head + "A1B2C3D9: client=a[192.0.2.1], sasl_method=PLAIN, sasl_username=ana").encode()  # no newline
    log.path.write_bytes(b"\r\n".join(bad + forged + [last]))
    got = index(log.path)
    assert got["users"]["active"] == 1 and got["messages"]["587"] == 1
    assert got["lines"] == {"read": 8, "understood": 1, "ignored": 2, "malformed": 5}


def test_lines_at_every_place_of_the_buffer(tmp_path):
    """Lines of all lengths cross every border of the reading buffer unharmed."""
    path, users = tmp_path / "log", 0
    with open(path, "w", encoding="ascii") as f:
        for n in range(6000):
            f.write("x" * (n * 37 % 911) + "\n")
            f.write(f"Nov 20 08:00:00 mx postfix/smtps/smtpd[1]: A{n:08X}: client=a[192.0.2.1], sasl_method=PLAIN, "
                    f"sasl_username=u{n}\n")
            users += 1
    got = index(path)
    assert got["users"]["active"] == users and got["lines"]["read"] == 2 * users
    with open(path, "rb") as f:
        assert index("-", stdin=f.read())["users"]["active"] == users


def test_mistakes_are_refused_with_their_place(log, tmp_path):
    log.message("Nov 20 08:00:00", "postfix/smtps", "ana@p.example")
    log.write()
    config = tmp_path / "site.yaml"
    rows = [
        (["--since", "yesterday", log.path], "--since: 'yesterday' is not a date"),
        (["--since", "2026-11-20", "--until", "2026-11-19", log.path], "--since is after --until"),
        (["--tag", "postfix", log.path], "'postfix' is not TAG="),
        (["--port", "99999=25", log.path], "'99999=25' is not PORT="),
        (["--own", "10.0.0.1/8", log.path], "'10.0.0.1/8'"),
        (["/nonexistent"], "/nonexistent: No such file"),
        ([], "no log given"),
    ]
    for text, want in (("tags:\n  postfix/smtpd: 26\n", "line 2"), ("realms: x\n", "there is no such key"),
                       ("own-networks: [10.0.0.300]\n", "line 1"), ("a: [\n", "line 2"), ("- x\n", "line 1"),
                       ("quiet-days: -1\n", "line 1"), ("key-file: /nonexistent\n", "/nonexistent")):
        name = tmp_path / f"{abs(hash(text))}.yaml"
        name.write_text(text)
        rows.append((["-c", name, log.path], want))
    assert not config.exists()
    for args, want in rows:
        done = run(*args)
        assert done.returncode == 2 and want in done.stderr.decode(), (args, done.stderr)
        assert done.stdout == b""


def test_no_submission_at_all_is_no_index(tmp_path):
    empty = tmp_path / "empty"
    empty.write_text("")
    got = index(empty)
    assert got["index"]["active"] is None and got["users"]["active"] == 0 and got["lines"]["read"] == 0


def test_help_and_text_and_csv(log):
    log.message("Nov 20 08:00:00", "postfix/smtps", "ana@p.example")
    log.write()
    assert run("--help").returncode == 0 and b"usage: porteiro index" in run("--help").stdout
    assert b"worst case   100.00 %" in run(log.path).stdout
    assert b"2026-11-20,2026-11-20,465,1,1\n" in run("--csv", "--year", "2026", log.path).stdout
