# SPDX-License-Identifier: BSD-2-Clause
"""porteiro autoconfig: every file read back by a reader of its kind."""
import csv
import glob
import html.parser
import json
import os
import plistlib
import re
import subprocess
import xml.etree.ElementTree as ET

import pytest

PORTEIRO = os.environ["PORTEIRO"]
SAMPLES = os.path.join(os.environ["PORTEIRO_SRC"], "..", "shared", "data")
BASE = {"domain": "provedor.example", "submissions": "smtp.provedor.example", "submission": "smtp2.provedor.example:1587",
        "imap": "imap.provedor.example", "pop": "pop.provedor.example"}
HOSTILE = "]]><x a=\"1\" b='2'>&amp; \x01\x1b --> {{domain}} ação \U0001f600"
PAGES = "pt-BR", "pt-MZ", "en"


def run(out, *more, **keys):
    args = [a for k, v in keys.items() for a in (f"--{k.replace('_', '-')}", v)]
    return subprocess.run([PORTEIRO, "autoconfig", *args, *map(str, more), "-o", out], text=True, capture_output=True, timeout=30)


@pytest.fixture
def made(tmp_path):
    p = run(tmp_path / "out", **BASE, name="Provedor", webmail="https://webmail.provedor.example/", web="www.provedor.example",
            support="0800 123", help_url="https://ajuda.provedor.example/")
    assert p.returncode == 0, p.stderr
    return tmp_path / "out"


def outgoing(path):
    return [tuple(s.findtext(t) for t in ("hostname", "port", "socketType", "authentication"))
            for s in ET.parse(path).getroot().iter("outgoingServer")]


def test_mozilla_config(made):
    path = made / "autoconfig/mail/config-v1.1.xml"
    assert outgoing(path) == [("smtp.provedor.example", "465", "SSL", "password-cleartext"),
                              ("smtp2.provedor.example", "1587", "STARTTLS", "password-cleartext")]
    root = ET.parse(path).getroot()
    assert [s.get("type") for s in root.iter("incomingServer")] == ["imap", "pop3"]
    assert {u.text for u in root.iter("username")} == {"%EMAILADDRESS%"}


def paths(element, at=""):
    at += "/" + element.tag
    yield at
    for child in element:
        yield from paths(child, at)


def test_mozilla_config_is_made_of_what_published_ones_are_made_of(made):
    files = glob.glob(os.path.join(SAMPLES, "ispdb/*/*.xml"))
    if not files:
        pytest.skip("no ISPDB samples here")
    known = set()
    for f in files:
        known.update(paths(ET.parse(f).getroot()))
    known |= {"/clientConfig/webMail", "/clientConfig/webMail/loginPage"}  # in the format, in none of the samples
    assert set(paths(ET.parse(made / "autoconfig/mail/config-v1.1.xml").getroot())) <= known


def samples():
    try:
        with open(os.path.join(SAMPLES, "EXPECTED.tsv"), newline="", encoding="utf-8") as f:
            rows = [r for r in csv.reader(f, delimiter="\t", quoting=csv.QUOTE_NONE) if r[0].startswith("ispdb/")]
    except FileNotFoundError:
        return {}
    out = {}
    for r in rows:
        if r[2] == "outgoing":
            out.setdefault(r[0], []).append(tuple(r[3].replace(":", " ").split()))
    return out


def test_published_providers_can_be_said_again(tmp_path):
    """Each sample with only secure servers comes out as it was published; the insecure ones are refused."""
    if not samples():
        pytest.skip("no ISPDB samples here")
    said = refused = 0
    for name, servers in samples().items():
        keys = {"domain": "d.example", "imap": "i.example"}
        for host, port, kind, auth in servers:
            keys["submissions" if kind == "SSL" else "submission"] = f"{host}:{port}"
            if auth in ("password-cleartext", "password-encrypted"):
                keys["auth"] = auth.split("-")[1]
        p = run(tmp_path / "o", **keys)
        if any(s[1] == "25" for s in servers):
            assert p.returncode == 2 and "port 25 is not for users" in p.stderr, name
            refused += 1
            continue
        assert p.returncode == 0, (name, p.stderr)
        kinds = [s[2] for s in servers]
        if all(s[2] in ("SSL", "STARTTLS") and s[3] == f"password-{keys.get('auth')}" for s in servers) and len(set(kinds)) == len(kinds):
            assert set(outgoing(tmp_path / "o/autoconfig/mail/config-v1.1.xml")) == set(servers), name
            said += 1
    assert said >= 10 and refused >= 2


def test_autodiscover(made):
    a = "{http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a}"
    root = ET.parse(made / "autodiscover/autodiscover.xml").getroot()
    protocols = {p.findtext(a + "Type"): p for p in root.iter(a + "Protocol")}
    assert set(protocols) == {"IMAP", "POP3", "SMTP"}
    for p in protocols.values():  # an absent SPA means "on"
        assert p.findtext(a + "SPA") == "off" and p.findtext(a + "AuthRequired") == "on"
    assert protocols["SMTP"].findtext(a + "Port") == "465" and protocols["SMTP"].findtext(a + "SSL") == "on"


def test_without_465_everything_says_starttls(tmp_path):
    keys = {k: v for k, v in BASE.items() if k != "submissions"}
    assert run(tmp_path / "o", **keys).returncode == 0
    text = (tmp_path / "o/autodiscover/autodiscover.xml").read_text()
    assert "<Encryption>TLS</Encryption>" in text and "1587" in text
    assert "STARTTLS" in (tmp_path / "o/site/en.html").read_text()
    zone = (tmp_path / "o/dns/zone.txt").read_text()
    assert re.search(r"^_submissions\._tcp\.provedor\.example\.\s+3600 IN SRV 0 0 0 \.$", zone, re.M)


def test_apple_profile(made):
    profile = plistlib.loads((made / "site/mail.mobileconfig").read_bytes())
    (mail,) = profile["PayloadContent"]
    assert profile["PayloadIdentifier"] == "example.provedor.mail"
    assert mail["PayloadType"] == "com.apple.mail.managed"
    assert (mail["OutgoingMailServerHostName"], mail["OutgoingMailServerPortNumber"]) == ("smtp.provedor.example", 465)
    assert mail["OutgoingMailServerUseSSL"] is True and mail["IncomingMailServerUseSSL"] is True
    assert not [k for k in mail if k.endswith("Password") and k != "OutgoingPasswordSameAsIncomingPassword"]
    uuids = {profile["PayloadUUID"], mail["PayloadUUID"]}
    assert len(uuids) == 2 and all(re.fullmatch(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}", u) for u in uuids)


def test_apple_profile_signed(tmp_path):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=provedor.example", "-keyout", tmp_path / "k", "-out", tmp_path / "c"], check=True, capture_output=True)
    p = run(tmp_path / "o", "--sign-cert", tmp_path / "c", "--sign-key", tmp_path / "k", **BASE)
    assert p.returncode == 0, p.stderr
    out = subprocess.run(["openssl", "cms", "-verify", "-inform", "DER", "-in", tmp_path / "o/site/mail.mobileconfig", "-CAfile",
                          tmp_path / "c", "-purpose", "any"], check=True, capture_output=True).stdout
    assert plistlib.loads(out)["PayloadType"] == "Configuration"
    assert "; signed" in (tmp_path / "o/README.txt").read_text()
    p = run(tmp_path / "bad", "--sign-cert", tmp_path / "c", "--sign-key", tmp_path / "c", **BASE)
    assert p.returncode == 2 and "no private key" in p.stderr and not (tmp_path / "bad").exists()


def test_zone(made):
    records = [line.split() for line in (made / "dns/zone.txt").read_text().splitlines() if line and line[0] != ";"]
    srv = {r[0]: r[4:] for r in records if r[3] == "SRV"}
    d = ".provedor.example."
    assert srv["_submissions._tcp" + d] == ["0", "1", "465", "smtp" + d]
    assert srv["_submission._tcp" + d] == ["10", "1", "1587", "smtp2" + d]
    assert srv["_imaps._tcp" + d] == ["0", "1", "993", "imap" + d]
    assert srv["_imap._tcp" + d] == srv["_pop3._tcp" + d] == ["0", "0", "0", "."]
    assert not any(r[0].startswith("_smtp.") for r in records)
    assert all(len(r) >= 5 and r[0].endswith(d) for r in records)


class Page(html.parser.HTMLParser):
    VOID = {"meta", "link", "br", "img"}

    def __init__(self, text):
        super().__init__()
        self.stack, self.ids, self.links, self.tags, self.lang, self.heads = [], [], [], [], None, []
        self.feed(text)
        self.close()
        assert not self.stack, self.stack

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append(tag)
        if tag == "html":
            self.lang = attrs["lang"]
        if "id" in attrs:
            self.ids.append(attrs["id"])
        if tag == "a":
            self.links.append(attrs["href"])
        if re.fullmatch("h[1-6]", tag):
            self.heads.append(int(tag[1]))
        assert not any(a.startswith("on") for a in attrs)
        if tag not in self.VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag, tag


@pytest.mark.parametrize("lang", PAGES)
def test_help_pages_are_sound_and_accessible(made, lang):
    text = (made / f"site/{lang}.html").read_text()
    page = Page(text)
    assert page.lang == lang
    assert "script" not in page.tags and "http://" not in text
    assert page.heads[0] == 1 and page.heads.count(1) == 1 and max(b - a for a, b in zip(page.heads, page.heads[1:])) <= 1
    assert len(set(page.ids)) == len(page.ids)
    for link in page.links:  # no dead link inside the site
        if link.startswith("#"):
            assert link[1:] in page.ids
        elif not link.startswith("https://"):
            assert (made / "site" / link).exists(), link
    assert {"main", "nav", "caption", "thead"} <= set(page.tags)
    assert 'scope="col"' in text and 'scope="row"' in text
    for words in "465", "1587", "STARTTLS", "SSL/TLS", "Thunderbird", "Outlook", "iPhone", "Gmail", "0800 123", "https://webmail.provedor.example/":
        assert words in text, words
    assert "{{" not in text


def test_hostile_words_stay_words(tmp_path):
    p = run(tmp_path / "o", **BASE, name=HOSTILE, short=HOSTILE, support=HOSTILE)
    assert p.returncode == 0, p.stderr
    want = HOSTILE.replace("\x01", "\ufffd").replace("\x1b", "\ufffd")
    root = ET.parse(tmp_path / "o/autoconfig/mail/config-v1.1.xml").getroot()
    assert root.find("emailProvider/displayName").text == want
    assert plistlib.loads((tmp_path / "o/site/mail.mobileconfig").read_bytes())["PayloadDisplayName"] == want
    for lang in PAGES:
        assert "<x" not in (tmp_path / f"o/site/{lang}.html").read_text()
        Page((tmp_path / f"o/site/{lang}.html").read_text())
    for f in glob.glob(str(tmp_path / "o/**/*.xml"), recursive=True):
        subprocess.run(["xmllint", "--noout", f], check=True)
    assert "<x" not in (tmp_path / "o/dns/zone.txt").read_text()


@pytest.mark.parametrize("keys, says", [
    ({"domain": "a b.example"}, "domain: 'a b.example' is not a host name"),
    ({"domain": "x.example\n@ IN A 192.0.2.1"}, "domain:"),
    ({"domain": "-x.example"}, "not a host name"),
    ({"domain": "example"}, "not a host name"),
    ({"submissions": "smtp.provedor.example:25"}, "port 25 is not for users"),
    ({"submission": "smtp.provedor.example:0"}, "is not a port"),
    ({"submission": "smtp.provedor.example:587x"}, "is not a port"),
    ({"submission": "smtp.provedor.example;rm"}, "not a host name"),
    ({"webmail": "javascript:alert(1)"}, "webmail: 'javascript:alert(1)' is not a web address"),
    ({"webmail": "https://x/\"onclick=x"}, "is not a web address"),
    ({"username": "x"}, "neither address nor localpart"),
    ({"name": ""}, "name: it is empty"),
    ({"name": "x" * 300}, "longer than"),
])
def test_bad_values_are_refused_and_nothing_is_written(tmp_path, keys, says):
    p = run(tmp_path / "o", **{**BASE, **keys})
    assert p.returncode == 2 and says in p.stderr, p.stderr
    assert not (tmp_path / "o").exists()


def test_a_profile_file_and_its_faults(tmp_path):
    profile = tmp_path / "p.json"
    profile.write_text(json.dumps({**BASE, "name": "Da Ficha"}))
    p = subprocess.run([PORTEIRO, "autoconfig", "--profile", profile, "-o", tmp_path / "o", "--json"], text=True, capture_output=True)
    assert p.returncode == 0, p.stderr
    assert all(os.path.exists(f) for f in json.loads(p.stdout)) and len(json.loads(p.stdout)) == 10
    assert "Da Ficha" in (tmp_path / "o/site/en.html").read_text()
    for bad, says in [('{"domain": 1}', "domain is not a text"), ('{"color": "x"}', "no key 'color'"), ("[]", "not a JSON object"),
                      ('{"domain": "a.b", "domain": "c.d"}', "duplicate"), ("{", "line 1")]:
        profile.write_text(bad)
        p = subprocess.run([PORTEIRO, "autoconfig", "--profile", profile, "-o", tmp_path / "n"], text=True, capture_output=True)
        assert p.returncode == 2 and says in p.stderr, p.stderr
    for missing in "domain", "imap", "-o":
        assert missing in subprocess.run([PORTEIRO, "autoconfig", "--help"], text=True, capture_output=True).stdout
