# SPDX-License-Identifier: BSD-2-Clause
"""A small mail provider on loopback: 25, 465, 587, DNS and a web server, each wrong in one way if asked.

Everything listens on free ports of 127.0.0.2 (and ::1): a client from 127.0.0.1 is then another host.
"""
import base64
import http.server
import socket
import ssl
import subprocess
import threading
import time

HOST, DOMAIN = "mail.provedor.example", "provedor.example"
ADDRESS, ADDRESS6 = "127.0.0.2", "::1"
USER, PASSWORD = "maria@provedor.example", "segredo-ção"


def certificates(folder, host=HOST, days=90, bits=2048, digest="sha256", names=None, name="server"):
    """A root and a certificate for the host: (root, chain, key)."""
    def openssl(*args):
        subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True)
    root, rootkey = folder / "root.pem", folder / "root.key"
    if not root.exists():
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", "/CN=Test root",
                "-addext", "basicConstraints=critical,CA:TRUE", "-keyout", rootkey, "-out", root)
    key, csr, cert, ext = (folder / f"{name}.{e}" for e in ("key", "csr", "pem", "ext"))
    ext.write_text("subjectAltName=" + ",".join("DNS:" + n for n in (names or [
        host, f"autoconfig.{DOMAIN}", f"autodiscover.{DOMAIN}", f"ua-auto-config.{DOMAIN}", DOMAIN])) + "\n")
    openssl("req", "-newkey", f"rsa:{bits}", "-nodes", "-subj", f"/CN={host}", "-keyout", key, "-out", csr)
    openssl("x509", "-req", "-in", csr, "-CA", root, "-CAkey", rootkey, "-CAcreateserial", "-days", str(days),
            f"-{digest}", "-extfile", ext, "-out", cert)
    return root, cert, key


class Lines:
    """Lines from a socket, with what is left over."""

    def __init__(self, sock):
        self.sock, self.left = sock, b""

    def get(self):
        while b"\n" not in self.left:
            data = self.sock.recv(4096)
            if not data:
                raise ConnectionError
            self.left += data
        line, self.left = self.left.split(b"\n", 1)
        return line.rstrip(b"\r").decode("utf-8", "replace")


class MailHost:
    """fault: the one thing that is wrong, or None. See audit_test.py for the list."""

    def __init__(self, certs, fault=None, certs_bad=None):
        self.root, self.cert, self.key = certs
        if certs_bad:
            _, self.cert, self.key = certs_bad
        self.fault, self.stopping, self.sockets, self.wrong = fault, False, [], 0
        self.messages = []
        self.port = {}

    # --- life ---

    def __enter__(self):
        for name in "25", "465", "587":
            self.port[name] = self.listen(lambda s, n=name: self.session(s, n))
        self.port["dns"] = self.dns()
        self.port["https"] = self.web()
        return self

    def __exit__(self, *_):
        self.stopping = True
        for s in self.sockets:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()
        self.httpd.shutdown()
        self.httpd.server_close()

    def pair(self):
        """The same free port on both addresses."""
        for _ in range(50):
            four = socket.socket()
            four.bind((ADDRESS, 0))
            six = socket.socket(socket.AF_INET6)
            try:
                six.bind((ADDRESS6, four.getsockname()[1]))
                return four, six
            except OSError:
                four.close()
                six.close()
        raise RuntimeError("no free port")

    def listen(self, handler):
        pair = self.pair()
        for s in pair:
            s.listen(32)
            self.sockets.append(s)
            threading.Thread(target=self.accept, args=(s, handler), daemon=True).start()
        return pair[0].getsockname()[1]

    def accept(self, s, handler):
        while not self.stopping:
            try:
                c, _ = s.accept()
            except OSError:
                return
            c.settimeout(20)
            threading.Thread(target=self.guarded, args=(handler, c), daemon=True).start()

    def guarded(self, handler, c):
        try:
            handler(c)
        except (OSError, ConnectionError, ValueError):
            pass
        finally:
            c.close()

    # --- SMTP ---

    def context(self, port):
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        c.set_ciphers("ALL:@SECLEVEL=0" if self.fault == "anon" and port == "465" else "DEFAULT:@SECLEVEL=0")
        c.load_cert_chain(self.cert, self.key)
        c.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.fault == "oldtls" and port == "587":
            c.minimum_version = ssl.TLSVersion.TLSv1
        if self.fault == "no13":
            c.maximum_version = ssl.TLSVersion.TLSv1_2
        return c

    def session(self, sock, port):
        f = self.fault
        six = sock.family == socket.AF_INET6
        tls = False
        if port == "465":
            if f == "clear465":
                sock.sendall(f"220 {HOST} ESMTP\r\n".encode())
                time.sleep(1)
                return
            sock = self.context(port).wrap_socket(sock, server_side=True)
            tls = True
        lines = Lines(sock)

        def say(text):
            sock.sendall((text + "\r\n").encode())

        def refuse(code, status, text):
            say(f"{code} {text}" if f == "notsaid" else f"{code} {status} {text}")

        name = "localhost" if f == "ehloname" else HOST
        if port == "587" and f == "silent":
            time.sleep(20)
            return
        say(f"220 {name} ESMTP" + (" Postfix" if f == "disclosure" else ""))
        logged = mail = None
        early_idle = f == "idle" and port == "587"
        while True:
            if early_idle:
                sock.settimeout(0.5)
            try:
                line = lines.get()
            except TimeoutError:
                say(f"421 4.4.2 {HOST} Error: timeout exceeded")
                return
            early_idle = False
            sock.settimeout(20)
            verb, _, rest = line.partition(" ")
            verb = verb.upper()
            submission = port != "25"
            if verb == "EHLO":
                words = [name, "PIPELINING", "SIZE 36700160", "ENHANCEDSTATUSCODES", "8BITMIME", "DSN", "SMTPUTF8"]
                mechs = "PLAIN LOGIN"
                if f in ("CRAM-MD5", "ANONYMOUS") and submission:
                    mechs += " " + f
                if f == "noplain" and submission:
                    mechs = "SCRAM-SHA-256"
                if f == "mechs465" and port == "465":
                    mechs = "PLAIN"
                if f == "parity" and six:
                    mechs = "PLAIN LOGIN XOAUTH2"
                offers = submission and (tls or f == "authclear")
                if f == "noauth465" and port == "465":
                    offers = False
                if f == "auth25" and not submission:
                    offers = True
                if f == "auth25tls" and not submission:
                    offers = tls
                if offers:
                    words.append("AUTH " + mechs)
                if not tls and not (f == "nostarttls" and port == "587"):
                    words.append("STARTTLS")
                if tls and port == "587" and f == "starttlsagain":
                    words.append("STARTTLS")
                for drop, word in {"noenhanced": "ENHANCEDSTATUSCODES", "nopipelining": "PIPELINING", "nosize": "SIZE 36700160"}.items():
                    if f == drop:
                        words.remove(word)
                if f == "size0":
                    words[words.index("SIZE 36700160")] = "SIZE 0"
                sock.sendall("".join(f"250{'-' if i + 1 < len(words) else ' '}{w}\r\n" for i, w in enumerate(words)).encode())
            elif verb == "STARTTLS" and not tls:
                if f == "badstarttls" and port == "587":
                    say("454 4.7.0 TLS not available")
                    continue
                say("220 2.0.0 go ahead")
                left = lines.left if f == "inject" else b""
                sock = self.context(port).wrap_socket(sock, server_side=True)
                tls = True
                lines = Lines(sock)
                lines.left = left
                logged = mail = None
            elif verb == "AUTH":
                if not submission:
                    refuse(503, "5.5.1", "no AUTH here")
                elif not tls and f not in ("authclear", "authclearhidden"):
                    refuse(538, "5.7.11", "encryption required")
                elif logged:
                    refuse(503 if f != "authtwice" else 235, "5.5.1", "already")
                else:
                    logged = self.auth(say, refuse, lines, rest)
            elif verb == "MAIL":
                if submission and not logged and f not in ("noauth587", "relay465", "localauth"):
                    refuse(530, "5.7.0", "Authentication required")
                elif "SIZE=9999" in rest and f != "sizeignored":
                    refuse(552, "5.3.4", "too large")
                else:
                    mail = rest.split("<")[1].split(">")[0]
                    say("250 2.1.0 Ok")
            elif verb == "RCPT":
                self.rcpt(say, refuse, port, logged, mail, rest)
            elif verb == "DATA" and logged:
                say("354 go on")
                self.data(say, refuse, sock, lines)
            elif verb == "VRFY":
                say("250 2.1.5 root <root@provedor.example>") if f == "vrfy" else refuse(502, "5.5.1", "no")
            elif verb in ("NOOP", "RSET"):
                mail = None
                say("250 2.0.0 Ok")
            elif verb == "QUIT":
                say("221 2.0.0 Bye")
                if tls:
                    sock.unwrap()
                return
            else:
                refuse(502, "5.5.2", "what?")

    def auth(self, say, refuse, lines, rest):
        mech, _, coded = rest.partition(" ")
        if mech != "PLAIN":
            return refuse(504, "5.5.4", "no such mechanism")
        if not coded:
            say("334 ")
            coded = lines.get()
            if coded == "*":
                say("535 5.7.8 cancelled, badly") if self.fault == "cancel" else refuse(501, "5.7.0", "cancelled")
                return None
        try:
            raw = base64.b64decode(coded, validate=True)
        except ValueError:
            say("250 2.0.0 whatever") if self.fault == "base64" else refuse(501, "5.5.2", "bad base64")
            return None
        if self.fault == "utf8" and b"porteiro-audit" in raw and any(b > 127 for b in raw):
            raise ConnectionError
        _, user, password = raw.decode("utf-8", "replace").split("\0")
        if (user, password) == (USER, PASSWORD):
            say("235 2.7.0 welcome")
            return user
        if self.fault == "anypass":
            say("235 2.7.0 welcome")
            return user
        time.sleep(0 if self.fault == "fastwrong" else 1.1)
        if self.fault == "wrongcode":
            return refuse(550, "5.7.8", "no")
        if self.fault == "telltale" and user == USER:
            return refuse(535, "5.7.8", "wrong password for a known user")
        return refuse(535, "5.7.8", "authentication failed")

    def rcpt(self, say, refuse, port, logged, mail, rest):
        f = self.fault
        to = rest.split("<")[1].split(">")[0]
        local = to.endswith("@" + DOMAIN) and not to.startswith("@") and "%" not in to and '"' not in to
        if mail is None:
            return refuse(503, "5.5.1", "MAIL first")
        if port == "25":
            tricks = {"openrelay": not local, "percent": "%" in to, "quoted": '"' in to, "route": to.startswith("@"),
                      "spoofrelay": not local and mail.endswith("@" + DOMAIN)}
            if tricks.get(f):
                return say("250 2.1.5 Ok")
            if f == "catchall" and to.endswith("@" + DOMAIN):
                return refuse(550, "5.7.1", "not yours") if mail.endswith("@" + DOMAIN) else say("250 2.1.5 Ok")
            if not local:
                return refuse(554, "5.7.1", "Relay access denied")
            if mail.endswith("@" + DOMAIN) and f != "localfrom25":
                return refuse(550, "5.7.1", "not your sender")
            if "nobody" in to:
                return refuse(550, "5.1.1", "no such user")
            return say("250 2.1.5 Ok")
        if not logged:
            if (f == "noauth587" and port == "587" and not local) or (f == "relay465" and port == "465" and not local) or \
                    (f == "localauth" and local):
                return say("250 2.1.5 Ok")
            return refuse(530, "5.7.0", "Authentication required")
        if mail != logged and f != "anysender":
            return refuse(553, "5.7.1", "not your sender")
        return say("250 2.1.5 Ok") if f != "norcpt" else refuse(550, "5.1.1", "no such user")

    def data(self, say, refuse, sock, lines):
        body = lines.left
        while not body.endswith(b"\r\n.\r\n"):
            if self.fault == "smuggle" and b"\n.\r\n" in body:
                break
            chunk = sock.recv(4096)
            if not chunk:
                raise ConnectionError
            body += chunk
        lines.left = b""
        self.messages.append(body)
        say("250 2.0.0 queued")

    # --- DNS ---

    def records(self, name, kind):
        f = self.fault
        d = DOMAIN
        if kind == 1 and name in (HOST, d, "autoconfig." + d, "autodiscover." + d):
            return [socket.inet_aton(ADDRESS)]
        if kind == 28 and name == HOST and f != "no6":
            return [socket.inet_pton(socket.AF_INET6, ADDRESS6)]
        if kind == 15 and name == d:
            return [b"\0\x0a" + label(HOST)]
        if kind == 33:
            port = {"465": int(self.port["465"]), "587": int(self.port["587"])}
            if f == "srv25":
                port["587"] = 25
            low, high = (10, 0) if f == "srvorder" else (0, 10)
            srv = {"_submissions": (low, port["465"]), "_submission": (high, port["587"])}
            if f == "srvsmtp":
                srv["_smtp"] = (0, 25)
            if f == "nosrv":
                srv = {}
            if f == "nosubmissions":
                del srv["_submissions"]
            service = name.split(".")[0]
            if service in srv and name.endswith("._tcp." + d):
                prio, p = srv[service]
                return [prio.to_bytes(2, "big") + b"\0\1" + p.to_bytes(2, "big") + label(HOST)]
        return []

    def dns(self):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind((ADDRESS, 0))
        self.sockets.append(s)
        threading.Thread(target=self.dns_loop, args=(s,), daemon=True).start()
        return s.getsockname()[1]

    def dns_loop(self, s):
        while not self.stopping:
            try:
                q, peer = s.recvfrom(2048)
            except OSError:
                return
            if len(q) < 17:
                continue
            at, labels = 12, []
            while q[at]:
                labels.append(q[at + 1:at + 1 + q[at]].decode())
                at += q[at] + 1
            name, kind, end = ".".join(labels).lower(), int.from_bytes(q[at + 1:at + 3], "big"), at + 5
            found = self.records(name, kind)
            answer = q[:2] + b"\x84\x00" + b"\0\1" + len(found).to_bytes(2, "big") + b"\0\0\0\0" + q[12:end]
            for data in found:
                answer += b"\xc0\x0c" + kind.to_bytes(2, "big") + b"\0\1\0\0\0\x3c" + len(data).to_bytes(2, "big") + data
            s.sendto(answer, peer)

    # --- web ---

    def autoconfig(self):
        server = {"autoconfig25": (25, "SSL"), "autoconfigplain": (self.port["587"], "plain"),
                  "autoconfigdead": (1, "SSL")}.get(self.fault, (self.port["465"], "SSL"))
        text = f"""<?xml version="1.0"?><clientConfig version="1.1"><emailProvider id="{DOMAIN}"><domain>{DOMAIN}</domain>
<outgoingServer type="smtp"><hostname>{HOST}</hostname><port>{server[0]}</port><socketType>{server[1]}</socketType></outgoingServer>
<documentation url="https://{DOMAIN}:{self.port["https"]}/ajuda"/>
</emailProvider></clientConfig>"""
        return text[:-20] if self.fault == "autoconfigxml" else text

    def autodiscover(self):
        spa = "" if self.fault == "spa" else "<SPA>off</SPA>"
        ns = "http://schemas.microsoft.com/exchange/autodiscover/"
        return f"""<?xml version="1.0"?><Autodiscover xmlns="{ns}responseschema/2006"><Response xmlns="{ns}outlook/responseschema/2006a">
<Account><AccountType>email</AccountType><Action>settings</Action><Protocol><Type>SMTP</Type><Server>{HOST}</Server>
<Port>{self.port["465"]}</Port>{spa}<SSL>on</SSL></Protocol></Account></Response></Autodiscover>"""

    def profile(self):
        secret = "<key>OutgoingPassword</key><string>x</string>" if self.fault == "applepassword" else ""
        return f"""<?xml version="1.0"?><plist version="1.0"><dict><key>PayloadContent</key><array><dict>
<key>PayloadType</key><string>com.apple.mail.managed</string><key>OutgoingMailServerHostName</key><string>{HOST}</string>
<key>OutgoingMailServerPortNumber</key><integer>{self.port["465"]}</integer><key>OutgoingMailServerUseSSL</key><true/>{secret}
</dict></array></dict></plist>"""

    def page(self, method, path):
        path = path.split("?")[0]
        if path.endswith("config-v1.1.xml"):
            return None if self.fault == "noautoconfig" else self.autoconfig()
        if path == "/autodiscover/autodiscover.xml" and method == "POST":
            return None if self.fault == "noautodiscover" else self.autodiscover()
        if path == "/mail.mobileconfig":
            return self.profile()
        if path == "/ajuda":
            return {"help25": "<p>SMTP: 25</p><p>ou 587</p>", "helpempty": "<p>Fale conosco</p>"}.get(
                self.fault, "<p>Servidor SMTP: porta 465 ou 587</p>")
        return None

    def web(self):
        host = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def answer(self, method):
                n = int(self.headers.get("Content-Length") or 0)
                self.rfile.read(n)
                body = host.page(method, self.path)
                self.send_response(200 if body is not None else 404)
                self.send_header("Content-Length", str(len((body or "").encode())))
                self.end_headers()
                self.wfile.write((body or "").encode())

            def do_GET(self):
                self.answer("GET")

            def do_POST(self):
                self.answer("POST")

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass
        self.httpd = Server((ADDRESS, 0), Handler)
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        c.load_cert_chain(self.root.parent / "server.pem", self.root.parent / "server.key")
        self.httpd.socket = c.wrap_socket(self.httpd.socket, server_side=True)
        threading.Thread(target=self.httpd.serve_forever, args=(0.05,), daemon=True).start()
        return self.httpd.server_address[1]


def label(name):
    return b"".join(bytes([len(p)]) + p.encode() for p in name.split(".")) + b"\0"
