#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The demonstration: policies/demo.conf is applied in a throw-away network namespace, a neighbour knocks with real packets, and `fwctl
status` says what every line decided. Fails where a knock is not answered as the policy says."""
import contextlib
import os
import socket
import subprocess
import sys
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "wire"))
import space  # noqa: E402

FWCTL = os.path.abspath(os.environ.get("FWCTL", os.path.join(TOP, "build", "fwctl")))
PATIENCE = 0.5  # seconds: who hears nothing for so long was dropped in silence
COLOURS = {"answered": "32", "refused": "33", "silence": "31"} if sys.stdout.isatty() else {}

# from, to, port, how often, what the policy says, why
KNOCKS = [
    ("192.0.2.2", "192.0.2.1", 22, 2, ["answered"] * 2, "allow ssh"),
    ("2001:db8:1::2", "2001:db8:1::1", 80, 3, ["answered"] * 3, "allow http, over IPv6 too"),
    ("192.0.2.2", "192.0.2.1", 8080, 1, ["answered"], "allow 8080/tcp from 192.0.2.0/24"),
    ("2001:db8:1::2", "2001:db8:1::1", 8080, 1, ["silence"], "the same from elsewhere"),
    ("192.0.2.2", "192.0.2.1", 443, 7, ["answered"] * 5 + ["silence"] * 2, "allow https rate 5/minute per source"),
    ("192.0.2.2", "192.0.2.1", 113, 1, ["refused"], "reject auth"),
    ("192.0.2.2", "192.0.2.1", 23, 1, ["silence"], "deny telnet"),
    ("192.0.2.66", "192.0.2.1", 22, 2, ["silence"] * 2, "block blocklist"),
    ("192.0.2.2", "192.0.2.1", 3306, 1, ["silence"], "default in deny"),
]


def serve(net):
    """Answers on every port that is knocked at; who is not let in never gets here."""
    def answer(listener):
        with contextlib.suppress(OSError):
            while True:
                peer, _ = listener.accept()
                with peer:
                    peer.sendall(b"hello\n")

    with net.inside("host"):
        for port in sorted({knock[2] for knock in KNOCKS}):
            listener = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
            threading.Thread(target=answer, args=(listener,), daemon=True).start()


def knock(net, source, target, port):
    family = socket.AF_INET6 if ":" in target else socket.AF_INET
    with net.inside("client"), socket.socket(family, socket.SOCK_STREAM) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_SYNCNT, 1)  # no second SYN within our patience: hits are what was sent
        client.settimeout(PATIENCE)
        client.bind((source, 0))
        try:
            client.connect((target, port))
            return "answered" if client.recv(6) else "refused"
        except ConnectionRefusedError:
            return "refused"
        except TimeoutError:
            return "silence"


def fwctl(net, *arguments):
    environment = dict(os.environ, FWCTL_TEST="1", FWCTL_STATE_DIR=os.path.join(net.folder, "state"), FWCTL_RUN_DIR=os.path.join(net.folder, "run"))
    print(f"\n$ fwctl {' '.join(arguments)}", flush=True)
    with net.inside("host"):
        return subprocess.run([FWCTL, *arguments], cwd=TOP, env=environment, check=False).returncode


def show(source, target, port, results, why):
    words = []
    for word in dict.fromkeys(results):
        text = f"{results.count(word)} {word}"
        words.append(f"\033[{COLOURS[word]}m{text}\033[0m" if word in COLOURS else text)
    print(f"  {source:>14} -> {target + ' port ' + str(port):26} {why:38} {', '.join(words)}", flush=True)


def knock_all(net):
    wrong = 0
    print("\nknocking from the other end of the wire:")
    for source, target, port, times, expected, why in KNOCKS:
        results = [knock(net, source, target, port) for _ in range(times)]
        show(source, target, port, results, why)
        wrong += results != expected
    return wrong


def main():
    if os.geteuid() != 0:
        print("demo: namespaces need root", file=sys.stderr)
        return 1
    space.install_signals()
    begin = time.monotonic()
    net = space.Space()
    with net.inside("client"):
        space.run("ip", "addr", "add", "192.0.2.66/24", "dev", "c0")
    serve(net)
    codes = [fwctl(net, "check", "policies/demo.conf"), fwctl(net, "apply", "policies/demo.conf")]
    wrong = knock_all(net)
    codes += [fwctl(net, "apply", "policies/demo.conf"), fwctl(net, "status")]
    net.close()
    told = "as the policy says" if not wrong else f"{wrong} lines NOT as the policy says"
    print(f"\n{len(KNOCKS)} kinds of knocks, {told}, in {time.monotonic() - begin:.1f} s; nothing of it is left on this machine")
    return 1 if wrong or any(codes) else 0


if __name__ == "__main__":
    sys.exit(main())
