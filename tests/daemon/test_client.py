#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""fwctl as a client of fwctld: hits, watch, top and status against a daemon that is played (mock.py): test_client.py [-k WORD]

It runs in a network namespace of its own, with a policy in its kernel. FWCTL: the program (build/fwctl). Last line: N passed, N failed.
"""
import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
import unicodedata

import mock
from mock import Mock, Moving, Raw, event, line, stamp, stream

HERE = os.path.dirname(os.path.abspath(__file__))
FWCTL = os.path.abspath(os.environ.get("FWCTL", os.path.join(HERE, "..", "..", "build", "fwctl")))
POLICY = """default in deny
group banned = dynamic timeout 1h
block banned
allow ssh label "office ssh"
deny telnet log
"""
EVIL = "a\033[2Jb\u009bc\u202ed\ne"
PATIENCE = 20
with open(FWCTL, "rb") as program:
    SANITIZED = b"__asan_init" in program.read()


class Failed(Exception):
    pass


def need(condition, *what):
    if not condition:
        raise Failed(" ".join(str(w) for w in what))


def until(condition, what):
    """What `condition` gives once it is true."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise Failed(f"never: {what()}" if callable(what) else f"never: {what}")


def columns(text):
    """How many columns of a terminal a text takes."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


class Done:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    def __str__(self):
        return f"status {self.status}\n{self.out}\n{self.err}"

    def json(self):
        return json.loads(self.out)


class Space:
    """A folder with the state of a policy that runs, and the socket of the daemon that is played."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="fwclient-")
        os.chmod(self.folder, 0o755)
        self.socket = os.path.join(self.folder, "d.sock")
        self.env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "FWCTL_TEST": "1", "FWCTL_STATE_DIR": self.folder + "/state", "FWCTL_RUN_DIR": self.folder + "/run",
                    "FWCTL_SOCKET": self.socket, "TZ": "UTC", "LC_ALL": "C.UTF-8", "TERM": "xterm-256color"}
        self.mock = Mock(self.socket)

    @contextlib.contextmanager
    def daemon(self):
        self.mock = Mock(self.socket).start()
        try:
            yield self.mock
        finally:
            self.mock.stop()

    def start(self, *args, **more):
        return subprocess.Popen([FWCTL, *args], env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)

    def run(self, *args, before=(), text=None, env=None):
        done = subprocess.run([*before, FWCTL, *args], env={**self.env, **(env or {})}, input=text, capture_output=True, text=True, timeout=60, check=False)
        return Done(done.returncode, done.stdout, done.stderr)

    def apply(self, text=POLICY):
        done = self.run("apply", "-", text=text)
        need(done.status == 0, "apply", done)

    def flush(self):
        self.run("flush")

    def done(self):
        self.flush()
        shutil.rmtree(self.folder)


# --- hits


LINES = {"since": "2026-11-23T10:00:00Z", "until": "2026-11-24T10:00:00Z", "by": "rule", "resolution": "minute", "complete_from": None, "lines": [
    line("rule/aaaa", "allow ssh from office", 4000, line=3, label="office ssh", last_hit="2026-11-24T09:00:00Z"),
    line("rule/bbbb", "deny telnet log", 1000, line=7, verdict="deny"),
    line("builtin/in/established", None, 20, name="established"),
    line("default/in", None, 1, verdict="deny")]}


def test_hits_lines(space):
    with space.daemon() as daemon:
        daemon.say("/v1/hits", LINES)
        done = space.run("hits", "--since", "15m", "--rule", "office ssh & more", "--direction", "in", "--limit", "7")
    need(done.status == 0 and not done.err, done)
    target, _, query, version = daemon.asked[0]
    need(query == {"since": "900", "rule": "office ssh & more", "direction": "in", "limit": "7"}, query)
    need("office%20ssh%20%26%20more" in target and version == "HTTP/1.0", target, version)
    rows = done.out.split("\n")
    need(rows[0].split() == ["packets", "bytes", "last", "where", "line"], rows[0])
    need("policy.conf:3" in rows[1] and "allow ssh from office" in rows[1] and "in" in rows[4] and "default in deny" in rows[4], done)
    ends = {re.match(r" *\S+", row).end() for row in rows[:5]}
    need(len(ends) == 1, "packets are not aligned right", ends)
    bars = [sum(1.0 if c == "\u2588" else (0x2590 - ord(c)) / 8 for c in row if "\u2588" <= c <= "\u258f") for row in rows[1:5]]
    need(bars == [16, 4, 1 / 8, 1 / 8], "bars", bars)
    need(re.search(r"^since 2026-11-23 10:00:00: 5021 packets of 4 lines$", done.out, re.M) and "fwctl hits --by source" in done.out, done)
    need("\033" not in done.out, done)


def test_hits_defaults(space):
    with space.daemon() as daemon:
        daemon.say("/v1/hits", LINES)
        space.run("hits")
        space.run("hits", "--json")
        coloured = space.run("hits", "--color", "always")
    need([asked[2] for asked in daemon.asked[:2]] == [{"since": "86400", "limit": "100"}, {"since": "86400"}], daemon.asked)
    need("\033[32m" in coloured.out and "\033[31m" in coloured.out, coloured)


def test_hits_json(space):
    with space.daemon() as daemon:
        daemon.say("/v1/hits", LINES)
        done = space.run("hits", "--json")
        need(done.status == 0 and not done.err, done)
        need(done.json() == {**LINES, "ok": True, "daemon": True, "diagnostics": []}, done)
        daemon.say("/v1/hits", {"error": {"message": "no such line", "hint": "look"}}, 404)
        done = space.run("hits", "--json", "--rule", "99")
    told = done.json()
    need(done.status == 64 and told["ok"] is False and told["error"] == {"message": "no such line", "hint": "look"} and told["daemon"] is True, done)


def test_hits_sources(space):
    answer = {"since": "2026-11-23T10:00:00Z", "until": "2026-11-24T10:00:00Z", "by": "source", "resolution": "hour", "complete_from": "2026-11-24T08:00:00Z",
              "sources": [{"source": "192.0.2.7", "events": 900, "error": 0, "lines": [f"policy.conf:{n}" for n in range(9)]},
                          {"source": "2001:db8::1", "events": 30, "error": 14, "lines": ["default in"]}]}
    with space.daemon() as daemon:
        daemon.say("/v1/hits", answer)
        done = space.run("hits", "--by", "source", "--limit", "2")
    need(daemon.asked[0][2]["by"] == "source" and done.status == 0, done)
    need(re.search(r"^ *900 +\u2588{16} +192\.0\.2\.7 +policy.conf:0, policy.conf:1, policy.conf:2, policy.conf:3, \.\.\.$", done.out, re.M), done)
    need(re.search(r"^ *30 +-14 .* 2001:db8::1 +default in$", done.out, re.M), done)
    need("930 events of 2 sources (the history begins 2026-11-24 08:00:00)" in done.out and "too high by N" in done.out, done)
    need("--limit N shows more than the first 2" in done.out, done)


def test_hits_ports(space):
    answer = {"since": "2026-11-23T10:00:00Z", "until": "2026-11-24T10:00:00Z", "by": "port", "resolution": "hour", "complete_from": None,
              "ports": [{"protocol": "tcp", "port": 23, "service": "telnet", "events": 10, "error": 0, "lines": ["policy.conf:7"]},
                        {"protocol": "icmp", "port": None, "service": None, "events": 5, "error": 0, "lines": []}]}
    with space.daemon() as daemon:
        daemon.say("/v1/hits", answer)
        done = space.run("hits", "--by", "port")
    need("23/tcp telnet" in done.out and re.search(r"^ *5 .*icmp", done.out, re.M) and "15 events of 2 ports" in done.out and "too high" not in done.out, done)


def test_hits_minutes(space):
    answer = {"since": "2026-11-24T09:00:00Z", "until": "2026-11-24T10:00:00Z", "by": "minute", "resolution": "minute", "complete_from": None,
              "times": [{"time": "2026-11-24T09:01:00Z", "packets": 5, "bytes": 300, "over_limit_packets": 0},
                        {"time": "2026-11-24T09:41:00Z", "packets": 10, "bytes": 600, "over_limit_packets": 0}]}
    with space.daemon() as daemon:
        daemon.say("/v1/hits", answer)
        done = space.run("hits", "--by", "minute", env={"TZ": "UTC-2"})
    need(re.search(r"^2026-11-24 11:01 +5 +300 B +\u2588{8}$", done.out, re.M) and re.search(r"^2026-11-24 11:41 +10 +600 B +\u2588{16}$", done.out, re.M), done)
    need("since 2026-11-24 11:00:00: 15 packets of 2 minutes" in done.out, done)


def test_hits_none(space):
    with space.daemon() as daemon:
        daemon.say("/v1/hits", {**LINES, "lines": []})
        done = space.run("hits")
    need(done.out == "no hits since 2026-11-23 10:00:00\n" and done.status == 0, done)


def test_hits_refused(space):
    with space.daemon() as daemon:
        daemon.say("/v1/hits", {"error": {"message": "a parameter is wrong", "hint": "since=SECONDS"}}, 400)
        done = space.run("hits", "--rule", "x")
        need(done.status == 64 and done.err == "fwctl: a parameter is wrong\n  help: since=SECONDS\n" and not done.out, done)
        daemon.say("/v1/hits", {"error": {"message": "no answer in time" + EVIL, "hint": None}}, 503)
        done = space.run("hits")
        need(done.status == 3 and "fwctl: no answer in time" in done.err and "help" not in done.err and "\033" not in done.err, done)
        daemon.say("/v1/hits", {}, 503)
        done = space.run("hits")
        need(done.status == 3 and done.err == "fwctl: fwctld answers with status 503\n", done)


def test_hits_usage(space):
    for args in (["--since", "yesterday"], ["--since", "0"], ["--by", "colour"], ["--direction", "up"], ["--limit", "0"], ["--limit", "x"], ["ssh"]):
        done = space.run("hits", *args)
        need(done.status == 64 and args[-1] in done.err, args, done)
    need(space.run("status", "--since", "1h").status == 64, "status takes --since")


def test_hits_without_daemon(space):
    space.apply()
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(5):
            sender.sendto(b"x", ("127.0.0.1", 9))
    done = space.run("hits")
    need(done.status == 0 and f"fwctld is not running (nobody listens at {space.socket})" in done.err and "systemctl start fwctld" in done.err, done)
    need("loopback" in done.out and "the kernel's totals" in done.out, done)
    told = space.run("hits", "--json")
    answer = told.json()
    need(answer["ok"] is True and answer["daemon"] is False and answer["by"] == "rule", told)
    found = [item for item in answer["lines"] if item["id"] == "builtin/in/loopback"]
    need(len(found) == 1 and found[0]["packets"] >= 5 and found[0]["direction"] == "in", told)
    need(all(item["direction"] == "out" for item in space.run("hits", "--json", "--direction", "out").json()["lines"]), "direction is not kept to")
    need(len(space.run("hits", "--json", "--limit", "1").json()["lines"]) == 1, "limit is not kept to")


def test_hits_only_daemon(space):
    for by in ("source", "port", "minute"):
        done = space.run("hits", "--by", by)
        need(done.status == 3 and not done.out and "fwctld is not running" in done.err and "help: `systemctl start fwctld`" in done.err, done)
    done = space.run("hits", "--by", "port", "--json")
    told = done.json()
    need(done.status == 3 and told["ok"] is False and told["daemon"] is False and "not running" in told["error"]["message"], done)


def test_socket_of_namespace(space):
    env = {key: value for key, value in space.env.items() if key != "FWCTL_SOCKET"}
    for given in ({}, {"FWCTL_SOCKET": "relative.sock"}):
        done = subprocess.run([FWCTL, "hits", "--by", "port"], env={**env, **given}, capture_output=True, text=True, check=False, timeout=60)
        inode = os.stat("/proc/self/ns/net").st_ino
        need(f"/run/fwctld/ns-{inode}.sock" in done.stderr, done.stderr)
        done = subprocess.run([FWCTL, "--netns", "fwtestnone", "hits", "--by", "port"], env={**env, **given}, capture_output=True, text=True, check=False, timeout=60)
        need("/run/fwctld/fwtestnone.sock" in done.stderr and "fwctld --netns" in done.stderr and done.returncode == 3, done.stderr)


def test_group_only(space):
    nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    with space.daemon() as daemon:
        daemon.say("/v1/hits", LINES)
        daemon.answers["/v1/events"] = lambda query: (200, stream(event()))
        os.chmod(space.socket, 0o600)
        done = space.run("hits", "--by", "port", before=nobody)
        need(done.status == 3 and "root and the group fwctl only" in done.err and "adduser" in done.err, done)
        os.chmod(space.socket, 0o666)
        done = space.run("hits", before=nobody)
        need(done.status == 0 and "allow ssh from office" in done.out, "who may read the socket needs no privilege", done)
        done = space.run("watch", "--count", "1", before=nobody)
        need(done.status == 0 and "deny telnet log" in done.out, done)


# --- answers that are none


BROKEN = {
    "no HTTP": Raw(b"hello\r\n\r\n{}"),
    "nothing": Raw(b""),
    "half a head": Raw(b"HTTP/1.1 200 OK\r\nContent-Type: a"),
    "no number": Raw(b"HTTP/1.1 abc OK\r\n\r\n{\"lines\": []}"),
    "a short head": Raw(b"HTTP/1.\r\n\r\n{}"),
    "half a body": Raw(b"HTTP/1.1 200 OK\r\n\r\n{\"lines\": [{\"id\": \"ru"),
    "a list": Raw(b"HTTP/1.1 200 OK\r\n\r\n[1, 2]"),
    "no UTF-8": Raw(b"HTTP/1.1 200 OK\r\n\r\n{\"lines\": [\"\xff\"]}"),
    "deep": Raw(b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 100000),
    "a long head": Raw(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 100000 + b"\r\n{}"),
}
ODD = [{}, {"lines": 3}, {"lines": [1, None, "x", []]}, {"lines": [{"id": 5, "packets": "many", "text": {}, "last_hit": 7, "rate": "x", "top_source": 1}]},
       {"lines": [{"id": "x" * 5000, "packets": -1, "bytes": -1}, {"id": "rule/aaaa", "last_hit": "soon", "packets": 1e300, "line": -1, "text": "t" * 9000}]},
       {"sources": [{"source": None, "events": -5, "lines": [1, {}]}]}, {"events": [1, {}, {"time": 5}]}]


def test_broken_answers(space):
    for name, body in BROKEN.items():
        with space.daemon() as daemon:
            for path in ("/v1/hits", "/v1/rules", "/v1/events"):
                daemon.say(path, body)
            done = space.run("hits", "--by", "source", "--json")
            need(done.status == 3 and "none of its answers" in done.json()["error"]["message"], name, done)
            need(space.run("top", "--json").status == 3, name, "top")
            if name != "no UTF-8":
                need(space.run("watch").status in (3, 64), name, "watch")
            done = space.run("status", "--json")
            need(done.json()["daemon"] is False and done.status in (0, 4), name, done)


def test_odd_answers(space):
    space.apply()
    for answer in ODD:
        with space.daemon() as daemon:
            for path in ("/v1/hits", "/v1/rules"):
                daemon.say(path, answer)
            for args in (["hits"], ["hits", "--json"], ["top"], ["status"], ["status", "--json"]):
                done = space.run(*args)
                need(done.status == 0 and "\033" not in done.out, answer, args, done)


def test_endless_answer(space):
    def endless(_query):
        def pieces():
            yield b"{\"lines\": [\""
            while True:
                yield b"x" * 65536
        return 200, pieces()

    with space.daemon() as daemon:
        daemon.answers["/v1/hits"] = endless
        done = space.run("hits", "--by", "source", before=[] if SANITIZED else ["prlimit", "--as=400000000"])  # the sanitizer takes terabytes of addresses
    need(done.status == 3 and "does not answer" in done.err, done)


def test_silent_daemon(space):
    """It took the connection, and that was all."""
    space.apply()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as silent:
        silent.bind(space.socket)
        silent.listen(1)
        began = time.monotonic()
        done = space.run("status", "--json")
        took = time.monotonic() - began
        need(done.status == 0 and done.json()["daemon"] is False and 1.5 < took < 5, took, done)
        with contextlib.ExitStack() as stack:  # until the queue of those who wait is full
            for _ in range(2):
                one = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
                one.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    one.connect(space.socket)
            began = time.monotonic()
            done = space.run("status", "--json")
            need(done.status == 0 and done.json()["daemon"] is False and time.monotonic() - began < 1, done)
    os.unlink(space.socket)


# --- status


def test_status(space):
    space.apply()
    plain = space.run("status", "--json").json()
    need(plain["daemon"] is False and "rate" not in plain["rules"][0], plain)
    ssh, telnet = (rule["id"] for rule in plain["rules"])
    block = plain["blocks"][0]["id"]
    told = [{"id": f"rule/{telnet}", "rate": 12.345, "last_hit": stamp(7)}, {"id": f"block/{block}", "rate": 0.0, "last_hit": stamp(3 * 3600 + 5)},
            {"id": "default/in", "rate": 2.5, "last_hit": stamp(1)}, {"id": "builtin/in/established", "rate": 99.0, "last_hit": stamp(0)},
            {"id": "rule/of-a-former-policy", "rate": 1.0, "last_hit": stamp(0)}]
    with space.daemon() as daemon:
        daemon.say("/v1/rules", {"time": stamp(), "lines": told})
        answer = space.run("status", "--json").json()
        done = space.run("status")
        need(daemon.asked[0][0] == "/v1/rules?rates=1", daemon.asked)
    need(answer["daemon"] is True and answer["ok"] is True, answer)
    need((answer["rules"][0]["rate"], answer["rules"][0]["last_hit"]) == (0.0, None) and answer["rules"][0]["id"] == ssh, answer["rules"])
    need((answer["rules"][1]["rate"], answer["rules"][1]["last_hit"]) == (12.345, told[0]["last_hit"]), answer["rules"])
    need(answer["blocks"][0]["last_hit"] == told[1]["last_hit"] and answer["defaults"][0]["rate"] == 2.5, answer)
    need([b["rate"] for b in answer["builtin"] if (b["name"], b["direction"]) == ("established", "in")] == [99.0], answer["builtin"])
    need(re.search(r"packets +bytes +rate/s +last +where +rules", done.out), done)
    need(re.search(r"^ +0 +0 B +12 +\d+s .*deny telnet", done.out, re.M) and re.search(r"^ +0 +0 B +- +- .*allow ssh", done.out, re.M), done)
    need(re.search(r"^ +0 +0 B +- +3h .*block banned", done.out, re.M) and "not running" not in done.out, done)


def test_status_without_daemon(space):
    space.apply()
    done = space.run("status")
    need(done.status == 0 and "rate/s" not in done.out and not done.err, done)
    need(done.out.rstrip().split("\n")[-1].startswith("fwctld is not running"), done)
    with space.daemon() as daemon:
        daemon.say("/v1/rules", {"error": {"message": "x", "hint": None}}, 503)
        need(space.run("status").out == done.out, "an error is no answer")


def test_status_many(space):
    space.apply("".join(f"allow 22/tcp from 10.{n // 250}.{n % 250}.7\n" for n in range(10000)))
    rules = space.run("status", "--json").json()["rules"]
    need(len(rules) == 10000, len(rules))
    body = json.dumps({"time": stamp(), "lines": [{"id": "rule/" + rule["id"], "rate": n + 0.5, "last_hit": stamp(n)} for n, rule in enumerate(rules)]}).encode()
    began = time.monotonic()
    space.run("status", "--json")
    alone = time.monotonic() - began
    with space.daemon() as daemon:
        daemon.say("/v1/rules", body)
        began = time.monotonic()
        answer = space.run("status", "--json").json()
        joined = time.monotonic() - began
    need([rule["rate"] for rule in answer["rules"]] == [n + 0.5 for n in range(10000)], "joined wrong")
    need(joined < alone + 1, "status", alone, "with rates", joined)


# --- watch


def watch(space, *events, args=()):
    with space.daemon() as daemon:
        daemon.answers["/v1/events"] = lambda query: (200, stream(*events))
        done = space.run("watch", "--count", str(sum(isinstance(e, dict) and "lost" not in e for e in events)), *args)
    need(done.status == 0 and not done.err, done)
    return done, daemon


def test_watch_lines(space):
    done, daemon = watch(space, event(), event(source="2001:db8::7", destination="2001:db8::1", verdict="allow", label="office ssh", interface="wlan0"),
                         {"lost": 17}, event(protocol="icmp", source_port=None, destination_port=None, icmp_type=8, icmp_code=0, verdict="reject"),
                         event(protocol="udp", source_port=None, destination_port=None, fragment=True, id="default/in", by="default", file=None, line=None, text=None),
                         event(protocol=None, source=None, destination=None, source_port=None, destination_port=None, interface=None))
    rows = done.out.split("\n")
    need(rows[0] == "10:00:00.123 deny   in      eth0     tcp    192.0.2.7:40000 > 192.0.2.1:23  policy.conf:7  deny telnet log", done)
    need(rows[1].startswith("10:00:00.123 allow  in      wlan0    tcp    [2001:db8::7]:40000 > [2001:db8::1]:23  policy.conf:7  office ssh"), done)
    need(rows[2] == "17 events not shown", done)
    need("192.0.2.7 > 192.0.2.1 type 8 code 0 " in rows[3] and rows[3].split()[1] == "reject", done)
    need("192.0.2.7 > 192.0.2.1 fragment  default in" in rows[4], done)
    need("? > ?" in rows[5] and len(rows) == 7, done)
    need(daemon.asked[0][0] == "/v1/events?filter=", daemon.asked)


def test_watch_json(space):
    done, _ = watch(space, event(text="\u00e4"), {"lost": 3}, event(), args=["--json"])
    need([json.loads(row) for row in done.out.splitlines()] == [event(text="\u00e4"), {"lost": 3}, event()], done)


def test_watch_filter(space):
    _, daemon = watch(space, event(), args=["deny", "tcp", "from", "192.0.2.0/24", "label", "office ssh", "100%"])
    need(daemon.asked[0][2] == {"filter": 'deny tcp from 192.0.2.0/24 label "office ssh" 100%'}, daemon.asked)
    need(" " not in daemon.asked[0][0] and "%25" in daemon.asked[0][0], daemon.asked)


def test_watch_colours(space):
    done, _ = watch(space, event(), args=["--color", "always"])
    need("\033[31mdeny  \033[0m" in done.out and "\033[36mpolicy.conf:7\033[0m" in done.out, done)


def test_watch_refused(space):
    for body in ({"error": {"message": "no port number: 'x'", "hint": "as in: deny tcp"}}, b'{"error": {"message": "no port number: \'x\'", "hint": "as in: deny tcp"}}'):
        with space.daemon() as daemon:
            daemon.say("/v1/events", body, 400)
            done = space.run("watch", "port", "x")
            need(done.status == 64 and done.err == "fwctl: no port number: 'x'\n  help: as in: deny tcp\n" and not done.out, done)
            told = space.run("watch", "--json", "port", "x")
            need(told.status == 64 and told.json()["error"]["message"] == "no port number: 'x'" and told.json()["ok"] is False, told)


def test_watch_usage(space):
    for count in ("0", "x", "-1"):
        need(space.run("watch", "--count", count).status == 64, count)


def test_watch_ends_with_daemon(space):
    with space.daemon() as daemon:
        daemon.answers["/v1/events"] = lambda query: (200, iter([(json.dumps(event()) + "\n").encode(), b'{"half": "a li']))
        done = space.run("watch")
    need(done.status == 3 and done.out.count("\n") == 1 and "fwctld has ended" in done.err, done)


def test_watch_interrupt(space):
    with space.daemon() as daemon:
        daemon.answers["/v1/events"] = lambda query: (200, stream(event()))
        for sent in (signal.SIGINT, signal.SIGTERM):
            child = space.start("watch")
            need("telnet" in child.stdout.readline(), "no event")
            child.send_signal(sent)
            out, err = child.communicate(timeout=10)
            need(child.returncode == 0 and not err and not out, sent, child.returncode, err)


def flood(_query):
    def pieces():
        block = (json.dumps(event()) + "\n").encode() * 500
        while True:
            yield block
    return 200, pieces()


def test_watch_interrupt_under_flood(space):
    """Events come faster than they can be shown: ^C is heard."""
    with space.daemon() as daemon:
        daemon.answers["/v1/events"] = flood
        with open(os.devnull, "wb") as null:
            child = subprocess.Popen([FWCTL, "watch"], env=space.env, stdin=subprocess.DEVNULL, stdout=null)
            until(lambda: daemon.asked, "the question")
            time.sleep(1)
            child.send_signal(signal.SIGINT)
            need(child.wait(timeout=5) == 0, "status", child.returncode)


def test_watch_closed_pipe(space):
    for events in ([event()] * 3, []):  # at the next event; where none comes, at once
        with space.daemon() as daemon:
            daemon.answers["/v1/events"] = lambda query, e=events: (200, stream(event(), *e))
            child = space.start("watch")
            child.stdout.readline()
            child.stdout.close()
            need(child.wait(timeout=5) == 0 and not child.stderr.read(), "status", child.returncode)
            child.stderr.close()


def test_watch_evil(space):
    bad = event(interface=EVIL, protocol=EVIL, source=EVIL, destination=EVIL, text=EVIL, label=EVIL, file=EVIL, log=EVIL, verdict=EVIL, direction=EVIL)
    done, _ = watch(space, bad, event(time=EVIL), event(time="2026-11-24T10:00:00"))
    need(not any(c in done.out for c in "\033\u009b\u202e") and done.out.count("\n") == 3, ascii(done.out))
    need(done.out.split("\n")[2].startswith("10:00:00.000 "), done)


def test_hits_evil(space):
    answer = {"since": EVIL, "lines": [line("rule/a", EVIL, 5, file=EVIL, label=EVIL, verdict=EVIL)]}
    with space.daemon() as daemon:
        for answer in (answer, {"sources": [{"source": EVIL, "events": 4, "lines": [EVIL]}]}, {"ports": [{"protocol": EVIL, "port": 1, "service": EVIL, "events": 3, "lines": []}]}):
            daemon.say("/v1/hits", answer)
            done = space.run("hits")
            need(done.status == 0 and not any(c in done.out for c in "\033\u009b\u202e"), ascii(done.out))


# --- top


def test_top_plain(space):
    lines, rates = mock.policy(8)
    with space.daemon() as daemon:
        daemon.answers["/v1/rules"] = Moving(lines, rates)
        done = space.run("top")
        told = space.run("top", "--json").json()
    need(done.status == 0 and not done.err, done)
    rows = done.out.split("\n")
    need(rows[0].split() == ["rate", "packets", "last", "top", "source", "where", "line"] and len(rows) == 10, done)
    need("built-in established" in rows[1] and "deny telnet log" in rows[2] and "192.0.2.7" in rows[2], done)
    need(told["daemon"] is True and told["ok"] is True, told)
    for key, rate in (("builtin/in/established", 900), ("rule/bbbb", 120), ("rule/cccc", 0)):
        found = [item["rate"] for item in told["lines"] if item["id"] == key]
        need(abs(found[0] - rate) <= rate * 0.2, key, found)


def test_top_without_daemon(space):
    space.apply()
    done = space.run("top", "--json")
    told = done.json()
    need(done.status == 0 and told["daemon"] is False and told["ok"] is True and "fwctld is not running" in done.err, done)
    need({"deny telnet log", "allow ssh label \"office ssh\""} <= {item["text"] for item in told["lines"]}, told)
    need(all(item["top_source"] is None for item in told["lines"]), told)
    space.flush()
    done = space.run("top")
    need(done.status == 3 and "nothing in the kernel" in done.err, done)


class Terminal:
    """`fwctl top` in tmux."""

    def __init__(self, space, width, height, *args):
        self.space, self.path, self.status = space, os.path.join(space.folder, "tmux"), os.path.join(space.folder, "status")
        if os.path.exists(self.status):
            os.unlink(self.status)
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(width), "-y", str(height),  # tmux itself may lose the status
                  f"{FWCTL} {' '.join(args)} top; echo $? >{self.status}.new; mv {self.status}.new {self.status}")
        self.tmux("set-option", "-g", "remain-on-exit", "on")

    def tmux(self, *args):
        return subprocess.run(["tmux", "-u", "-S", self.path, *args], env=self.space.env, capture_output=True, text=True, check=True, timeout=20).stdout

    def screen(self, colours=False):
        return self.tmux("capture-pane", "-p", *(["-e"] if colours else []))

    def keys(self, *keys):
        self.tmux("send-keys", *keys)

    def wait(self, pattern, without=None):
        """The screen, once it shows one thing, and not the other."""
        shown = [""]

        def look():
            shown[0] = self.screen()
            return re.search(pattern, shown[0], re.M) and not (without and re.search(without, shown[0], re.M)) and shown[0]

        return until(look, lambda: f"{pattern!r} on\n{shown[0]}")

    def ended(self):
        """Its exit status."""
        until(lambda: os.path.exists(self.status), lambda: "it ends:\n" + self.screen())
        with open(self.status, encoding="ascii") as status:
            return int(status.read())

    def close(self):
        self.tmux("kill-server")


@contextlib.contextmanager
def terminal(space, width, height, *args):
    made = Terminal(space, width, height, *args)
    try:
        yield made
    finally:
        made.close()


@contextlib.contextmanager
def top(space, width=120, height=24, count=30):
    lines, rates = mock.policy(count)
    with space.daemon() as daemon:
        daemon.answers["/v1/rules"] = Moving(lines, rates)
        with terminal(space, width, height) as shown:
            yield shown, daemon


def order(screen):
    """What the lines of the table are, from above."""
    words = {"deny telnet": "telnet", "allow ssh": "ssh", "reject auth": "auth", "block banned": "block", "built-in established": "established", "default in": "default"}
    return [name for row in screen.split("\n")[3:] for text, name in words.items() if text in row]


def test_top_table(space):
    with top(space) as (shown, _):
        screen = shown.wait(r"^ +1\d\d\.\d +\d+ .*deny telnet log")
        need(re.search(r"rate/s\* +packets +last +the last 15 s +top source +where +line", screen), screen)
        need(order(screen)[:2] == ["established", "telnet"], screen)
        need(re.search(r"[\u2581-\u2588]{2}.*192\.0\.2\.7 +policy.conf:7 +deny telnet log", shown.wait(r"[\u2581-\u2588]{2} .*telnet")), screen)
        need("30 lines" in screen and "not running" not in screen, screen)
        shown.keys("n")
        need(order(shown.wait(r"where\*"))[:3] == ["ssh", "telnet", "auth"], shown.screen())
        shown.keys("p")
        need(order(shown.wait(r"packets\*"))[:3] == ["established", "ssh", "telnet"], shown.screen())
        shown.keys("l")
        need(order(shown.wait(r"last\*"))[-1] != "ssh" and "auth" not in order(shown.screen())[:4], shown.screen())
        shown.keys("?")
        shown.wait("in the order of the policy")
        shown.keys("Escape")
        shown.wait("rate/s", without="in the order of the policy")
        shown.keys("q")
        need(shown.ended() == 0, "status")


def test_top_events(space):
    past = [event(id="rule/bbbb", source=f"2001:db8::{n}", log="knock") for n in range(3)] + [event(id="rule/aaaa", source="192.0.2.99")] + \
           [event(id="rule/bbbb", protocol="icmp", source="192.0.2.5", source_port=None, destination_port=None, icmp_type=8, icmp_code=0)]
    with top(space) as (shown, daemon):
        daemon.say("/v1/events", {"events": past})
        shown.wait("deny telnet log")
        shown.keys("n")
        shown.wait(r"where\*")
        shown.keys("Down")
        shown.keys("Enter")
        screen = shown.wait(r"\[2001:db8::2\]:40000 > 192\.0\.2\.1:23 +knock")
        need(screen.split("\n")[2] == "policy.conf:7  deny telnet log", screen)
        need("192.0.2.5 > 192.0.2.1 type 8" in screen and "192.0.2.99" not in screen, screen)
        need("10:00:00.123  deny" in screen, screen)
        need(any(path == "/v1/events" and int(query["last"]) >= 200 for _, path, query, _ in daemon.asked), daemon.asked)
        shown.keys("Escape")
        shown.wait("rate/s", without="knock")
        shown.keys("Home", "e")
        shown.wait(r"192\.0\.2\.99", without="knock")
        shown.keys("q")
        need(shown.ended() == 0, "status")


def test_top_ban(space):
    space.apply()
    with top(space) as (shown, _):
        shown.wait("deny telnet log")
        shown.keys("n")
        shown.wait(r"where\*")
        shown.keys("Down", "b")
        shown.wait(r"^ban 192\.0\.2\.7\? y/n")
        shown.keys("n")
        shown.wait("rate/s", without="y/n")
        need(space.run("bans", "--json").json()["bans"] == [], "banned without a yes")
        shown.keys("b")
        shown.wait("y/n")
        shown.keys("y")
        shown.wait(r"^banned 192\.0\.2\.7 in 'banned'")
        need([ban["address"] for ban in space.run("bans", "--json").json()["bans"]] == ["192.0.2.7"], "not banned")
        shown.keys("Up", "b")
        shown.wait("no source of this line is known")
        space.flush()
        shown.keys("Down", "b")
        shown.wait("y/n")
        shown.keys("y")
        shown.wait("not banned: ")


def test_top_filter(space):
    with top(space) as (shown, _):
        shown.wait("deny telnet log")
        shown.keys("/")
        shown.keys("TEL")
        screen = shown.wait("^fwctl top .* 1 line", without="allow ssh")
        need(order(screen) == ["telnet"] and "/TEL" in screen, screen)
        shown.keys("BSpace", "BSpace", "BSpace", "1", "9", "2", ".", "Enter")
        screen = shown.wait("lines? with 192\\.", without="allow ssh")
        need(order(screen) == ["telnet"], screen)
        shown.keys("Escape")
        shown.wait("^fwctl top .* 30 lines")


def test_top_narrow(space):
    for width, height in ((60, 12), (40, 8), (10, 4), (3, 2)):
        with top(space, width, height) as (shown, _):
            shown.wait("fwctl top"[:width - 1])
            if width == 60:
                screen = shown.wait(r"policy.conf:9 +reject auth label \"b\u2026$")
                need(all(columns(row) <= 60 for row in screen.split("\n")), screen)
                need(re.search(r"deny telnet log$", screen, re.M), screen)
            for key in ("Down", "End", "PageUp", "e", "Escape", "?", "Escape"):
                shown.keys(key)
            shown.keys("q")
            need(shown.ended() == 0, width, height)


def test_top_resize(space):
    with top(space, 120, 24) as (shown, _):
        shown.wait("top source .* line")
        shown.tmux("resize-window", "-x", "62", "-y", "10")
        screen = shown.wait(r"rate/s\* +packets +where", without="top source")
        need("interrupted" not in screen.lower() and "does not answer" not in screen, screen)
        shown.tmux("resize-window", "-x", "170", "-y", "30")
        screen = shown.wait("top source .*where")
        need(re.search("2001:db8:1234:5678:9abc:def0:1234:5678 +policy.conf:9", screen), screen)


def test_top_many(space):
    with top(space, 100, 20, 10000) as (shown, _):
        shown.wait("10000 lines")
        shown.keys("n")
        shown.wait(r"where\*")
        shown.keys("End")
        shown.wait(r"\u2026licy.conf:10013 +allow 22/tcp")  # the last one
        shown.keys("PageUp", "PageUp")
        shown.wait(r"policy.conf:9985 +allow", without="conf:10013 ")
        shown.keys("Home")
        shown.wait("allow ssh from office")
        shown.keys("q")
        need(shown.ended() == 0, "status")


def test_top_daemon_lost(space):
    space.apply()
    lines, rates = mock.policy(27)
    with terminal(space, 130, 20) as shown:
        screen = shown.wait("fwctld is not running: counters of the kernel only")
        need("deny telnet log" in screen, screen)
        need(re.search("\033\\[[0-9;]*31m[^\n]*fwctld is not running", shown.screen(colours=True)), ascii(shown.screen(colours=True)))
        with space.daemon() as daemon:
            daemon.answers["/v1/rules"] = Moving(lines, rates)
            shown.wait("27 lines", without="not running")
        shown.wait("fwctld is not running", without="27 lines")
        space.flush()
        shown.wait("nothing in the kernel")
        with space.daemon() as daemon:
            daemon.answers["/v1/rules"] = Moving(lines, rates)
            shown.wait("27 lines", without="nothing in the kernel")
            daemon.say("/v1/rules", Raw(b"garbage"))
            shown.wait("fwctld does not answer: what came is none of its answers")
        shown.keys("q")
        need(shown.ended() == 0, "status")


def test_top_evil(space):
    with space.daemon() as daemon:
        daemon.say("/v1/rules", {"lines": [line("rule/a", EVIL + "end", 5, file=EVIL, top_source=EVIL), line("rule/b", "\u4e2d" * 200, 1, line=2, top_source="\u00e9" * 60),
                                           line("rule/c", "e\u0301" * 100 + "x" * 400, 1)]})
        daemon.say("/v1/events", {"events": [event(id="rule/a", interface=EVIL, source=EVIL, log=EVIL)] * 300})
        done = space.run("top")
        need(done.status == 0 and not any(c in done.out for c in "\033\u009b\u202e"), ascii(done.out))
        with terminal(space, 120, 12) as shown:
            screen = shown.wait("a\\?\\[2Jb")
            need(not any(c in screen for c in "\033\u009b\u202e") and all(columns(row) <= 120 for row in screen.split("\n")), ascii(screen))
            shown.keys("e")
            shown.wait("deny .*a\\?\\[2Jb")
            shown.keys("q")
            need(shown.ended() == 0, "status")


# --- all of them


def main():
    if os.environ.get("FWCLIENT_INSIDE") != "1":
        os.environ["FWCLIENT_INSIDE"] = "1"
        os.execvp("unshare", ["unshare", "-n", sys.executable, *sys.argv])
    parser = argparse.ArgumentParser()
    parser.add_argument("-k", metavar="WORD", default="", help="only tests with this in their name")
    wanted = parser.parse_args().k
    passed = failed = 0
    for name, test in [(n, t) for n, t in globals().items() if n.startswith("test_") and wanted in n]:
        space = Space()
        try:
            test(space)
            passed += 1
        except Exception as error:  # pylint: disable=broad-except
            failed += 1
            print(f"FAILED: {name}: {error if isinstance(error, Failed) else traceback.format_exc()}", flush=True)
        finally:
            space.done()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
