# SPDX-License-Identifier: BSD-2-Clause
"""tcp.py PORT...: greet whoever connects, v4 and v6, until killed; prints "ready" when it listens."""
import socket
import sys
import threading


def greet(server):
    while True:
        conn, _ = server.accept()
        try:
            conn.sendall(b"220 here\r\n")
        except OSError:
            pass
        conn.close()


for port in sys.argv[1:]:
    s = socket.create_server(("::", int(port)), family=socket.AF_INET6, dualstack_ipv6=True)
    threading.Thread(target=greet, args=(s,)).start()
print("ready", flush=True)
