# SPDX-License-Identifier: BSD-2-Clause
"""Real mail servers, each alone in a network and mount namespace of its own, audited there.

Run by servers_test.py as `unshare --net --mount python3 realhost.py SERVER VARIANT FOLDER`: prints what
`porteiro audit --json` said. some files of /etc are others, /run, /var/spool and /var/lib are empty: nothing outside changes.
Exim and OpenSMTPD come from their Debian packages unpacked into FOLDER/../NAME: as installed packages
they would throw Postfix out.
"""
import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time

HOST, DOMAIN, USER, PASSWORD = "mail.provedor.example", "provedor.example", "maria@provedor.example", "segredo"
AT = "127.0.0.2"  # a client comes from 127.0.0.1: another host, as Dovecot sees it


def sh(*args, **kw):
    return subprocess.run([str(a) for a in args], check=True, text=True, capture_output=True, **kw)


def fill(folder, name, text, mode=0o644):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def isolate(t):
    """Our own users, names, /run, /var/spool, /var/lib and loopback."""
    sh("mount", "--make-rprivate", "/")
    sh("ip", "link", "set", "lo", "up")
    for d in "/var/spool", "/var/lib", "/run":
        sh("mount", "-t", "tmpfs", "-o", "mode=755", "none", d)
    users = list(enumerate(("Debian-exim", "opensmtpd", "opensmtpq", "maria")))
    with open("/etc/passwd", encoding="utf-8") as p, open("/etc/group", encoding="utf-8") as g:
        files = {
            "passwd": p.read() + "".join(f"{name}:x:{61000 + n}:{61000 + n}::/tmp:/bin/false\n" for n, name in users),
            "group": g.read() + "".join(f"{name}:x:{61000 + n}:\n" for n, name in users),
            "hosts": f"127.0.0.1 localhost client.example\n{AT} {HOST} {DOMAIN}\n",
            "resolv.conf": "nameserver 127.0.0.1\n",
        }
    for name, text in files.items():
        sh("mount", "--bind", fill(t, f"etc/{name}", text), f"/etc/{name}")


def dovecot(t, submission=False, ssl="required", plaintext="yes", auth_socket=None):
    """Dovecot: SASL for Postfix, or the submission server itself in front of a sink."""
    fill(t, "users", f"{USER}:{{PLAIN}}{PASSWORD}::::::\n")
    nl = "\n"
    conf = f"""
base_dir = {t}/dovecot
state_dir = {t}/dovecot-state
log_path = {t}/dovecot.log
protocols = {"submission" if submission else "none"}
listen = {AT}
ssl = {ssl}
ssl_cert = <{t}/server.pem
ssl_key = <{t}/server.key
ssl_min_protocol = TLSv1.2
disable_plaintext_auth = {plaintext}
auth_mechanisms = plain login scram-sha-256
hostname = {HOST}
submission_host = {HOST}
submission_relay_host = 127.0.0.3
submission_relay_port = 2525
mail_location = maildir:~/mail
submission_max_mail_size = 35M
passdb {{
  driver = passwd-file
  args = username_format=%u {t}/users
}}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home={t}/home
}}
service auth {{
  user = root
{f'  unix_listener {auth_socket} {{{nl}    mode = 0666{nl}  }}' if auth_socket else ''}
}}
auth_failure_delay = 2 secs
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service submission-login {{
  chroot =
  inet_listener submission {{
    port = 587
  }}
  inet_listener submissions {{
    port = 465
    ssl = yes
  }}
}}
"""
    (t / "home").mkdir(exist_ok=True)
    (t / "home").chmod(0o777)
    fill(t, "dovecot.conf", conf)
    return subprocess.Popen(["dovecot", "-F", "-c", t / "dovecot.conf"])


MASTER = """
{port25} inet n - n - - smtpd
{submission}
{submissions}
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"""

STRICT = "-o smtpd_sasl_auth_enable=yes -o smtpd_client_restrictions=permit_sasl_authenticated,reject " \
         "-o smtpd_sender_restrictions=reject_sender_login_mismatch"


def postfix(t, variant):
    main = {
        "compatibility_level": "3.6", "queue_directory": f"{t}/queue", "data_directory": f"{t}/data",
        "command_directory": "/usr/sbin", "daemon_directory": "/usr/lib/postfix/sbin", "maillog_file": f"{t}/postfix.log",
        "maillog_file_prefixes": str(t), "myhostname": HOST, "mydestination": DOMAIN, "mynetworks": "192.0.2.9/32",
        "inet_interfaces": "all", "inet_protocols": "ipv4", "local_recipient_maps": "", "local_transport": "discard:",
        "alias_maps": "", "smtpd_tls_chain_files": f"{t}/server.key, {t}/server.pem", "smtpd_tls_security_level": "may",
        "smtpd_tls_auth_only": "yes", "smtpd_tls_protocols": ">=TLSv1.2", "smtpd_tls_mandatory_protocols": ">=TLSv1.2",
        "smtpd_tls_exclude_ciphers": "aNULL", "smtpd_sasl_type": "dovecot", "smtpd_sasl_path": "private/auth",
        "smtpd_sasl_security_options": "noanonymous", "smtpd_forbid_bare_newline": "normalize", "disable_vrfy_command": "yes",
        "smtpd_banner": "$myhostname ESMTP", "message_size_limit": "36700160", "smtpd_delay_reject": "yes",
        "smtpd_relay_restrictions": "permit_sasl_authenticated,reject_unauth_destination",
        "smtpd_sender_login_maps": f"inline:{{ {{{USER}={USER}}} {{postmaster@{DOMAIN}=admin@{DOMAIN}}} }}",
        "smtpd_sender_restrictions": f"check_sender_access inline:{{ {{{DOMAIN}=REJECT own domain}} }}",
    }
    # Their own ports have the restrictions of users, not those of strangers.
    sub, subs = f"587 inet n - n - - smtpd {STRICT} -o smtpd_tls_security_level=encrypt", \
        f"465 inet n - n - - smtpd {STRICT} -o smtpd_tls_wrappermode=yes"
    port25 = "25"
    bad = {
        "good": {}, "authclear": {"smtpd_tls_auth_only": "no"}, "barelf": {"smtpd_forbid_bare_newline": "no"},
        "openrelay": {"mynetworks": "127.0.0.0/8", "smtpd_relay_restrictions": "permit_mynetworks,permit_sasl_authenticated,reject"},
        "auth25": {"smtpd_sasl_auth_enable": "yes"}, "nosize": {"message_size_limit": "0"},
        "oldtls": {"smtpd_tls_protocols": ">=TLSv1", "smtpd_tls_mandatory_protocols": ">=TLSv1", "tls_medium_cipherlist": "ALL:@SECLEVEL=0"},
        "anon": {"smtpd_tls_exclude_ciphers": "", "smtpd_tls_mandatory_ciphers": "medium", "tls_medium_cipherlist": "ALL:aNULL:@SECLEVEL=0"},
        "localfrom25": {"smtpd_sender_restrictions": ""}, "noauth587": {}, "anysender": {}, "starttls465": {}, "nostarttls": {},
    }[variant]
    main.update(bad)
    if variant == "authclear":
        sub = sub.replace("encrypt", "may")
    if variant == "noauth587":
        sub = "587 inet n - n - - smtpd -o smtpd_sasl_auth_enable=yes -o smtpd_tls_security_level=encrypt -o smtpd_sender_restrictions="
    if variant == "anysender":
        sub, subs = (s.replace("reject_sender_login_mismatch", "permit") for s in (sub, subs))
    if variant == "starttls465":
        subs = subs.replace("smtpd_tls_wrappermode=yes", "smtpd_tls_security_level=encrypt")
    if variant == "nostarttls":
        sub = sub.replace("encrypt", "none")
    fill(t, "pf/main.cf", "".join(f"{k} = {v}\n" for k, v in main.items()))
    fill(t, "pf/master.cf", MASTER.format(port25=port25, submission=sub, submissions=subs))
    for d in "active bounce corrupt defer deferred flush hold incoming maildrop private public saved trace".split():
        (t / "queue" / d).mkdir(parents=True)
        shutil.chown(t / "queue" / d, "postfix")
    (t / "queue/pid").mkdir()
    shutil.chown(t / "queue/public", "postfix", "postdrop")
    (t / "data").mkdir()
    fill(t, "postfix.log", "")
    for f in "data", "postfix.log":
        shutil.chown(t / f, "postfix")
    # The master itself: what the postfix command checks before takes longer than the audit.
    return [dovecot(t, auth_socket=f"{t}/queue/private/auth"), subprocess.Popen(
        ["/usr/lib/postfix/sbin/master", "-c", t / "pf", "-d"], stdout=open(t / "postfix.out", "w"), stderr=subprocess.STDOUT)]


def exim(t, variant):
    relay = "accept" if variant == "openrelay" else "deny message = relay not permitted"
    advertise = "*" if variant == "authclear" else "${if def:tls_in_cipher{*}{}}"
    need = "" if variant == "noauth587" else """
  deny message = 5.7.0 authentication required
       !authenticated = *
       condition = ${if or{{eq{$received_port}{587}}{eq{$received_port}{465}}}}"""
    wrapped = "" if variant == "starttls465" else "tls_on_connect_ports = 465"
    server_advertise = "${if and{{def:tls_in_cipher}{!eq{$received_port}{25}}}}"
    if variant == "auth25":
        server_advertise = "${if def:tls_in_cipher}"
    if variant == "authclear":
        server_advertise = "${if !eq{$received_port}{25}}"
    fill(pathlib.Path("/var/lib"), "exim4/config.autogenerated", f"""
primary_hostname = {HOST}
domainlist local_domains = {DOMAIN}
daemon_smtp_ports = 25 : 465 : 587
{wrapped}
local_interfaces = {AT}
spool_directory = {t}/spool
log_file_path = {t}/spool/%slog
pid_file_path = {t}/exim.pid
exim_user = Debian-exim
exim_group = Debian-exim
never_users =
host_lookup =
rfc1413_hosts =
smtp_banner = $primary_hostname ESMTP
message_size_limit = 35M
dsn_advertise_hosts = *
auth_advertise_hosts = *
tls_advertise_hosts = *
tls_certificate = {t}/server.pem
tls_privatekey = {t}/server.key
tls_require_ciphers = SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2
acl_smtp_rcpt = rcpt
acl_smtp_mail = accept
acl_smtp_auth = auth
acl_smtp_data = accept
begin acl
auth:
  accept
rcpt:{need}
  deny message = 5.7.1 not your sender
       authenticated = *
       !condition = ${{if eq{{$sender_address}}{{$authenticated_id}}}}
  accept authenticated = *
  deny message = 5.7.1 not your sender
       sender_domains = +local_domains
       condition = ${{if eq{{$received_port}}{{25}}}}
  accept domains = +local_domains
         local_parts = postmaster : maria
  {relay}
begin routers
sink:
  driver = accept
  transport = sink
begin transports
sink:
  driver = appendfile
  file = /dev/null
  user = Debian-exim
begin retry
* * F,1h,10m
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{{USER}}}}}{{eq{{$auth3}}{{{PASSWORD}}}}}}}}}
  server_set_id = $auth2
  server_advertise_condition = {server_advertise}
""")
    del advertise
    (t / "spool").mkdir()
    shutil.chown(t / "spool", "Debian-exim", "Debian-exim")
    for p in t / "server.key", t / "server.pem":
        shutil.chown(p, "Debian-exim", "Debian-exim")
    binary = t.parent / "exim4-daemon-light/usr/sbin/exim4"
    return [subprocess.Popen([binary, "-bdf"], stdout=open(t / "exim.out", "w"), stderr=subprocess.STDOUT)]


def opensmtpd(t, variant):
    crypted = sh("openssl", "passwd", "-6", PASSWORD).stdout.strip()
    fill(t, "creds", f"{USER} {crypted}\n")
    for d in "/var/lib/opensmtpd/empty", "/var/spool/smtpd", "/usr/libexec/opensmtpd":
        os.makedirs(d, exist_ok=True)
    os.chmod("/var/spool/smtpd", 0o711)
    package = t.parent / "opensmtpd"
    sh("mount", "--bind", package / "usr/libexec/opensmtpd", "/usr/libexec/opensmtpd")
    auth = "auth-optional" if variant == "noauth587" else "auth"
    anyone = 'match from any for any action "out"' if variant == "openrelay" else 'match auth from any for any action "out"'
    fill(t, "smtpd.conf", f"""
pki mail cert "{t}/server.pem"
pki mail key "{t}/server.key"
table creds file:{t}/creds
table own {{ "{USER}" = "{USER}" }}
smtp max-message-size "35M"
listen on {AT} port 25 hostname {HOST}
listen on {AT} port 587 tls-require pki mail {auth} <creds> senders <own> hostname {HOST}
listen on {AT} smtps port 465 pki mail auth <creds> senders <own> hostname {HOST}
action "in" maildir "{t}/mail" virtual {{ "@" = "maria" }}
action "out" relay host smtp://127.0.0.3:2525
match from any for domain "{DOMAIN}" action "in"
{anyone}
""", 0o600)
    for p in t / "server.key", t / "server.pem":
        p.chmod(0o600)
    return [subprocess.Popen([package / "usr/sbin/smtpd", "-d", "-f", t / "smtpd.conf"], stdout=open(t / "smtpd.out", "w"),
                             stderr=subprocess.STDOUT)]


def dovecot_submission(t, variant):
    sink = subprocess.Popen(["smtp-sink", "-u", "nobody", "-h", "backend.example", "127.0.0.3:2525", "50"])
    return [sink, dovecot(t, submission=True, ssl="yes" if variant == "authclear" else "required",
                          plaintext="no" if variant == "authclear" else "yes")]


SERVERS = {"postfix": postfix, "exim": exim, "opensmtpd": opensmtpd, "dovecot": dovecot_submission}


def wait_for(port, processes, seconds=20):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            with socket.create_connection((AT, port), 1) as s:
                if port == 465 or s.recv(3) == b"220":
                    return
        if any(p.poll() not in (None, 0) for p in processes):
            break
        time.sleep(0.1)
    raise SystemExit(f"port {port} did not come up")


def main():
    server, variant, t = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    t.chmod(0o755)
    isolate(t)
    fill(t, "password", PASSWORD + "\n")
    processes = SERVERS[server](t, variant)
    try:
        try:
            wait_for(587, processes)
        except SystemExit:
            for name in "postfix.out", "postfix.log", "dovecot.log", "exim.out", "smtpd.out", "spool/mainlog", "spool/paniclog":
                if (t / name).exists():
                    print(name, (t / name).read_text()[-2000:], file=sys.stderr)
            raise
        args = [os.environ["PORTEIRO"], "audit", HOST, "--ca", t / "root.pem", "--json", "--timeout", "40", "--from",
                "auditor@client.example", "--helo", "client.example", "--domain", DOMAIN]
        args += ["--user", USER, "--password-file", t / "password"]
        p = subprocess.run([str(a) for a in args], text=True, capture_output=True, timeout=100)
        sys.stdout.write(p.stdout)
        sys.stderr.write(p.stderr)
    finally:
        for p in processes:  # what they started dies with this namespace's first process: us
            p.kill()


main()
