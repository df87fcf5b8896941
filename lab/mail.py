# SPDX-License-Identifier: BSD-2-Clause
"""The lab's mail providers: a real Postfix with Dovecot's SASL each, on 25, 465 and 587.

Port 25 takes mail for the provider's own domain from anybody; 465 (TLS from the first byte) and 587
(STARTTLS) take mail for any domain from its customers, who must authenticate. Everything of
one provider lies in its own folder: configuration, queue, certificate, mailboxes, logs.
"""
import os
import pathlib
import pwd
import shutil
import threading

from world import PROVIDERS, LabError, run, wait_for

USERS = ("ana", "bento", "padaria", "carla")
INBOX = "caixa"  # where the lab's messages go, at each provider


def password(user):
    return f"segredo-{user}"


MAIN_CF = """\
# {domain} of the lab; written by it, gone with it
compatibility_level = 3.6
queue_directory = {dir}/queue
data_directory = {dir}/data
maillog_file = {dir}/mail.log
maillog_file_prefixes = {dir}
myhostname = mail.{domain}
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = all
inet_protocols = all
alias_maps =
alias_database =
local_recipient_maps =
biff = no
smtputf8_enable = no
smtpd_peername_lookup = no
smtp_dns_support_level = disabled
smtp_host_lookup = native
transport_maps = inline:{{ {routes} }}
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {dir}/mail
virtual_mailbox_maps = inline:{{ {boxes} }}
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
smtpd_tls_cert_file = {dir}/cert.pem
smtpd_tls_key_file = {dir}/key.pem
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = private/auth
smtpd_sasl_auth_enable = no
smtpd_relay_restrictions = reject_unauth_destination
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
disable_vrfy_command = yes
"""

MASTER_CF = """\
25 inet n - n - - smtpd
465 inet n - n - - smtpd
  -o syslog_name=postfix/submissions -o smtpd_tls_wrappermode=yes -o smtpd_sasl_auth_enable=yes
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
587 inet n - n - - smtpd
  -o syslog_name=postfix/submission -o smtpd_tls_security_level=encrypt -o smtpd_sasl_auth_enable=yes
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""

DOVECOT_CONF = """\
# SASL for {domain}; written by the lab, gone with it
base_dir = {dir}/dovecot
state_dir = {dir}/dovecot
instance_name = lab-{name}
protocols =
log_path = {dir}/dovecot.log
ssl = no
auth_mechanisms = plain login
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {dir}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home=/nonexistent
}}
service auth {{
  unix_listener {dir}/queue/private/auth {{
    mode = 0660
    user = postfix
    group = postfix
  }}
}}
"""


class Authority:
    """The lab's own certificate authority, which its clients trust and nobody else does."""

    def __init__(self, folder):
        self.dir = pathlib.Path(folder)
        self.cert, self.key = self.dir / "ca.pem", self.dir / "ca-key.pem"

    def create(self):
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-days", "30", "-subj", "/CN=Porteiro lab", "-keyout", self.key, "-out", self.cert)

    def sign(self, provider, folder):
        names = folder / "names.cnf"
        names.write_text(f"subjectAltName=DNS:mail.{provider.domain},IP:{provider.v4},IP:{provider.v6}\n")
        run("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-subj", f"/CN=mail.{provider.domain}", "-keyout", folder / "key.pem", "-out", folder / "req.pem")
        run("openssl", "x509", "-req", "-in", folder / "req.pem", "-CA", self.cert, "-CAkey", self.key,
            "-set_serial", str(1 + PROVIDERS.index(provider)), "-days", "30", "-extfile", names,
            "-out", folder / "cert.pem")


class MailHost:
    """One provider's servers in its namespace."""

    def __init__(self, world, provider):
        self.world, self.provider = world, provider
        self.dir = world.dir / provider.name
        self.seen, self.found, self.lock = set(), {}, threading.Lock()

    def start(self, authority):
        p, mail = self.provider, pwd.getpwnam("mail")
        self.dir.mkdir()
        for sub in ("queue", "data", "mail", "dovecot", "conf"):
            (self.dir / sub).mkdir()
        shutil.chown(self.dir / "data", "postfix")
        shutil.chown(self.dir / "mail", "mail", "mail")
        authority.sign(p, self.dir)
        others = [o for o in PROVIDERS if o is not p]
        words = {
            "name": p.name, "domain": p.domain, "dir": self.dir, "uid": mail.pw_uid, "gid": mail.pw_gid,
            "routes": ", ".join(f"{{ {o.domain} = smtp:[{o.v4}]:25 }}" for o in others),
            "boxes": ", ".join(f"{{ {u}@{p.domain} = {u}/ }}" for u in USERS + (INBOX,)),
        }
        (self.dir / "conf/main.cf").write_text(MAIN_CF.format(**words))
        (self.dir / "conf/master.cf").write_text(MASTER_CF)
        (self.dir / "dovecot.conf").write_text(DOVECOT_CONF.format(**words))
        users = self.dir / "users"
        users.write_text("".join(f"{u}@{p.domain}:{{PLAIN}}{password(u)}\n" for u in USERS))
        shutil.chown(users, "root", "dovecot")
        os.chmod(users, 0o640)
        self.world.on(p.name, "postfix", "-c", self.dir / "conf", "start")
        self.world.on(p.name, "dovecot", "-c", self.dir / "dovecot.conf")
        wait_for(f"{p.domain} to listen", self.listening)

    def listening(self):
        ports = self.world.on(self.provider.name, "ss", "-Hltn").stdout
        return all(f":{port} " in ports for port in (25, 465, 587)) and (self.dir / "queue/private/auth").exists()

    def received(self, token):
        """The file in the inbox that carries this token, or None if none has arrived."""
        with self.lock:
            for path in (self.dir / "mail" / INBOX / "new").glob("*"):
                if path.name not in self.seen:
                    self.seen.add(path.name)
                    for line in path.read_text(errors="replace").splitlines():
                        if line.lower().startswith("x-lab-token:"):
                            self.found[line.split(":", 1)[1].strip()] = path
            return self.found.get(token)

    def log_tail(self, lines=15):
        log = self.dir / "mail.log"
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else "(no mail log)"


def start_all(world):
    authority = Authority(world.dir)
    authority.create()
    hosts = {p.name: MailHost(world, p) for p in PROVIDERS}
    faults = []

    def start(host):
        try:
            host.start(authority)
        except (LabError, OSError, KeyError) as e:
            faults.append(LabError(f"{host.provider.domain} did not start: {e}\n{host.log_tail()}"))

    threads = [threading.Thread(target=start, args=(h,)) for h in hosts.values()]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if faults:
        raise faults[0]
    return hosts
