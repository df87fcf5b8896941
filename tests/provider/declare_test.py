# SPDX-License-Identifier: BSD-2-Clause
"""porteiro key, declare and verify, from the outside."""
import copy
import json
import os
import re
import stat
import subprocess

import pytest

PORTEIRO = os.environ["PORTEIRO"]
INDEX = {
    "window": {"from": "2026-10-01", "to": "2026-10-30"},
    "users": {"active": 1000, "base": 1500, "known": 990, "migrated": 930, "migrated_worst": 925,
              "names": ["maria@provedor.example"]},
    "quiet_days": 14,
    "by_channel": {"legacy25": 70, "587": 500, "465": 300, "webmail": 125, "other": 5, "unclassified": 10},
    "messages": {"legacy25": 700, "587": 9000, "465": 7000, "webmail": 300, "other": 5, "unclassified": 12},
    "index": {"active": 0.9394, "worst_case": 0.925},
    "lines": {"read": 90000, "understood": 80000, "ignored": 9990, "malformed": 10},
    "accounts": {"maria@provedor.example": {"hash": "5f4dcc3b5aa765d61d8327deb882cf99"}},
    "hash_key": "c2VncmVkbw==",
}


def porteiro(*args, stdin=None):
    return subprocess.run([PORTEIRO, *map(str, args)], input=stdin, text=True, capture_output=True, timeout=30)


def ok(*args, **kw):
    p = porteiro(*args, **kw)
    assert p.returncode == 0, p.stderr
    return p.stdout


@pytest.fixture
def provider(tmp_path):
    ok("key", "new", tmp_path / "key")
    return tmp_path


def declare(d, index=INDEX, *more, out="declaration.json"):
    return porteiro("declare", "--index", "-", "--records", d / "records.jsonl", "--provider", "Provedor Ação & <Filhos>",
                    "--domain", "provedor.example", "--key", d / "key", "-o", d / out, "--now",
                    "2026-10-31T12:00:00Z", *more, stdin=json.dumps(index))


def verify(d, *more, file="declaration.json", now="2026-11-01T00:00:00Z"):
    p = porteiro("verify", d / file, "--now", now, "--json", *more)
    assert p.returncode in (0, 1), p.stderr
    answer = json.loads(p.stdout)
    assert answer["accepted"] == (p.returncode == 0)
    return answer


def test_a_key_is_secret_and_never_overwritten(provider):
    key = provider / "key"
    before = key.read_text()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    again = porteiro("key", "new", key)
    assert again.returncode == 2 and "File exists" in again.stderr
    assert key.read_text() == before
    shown = json.loads(ok("key", "show", key, "--domain", "provedor.example", "--json"))
    assert shown["dns_name"] == "_porteiro.provedor.example"
    secret = re.search(r"secret (\S+)", before).group(1)
    assert secret not in json.dumps(shown)
    assert shown["public"].split(":")[1] in shown["dns_txt"]


def test_declared_verified_and_derived_again(provider):
    assert declare(provider).returncode == 0
    public = json.loads(ok("key", "show", provider / "key", "--json"))
    answer = verify(provider, "--key", public["public"], "--records", provider / "records.jsonl")
    assert answer["accepted"] and answer["key_checked"] and answer["records_checked"]
    assert answer["declaration"]["users"]["migrated"] == 930
    assert verify(provider, "--dns-txt", public["dns_txt"])["accepted"]


def test_counts_only(provider):
    assert declare(provider).returncode == 0
    for name in "declaration.json", "records.jsonl":
        text = (provider / name).read_text()
        for secret in "maria", "5f4dcc3b", "c2VncmVkbw", "accounts", "names", "hash_key":
            assert secret not in text, (name, secret)
        # Every member is one of the documented ones: nothing else can have come along.
        with open(os.path.join(os.environ["PORTEIRO_SRC"], "doc/declaration.md"), encoding="utf-8") as f:
            documented = set(re.findall(r"`([\w.]+)`", f.read()))

        def members(j, path=""):
            if isinstance(j, dict):
                for k, v in j.items():
                    yield from members(v, f"{path}.{k}" if path else k)
            else:
                yield path
        assert set(members(json.loads(text))) <= documented


def test_signature_can_be_checked_without_porteiro(provider):
    """With nothing but a JSON library and OpenSSL, as doc/declaration.md says."""
    assert declare(provider).returncode == 0
    import base64
    doc = json.loads((provider / "declaration.json").read_text())
    signature = base64.b64decode(doc.pop("signature"))
    raw = base64.b64decode(doc["key"].split(":")[1])
    (provider / "m").write_bytes(json.dumps(doc, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode())
    (provider / "s").write_bytes(signature)
    (provider / "p").write_bytes(bytes.fromhex("302a300506032b6570032100") + raw)
    check = subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", provider / "p", "-keyform", "DER",
                            "-rawin", "-in", provider / "m", "-sigfile", provider / "s"], capture_output=True, text=True)
    assert check.returncode == 0, check.stdout + check.stderr


def test_from_a_log_to_a_declaration(provider):
    """What porteiro index prints is what porteiro declare takes, accounts in the log and all."""
    log = provider / "mail.log"
    with open(log, "w", encoding="ascii") as f:
        for n, (tag, user) in enumerate([("submission/smtpd", "maria"), ("smtpd", "joao"), ("submissions/smtpd", "ana")]):
            f.write(f"2026-10-01T10:00:0{n}+00:00 mx postfix/{tag}[7]: 9E8BC1123D{n}: client=h[192.0.2.{n}], "
                    f"sasl_method=PLAIN, sasl_username={user}@provedor.example\n")
    index = json.loads(ok("index", "--json", log))
    assert declare(provider, index).returncode == 0
    answer = verify(provider, "--records", provider / "records.jsonl")
    assert answer["accepted"] and answer["declaration"]["by_channel"]["legacy25"] == 1
    for name in "declaration.json", "records.jsonl":
        assert not re.search("maria|joao|ana@", (provider / name).read_text())


@pytest.mark.parametrize("change, fault", [
    (lambda d: d["users"].update(migrated=931), "altered"),
    (lambda d: d.update(expires="2036-01-01T00:00:00Z"), "altered"),
    (lambda d: d.update(extra=1), "altered"),
    (lambda d: d.pop("signature"), "altered"),
    (lambda d: d.pop("users"), "malformed"),
])
def test_altered_is_refused(provider, change, fault):
    assert declare(provider).returncode == 0
    doc = json.loads((provider / "declaration.json").read_text())
    change(doc)
    (provider / "declaration.json").write_text(json.dumps(doc))
    answer = verify(provider)
    assert answer["fault"] == fault and answer["reason"]


def test_expired_wrong_key_and_replayed_are_refused(provider):
    assert declare(provider).returncode == 0
    ok("key", "new", provider / "other")
    other = json.loads(ok("key", "show", provider / "other", "--json"))["public"]
    assert verify(provider, now="2027-01-30T00:00:00Z")["fault"] == "expired"
    assert verify(provider, now="2026-10-01T00:00:00Z")["fault"] == "not-yet"
    assert verify(provider, "--key", other)["fault"] == "wrong-key"
    ledger = provider / "seen"
    assert verify(provider, "--seen", ledger)["accepted"]
    assert verify(provider, "--seen", ledger)["fault"] == "replayed"
    # An older serial of the same provider is no better; a refused one leaves no trace.
    assert declare(provider, INDEX, "--serial", "5", out="older.json").returncode == 0
    assert verify(provider, "--seen", ledger, file="older.json")["fault"] == "replayed"
    assert len(ledger.read_text().splitlines()) == 1


@pytest.mark.parametrize("path, value, says", [
    (("index", "active"), 0.99, "the index says 0.9900, its counts say 0.9394"),
    (("index", "worst_case"), 0.935, "worst case"),
    (("users", "migrated"), 991, "can not be"),
    (("by_channel", "587"), 1001, "channel 587"),
    (("by_channel", "587"), -1, "by_channel.587 is not a count"),
    (("by_channel", "587"), 5.5, "by_channel.587 is not a count"),
    (("messages", "unclassified"), None, "messages.unclassified is not a count"),
    (("window", "to"), "2026-02-30", "window.to is not a day"),
    (("window", "to"), "2026-11-15", "after it was issued"),
    (("users", "active"), 0, "nobody is active"),
])
def test_what_does_not_add_up_is_not_signed(provider, path, value, says):
    index = copy.deepcopy(INDEX)
    index[path[0]][path[1]] = value
    p = declare(provider, index)
    assert p.returncode == 2 and says in p.stderr
    assert not (provider / "declaration.json").exists()
    assert not (provider / "records.jsonl").exists()


def test_days_are_chained_and_the_chain_is_checked(provider):
    records = provider / "records.jsonl"
    for day in range(28, 31):
        index = copy.deepcopy(INDEX)
        index["window"]["to"] = f"2026-10-{day}"
        ok("declare", "--record-only", "--index", "-", "--records", records, stdin=json.dumps(index))
    assert declare(provider).returncode == 0  # the last day stands there already
    assert len(records.read_text().splitlines()) == 3
    assert verify(provider, "--records", records)["accepted"]

    good = records.read_text()
    for bad, says in [
        (good.replace('"read":90000', '"read":90001', 1), "line 1: it was altered"),
        (good.split("\n", 1)[1], "line 1: it does not follow"),
        ("".join(good.splitlines(True)[:2]), "no day 2026-10-30"),
        (good[:-5], "line 3: it is cut off"),
    ]:
        records.write_text(bad)
        answer = verify(provider, "--records", records)
        assert answer["fault"] == "records" and says in answer["reason"]
    records.write_text(good)
    # A day that is already there with other counts is refused, and the chain is left alone.
    index = copy.deepcopy(INDEX)
    index["users"]["base"] = 1600
    p = declare(provider, index)
    assert p.returncode == 2 and "already recorded" in p.stderr
    assert records.read_text() == good


@pytest.mark.parametrize("lang, title, share", [
    ("pt-BR", "Usuários migrados", "92,50 %"), ("pt-MZ", "Utilizadores migrados", "92,50 %"),
    ("en", "Migrated users", "92.50 %"),
])
def test_the_sheet_for_hands(provider, lang, title, share):
    pdf = provider / "d.pdf"
    assert declare(provider, INDEX, "--pdf", pdf, "--lang", lang).returncode == 0
    subprocess.run(["qpdf", "--check", pdf], check=True, capture_output=True)
    text = subprocess.run(["pdftotext", "-layout", pdf, "-"], check=True, capture_output=True, text=True).stdout
    digest = verify(provider)["declaration"]["digest"]
    for words in title, share, digest, "Provedor Ação & <Filhos>":
        assert words in text, text
    xmp = subprocess.run(["pdfinfo", "-meta", pdf], check=True, capture_output=True, text=True).stdout
    assert "<pdfaid:part>2" in xmp and "<pdfaid:conformance>B" in xmp
    assert "Provedor Ação &amp; &lt;Filhos&gt;" in xmp
    subprocess.run(["xmllint", "--noout", "-"], input=xmp, text=True, check=True)
    # ISO 19005-2 6.2.11.4: every font is embedded.
    fonts = subprocess.run(["pdffonts", pdf], check=True, capture_output=True, text=True).stdout.splitlines()[2:]
    assert fonts and all(line.split()[-5] == "yes" for line in fonts), fonts
    # 6.2.3: an output intent with a profile; 6.1.3: a file identifier.
    objects = json.loads(subprocess.run(["qpdf", "--json", pdf], check=True, capture_output=True, text=True).stdout)
    catalogue = json.dumps(objects)
    assert "GTS_PDFA1" in catalogue and "/DestOutputProfile" in catalogue and '"/ID"' in catalogue
    assert subprocess.run(["pdfinfo", pdf], capture_output=True, text=True).stdout.count("Pages:           1") == 1


def test_bad_usage_says_what_is_wrong(provider):
    for args, says in [
        (["declare"], "--records is missing"),
        (["declare", "--records", "/nonexistent/x", "--key", provider / "key", "--provider", "x", "--domain", "a.b"],
         "cannot read /nonexistent/x"),
        (["declare", "--records", "x", "--record-only"], "needs --index"),
        (["declare", "--records", "x", "--days", "0"], "--days: '0'"),
        (["declare", "--records", "x", "--now", "yesterday"], "no time"),
        (["verify", provider / "none"], "cannot read"),
        (["verify", provider / "key", "--key", "nonsense"], "the key 'nonsense'"),
        (["key", "show", provider], "cannot read"),
    ]:
        p = porteiro(*args)
        assert p.returncode == 2 and says in p.stderr, (args, p.stderr)
    for verb in "key", "declare", "verify":
        assert ok(verb, "--help").startswith("usage: porteiro " + verb)
