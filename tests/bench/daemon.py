#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What fwctld costs and holds: daemon.py [--seconds N] [--rates N,N] [--rules N] [-k events|idle|history|clients|drop].

Each measurement has a network namespace, an fwctld and a policy of its own. Packets are injected by packet.c, on one core. Printed are medians, and for events: how many
packets were logged (the kernel's counter of the line), how many events came, how many were told as lost."""
import argparse
import http.client
import json
import os
import shutil
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

import frames

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("BUILD", os.path.join(os.path.dirname(os.path.dirname(HERE)), "build"))
FLOOD = "default in deny\noption log-default off\ndeny 9/udp log rate 4000000000/second\n"


class Client(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=30)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(self.path)


class Place:
    """A namespace with an interface, a policy, and an fwctld."""

    def __init__(self, number):
        self.name = f"fwd-{os.getpid()}-{number}"
        self.folder = tempfile.mkdtemp(prefix="fwd")
        os.chmod(self.folder, 0o711)
        self.socket, self.history = f"{self.folder}/s.sock", f"{self.folder}/h/history.db"
        subprocess.run(["ip", "netns", "add", self.name], check=True)
        self.run("sh", "-c", "ip link set lo up && ip link add v0 type veth peer name v1 && ip link set v0 address 02:00:00:00:00:01 up && "
                 "ip link set v1 up && ip address add 192.0.2.1/24 dev v0")
        with open(f"{self.folder}/fwctld.conf", "w", encoding="utf-8") as out:
            out.write("user nobody\ngroup nogroup\n")
        self.daemon = None

    def environment(self):
        return dict(os.environ, FWCTL_TEST="1", FWCTL_STATE_DIR=f"{self.folder}/state", FWCTL_RUN_DIR=f"{self.folder}/run", FWCTL_SOCKET=self.socket)

    def run(self, *argv, stdin=None):
        done = subprocess.run(["nsenter", f"--net=/run/netns/{self.name}", *argv], env=self.environment(), input=stdin, capture_output=True, text=True,
                              check=False)
        if done.returncode:
            raise SystemExit(f"{' '.join(argv)}: exit {done.returncode}: {done.stderr[-1000:]}")
        return done.stdout

    def apply(self, text):
        path = f"{self.folder}/policy.conf"
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        self.run(f"{BUILD}/fwctl", "apply", path)

    def start(self):
        self.daemon = subprocess.Popen(["nsenter", f"--net=/run/netns/{self.name}", f"{BUILD}/fwctld", "--config", f"{self.folder}/fwctld.conf",
                                        "--history", self.history], env=self.environment(), stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                if self.get("/v1/rules")["lines"]:
                    return
            except OSError:
                pass
            time.sleep(0.05)
        raise SystemExit("fwctld did not start")

    def stop(self):
        if self.daemon:
            self.daemon.terminate()
            self.daemon.wait()
            self.daemon = None

    def raw(self, target):
        client = Client(self.socket)
        client.request("GET", target)
        body = client.getresponse().read()
        client.close()
        return body

    def get(self, target):
        return json.loads(self.raw(target))

    def pids(self):
        front = subprocess.run(["pgrep", "-P", str(self.daemon.pid)], capture_output=True, text=True, check=True).stdout.split()
        return [self.daemon.pid, int(front[0])]

    def inject(self, count, rate, sources=5000):
        path = f"{self.folder}/frames"
        frames.write(path, [(f"198.51.{i // 250 + 1}.{i % 250 + 1}", "192.0.2.1", 40000 + i % 1000, 9, frames.UDP) for i in range(sources)])
        return json.loads(self.run("taskset", "-c", "0", f"{BUILD}/bench/packet", "v0", path, str(count), str(rate)))

    def close(self):
        self.stop()
        subprocess.run(["ip", "netns", "del", self.name], capture_output=True, check=False)
        shutil.rmtree(self.folder)


def times_of_cpu(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
        words = f.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def schedstat(pid):
    """Seconds on a processor, of all threads."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat", encoding="utf-8") as f:
            total += int(f.read().split()[0])
    return total / 1e9


def memory(pid):
    """KiB: resident, and its share of what is shared."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as f:
        lines = dict((line.split(":")[0], int(line.split()[1])) for line in f if line.startswith(("Rss:", "Pss:")))
    return lines["Rss"], lines["Pss"]


def settle(place, line):
    """Until nothing more comes: counters, events, lost."""
    before = None
    for _ in range(100):
        status = place.get("/v1/status")
        now = ([r["packets"] for r in status["rules"] if r["line"] == line][0], status["daemon"]["events"], status["daemon"]["events_lost"])
        if now == before:
            return now
        before = now
        time.sleep(0.3)
    return before


def events(options):
    place = Place("events")
    place.apply(FLOOD)
    place.start()
    try:
        for rate in options.rates:
            time.sleep(0.2)
            begin = settle(place, 3)
            started = time.monotonic()
            count = (rate or 600000) * options.seconds
            place.inject(count, rate)
            took = time.monotonic() - started
            logged, came, lost = (b - a for a, b in zip(begin, settle(place, 3)))
            told = "as fast as it goes" if not rate else f"{rate}/s"
            print(f"events {told:>20}: {logged / took:9.0f}/s logged {logged}, came {came}, lost {lost}, "
                  f"{'exact' if came + lost == logged else f'OFF BY {logged - came - lost}'}", flush=True)
        shares = place.get("/v1/hits?by=source&limit=5")
        print(f"events by source: {shares['total']} listed; the first {shares['sources'][0]}")
        print("memory after it, KiB (resident, share):", [memory(pid) for pid in place.pids()])
    finally:
        place.close()


def policy_of(rules):
    return "default in deny\n" + "".join(f"allow {1024 + i % 60000}/{'tcp' if i < 60000 else 'udp'} from 10.{i >> 8 & 255}.{i & 255}.0/24\n" for i in range(rules))


def idle(options):
    place = Place("idle")
    place.apply(policy_of(options.rules))
    place.start()
    try:
        time.sleep(10)
        pids = place.pids()
        before, started = [schedstat(pid) for pid in pids], time.monotonic()
        time.sleep(options.idle)
        took = time.monotonic() - started
        used = [(schedstat(pid) - b) / took * 100 for pid, b in zip(pids, before)]
        print(f"idle, {options.rules} rules, {took:.0f} s: keeper {used[0]:.3f} %, front {used[1]:.3f} % of a processor")
        sizes = [memory(pid) for pid in pids]
        print(f"idle, {options.rules} rules: resident {sizes[0][0] / 1024:.1f} + {sizes[1][0] / 1024:.1f} MiB, share {sizes[0][1] / 1024:.1f} + {sizes[1][1] / 1024:.1f} MiB")
        timed = []
        for _ in range(21):
            begin = time.monotonic()
            body = place.raw("/v1/rules")
            timed.append((time.monotonic() - begin) * 1000)
            time.sleep(0.1)
        print(f"/v1/rules, {options.rules} rules: {statistics.median(timed):.1f} ms, {len(body)} bytes, {len(json.loads(body)['lines'])} lines")
        timed = [timed_run(place, f"{BUILD}/fwctl", "status") for _ in range(9)]
        print(f"fwctl status, {options.rules} rules, with fwctld: {statistics.median(timed):.1f} ms")
    finally:
        place.close()


def timed_run(place, *argv):
    begin = time.monotonic()
    place.run(*argv)
    return (time.monotonic() - begin) * 1000


def fill(path, days=14):
    """Every line hit in every hour of so many days, and in every minute of the last hour."""
    db = sqlite3.connect(path)
    lines = [row[0] for row in db.execute("SELECT number FROM line WHERE key LIKE 'rule/%'")]
    now = int(time.time())
    hour = now - now % 3600
    for table, unit, first in (("minute", 60, hour - 3600), ("hour", 3600, hour - days * 86400), ("day", 86400, hour - hour % 86400 - days * 86400)):
        db.executemany(f"INSERT OR REPLACE INTO {table} VALUES(?, ?, 10, 600, 0)",
                       ((at - at % unit, line) for at in range(first, now, unit) for line in lines))
        db.commit()
    db.close()


def history(options):
    place = Place("history")
    place.apply(policy_of(options.rules))
    with open(f"{place.folder}/fwctld.conf", "a", encoding="utf-8") as out:
        out.write("keep 20d\nsize 1G\n")
    place.start()
    place.raw("/v1/hits")
    place.stop()
    fill(place.history)
    place.start()
    try:
        print(f"history: {os.path.getsize(place.history) >> 20} MiB")
        for since, by in (("14d", "rule"), ("24h", "rule"), ("1h", "rule"), ("14d", "source"), ("1h", "minute"), ("14d", "minute")):
            timed = [timed_run(place, f"{BUILD}/fwctl", "hits", "--since", since, "--by", by) for _ in range(9)]
            print(f"fwctl hits --since {since} --by {by}, {options.rules} rules: {statistics.median(timed):.1f} ms")
    finally:
        place.close()


def drop(options):
    """The cost of a dropped packet, with and without fwctld, of a plain deny and of one that is reported as the language says (ten a second)."""
    for what, policy in (("deny", "default in deny\noption log-default off\ndeny 9/udp\n"), ("deny log", "default in deny\ndeny 9/udp log\n")):
        place = Place("drop")
        place.apply(policy)
        place.inject(200000, 0)
        without, beside = [], []
        try:
            for _ in range(options.rounds):
                without.append(place.inject(options.frames, 0)["ns"])
                place.start()
                place.inject(100000, 0)
                beside.append(place.inject(options.frames, 0)["ns"])
                place.stop()
            a, b = statistics.median(without), statistics.median(beside)
            print(f"drop, {what}: {a:.0f} ns without fwctld, {b:.0f} with it: {b / a:.3f}", flush=True)
        finally:
            place.close()


def main():
    parser = argparse.ArgumentParser(description="What fwctld costs and holds.")
    parser.add_argument("-k", default="", help="only measurements whose name holds this word")
    parser.add_argument("--seconds", type=int, default=5, help="of a flood")
    parser.add_argument("--rates", type=lambda text: [int(n) for n in text.split(",")], default=[100000, 200000, 300000, 350000, 0])
    parser.add_argument("--rules", type=int, default=10000)
    parser.add_argument("--idle", type=int, default=60, help="seconds")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--frames", type=int, default=1000000)
    options = parser.parse_args()
    for measure in (events, idle, history, drop):
        if options.k in measure.__name__:
            measure(options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
