# SPDX-License-Identifier: BSD-2-Clause
"""doc/openapi.yaml against the daemon: its table of routes, and every answer over a real socket."""
import json
import os
import re
import signal
import socket
import subprocess

import jsonschema
import pytest
import yaml
from box import CLOSED, PORTEIROD, SRC, Box, box, wait_for  # noqa: F401

with open(os.path.join(SRC, "doc", "openapi.yaml"), encoding="utf-8") as f:
    DOC = yaml.safe_load(f)
with open(os.path.join(SRC, "src", "prog", "web.h"), encoding="utf-8") as f:
    WEB_CONNECTIONS_MAX = int(re.search(r"define WEB_CONNECTIONS_MAX\s+(\d+)", f.read())[1])
ROUTES = json.loads(subprocess.run([PORTEIROD, "--show-api"], capture_output=True, text=True, check=True).stdout)


def operation(route):
    return DOC["paths"][route["path"]][route["method"].lower()]


def test_the_document_has_the_routes_that_there_are():
    told = {(method.upper(), path) for path, item in DOC["paths"].items() for method in item}
    assert told == {(r["method"], r["path"]) for r in ROUTES}
    for r in ROUTES:
        assert operation(r)["operationId"] == r["name"]
        assert sorted(map(int, operation(r)["responses"])) == sorted(r["statuses"])


@pytest.mark.parametrize("route", ROUTES, ids=lambda r: r["name"])
def test_parameters_and_fields_are_told_as_they_are(route):
    op = operation(route)
    told = {(p["in"], p["name"]): (p["required"], p["schema"]) for p in op.get("parameters", [])}
    content = op.get("requestBody", {}).get("content", {})
    assert list(content) == {"none": [], "yaml": ["application/yaml"]}.get(route["body"], ["application/json"])
    if route["body"].startswith("json"):
        schema = content["application/json"]["schema"]
        assert schema["additionalProperties"] is False
        assert op["requestBody"]["required"] is (route["body"] == "json")
        for name, s in schema["properties"].items():
            told["body", name] = (name in schema["required"], s)
    assert set(told) == {(f["in"], f["name"]) for f in route["fields"]}
    for f in route["fields"]:
        required, schema = told[f["in"], f["name"]]
        assert required is f["required"] and schema["type"] == f["type"], f
        if f["type"] == "string":
            assert (schema["minLength"], schema["maxLength"]) == (f["least"], f["most"]), f
        if f["type"] == "integer":
            assert (schema["minimum"], schema["maximum"]) == (f["least"], f["most"]), f


def test_the_schemas_are_schemas():
    for name, schema in DOC["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert name


def holds(name, method, answer):
    """The answer is one that the document allows."""
    op = DOC["paths"][name][method.lower()]
    told = op["responses"][str(answer.status)]["content"]
    kind = answer.headers["Content-Type"]
    assert kind in told, (kind, told)
    if "json" in kind:
        schema = {**told[kind]["schema"], "components": DOC["components"]}
        jsonschema.Draft202012Validator(schema).validate(answer.json)
    return answer


@pytest.fixture
def ask(box):
    box.start()

    def go(method, path, body=None, kind="application/json", want=None, **headers):
        data = body if body is None or isinstance(body, (str, bytes)) else json.dumps(body)
        if data is not None and kind:
            headers["Content-Type"] = kind
        a = box.request(method, path, data, headers)
        name = re.sub(r"^(/v1/(exceptions|why))/.*", lambda m: m[1] + ("/{id}" if m[2] == "exceptions" else
                                                                       "/{address}"), path.split("?")[0])
        assert want is None or a.status == want, a
        return holds(name, method, a)

    go.box = box
    return go


YAML = "application/yaml"


def test_every_answer_is_what_its_schema_says(ask):
    ask("GET", "/v1/health", want=200)
    ask("GET", "/v1/status", want=200)
    ask("GET", "/v1/plan", want=404)
    ask("GET", "/v1/why/192.0.2.1", want=404)
    ask("POST", "/v1/plan?dry_run=true", CLOSED, YAML, want=200)
    seen = ask("POST", "/v1/plan", CLOSED, YAML, want=200).json["ruleset"]["after"]
    assert ask("GET", "/v1/plan", want=200).body == CLOSED
    ask("POST", "/v1/plan", CLOSED, YAML, want=412, **{"If-Match": '"' + "0" * 64 + '"'})
    ask("POST", "/v1/plan", CLOSED, YAML, want=200, **{"If-Match": f'"{seen}"'})
    added = ask("POST", "/v1/exceptions", {"prefix": "192.0.2.7", "until": "2030-01-01", "reason": "é"}, want=201).json
    assert ask("GET", "/v1/exceptions", want=200).json["exceptions"][0]["reason"] == "é"
    assert ask("GET", "/v1/why/192.0.2.7", want=200).json["exception"]["id"] == added["id"]
    assert ask("GET", "/v1/why/192.0.2.8?port=587", want=200).json["verdict"] == "pass"
    assert ask("GET", "/v1/why/2001:db8:1::9", want=200).json["verdict"] == "reject"
    ask("GET", "/v1/why/203.0.113.9", want=200)
    ask("DELETE", f"/v1/exceptions/{added['id']}", want=200)
    ask("DELETE", f"/v1/exceptions/{added['id']}", want=404)
    ask("POST", "/v1/open", {"reason": "why not"}, want=200)
    assert ask("POST", "/v1/open", want=200).json["changed"] is False
    assert ask("GET", "/v1/why/192.0.2.8", want=200).json["cause"] == "open"
    ask("POST", "/v1/resume", want=200)
    ask("POST", "/v1/reconcile", want=200)
    ask.box.connect()
    ask("GET", "/v1/counters", want=200)
    page = ask("GET", "/v1/journal?limit=2", want=200).json
    assert [e["id"] for e in page["entries"]] == [1, 2] and page["last"] > 2
    assert ask("GET", "/v1/journal?after=2&limit=1", want=200).json["entries"][0]["id"] == 3
    ask("GET", "/v1/status", want=200)


@pytest.mark.parametrize("method,path,body,kind,status,field", [
    ("GET", "/v1/status?x=1", None, None, 400, "x"),
    ("GET", "/v1/journal?limit=0", None, None, 422, "limit"),
    ("GET", "/v1/journal?limit=1&limit=2", None, None, 400, "limit"),
    ("GET", "/v1/journal?after=-1", None, None, 422, "after"),
    ("GET", "/v1/why/192.0.2.256", None, None, 422, "address"),
    ("GET", "/v1/why/192.0.2.1?port=65536", None, None, 422, "port"),
    ("DELETE", "/v1/exceptions/0", None, None, 422, "id"),
    ("DELETE", "/v1/exceptions/18446744073709551616", None, None, 422, "id"),
    ("POST", "/v1/plan?dry_run=maybe", CLOSED, YAML, 422, "dry_run"),
    ("POST", "/v1/plan", CLOSED, "application/json", 415, "Content-Type"),
    ("POST", "/v1/plan", "- {", YAML, 422, "plan"),
    ("POST", "/v1/plan", b"\xff\xfe", YAML, 422, "plan"),
    ("POST", "/v1/plan", "", YAML, 422, "plan"),
    ("POST", "/v1/exceptions", {"prefix": "192.0.2.1"}, "application/json", 422, None),
    ("POST", "/v1/exceptions", {"prefix": 5, "until": "2030-01-01", "reason": "x"}, "application/json", 422, "prefix"),
    ("POST", "/v1/exceptions", {"prefix": "192.0.2.1/33", "until": "2030-01-01", "reason": "x"}, "application/json",
     422, "prefix"),
    ("POST", "/v1/exceptions", {"prefix": "192.0.2.1", "until": "2030-02-30", "reason": "x"}, "application/json", 422,
     "until"),
    ("POST", "/v1/exceptions", {"prefix": "192.0.2.1", "until": "2020-01-01", "reason": "x"}, "application/json", 422,
     "until"),
    ("POST", "/v1/exceptions", {"prefix": "192.0.2.1", "until": "2999-01-01", "reason": "x"}, "application/json", 422,
     "until"),
    ("POST", "/v1/exceptions", {"prefix": "192.0.2.1", "until": "2030-01-01", "reason": ""}, "application/json", 422,
     "reason"),
    ("POST", "/v1/exceptions", {"prefix": "192.0.2.1", "until": "2030-01-01", "reason": "x" * 200}, "application/json",
     422, "reason"),
    ("POST", "/v1/exceptions", {"prefix": "192.0.2.1", "until": "2030-01-01", "reason": "a\nb"}, "application/json",
     422, "reason"),
    ("POST", "/v1/exceptions", {"prefix": "192.0.2.1", "until": "2030-01-01", "reason": "x", "mode": "drop"},
     "application/json", 422, "mode"),
    ("POST", "/v1/exceptions", "{", "application/json", 400, None),
    ("POST", "/v1/exceptions", '{"prefix":"a","prefix":"b"}', "application/json", 400, None),
    ("POST", "/v1/exceptions", "[]", "application/json", 400, None),
    ("POST", "/v1/exceptions", "[" * 60000, "application/json", 400, None),
    ("POST", "/v1/exceptions", " " * 70000, "application/json", 413, None),
    ("POST", "/v1/plan", "", "application/yaml", 422, "plan"),
    ("POST", "/v1/exceptions", "a=b", "application/x-www-form-urlencoded", 415, "Content-Type"),
    ("POST", "/v1/open", {"because": "x"}, "application/json", 422, "because"),
])
def test_a_problem_names_its_field(shared, method, path, body, kind, status, field):
    a = shared(method, path, body, kind, want=status)
    assert a.json.get("field") == (field if field else a.json.get("field"))
    if field:
        assert a.json["field"] == field
    assert a.json["status"] == status and a.json["detail"]


@pytest.fixture(scope="module")
def shared():
    """One daemon for all that changes nothing."""
    from box import need_net, MUST
    why = need_net()
    if why:
        pytest.exit(f"skipped: {why}", returncode=1 if "net" in MUST else 77)
    b = Box("nft")
    try:
        b.start()
        b.apply()

        def go(method, path, body=None, kind=None, want=None):
            data = body if body is None or isinstance(body, (str, bytes)) else json.dumps(body)
            a = b.request(method, path, data, {"Content-Type": kind} if kind else {})
            assert a.status == want, a
            name = re.sub(r"^(/v1/exceptions)/.*", r"\1/{id}", re.sub(r"^(/v1/why)/.*", r"\1/{address}",
                                                                     path.split("?")[0]))
            return holds(name, method, a)

        go.box = b
        yield go
        assert b.get("/v1/health").status == 200
        assert len(b.journal("plan.apply")) == 1, "nothing of this changed anything"
        assert not b.events("role-ended"), b.logged()
    finally:
        b.close()


def raw(box, data, wait=True):
    """What the daemon answers to these bytes, until it hangs up or a second has passed."""
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(1)
    s.connect(box.socket)
    got = b""
    try:
        s.sendall(data)
        while wait:
            more = s.recv(65536)
            if not more:
                break
            got += more
    except OSError:
        pass
    s.close()
    return got


@pytest.mark.parametrize("data", [
    b"", b"\0" * 5000, b"GET", b"GET / HTTP/9.9\r\n\r\n", b"G" * 100000, b"GET /" + b"a" * 60000 + b" HTTP/1.1\r\n\r\n",
    b"GET /v1/status HTTP/1.1\r\n" + b"X: y\r\n" * 5000 + b"\r\n",
    b"POST /v1/exceptions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: -1\r\n\r\n",
    b"POST /v1/exceptions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Content-Length: 99999999999999999999\r\n\r\n{}",
    b"POST /v1/exceptions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 5\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /v1/exceptions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{}",
    b"GET /v1/why/%00 HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /v1/why/%ff%fe%2f.. HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /v1/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", b"DELETE /v1/exceptions/ HTTP/1.1\r\nHost: x\r\n\r\n",
    b"PUT /v1/status HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
], ids=range(16))
def test_hostile_bytes_get_no_200_and_hurt_nobody(shared, data):
    got = raw(shared.box, data)
    assert not got.startswith(b"HTTP/1.1 2"), got[:200]
    assert shared.box.get("/v1/health").status == 200


def test_one_who_hangs_up_early_hurts_nobody(shared):
    head = b"POST /v1/plan HTTP/1.1\r\nHost: x\r\nContent-Type: application/yaml\r\nContent-Length: 100000\r\n\r\n"
    for _ in range(50):
        raw(shared.box, head + b"operator: {", wait=False)
        raw(shared.box, b"GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n", wait=False)
    assert shared.box.get("/v1/health").status == 200


def test_the_door_opens_again_after_too_many(shared):
    """As many as are let in at most, who never finish what they say, and hang up all at once."""
    web = shared.box.role("web")

    def held():
        return len(os.listdir(f"/proc/{web}/fd"))

    before, idle = held(), []
    for _ in range(WEB_CONNECTIONS_MAX):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(10)
        s.connect(shared.box.socket)
        s.sendall(b"GET /v1/status HTTP/1.1\r\nX: ")
        idle.append(s)
        # a connection of the test before may have counted, and be gone
        wait_for(lambda: held() >= before + len(idle) - 8)
    os.kill(web, signal.SIGSTOP)
    for s in idle:
        s.close()
    os.kill(web, signal.SIGCONT)
    wait_for(lambda: held() <= before)
    wait_for(shared.box.answers)


def test_a_method_that_is_not_allowed_says_which_are(shared):
    a = shared.box.request("PATCH", "/v1/exceptions")
    assert a.status == 405 and a.headers["Allow"] == "GET, POST"
    assert shared.box.get("/v1/nothing").status == 404
