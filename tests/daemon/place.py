# SPDX-License-Identifier: GPL-2.0-or-later
"""A host with fwctld for the tests: the namespaces of the wire tests, the daemon in the host's, and a client of its socket."""
import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "wire"))
os.environ.setdefault("FWCTL_TEST", "1")

from harness import FWCTL, Net  # noqa: E402
from packets import frame, network  # noqa: E402
from space import HOST_MAC, PEER_MAC  # noqa: E402

FWCTLD = os.path.join(os.path.dirname(FWCTL), "fwctld")
USER, GROUP = "nobody", "nogroup"
PATIENCE = 30 if "asan" in FWCTL else 15


class Failed(Exception):
    pass


def need(condition, *what):
    if not condition:
        raise Failed(" ".join(str(w) for w in what))


class Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path, timeout=PATIENCE):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Place:
    """Packets, policies and one fwctld. Its history outlives the daemon."""

    def __init__(self):
        self.net = Net()
        self.folder = tempfile.mkdtemp(prefix="fwctld-")
        os.chmod(self.folder, 0o711)
        self.socket, self.history = f"{self.folder}/s.sock", f"{self.folder}/h/history.db"
        self.net.env["FWCTL_SOCKET"] = self.socket
        self.config, self.names = "", f"user {USER}\ngroup {GROUP}\n"
        self.process, self.log = None, f"{self.folder}/log"
        self.wrap = []

    def start(self, *options, wait=True, env=None):
        with open(f"{self.folder}/fwctld.conf", "w", encoding="utf-8") as out:
            out.write(self.names + self.config)
        with open(self.log, "a", encoding="utf-8") as log, self.net.inside("host"):
            self.process = subprocess.Popen([*self.wrap, FWCTLD, "--config", f"{self.folder}/fwctld.conf", "--history", self.history, *options],
                                            env={**self.net.env, **(env or {})}, stderr=log, stdin=subprocess.DEVNULL)
        if wait:
            self.until(self.answers, f"fwctld to answer: {self.said()}")

    def answers(self):
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.request("GET", "/v1/status")[0] == 200
        if self.process.poll() is not None:
            raise Failed(f"fwctld ended with {self.process.returncode}: {self.said()}")
        return False

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()

    def front(self):
        found = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True, check=False).stdout.split()
        return int(found[0]) if found else None

    def stop(self, how=signal.SIGTERM):
        """Its exit status."""
        if not self.process:
            return None
        if self.process.poll() is None:
            self.process.send_signal(how)
        status = self.process.wait(PATIENCE)
        self.process = None
        return status

    def fresh(self):
        """As new, for the next test."""
        self.stop()
        self.wrap, self.config, self.names = [], "", f"user {USER}\ngroup {GROUP}\n"
        for name in os.listdir(self.folder):
            path = os.path.join(self.folder, name)
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
        self.net.reset()

    def close(self):
        self.stop(signal.SIGKILL)
        self.net.close()
        shutil.rmtree(self.folder)

    @staticmethod
    def until(condition, what, seconds=PATIENCE):
        """What `condition` gives once it is true."""
        end = time.monotonic() + seconds
        while True:
            found = condition()
            if found:
                return found
            if time.monotonic() > end:
                raise Failed(f"waited {seconds} s for {what() if callable(what) else what}")
            time.sleep(0.03)

    # The client

    def request(self, method, target, body=None):
        connection = Connection(self.socket)
        try:
            connection.request(method, target, body=None if body is None else json.dumps(body))
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def get(self, target):
        status, body = self.request("GET", target)
        need(status == 200, target, status, body[:300])
        return json.loads(body)

    def line(self, number=None, key=None):
        """A line of /v1/rules, by its number in the policy or its id."""
        found = [line for line in self.get("/v1/rules")["lines"] if (line["line"] == number if key is None else line["id"] == key)]
        need(len(found) == 1, "lines", found)
        return found[0]

    def daemon(self):
        return self.get("/v1/status")["daemon"]

    def flood(self, packets, count, dev="eth0"):
        """Sends the packets, one after the other, again and again: `count` in all. Verdicts are nobody's business."""
        frames = [frame(HOST_MAC[dev], PEER_MAC[dev], raw) for p in packets for raw in network(self.net.complete(p.but(on=dev)))]
        end = self.net.ends[dev]
        for i in range(count):
            end.send(frames[i % len(frames)])
        self.net.sync()

    def booked(self, since=86400):
        """What the history has, by id: packets."""
        return {line["id"]: line["packets"] + line["over_limit_packets"] for line in self.get(f"/v1/hits?since={since}&limit=100000")["lines"]}

    def counted(self):
        """What the kernel has, by id: packets."""
        lines = self.get("/v1/rules")["lines"]
        return {line["id"]: line["packets"] + line["over_limit_packets"] for line in lines if line["packets"] + line["over_limit_packets"] > 0}
