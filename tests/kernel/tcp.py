# SPDX-License-Identifier: BSD-2-Clause
"""tcp.py serve PORT...: greet whoever connects, v4 and v6, until killed; prints "ready".
tcp.py try ADDRESS PORT [WANT]: connect, print "open|refused|silent|unreachable MILLISECONDS"; exit 1 if not WANT.
"""
import socket
import sys
import threading
import time


def serve(ports):
    for port in ports:
        s = socket.create_server(("::", int(port)), family=socket.AF_INET6, dualstack_ipv6=True)
        threading.Thread(target=greet, args=(s,)).start()
    print("ready", flush=True)


def greet(server):
    while True:
        conn, _ = server.accept()
        try:
            conn.sendall(b"220 here\r\n")
        except OSError:
            pass
        conn.close()


def attempt(address, port):
    start = time.monotonic()
    try:
        with socket.create_connection((address, int(port)), timeout=3) as s:
            word = "open" if s.recv(3) == b"220" else "mute"
    except ConnectionRefusedError:
        word = "refused"
    except TimeoutError:
        word = "silent"
    except OSError as e:
        word = f"unreachable ({e.strerror})"
    return word, 1000 * (time.monotonic() - start)


if sys.argv[1] == "serve":
    serve(sys.argv[2:])
else:
    got, ms = attempt(sys.argv[2], sys.argv[3])
    print(f"{sys.argv[2]} port {sys.argv[3]}: {got} {ms:.1f}")
    sys.exit(len(sys.argv) > 4 and got != sys.argv[4])
