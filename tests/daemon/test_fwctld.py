#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""fwctld against a real kernel: what it counts, keeps and says, and what becomes of it when it is killed, starved, or lied to: test_fwctld.py [-k WORD] [--kills N] [--garbage SECONDS]

Packets go over veth between namespaces. FWCTL: the program (build/fwctl), fwctld lies beside it. Last line: N passed, N failed.
"""
import argparse
import grp
import json
import os
import pwd
import random
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import time
import traceback

from place import FWCTLD, GROUP, PATIENCE, USER, Connection, Failed, Place, need  # noqa: I001 - it says where packets are
from packets import both, checksum, echo, frame, gre, network, tcp, udp
from space import HOST_MAC, PEER_MAC

KILLS = 25
GARBAGE_SECONDS = 0


# --- what is counted ---

def test_counts(p):
    """Counters are the kernel's to the packet, hits and events too; sources and ports by line."""
    p.net.apply('default in deny\noption log-default off\ndeny 23/tcp log "knock" rate 100000/second label "no telnet"\ndeny 53/udp\n')
    p.start()
    sources = [f"192.0.2.{n}" for n in range(10, 20)]
    p.flood([tcp(23, src=s) for s in sources], 5000)
    p.flood([udp(53)], 777)
    p.until(lambda: p.daemon()["events"] == 5000, lambda: f"all events: {p.daemon()}")
    telnet, dns = p.line(3), p.line(4)
    need(telnet["packets"] == 5000 and dns["packets"] == 777, telnet, dns)
    need(telnet["top_source"] in sources and telnet["events"] == 5000, telnet)
    need(p.booked()[telnet["id"]] == 5000, p.booked())
    by_source = p.get("/v1/hits?by=source")["sources"]
    need({s["source"]: (s["events"], s["error"]) for s in by_source} == {s: (500, 0) for s in sources}, by_source)
    by_port = p.get("/v1/hits?by=port&rule=no%20telnet")["ports"]
    need([(i["protocol"], i["port"], i["events"], i["lines"]) for i in by_port] == [("tcp", 23, 5000, ["policy.conf:3"])], by_port)
    by_minute = p.get("/v1/hits?by=minute&since=3600&rule=3")
    need(sum(t["packets"] for t in by_minute["times"]) == 5000 and by_minute["resolution"] == "minute", by_minute)
    need(p.daemon()["events"] == 5000 and p.daemon()["events_lost"] == 0, p.daemon())


def test_events(p):
    """Every sort of packet is told for what it is."""
    p.net.apply("default in deny\noption log-default off\ndeny any log rate 1000/second\n")
    p.start()
    sent = [tcp(23), tcp(24, family=6), udp(99), udp(98, family=6), gre(), echo(), echo(family=6), tcp(25, family=6, ext=("hop", "dest")),
            udp(97, payload=b"x" * 600, fragments=3)]
    for packet in sent:
        p.flood([packet], 1 if packet.fragments == 1 else packet.fragments)
    events = p.until(lambda: (lambda e: e if len(e) >= len(sent) else None)(p.get("/v1/events?last=100")["events"]), "all events")
    need(len(events) == len(sent), len(events), events)
    for packet, event in zip(sent, events):
        want = p.net.complete(packet)
        need(event["source"] == want.src and event["destination"] == want.dst and event["interface"] == "eth0", event)
        need(event["direction"] == "in" and event["verdict"] == "deny" and event["line"] == 3 and event["file"] == "policy.conf", event)
        protocol = {"icmp": "icmp"}.get(want.proto, want.proto)
        need(event["protocol"] in (protocol, "icmpv6" if protocol == "icmpv6" else protocol), protocol, event)
        ports = (want.sport, want.dport) if want.proto in ("tcp", "udp") else (None, None)
        need((event["source_port"], event["destination_port"]) == ports, event)
        need(("icmp_type" in event) == (want.proto in ("icmp", "icmpv6")), event)


def test_many_sources(p):
    """Sources without end take no more room than 64; of the frequent ones none is missing, and each is as wrong as it says at most."""
    p.net.apply("default in deny\noption log-default off\ndeny 9/udp log rate 4000000000/second\n")
    p.start()
    often = {f"198.18.0.{n}": 900 for n in range(1, 11)}
    rare = [udp(9, src=f"10.{n >> 14 & 255}.{n >> 6 & 255}.{n % 64 + 1}") for n in range(40000)]
    before = resident(p.front())
    for turn in range(2):
        p.flood(rare[turn * 20000:][:20000], 20000)
        p.flood([udp(9, src=source) for source in often], 4500)
    p.until(lambda: p.daemon()["events"] == 49000, lambda: f"all events: {p.daemon()}")
    found = p.get("/v1/hits?by=source&limit=1000")["sources"]
    need(len(found) <= 64 and not set(often) - {s["source"] for s in found}, len(found), found[:12])
    for s in found:
        need(s["error"] <= 49000 / 64 and s["events"] - s["error"] <= often.get(s["source"], 1) <= s["events"], s)
    need(resident(p.front()) - before < 4096 or "asan" in FWCTLD, before, resident(p.front()))


def resident(pid):
    """KiB."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as f:
        return int(next(line for line in f if line.startswith("VmRSS")).split()[1])


def test_lost_is_counted(p):
    """A front that cannot keep up: what came and what was lost add up to what was logged."""
    p.net.apply("default in deny\noption log-default off\ndeny 9/udp log rate 4000000000/second\n")
    p.start()
    p.flood([udp(9)], 100)
    p.until(lambda: p.daemon()["events"] == 100, "the first events")
    front = p.front()
    os.kill(front, signal.SIGSTOP)
    try:
        with p.net.inside("host"):  # a smaller queue than that of the daemon would need a long flood: 600,000 packets are 100 MiB of messages
            p.flood([udp(9, src=f"192.0.2.{n}") for n in range(10, 200)], 700000)
    finally:
        os.kill(front, signal.SIGCONT)
    p.flood([udp(9)], 50)
    daemon = p.until(lambda: (lambda d: d if d["events"] + d["events_lost"] == 700150 else None)(p.daemon()), lambda: f"the sum: {p.daemon()}")
    need(daemon["events_lost"] > 0, "nothing was lost: the queue is larger than this test thinks", daemon)
    need(p.line(3)["packets"] == 700150, p.line(3))


def test_over_limit(p):
    """What is over a limit is told apart, and booked."""
    p.net.apply("default in deny\nallow 80/tcp rate 5/hour log rate 1000/second\n")
    p.start()
    p.flood([tcp(80, sport=n) for n in range(1, 21)], 20)
    line = p.line(2)
    need((line["packets"], line["over_limit_packets"]) == (5, 15), line)
    events = p.until(lambda: (lambda e: e if len(e) == 20 else None)(p.get("/v1/events?last=50")["events"]), "20 events")
    need(sum(e.get("over_limit", False) for e in events) == 15 and sum(e["verdict"] == "allow" for e in events) == 5, events)
    need(p.get("/v1/hits?rule=2")["lines"][0]["over_limit_packets"] == 15, p.get("/v1/hits?rule=2"))


# --- policies come and go ---

def test_before_apply(p):
    """It starts with nothing in the kernel, follows each apply, and keeps the history of lines whose text stayed."""
    p.start()
    need(p.get("/v1/status")["active"] is False and p.get("/v1/rules")["lines"] == [], p.get("/v1/status"))
    p.net.apply("default in deny\ndeny 23/tcp\n")
    p.until(lambda: p.get("/v1/status")["active"], "the first policy")
    p.flood([tcp(23)], 40)
    need(p.line(2)["packets"] == 40, p.line(2))
    key = p.line(2)["id"]
    p.booked()
    p.net.apply("default in deny\n# moved\n# down\ndeny 23/tcp\nallow 80/tcp\n")
    p.until(lambda: any(line["line"] == 5 for line in p.get("/v1/rules")["lines"]), "the second policy")
    p.flood([tcp(23)], 2)
    line = p.line(4)
    need(line["id"] == key and line["packets"] == 42 and p.booked()[key] == 42, line, p.booked())
    p.net.apply("default in deny\nallow 80/tcp\n")
    p.until(lambda: not any(line["id"] == key for line in p.get("/v1/rules")["lines"]), "the third policy")
    need(p.booked()[key] == 42, "a line that went keeps its past", p.booked())
    p.net.fwctl("flush")
    p.until(lambda: p.get("/v1/status")["active"] is False, "the flush")
    need(p.booked()[key] == 42, p.booked())


def test_last_hits(p):
    """What a line counted up to the apply that takes it away is in the history."""
    p.net.apply("default in deny\ndeny 23/tcp\nallow 80/tcp\n")
    p.start()
    key, other = p.line(2)["id"], p.line(3)["id"]
    p.flood([tcp(23)], 7)
    p.net.apply("default in deny\nallow 80/tcp\n")
    p.until(lambda: not any(line["id"] == key for line in p.get("/v1/rules")["lines"]), "the second policy")
    need(p.booked().get(key) == 7, p.booked())
    p.flood([tcp(80)], 3)
    p.net.fwctl("flush")
    p.until(lambda: p.get("/v1/status")["active"] is False, "the flush")
    need(p.booked().get(other) == 3, p.booked())


def test_flush_and_apply(p):
    """Counters that begin anew are not taken for old ones."""
    policy = "default in deny\ndeny 23/tcp\n"
    p.net.apply(policy)
    p.start()
    key = p.line(2)["id"]
    for n in range(1, 4):
        p.flood([tcp(23)], 10 * n)
        need(p.booked()[key] == sum(10 * i for i in range(1, n + 1)), n, p.booked())
        p.net.fwctl("flush")
        p.until(lambda: p.get("/v1/status")["active"] is False, "the flush")
        p.net.apply(policy)
        p.until(lambda: p.get("/v1/status")["active"], "the policy again")


def test_away(p):
    """What was hit while it was not there is booked at its return, once."""
    p.net.apply("default in deny\ndeny 23/tcp\n")
    p.start()
    p.flood([tcp(23)], 10)
    need(p.booked()["default/in"] if "default/in" in p.booked() else True, "")
    key = p.line(2)["id"]
    need(p.booked()[key] == 10, p.booked())
    need(p.stop() == 0, "it ended with a failure", p.said())
    p.flood([tcp(23)], 5)
    for _ in range(3):
        p.start()
        need(p.booked()[key] == 15, p.booked())
        p.stop()


def test_drift(p):
    """A change by somebody else is noticed, and who it was."""
    p.net.apply("default in deny\nallow 80/tcp\n")
    p.start()
    need(p.get("/v1/status")["in_sync"] is True, p.get("/v1/status"))
    p.net.nft("add rule inet fwctl input accept")
    status = p.until(lambda: (lambda s: s if s["in_sync"] is False else None)(p.get("/v1/status")), "the drift")
    change = status["daemon"]["last_change"]
    need(change["program"] == "nft" and change["pid"] > 0 and change["ours"] is True, change)
    need(b"\nfwctl_in_sync 0\n" in p.request("GET", "/metrics")[1], "metrics say that all is well")
    p.net.apply("default in deny\nallow 80/tcp\n")
    p.until(lambda: p.get("/v1/status")["in_sync"], "the repair")
    need(p.daemon()["last_change"]["program"] == "fwctl", p.daemon())


def test_log_group(p):
    """It listens where the policy logs, also when that changes."""
    p.net.apply("default in deny\noption log-group 77\ndeny 23/tcp log\n")
    p.start()
    p.flood([tcp(23)], 3)
    p.until(lambda: p.line(3)["events"] == 3, "events of group 77")
    p.net.apply("default in deny\noption log-group 78\ndeny 23/tcp log\n")
    p.until(lambda: p.daemon()["log_group"] == 78, "the other group")
    p.flood([tcp(23)], 2)
    p.until(lambda: p.daemon()["events"] == 5, "events of group 78")


def test_group_taken(p):
    """Where another program listens to the group there are counters and no events, and it says so."""
    p.net.apply("default in deny\ndeny 23/tcp log\n")
    with p.net.inside("host"):
        p.net.listen()
    p.start()
    p.flood([tcp(23)], 3)
    need(p.line(2)["packets"] == 3 and p.daemon()["listening"] is False, p.daemon())
    need("another program listens to it" in p.said(), p.said())


# --- one of them ---

def test_second(p):
    """A second fwctld of a namespace says so, and the first goes on."""
    p.net.apply("allow ssh\n")
    p.start()
    with p.net.inside("host"):
        done = subprocess.run([*p.process.args[:-2], "--history", f"{p.folder}/h2/history.db"], env=p.net.env, capture_output=True, text=True, timeout=PATIENCE,
                              check=False)
    need(done.returncode == 3 and "another fwctld" in done.stderr, done)
    need(p.get("/v1/status")["active"], "the first has gone")


def test_rights(p):
    """The front is another user without a capability, under seccomp; the keeper has one capability."""
    p.net.apply("allow ssh\n")
    p.start()

    def facts(pid):
        with open(f"/proc/{pid}/status", encoding="utf-8") as f:
            return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
    front, keeper = facts(p.front()), facts(p.process.pid)
    need(front["Uid"].split()[0] != "0" and front["CapEff"] == front["CapPrm"] == front["CapBnd"] == "0" * 16 and front["CapAmb"] == "0" * 16, front)
    need(front["Seccomp"] == "2" and front["NoNewPrivs"] == "1" and front["Groups"].strip() == "", front)
    need(int(keeper["CapPrm"], 16) == 1 << 12 and int(keeper["CapBnd"], 16) == 1 << 12 and keeper["NoNewPrivs"] == "1", keeper)
    mode = os.stat(p.socket)
    need(mode.st_mode & 0o777 == 0o660 and mode.st_uid == 0, oct(mode.st_mode))
    need(os.stat(p.history).st_mode & 0o777 == 0o600, oct(os.stat(p.history).st_mode))


def test_not_installed(p):
    """Where nobody made the user fwctl, the front is nobody's, root alone may ask, and that is said."""
    for name in ("passwd", "group"):
        with open(f"/etc/{name}", encoding="utf-8") as f, open(f"{p.folder}/{name}", "w", encoding="utf-8") as out:
            out.writelines(line for line in f if not line.startswith("fwctl:"))
        os.chmod(f"{p.folder}/{name}", 0o644)
    p.names = ""
    p.wrap = ["unshare", "-m", "sh", "-c", f'mount --bind {p.folder}/passwd /etc/passwd && mount --bind {p.folder}/group /etc/group && exec "$@"', "sh"]
    p.net.apply("allow ssh\n")
    p.start()
    need("runs as nobody" in p.said() and p.get("/v1/status")["active"], p.said())
    mode = os.stat(p.socket)
    need(mode.st_gid == 0 and mode.st_mode & 0o777 == 0o660 and os.stat(f"/proc/{p.front()}").st_uid != 0, mode)


def as_user(uid, gid, code):
    return subprocess.run(["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", sys.executable, "-c", code], capture_output=True, text=True,
                          timeout=PATIENCE, check=False)


ASK = """
import socket, sys
s = socket.socket(socket.AF_UNIX); s.settimeout(5); s.connect({path!r})
s.sendall({request!r})
data = b""
while True:
    piece = s.recv(65536)
    if not piece: break
    data += piece
print(data[:200])
"""


def test_who_may_ask(p):
    """Root and the group; nobody else gets a byte of it. Changes are root's."""
    p.net.apply("group banned = dynamic\nblock banned\nallow ssh\n")
    p.start()
    gid = grp.getgrnam(GROUP).gr_gid
    get = b"GET /v1/status HTTP/1.0\r\n\r\n"
    post = b'POST /v1/bans HTTP/1.0\r\nContent-Length: 26\r\n\r\n{"address": "203.0.113.9"}'
    member = as_user(4321, gid, ASK.format(path=p.socket, request=get))
    need("200 OK" in member.stdout, member)
    need("403" in as_user(4321, gid, ASK.format(path=p.socket, request=post)).stdout, "a member changed something")
    stranger = as_user(4321, 4321, ASK.format(path=p.socket, request=get))
    need("PermissionError" in stranger.stderr and not stranger.stdout, stranger)
    os.chmod(p.socket, 0o666)  # even where somebody opened the file
    stranger = as_user(4321, 4321, ASK.format(path=p.socket, request=get))
    need(("403" in stranger.stdout or "ConnectionReset" in stranger.stderr or "BrokenPipe" in stranger.stderr) and "policy" not in stranger.stdout, stranger)
    need(p.get("/v1/bans")["bans"] == [], p.get("/v1/bans"))


def test_bans(p):
    """Members by HTTP, as by the command."""
    p.net.apply("group banned = dynamic timeout 1h\nblock banned\nallow ssh\n")
    p.start()
    status, body = p.request("POST", "/v1/bans", {"address": "203.0.113.9", "timeout_seconds": 60})
    need(status == 200 and json.loads(body) == {"group": "banned", "timeout_seconds": 60}, status, body)
    need(p.request("POST", "/v1/bans", {"address": "2001:db8:9::/48", "group": "banned"})[0] == 200, "a prefix")
    bans = {b["address"]: b["timeout_seconds"] for b in p.get("/v1/bans")["bans"]}
    need(bans == {"203.0.113.9": 60, "2001:db8:9::/48": 3600}, bans)
    need(json.loads(p.net.fwctl("--json", "bans").out)["bans"][0]["group"] == "banned", "the command does not know of them")
    need(p.request("DELETE", "/v1/bans", {"address": "203.0.113.9"})[0] == 200, "unban")
    need([b["address"] for b in p.get("/v1/bans")["bans"]] == ["2001:db8:9::/48"], p.get("/v1/bans"))
    for wrong in ({}, {"address": "x"}, {"address": 7}, {"address": "192.0.2.1", "group": "x" * 100}, {"address": "192.0.2.1", "timeout_seconds": -1}, []):
        need(p.request("POST", "/v1/bans", wrong)[0] == 400, wrong)
    status, body = p.request("POST", "/v1/bans", {"address": "192.0.2.7", "group": "nope"})
    need(status in (400, 409) and b"nope" in body, status, body)


# --- under a service manager ---

def listener(path, kind, uid, gid, mode):
    sock = socket.socket(socket.AF_UNIX, kind)
    sock.bind(path)
    os.chown(path, uid, gid)
    os.chmod(path, mode)
    sock.listen(16)
    return sock


def as_unit(p, sock, user, *options):
    """Starts fwctld as systemd would: a socket as descriptor 3, and perhaps another user."""
    env = {**p.net.env, "FWCTL_KEEPER_SOCKET": f"{p.folder}/keeper.sock", "LISTEN_FDS": "1", "ASAN_OPTIONS": "detect_leaks=0"}
    with p.net.inside("host"):
        pid = os.fork()
        if pid == 0:
            try:
                os.dup2(sock.fileno(), 3)
                if user:
                    os.setgroups([])
                    os.setgid(grp.getgrnam(GROUP).gr_gid)
                    os.setuid(user.pw_uid)
                os.execve(FWCTLD, ["fwctld", *options], {**env, "LISTEN_PID": str(os.getpid())})
            finally:
                os._exit(1)
    return pid


def test_units(p):
    """As two units: each is started anew by itself, and nobody but the front's user may be the front."""
    user = pwd.getpwnam(USER)
    os.mkdir(f"{p.folder}/h")
    os.chown(f"{p.folder}/h", user.pw_uid, -1)
    with open(f"{p.folder}/fwctld.conf", "w", encoding="utf-8") as out:
        out.write(f"user {USER}\ngroup {GROUP}\n")
    p.net.apply("default in deny\noption log-default off\ndeny 23/tcp log rate 1000/second\n")
    for_keeper = listener(f"{p.folder}/keeper.sock", socket.SOCK_SEQPACKET, user.pw_uid, 0, 0o666)
    for_clients = listener(p.socket, socket.SOCK_STREAM, 0, grp.getgrnam(GROUP).gr_gid, 0o660)
    stranger = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    stranger.connect(f"{p.folder}/keeper.sock")
    stranger.settimeout(PATIENCE)
    keeper = as_unit(p, for_keeper, None, "--part", "keeper", "--config", f"{p.folder}/fwctld.conf")
    fronts = []
    try:
        need(stranger.recv(100) == b"", "root was taken for the front")
        for turn in range(1, 4):
            fronts.append(as_unit(p, for_clients, user, "--part", "front", "--history", p.history))
            p.flood([tcp(23)], 10)
            p.until(lambda: p.booked().get(p.line(3)["id"]) == 10 * turn, lambda: p.booked())
            p.flood([tcp(23)], 0)
            if turn < 3:
                os.kill(fronts[-1], signal.SIGKILL)
                os.waitpid(fronts.pop(), 0)
        os.kill(keeper, signal.SIGKILL)
        os.waitpid(keeper, 0)
        os.waitpid(fronts.pop(), 0)  # it cannot do without
        keeper = as_unit(p, for_keeper, None, "--part", "keeper", "--config", f"{p.folder}/fwctld.conf")
        fronts.append(as_unit(p, for_clients, user, "--part", "front", "--history", p.history))
        p.until(lambda: p.booked().get(p.line(3)["id"]) == 30, lambda: p.booked())
        os.kill(keeper, signal.SIGTERM)
        need(os.waitpid(keeper, 0)[1] == 0 and os.waitpid(fronts.pop(), 0)[1] == 0, "the end was no good one")
        keeper = None
    finally:
        for pid in [keeper, *fronts]:
            if pid:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


def test_notify(p):
    """Type=notify: ready when it answers, reloading and ready again, a fed watchdog, stopping."""
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind(f"{p.folder}/notify")
    notify.settimeout(PATIENCE)
    p.net.apply("allow ssh\n")
    p.start(wait=False, env={"NOTIFY_SOCKET": f"{p.folder}/notify"})
    seen = []

    def until_said(word):
        while not seen or word not in seen[-1]:
            seen.append(notify.recv(4096).decode())
    until_said("READY=1")
    need(p.get("/v1/status")["active"], "ready, and no answer")
    until_said("WATCHDOG=1")
    p.process.send_signal(signal.SIGHUP)
    until_said("RELOADING=1")
    until_said("READY=1")
    p.stop()
    until_said("STOPPING=1")


# --- killed ---

def test_killed(p):
    """kill -9 of either process at random moments under packets: the firewall goes on, and in the end the history has each packet once."""
    rng = random.Random(4)
    p.net.apply("default in deny\noption log-default off\ndeny 23/tcp log rate 1000/second\ndeny 53/udp\nallow 80/tcp\n")
    sent = [0, 0]
    for n in range(KILLS):
        p.start(wait=n % 4 == 0)
        for _ in range(rng.randrange(1, 6)):
            count = rng.randrange(1, 200)
            p.flood([tcp(23, src=f"192.0.2.{rng.randrange(3, 250)}")], count)
            p.flood([udp(53)], count // 2)
            sent = [sent[0] + count, sent[1] + count // 2]
            time.sleep(rng.random() * 0.02)
            if rng.random() < 0.3 and p.process.poll() is None and os.path.exists(p.socket):
                try:
                    p.booked()
                except (OSError, Failed):
                    pass
        victim = p.front() if n % 2 else p.process.pid
        if victim:
            os.kill(victim, signal.SIGKILL)
        if n % 2 and victim:
            p.process.wait(PATIENCE)  # the keeper follows
        p.stop(signal.SIGKILL)
        need(p.net.verdict(tcp(80)) == "allow" and p.net.verdict(udp(54)) == "drop", "the firewall did not go on")
        sent_default = n + 1
    p.start()
    booked, counted = p.booked(), p.counted()
    need(booked[p.line(3)["id"]] == sent[0] and booked[p.line(4)["id"]] == sent[1], sent, booked)
    need(booked["default/in"] == sent_default and booked == counted, {k: (booked.get(k), counted.get(k)) for k in {*booked, *counted} if booked.get(k) != counted.get(k)})
    need("damaged" not in p.said(), p.said()[-500:])


def test_stopped_keeper(p):
    """Without the keeper the front ends; SIGTERM ends both, with 0."""
    p.net.apply("allow ssh\n")
    p.start()
    front = p.front()
    need(p.stop() == 0, p.said())
    p.until(lambda: not os.path.exists(f"/proc/{front}"), "the front to end")


# --- disk and clock ---

def test_disk_full(p):
    """A full disk is told; counting goes on; when there is room again, all of it is booked."""
    os.mkdir(f"{p.folder}/h")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m,mode=0711", "none", f"{p.folder}/h"], check=True)
    try:
        p.net.apply("default in deny\noption log-default off\ndeny 23/tcp\n")
        p.start()
        key = p.line(3)["id"]
        p.flood([tcp(23)], 10)
        need(p.booked()[key] == 10, p.booked())
        try:
            with open(f"{p.folder}/h/ballast", "wb", buffering=0) as out:
                while True:
                    out.write(b"x" * 4096)
        except OSError:
            pass
        p.flood([tcp(23)], 30)
        # it goes on where there is room in the files that it has; more and more of them
        error = p.until(lambda: (p.net.apply("default in deny\noption log-default off\n" + "".join(f"deny {port}/tcp\n" for port in range(23, 423))),
                                 p.get("/v1/hits?since=60") and None, p.daemon()["history"]["error"])[2], "the failure to be told")
        need("full" in error, error)
        need(p.line(3)["packets"] == 40, "counting stopped", p.line(3))
        os.unlink(f"{p.folder}/h/ballast")
        p.until(lambda: p.booked().get(key) == 40, lambda: f"what was missed: {p.booked()}")
        need(p.daemon()["history"]["error"] is None, p.daemon())
    finally:
        p.stop()
        subprocess.run(["umount", f"{p.folder}/h"], check=True)


def test_own_limit(p):
    """A history at its size drops the oldest and goes on."""
    p.config = "size 1M\n"
    p.net.apply("default in deny\noption log-default off\n" + "".join(f"deny {port}/tcp log rate 1000/second\n" for port in range(1000, 1600)))
    p.start()
    for n in range(4):
        p.flood([tcp(port, src=f"192.0.2.{3 + (port + n) % 200}") for port in range(1000, 1600)], 600)
        p.booked()
    need(p.counted()[p.line(3)["id"]] == 4, p.line(3))
    p.until(lambda: p.daemon()["history"]["error"] is None, lambda: f"no error: {p.daemon()['history']}")
    need(os.path.getsize(p.history) <= 1 << 20, os.path.getsize(p.history))


def test_damaged(p):
    """A history that is none is moved aside."""
    os.mkdir(f"{p.folder}/h")
    with open(p.history, "wb") as out:
        out.write(b"not a database at all" * 1000)
    os.chown(f"{p.folder}/h", pwd.getpwnam(USER).pw_uid, -1)
    os.chown(p.history, pwd.getpwnam(USER).pw_uid, -1)
    p.net.apply("default in deny\ndeny 23/tcp\n")
    p.start()
    p.flood([tcp(23)], 3)
    need(p.booked()[p.line(2)["id"]] == 3, p.booked())
    need(os.path.exists(p.history + ".damaged") and "damaged" in p.said(), p.said())


def test_clock(p):
    """The clock is set a month ahead, then back: it is told, and nothing of the history goes for its age."""
    clock, shim = f"{p.folder}/clock", f"{p.folder}/clock.so"
    subprocess.run(["gcc", "-O1", "-shared", "-fPIC", "-o", shim, os.path.join(os.path.dirname(os.path.abspath(__file__)), "clock.c"), "-ldl"], check=True)

    def set_clock(seconds):
        with open(clock, "r+b" if os.path.exists(clock) else "wb", buffering=0) as out:
            out.write(struct.pack("q", seconds))
    set_clock(0)
    p.net.apply("default in deny\ndeny 23/tcp\n")
    p.start(env={"LD_PRELOAD": shim, "FWCTL_CLOCK": clock, "ASAN_OPTIONS": "verify_asan_link_order=0"})
    key, sent = p.line(2)["id"], 0
    for step, packets in ((0, 10), (30 * 86400, 20), (-7 * 86400, 5), (0, 3)):
        set_clock(step)
        p.flood([tcp(23)], packets)
        sent += packets
        p.get("/v1/hits")
    need(p.said().count("the clock was set by") == 3, p.said())
    need(p.daemon()["history"]["clock_steps"] == 3, p.daemon())
    need(p.booked(3600)[key] == 13, "the hour has what was sent in it", p.booked(3600))
    p.stop()
    db = sqlite3.connect(p.history)
    for table in ("minute", "hour", "day"):
        have = db.execute(f"SELECT sum(packets) FROM {table} JOIN line ON number = {table}.line WHERE key = ?", (key,)).fetchone()[0]
        need(have == sent, table, have, sent)
    db.close()


# --- clients ---

def test_stream(p):
    """Events as lines, filtered, to several clients at once."""
    p.net.apply("default in deny\noption log-default off\ndeny 23/tcp log rate 1000/second\ndeny 53/udp log rate 1000/second\n")
    p.start()
    streams, connections = [], []
    for target in ("/v1/events", "/v1/events?filter=udp", "/v1/events?filter=deny%20from%20192.0.2.9%20port%2023"):
        connection = Connection(p.socket)
        connection.request("GET", target)
        connections.append(connection)
        streams.append(connection.getresponse())
    p.flood([tcp(23), tcp(23, src="192.0.2.9"), udp(53)], 30)

    def lines(answer, count):
        found = []
        while len(found) < count:
            text = answer.readline()
            need(text, "the stream ended")
            if text.strip():
                found.append(json.loads(text))
        return found
    need(len(lines(streams[0], 30)) == 30, "")
    need({e["protocol"] for e in lines(streams[1], 10)} == {"udp"}, "")
    need({e["source"] for e in lines(streams[2], 10)} == {"192.0.2.9"}, "")
    need(p.request("GET", "/v1/events?filter=nonsense")[0] == 400, "a wrong filter")
    for one in streams + connections:
        one.close()
    p.until(lambda: p.daemon()["clients"] <= 1, lambda: f"those that went without a word to be noticed: {p.daemon()['clients']}")


def test_slow_client(p):
    """A client that never reads is cut off, and others do not suffer."""
    p.net.apply("default in deny\noption log-default off\ndeny 9/udp log rate 4000000000/second\n")
    p.start()
    slow = socket.socket(socket.AF_UNIX)
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.connect(p.socket)
    slow.sendall(b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    p.until(lambda: p.daemon()["clients"] >= 2, "the client")
    for _ in range(20):
        p.flood([udp(9)], 5000)
        time.sleep(0.12)
    need(p.line(3)["packets"] == 100000 and p.daemon()["events"] + p.daemon()["events_lost"] == 100000, p.daemon())
    need(resident(p.front()) < 40 << 10 or "asan" in FWCTLD, "memory", resident(p.front()))
    p.until(lambda: p.daemon()["clients"] == 1, "the slow client to be cut off", 60)
    slow.close()


CROWD = """
import socket, sys, time
found = []
for _ in range(1500):
    s = socket.socket(socket.AF_UNIX); s.setblocking(False)
    for _ in range(100):
        try:
            s.connect({path!r}); break
        except BlockingIOError:
            time.sleep(0.005)
    found.append(s)
print("connected", flush=True)
sys.stdin.read()
"""


def test_thousands(p):
    """Connections by the thousand, of one who may: some wait or are refused, root still gets in, and none is left behind."""
    p.net.apply("allow ssh\n")
    p.start()
    gid = grp.getgrnam(GROUP).gr_gid
    crowd = subprocess.Popen(["setpriv", "--reuid=4321", f"--regid={gid}", "--clear-groups", sys.executable, "-c", CROWD.format(path=p.socket)],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    need(crowd.stdout.readline() == "connected\n", "the crowd did not connect")
    clients = p.daemon()["clients"]
    need(150 < clients <= 256, clients)
    crowd.communicate("")
    p.until(lambda: p.daemon()["clients"] == 1, "all to be gone", 40)
    need(p.get("/v1/status")["active"], "")


def test_garbage(p):
    """What is no HTTP, or too much of it."""
    rng = random.Random(7)
    p.net.apply("allow ssh\n")
    p.start()
    front = p.front()
    pieces = [b"GET ", b"/v1/hits", b"?by=", b"rule", b" HTTP/1.1\r\n", b"\r\n\r\n", b"Host: x\r\n", b"\0" * 50, b"A" * 9000, b"Content-Length: 99999999999\r\n", b"POST ",
              b"/v1/bans", b'{"address": "', b"%00", b"%ff%fe", b"Transfer-Encoding: chunked\r\n", b"ffffffffffffffff\r\n", b"-1\r\n", b"/v1/events?filter=", b'"']
    end = time.monotonic() + GARBAGE_SECONDS
    n = 0
    while n < 400 or time.monotonic() < end:
        n += 1
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(0.03)
        s.connect(p.socket)
        try:
            s.sendall(b"".join(rng.choice(pieces) for _ in range(rng.randrange(1, 12))) + bytes(rng.randrange(256) for _ in range(rng.randrange(20))))
            if n % 3 == 0:
                s.shutdown(socket.SHUT_WR)
                s.recv(4096)
        except OSError:
            pass
        s.close()
    need(p.front() == front and p.get("/v1/status")["active"], "it did not survive", p.said())
    for target in ("/v1/hits?since=x", "/v1/hits?by=colour", "/v1/hits?limit=-1", "/v1/hits?since=99999999999999999999", "/v1/events?last=1e9"):
        status, body = p.request("GET", target)
        need(status == 400 and "error" in json.loads(body), target, status)
    need(p.request("GET", "/v1/hits?rule=nope")[0] == 404 and p.request("GET", "/v2")[0] == 404 and p.request("PUT", "/v1/status")[0] == 405, "statuses")


def test_malformed_packets(p):
    """Packets that lie about themselves are counted, told as far as they can be read, and harm nobody."""
    rng = random.Random(11)
    p.net.apply("default in deny\noption log-default off\ndeny any log rate 4000000000/second\n")
    p.start()
    end, front = p.net.ends["eth0"], p.front()
    for n in range(3000):
        raw = bytearray(network(p.net.complete(rng.choice(both(tcp(23), udp(53), gre()) + [echo(), tcp(25, family=6, ext=("hop", "dest", "route"))])))[0])
        head = 20 if raw[0] >> 4 == 4 else 40
        for _ in range(rng.randrange(0, 6)):
            raw[rng.choice((rng.randrange(head, len(raw)), rng.randrange(len(raw))))] = rng.randrange(256)
        if n % 3 == 0:
            del raw[rng.randrange(head, len(raw)):]
        if n % 2 and raw[0] >> 4 == 4:  # a length and a sum that the kernel believes
            struct.pack_into("!H", raw, 2, len(raw))
            struct.pack_into("!H", raw, 10, 0)
            struct.pack_into("!H", raw, 10, checksum(bytes(raw[:20])))
        elif n % 2 and len(raw) >= 40:
            struct.pack_into("!H", raw, 4, len(raw) - 40)
        end.send(frame(HOST_MAC["eth0"], PEER_MAC["eth0"], bytes(raw)))
    p.net.sync()
    need(p.front() == front, p.said())
    logged, key = p.line(3)["packets"], p.line(3)["id"]
    need(logged > 100, logged)
    p.until(lambda: (lambda d: d["events"] + d["events_unknown"] + d["events_lost"] == logged)(p.daemon()), lambda: f"{logged} events: {p.daemon()}")
    for event in p.get("/v1/events?last=4000")["events"]:
        need(event["direction"] == "in" and event["id"] == key, event)


# --- settings, loopback, journal, metrics ---

def run_daemon(p, text, *options):
    with open(f"{p.folder}/bad.conf", "w", encoding="utf-8") as out:
        out.write(text)
    with p.net.inside("host"):
        return subprocess.run([FWCTLD, "--config", f"{p.folder}/bad.conf", "--history", p.history, *options], env=p.net.env, capture_output=True, text=True,
                              timeout=PATIENCE, check=False)


def test_settings(p):
    """A bad file: where, what, and a way out; nothing starts."""
    for text, place, word in (("keep 14d\nsise 5M\n", "bad.conf:2:1:", "did you mean 'size'"), ("keep forever\n", "bad.conf:1:6:", "14d"), ("listen 0.0.0.0:9380\n", "bad.conf:1:8:", "loopback"),
                              ("listen 127.0.0.1:80\n", "bad.conf:1:8:", "1024"), ("journal maybe\n", "bad.conf:1:9:", "on or off"), ("size 5M 6M\n", "bad.conf:1:9:", "one value"),
                              ("size\n", "bad.conf:1:1:", "needs a value"), ("size 5M\nsize 6M\n", "bad.conf:2:1:", "twice"), ("user nobody-of-that-name\n", "user", "systemd-sysusers"),
                              ("user root\ngroup root\n", "user", "root")):
        done = run_daemon(p, text)
        need(done.returncode == 1 and place in done.stderr and word in done.stderr, text, done)
    need(run_daemon(p, "", "--nonsense").returncode == 64 and run_daemon(p, "", "--help").returncode == 0, "the command line")


def test_reload(p):
    """SIGHUP takes settings over; a bad file is told and changes nothing."""
    p.net.apply("allow ssh\n")
    p.start()
    need(p.daemon()["history"]["keep_seconds"] == 14 * 86400, p.daemon())
    with open(f"{p.folder}/fwctld.conf", "w", encoding="utf-8") as out:
        out.write(f"user {USER}\ngroup {GROUP}\nkeep 3d\nsize 8M\n")
    p.process.send_signal(signal.SIGHUP)
    p.until(lambda: p.daemon()["history"]["keep_seconds"] == 3 * 86400, "the new settings")
    need(p.daemon()["history"]["limit_bytes"] == 8 << 20, p.daemon())
    with open(f"{p.folder}/fwctld.conf", "w", encoding="utf-8") as out:
        out.write("keep nothing\n")
    p.process.send_signal(signal.SIGHUP)
    p.until(lambda: "the settings are as they were" in p.said(), "the complaint")
    need(p.daemon()["history"]["keep_seconds"] == 3 * 86400, p.daemon())


def test_loopback(p):
    """The page and metrics at a loopback address: for reading, by names of the loopback, with a strict policy of contents."""
    p.config = "listen 127.0.0.1:9380\n"
    with p.net.inside("host"):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    p.net.apply("group banned = dynamic\nblock banned\nallow ssh\n")
    p.start()

    def ask(*more):
        with p.net.inside("host"):
            return subprocess.run(["curl", "-s", "-i", "-m", "5", *more], capture_output=True, text=True, check=False).stdout
    page = p.until(lambda: ask("http://127.0.0.1:9380/"), "the page")
    need("200 OK" in page and "default-src 'none'" in page and "frame-ancestors 'none'" in page and "nosniff" in page, page[:800])
    need("fwctl_in_sync 1" in ask("http://localhost:9380/metrics") and "200 OK" in ask("http://127.0.0.1:9380/v1/rules"), "metrics and rules")
    need("403" in ask("-H", "Host: evil.example", "http://127.0.0.1:9380/v1/rules").split("\n")[0], "another name was answered")
    need("403" in ask("-X", "POST", "-d", '{"address": "203.0.113.9"}', "http://127.0.0.1:9380/v1/bans").split("\n")[0], "a change over TCP")
    need(p.request("GET", "/")[0] == 404, "the page is at the loopback address only")
    for text, port, answers in (("keep 3d\nlisten 127.0.0.1:9380\n", 9380, True), ("listen [::1]:9381\n", 9381, True), ("listen off\n", 9381, False)):
        with open(f"{p.folder}/fwctld.conf", "w", encoding="utf-8") as out:
            out.write(f"user {USER}\ngroup {GROUP}\n{text}")
        p.process.send_signal(signal.SIGHUP)
        p.until(lambda: ("200 OK" in ask(f"http://localhost:{port}/")) == answers, text)
    need("there is no page" not in p.said(), p.said())


def test_metrics(p):
    """promtool has nothing against them, and they say what is so."""
    p.net.apply('default in deny\ndeny 23/tcp label "a \\"b\\" \\\\ c"\n')
    p.start()
    p.flood([tcp(23)], 12)
    status, text = p.request("GET", "/metrics")
    tools = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "build", "tools")
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False, timeout=PATIENCE,
                          env=dict(os.environ, PATH=f"{tools}:{os.environ['PATH']}"))
    need(status == 200 and done.returncode == 0 and not done.stderr, done)
    lines = text.decode().split("\n")
    need(any(line.startswith("fwctl_rule_packets_total{id=\"rule/") and 'line="2"' in line and line.endswith(" 12") for line in lines), lines)
    for name in ("fwctl_rule_bytes_total", "fwctl_events_lost_total", "fwctl_policy_info", "fwctl_in_sync", "fwctl_build_info"):
        need(any(line.startswith(name) for line in lines), name)


def test_journal(p):
    """Entries with fields, where the journal is on; a flood is cut short and said."""
    folder = f"{p.folder}/journal"
    os.mkdir(folder)
    os.chmod(folder, 0o777)
    journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    journal.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    journal.bind(f"{folder}/socket")
    os.chmod(f"{folder}/socket", 0o666)
    journal.settimeout(PATIENCE)
    p.config = "journal on\n"
    p.wrap = ["unshare", "-m", "sh", "-c", f'mkdir -p /run/systemd/journal && mount --bind {folder} /run/systemd/journal && exec "$@"', "sh"]
    p.net.apply('default in deny\noption log-default off\ndeny 23/tcp log "knock" rate 100000/second label "x"\n')
    p.start()
    p.flood([tcp(23, src="192.0.2.77")], 1)

    def entry():
        fields = {}
        for line in journal.recv(65536).decode().split("\n"):
            name, _, value = line.partition("=")
            fields[name] = value
        return fields
    fields = entry()
    need(fields["FWCTL_SRC"] == "192.0.2.77" and fields["FWCTL_RULE"] == p.line(3)["id"] and fields["FWCTL_DPT"] == "23" and fields["FWCTL_TEXT"] == "knock", fields)
    need(fields["FWCTL_LINE"] == "3" and fields["FWCTL_VERDICT"] == "deny" and fields["FWCTL_DIRECTION"] == "in" and fields["SYSLOG_IDENTIFIER"] == "fwctld", fields)
    p.flood([tcp(23)], 5000)
    p.until(lambda: "FWCTL_LOST" in entry(), "the word of what was too much")


# --- the commands ---

def test_commands(p):
    """hits, watch, top and status, as a user has them."""
    p.net.apply('default in deny\noption log-default off\ndeny 23/tcp log rate 1000/second label "no telnet"\n')
    absent = p.net.fwctl("hits")
    need(absent.code == 0 and "not running" in absent.err, absent)
    p.start()
    p.flood([tcp(23, src="192.0.2.44")], 30)
    p.until(lambda: p.daemon()["events"] == 30, "the events")
    hits = p.net.fwctl("hits", "--since", "1h")
    need(hits.code == 0 and "30" in hits.out and "policy.conf:3" in hits.out and "█" in hits.out, hits)
    need("192.0.2.44" in p.net.fwctl("hits", "--by", "source").out and "23/tcp" in p.net.fwctl("hits", "--by", "port", "--rule", "no telnet").out, "who and where")
    need(json.loads(p.net.fwctl("--json", "hits", "--by", "minute").out)["ok"] is True, "JSON")
    need(p.net.fwctl("hits", "--rule", "nope").code == 64 and p.net.fwctl("hits", "--by", "colour").code == 64, "wrong words")
    status = json.loads(p.net.fwctl("--json", "status").out)
    line = next(rule for rule in status["rules"] if rule["line"] == 3)
    need(status["daemon"] is True and line["last_hit"] and line["rate"] >= 0, line)
    with p.net.inside("host"):
        watch = subprocess.Popen([os.environ.get("FWCTL", "build/fwctl"), "watch", "--count", "5", "tcp", "port", "23"], env=p.net.env, stdout=subprocess.PIPE, text=True)
    p.until(lambda: p.daemon()["clients"] >= 2, "watch to connect")
    p.flood([tcp(23, src="192.0.2.45")], 10)
    out, _ = watch.communicate(timeout=PATIENCE)
    need(watch.returncode == 0 and out.count("192.0.2.45:40000 > 192.0.2.1:23") == 5 and "policy.conf:3" in out, out)
    top = p.net.fwctl("--json", "top")
    need(top.code == 0 and any("192.0.2.4" in str(row) for row in json.loads(top.out)["lines"]), top)


def main():
    global KILLS, GARBAGE_SECONDS
    parser = argparse.ArgumentParser(description="fwctld against a real kernel.")
    parser.add_argument("-k", default="", help="only tests whose name holds this word")
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--garbage", type=int, default=GARBAGE_SECONDS, help="seconds of garbage for the server")
    options = parser.parse_args()
    KILLS, GARBAGE_SECONDS = options.kills, options.garbage
    os.environ["FWCTL"] = os.path.abspath(os.environ.get("FWCTL", "build/fwctl"))
    place = Place()
    passed = failed = 0
    try:
        for name, test in list(globals().items()):
            if not name.startswith("test_") or options.k not in name:
                continue
            begin = time.monotonic()
            try:
                test(place)
                passed += 1
                print(f"ok      {name[5:]} {time.monotonic() - begin:.1f} s", flush=True)
            except Exception:  # noqa: BLE001 - a test may fail in any way
                failed += 1
                traceback.print_exc()
                print(f"FAILED  {name[5:]}", flush=True)
            place.fresh()
    finally:
        place.close()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
