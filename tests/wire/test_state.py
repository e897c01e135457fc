# SPDX-License-Identifier: GPL-2.0-or-later
"""What lives through an apply, and what an apply must leave alone: hits, limits, connections, other tables, a kernel that refuses."""
import difflib
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import time

from cases import fresh, limit
from harness import FWCTL
from packets import both, frame, gre, network, tcp, udp
from space import HOST_MAC, PEER_MAC
from test_limits import connect, listener

MANY = "".join(f"allow {port}/tcp from 192.0.2.{port % 50}\n" for port in range(2000, 2050))
VARIANTS = [
    "allow 80/tcp\ndeny 81/udp\n{0}",
    MANY + "{0}",
    "{0}" + MANY + "reject 85/tcp\n",
    "block 203.0.113.0/24\n{0}deny any\n",
    "default forward deny\ngroup g = 10.0.0.0/8\ndeny 99/tcp from g\n{0}allow out 1/tcp\n",
    "zone z = wg*\non z {{\n allow 70/tcp\n}}\n{0}",
]


def line_of(net, text):
    found = [e for e in net.status().lines if text in e["text"]]
    assert len(found) == 1, f"{len(found)} lines of the status hold '{text}'"
    return found[0]


def reorder(net, own, turn):
    net.apply(VARIANTS[turn % len(VARIANTS)].format(own))


# Hits

def test_exact_hits(net):
    """n packets count exactly n, bytes too, however they come in among others."""
    net.apply("allow 80/tcp\nallow 443/udp\ndeny gre\n")
    packets = [tcp(80, sport=n) for n in range(1, 1001)] + [udp(443, sport=n, payload=b"x" * 72) for n in range(1, 778)] + [gre()] * 123
    net.send([p for n in range(2000) for p in packets[n::2000]] + [tcp(7)] * 55)
    status = net.status()
    assert [(status.line(n).packets, status.line(n).bytes) for n in (1, 2, 3)] == [(1000, 40000), (777, 77700), (123, 123 * 44)]
    assert (status.default("in").packets, status.default("in").bytes) == (55, 55 * 40)
    assert net.hits(1) == 1000


def test_counts_survive_apply(net):
    """Of rules, blocks, built-ins and defaults, while other lines come, go and change places."""
    own = "allow 5000/tcp\nallow 5001/udp rate 5/hour\ndeny gre\n"
    net.apply(own)
    net.send([tcp(5000)] * 40 + [udp(5001)] * 9 + [gre()] * 7 + [tcp(9)] * 3)
    invalid = net.send([tcp(5000, flags="SF")] * 4)
    assert invalid == ["drop"] * 4
    ids = [line_of(net, t)["id"] for t in ("5000/tcp", "5001/udp", "gre")]
    for turn in range(6):
        reorder(net, own, turn)
        entries = [line_of(net, t) for t in ("5000/tcp", "5001/udp", "gre")]
        assert [(e.packets, e.over_limit_packets) for e in entries] == [(40, 0), (5, 4), (7, 0)], turn
        assert [e["id"] for e in entries] == ids
        assert net.status().builtin("invalid", "in").packets == 4
        assert net.status().default("in").packets == 3
    reorder(net, own, 3)
    net.send([tcp(1, src="203.0.113.1")] * 6)
    net.apply("allow 1/tcp\nblock 203.0.113.0/24\n" + own)
    assert line_of(net, "block").packets == 6


def test_limits_survive_apply(net):
    """No fresh burst: of a rule's limit, of a source's, of open connections."""
    own = ("allow 5000/tcp rate 5/hour\nallow 5001/tcp rate 3/hour per source\nallow 5002/udp connections 2\n"
           "allow 5003/udp connections 1 per source\n")
    with net.inside("host"):
        sinks = [socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) for _ in range(2)]
        for n, sink in enumerate(sinks):
            sink.bind(("::", 5002 + n))
        net.apply(own)

        def probe(start):
            return net.send([tcp(5000)] * 6 + [tcp(5001)] * 4 + [udp(5002, sport=start + n, keep=True) for n in range(3)]
                            + [udp(5003, sport=start + n, keep=True) for n in range(2)])
        assert probe(1) == ["allow"] * 5 + ["drop"] + ["allow"] * 3 + ["drop"] + ["allow"] * 2 + ["drop"] + ["allow", "drop"]
        for turn in range(6):
            reorder(net, own, turn)
            assert probe(100 + 10 * turn) == ["drop"] * 15, f"after variant {turn}"
        for sink in sinks:
            sink.close()


def test_changed_rule_starts_anew(net):
    """A rule's counters are those of its text."""
    net.apply("allow 80/tcp\n")
    net.send([tcp(80)] * 5)
    net.apply("allow 80-81/tcp\n")
    assert net.status().line(1).packets == 0


def test_equal_lines(net):
    """Two lines of the same text are two rules."""
    net.apply("allow 80/tcp\nallow 80/tcp\n")
    net.send([tcp(80)] * 5)
    status = net.status()
    assert [status.line(1).packets, status.line(2).packets] == [5, 0]
    assert status.line(1)["id"] != status.line(2)["id"]


class Flood:
    """A process on another CPU that sends UDP packets to port 9999 until it is told to stop. The observer counts what really arrived."""

    def __init__(self, net, packets):
        self.net, self.start = net, 0
        self.start = self.arrived()
        frames = [frame(HOST_MAC["eth0"], PEER_MAC["eth0"], network(net.complete(p))[0]) for p in packets]
        others = set(range(os.cpu_count())) - os.sched_getaffinity(0)
        self.pid = os.fork()
        if self.pid == 0:
            try:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                signal.alarm(60)
                if others:
                    os.sched_setaffinity(0, others)
                self.send(net.ends["eth0"], frames * 10)
            finally:
                os._exit(1)
        end = time.monotonic() + 20
        while self.arrived() == 0:  # on a busy machine the child may come late
            assert os.waitpid(self.pid, os.WNOHANG) == (0, 0), "the flood ended before it began"
            assert time.monotonic() < end, "nothing of the flood arrives"
            time.sleep(0.02)

    @staticmethod
    def send(end, frames):
        while True:
            for data in frames:
                end.send(data)
            time.sleep(0.001)

    def stop(self):
        """Returns how many packets reached the host."""
        os.kill(self.pid, signal.SIGTERM)
        os.waitpid(self.pid, 0)
        self.net.sync()
        arrived = -1
        while arrived != (arrived := self.arrived()):  # the other CPU's queue
            time.sleep(0.05)
        return arrived

    def arrived(self):
        data = json.loads(self.net.listing("host", "-j", "list", "counter", "inet", "observe", "flood"))
        return [e["counter"]["packets"] for e in data["nftables"] if "counter" in e][0] - self.start


@limit(120)
def test_hits_under_flood(net):
    """Twenty applies while packets come in: none is decided by another line, and all are counted but those that were under way at a commit. Such a
    packet walks the old generation's rules, meets the new elements of a map, and the chain that they name has no rules in the old generation:
    it ends at the hook's policy, drop. With one core that sends, there is at most one for each commit."""
    own = "allow 9999/udp from 192.0.2.0/25\ndeny 9999/udp from 192.0.2.128/25\n"
    net.apply(own)
    flood = Flood(net, [udp(9999, src=f"192.0.2.{n}") for n in (5, 6, 7, 130, 131, 132)] + [udp(9999, src="203.0.114.1")])
    for turn in range(20):
        reorder(net, own, turn if turn % 6 != 3 else 0)
    arrived = flood.stop()
    status = net.status()
    mine = [line_of(net, "192.0.2.0/25").packets, line_of(net, "192.0.2.128/25").packets]
    outside = status.default("in").packets
    assert arrived > 1000, arrived
    assert arrived - 20 <= sum(mine) + outside <= arrived, f"{arrived} packets came, {mine} + {outside} were counted"
    assert abs(mine[0] - mine[1]) <= 3 and abs(outside * 3 - mine[0]) <= 6, (mine, outside)


@limit(120)
def test_limits_under_flood(net):
    """A limit does not open while rulesets change under a flood."""
    own = "allow 9999/udp rate 10/hour per source\n"
    net.apply(own)
    flood = Flood(net, [udp(9999, src=f"192.0.2.{n}") for n in range(2, 12)])
    for turn in range(20):
        reorder(net, own, turn if turn % 6 != 3 else 0)
    arrived = flood.stop()
    entry = line_of(net, "9999/udp")
    assert arrived > 1000
    assert entry.packets == 100, f"{entry.packets} of ten sources with ten each passed"
    assert entry.packets + entry.over_limit_packets == arrived


def open_flows(port):
    """How many connections to a port the host's table holds."""
    with open("/proc/thread-self/net/nf_conntrack", encoding="ascii") as f:
        return sum(f" dport={port} " in line for line in f)


@limit(120)
def test_connections_under_flood(net):
    """What is open stays counted while rulesets change under a flood: never one more than so many of each source."""
    own = "allow forward 9999/udp connections 5 per source\n"
    net.apply(own)
    flood = Flood(net, [udp(9999, src=f"192.0.2.{n}", sport=port, direction="forward") for port in range(1000, 1020) for n in range(2, 6)])
    for turn in range(20):
        reorder(net, own, turn if turn % 6 != 3 else 0)
        assert open_flows(9999) <= 20
    arrived = flood.stop()
    entry = line_of(net, "9999/udp")
    assert arrived > 1000 and open_flows(9999) == 20
    assert entry.packets + entry.over_limit_packets == arrived, (dict(entry), arrived)
    assert 0.2 < entry.packets / arrived < 0.3, "five of each source's twenty flows go on"


# Connections that were open before the first apply

class Wire:
    """A real TCP connection with two ends that can talk."""

    def __init__(self, net, server, client, address, port):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with net.inside(server):
            listening = listener(port, family)
        with net.inside(client):
            self.client = socket.create_connection((address, port), timeout=2)
        self.server, _peer = listening.accept()
        self.listening = listening
        for sock in (self.client, self.server):
            sock.settimeout(0.6)

    def says(self, speaker):
        """Do a few words of one end (True: the one that connected) reach the other, and the answer the first?"""
        a, b = (self.client, self.server) if speaker else (self.server, self.client)
        try:
            a.send(b"hello")
            first = b.recv(99)
            b.send(b"answer")
            return first == b"hello" and a.recv(99) == b"answer"
        except (TimeoutError, ConnectionError, PermissionError):
            return False

    def close(self):
        for sock in (self.client, self.server, self.listening):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()


@fresh
@limit(90)
def test_first_apply_keeps_connections(net):
    """On a host where nothing was tracked: what is open goes on, both ways, whichever side speaks first, where the policy allows it."""
    wires = {}
    port = 7000
    for family, host, client in ((4, "192.0.2.1", "192.0.2.2"), (6, "2001:db8:1::1", "2001:db8:1::2")):
        for speaker in (True, False):
            for way in ("in", "out"):
                port += 1
                wires[way, family, speaker] = Wire(net, *(("host", "client") if way == "in" else ("client", "host")), host if way == "in" else client, port)
        port += 1
        wires["in", family, "denied"] = Wire(net, "host", "client", host, port + 1000)
    net.apply("default out deny\nallow 7000-7100/tcp\nallow out 7000-7100/tcp\ndeny tcp\n")
    for (way, family, speaker), wire in wires.items():
        if speaker == "denied":
            assert not wire.says(True), f"IPv{family}: a connection that the policy denies went on"
        else:
            assert wire.says(speaker), f"{way} IPv{family}, {'the one that connected' if speaker else 'the other side'} first: cut off"
            assert wire.says(not speaker)
    assert [net.send([tcp(7001), tcp(6999)]), net.send([tcp(7001, direction="out"), tcp(6999, direction="out")])] == [["allow", "drop"]] * 2
    for wire in wires.values():
        wire.close()


@fresh
def test_first_apply_outgoing_under_defaults(net):
    """The one line `allow ssh`: what the host itself had opened goes on, though the peer speaks first."""
    for peer_first in (True, False):
        wire = Wire(net, "client", "host", "192.0.2.2", 7200 + peer_first)
        net.apply("allow ssh\n")
        assert wire.says(not peer_first)
        wire.close()
        net.fwctl("flush")


@fresh
def test_first_apply_keeps_forwarded(net):
    """Through the host as well, both families, once the side that connected has spoken; what the policy denies is cut."""
    for address, port in (("198.51.100.2", 7300), ("2001:db8:2::2", 7320)):
        wires = [Wire(net, "server", "client", address, port + n) for n in (0, 1, 11)]
        net.apply("default forward deny\nallow forward 7300-7310/tcp, 7320-7330/tcp\n")
        assert [wire.says(True) for wire in wires] == [True, True, False]
        assert wires[0].says(False) and wires[1].says(True)
        for wire in wires:
            wire.close()
        net.fwctl("flush")


# What apply sends

def test_apply_twice_sends_nothing(net):
    policy = VARIANTS[4].format("allow 80/tcp rate 5/minute per source\nblock 203.0.113.0/24\nallow ftp log\nallow gre during 10:00-11:00\n")
    first = net.apply(policy)
    assert "nothing to do" not in first.out
    generation, listing = net.generation(), net.listing()
    for options in ((), ("--no-verify",)):
        result = net.apply(policy, *options)
        assert "nothing to do" in result.out, result
    assert net.generation() == generation and net.listing() == listing
    assert net.fwctl("plan", f"{net.folder}/policy.conf").code == 0
    net.write("policy.conf", policy + "deny 1/tcp\n")
    assert net.fwctl("plan", f"{net.folder}/policy.conf").code == 2
    assert net.generation() == generation


def test_apply_again_after_foreign_change(net):
    """What somebody else took out of the table is noticed and put back."""
    net.apply("allow 80/tcp\ndeny 81/tcp\n")
    good = net.listing()
    net.listing("host", "flush", "table", "inet", "fwctl")
    assert net.fwctl("status").code == 4
    assert "nothing to do" not in net.apply("allow 80/tcp\ndeny 81/tcp\n").out
    assert net.listing() == good
    assert net.send([tcp(80), tcp(82)]) == ["allow", "drop"]


def test_in_sync(net):
    net.apply("allow 80/tcp\n")
    assert net.status().data["in_sync"] is True
    net.listing("host", "add", "chain", "inet", "fwctl", "stranger")
    result = net.fwctl("--json", "status")
    assert result.code == 4 and json.loads(result.out)["in_sync"] is False, result


def test_invalid_policy_changes_nothing(net):
    net.apply("allow 80/tcp\n")
    generation, listing = net.generation(), net.listing()
    for text in ("allow htpp\n", "allow 80/tcp\nallow ssh from office\n", "default in\n", "allow 22\n", "include \"nowhere.conf\"\n", "{\n"):
        result = net.apply(text, name="bad.conf", code=1)
        assert "error" in result.err and "bad.conf:" in result.err, result
    assert net.fwctl("apply", "/nonexistent/policy.conf").code not in (0, 2)
    assert net.generation() == generation and net.listing() == listing
    assert net.status().line(1)["text"].startswith("allow 80/tcp")


def test_without_net_admin(net):
    """Exit 3 and an error that says so; nothing changes."""
    net.apply("allow 80/tcp\n")
    generation, listing = net.generation(), net.listing()
    drop = ("setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin")
    path = net.write("policy.conf", "allow 81/tcp\n")
    for command in (("apply", path), ("flush",), ("status",), ("plan", path)):
        result = net.fwctl(*command, wrap=drop)
        assert result.code == 3 and "CAP_NET_ADMIN" in result.err, (command, result)
    assert net.generation() == generation and net.listing() == listing
    assert net.fwctl("check", path, wrap=drop).code == 0, "check asks no kernel"


def test_two_applies_at_once(net):
    """Both end, and what runs is one of the two, whole."""
    for turn in range(5):
        a = net.write("a.conf", "".join(f"allow {n}/tcp\n" for n in range(100, 400)) + f"deny {turn}/udp\n")
        b = net.write("b.conf", "".join(f"reject {n}/tcp\n" for n in range(300, 600)) + f"deny {turn}/udp\n")
        env = [f"{k}={v}" for k, v in net.env.items()]
        runs = [subprocess.Popen(["ip", "netns", "exec", net.host, "env", "-i", *env, FWCTL, "apply", p], stdout=subprocess.DEVNULL,
                                 stderr=subprocess.PIPE, text=True) for p in (a, b)]
        ends = [(r.communicate(timeout=50)[1], r.returncode) for r in runs]
        assert [code for _err, code in ends].count(0) >= 1 and all(code in (0, 3) for _err, code in ends), ends
        got = net.send([tcp(100), tcp(350), tcp(550)])
        assert got in (["allow", "allow", "drop"], ["drop", "reset", "reset"]), got
        assert net.status().data["in_sync"]
        assert net.fwctl("plan", a if got[0] == "allow" else b).code == 0


def test_bans_while_applying(net):
    """Members that are added while policies are applied are there afterwards, and nobody waits for good."""
    policy = "group banned = dynamic\nblock banned\n{0}allow any\n"
    net.apply(policy.format(""))
    files = [net.write(f"{n}.conf", policy.format(f"deny {n}/tcp\n")) for n in (1, 2)]
    for turn in range(8):
        with subprocess.Popen([FWCTL, "apply", files[turn % 2]], env=net.env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as applying:
            bans = [net.fwctl("ban", f"192.0.2.{10 * turn + n}") for n in range(3)]
            err = applying.communicate(timeout=50)[1]
        assert applying.returncode == 0 and [ban.code for ban in bans] == [0] * 3, (err, bans)
    sources = [10 * turn + n for turn in range(8) for n in range(3)]
    assert net.send([tcp(80, src=f"192.0.2.{n}") for n in sources]) == ["drop"] * len(sources)
    assert net.status().data["in_sync"] and net.send([tcp(80, src="192.0.2.99"), tcp(2, src="192.0.2.99")]) == ["allow", "drop"]


def test_apply_among_other_writers(net):
    """Somebody else changes tables of their own all the time: an apply is done, or says that it could not; nothing in between."""
    writer = "import itertools, subprocess\nfor n in itertools.count():\n subprocess.run(['nft', 'add table ip other; delete table ip other'], check=True)\n"
    codes = []
    with subprocess.Popen([sys.executable, "-c", writer], env=net.env) as other:
        try:
            start = net.generation()
            net.wait(lambda: net.generation() != start, "the other writer")
            for turn in range(10):
                before = net.listing() if net.has_table() else ""
                codes.append(net.apply(f"allow {turn + 1}/tcp\n", code=None).code)
                assert codes[-1] == 0 or (codes[-1] == 3 and net.listing() == before), codes
        finally:
            other.kill()
    net.by_nft = True
    assert codes.count(0) >= 5 and net.status().data["in_sync"], codes
    assert net.send([tcp(1 + max(n for n, code in enumerate(codes) if code == 0))]) == ["allow"]


def test_flush(net):
    net.apply("allow 80/tcp rate 5/minute per source\nblock 203.0.113.0/24\ngroup g = dynamic\nallow ftp from g\n")
    assert net.has_table()
    assert net.fwctl("flush").code == 0
    assert not net.has_table()
    packets = both(tcp(9), udp(9))
    assert net.send(packets) == ["allow"] * 4
    assert net.fwctl("flush").code == 0, "again is no error"
    net.apply("allow 80/tcp\n")
    assert net.send([tcp(9)]) == ["drop"]


def test_other_tables_untouched(net):
    """Only the table inet fwctl is ever touched."""
    net.nft("table ip fwctl {\nchain c {\ntcp dport 1 counter\n}\n}\ntable inet mine {\nset s {\ntype ipv4_addr\nelements = { 1.2.3.4 }\n}\n"
            "chain c {\ntype filter hook input priority 10\ntcp dport 5 drop\n}\n}\n"
            "table ip6 nat {\nchain c {\ntype nat hook prerouting priority -100\n}\n}\n")

    def others():
        tables = [line.split()[1:] for line in net.listing("host", "list", "tables").split("\n") if line]
        return {tuple(t): net.listing("host", "list", "table", *t) for t in tables if t not in (["inet", "fwctl"], ["inet", "observe"])}
    before = others()
    assert len(before) == 3
    for turn in range(6):
        reorder(net, "allow ftp\nallow 5/tcp\n", turn)
    assert net.send([tcp(5)]) == ["drop"], "an accept is final in its own chain only"
    assert others() == before
    net.fwctl("flush")
    assert others() == before


def test_show_nft_loads(net):
    """What `show --nft` prints loads with `nft -f` elsewhere and is the same there as the applied one."""
    for policy in (VARIANTS[2].format("allow ftp\nallow 80/tcp rate 5/minute burst 9 per source log \"web\"\nallow 81/udp connections 4 per source\n"
                                      "allow out 25/tcp as user 0\nallow gre during 10:00-11:00 mon-fri\n"),
                   "group b = dynamic timeout 1h\nblock b log\nblock 203.0.113.0/24, 2001:db8:bad::/48 except 203.0.113.9\nreject any over ipv6\n"
                   "default forward reject\nallow forward 80/tcp on wg* leaving eth1\nallow 9/tcp source-port 1-2 until \"2099-01-01\"\n"):
        net.apply(policy)
        shown = net.fwctl("show", "--nft")
        assert shown.code == 0, shown
        net.nft(shown.out, "server")
        applied, loaded = comparable(net.listing()), comparable(net.listing("server"))
        net.listing("server", "delete", "table", "inet", "fwctl")
        assert applied == loaded, difference(applied, loaded)
        generation = net.generation()
        compiled = net.fwctl("show", "--nft", f"{net.folder}/policy.conf")
        assert compiled.code == 0 and net.generation() == generation
        net.reset()


def comparable(listing):
    """A listing without the counts, and without the chain that only says what runs."""
    listing = listing.replace("table inet fwctl {\n", "", 1)  # objects are listed in the order in which they were made
    listing = re.sub(r"counter packets \d+ bytes \d+", "counter", listing)
    listing = re.sub(r"packets \d+ bytes \d+", "", listing)
    listing = re.sub(r"type time|typeof meta time", "time", listing)  # nft names one type in two ways
    listing = re.sub(r"\n\tchain manifest \{.*?\n\t\}\n", "\n", listing, flags=re.S)
    return sorted(block.strip() for block in re.split(r"\n\n|\n\}", listing) if block.strip() not in ("", "}"))


def difference(a, b):
    return "\n".join(list(difflib.unified_diff("\n".join(a).split("\n"), "\n".join(b).split("\n"), "applied", "loaded", lineterm=""))[:40])


def plan_of(net, text):
    """What `plan` says of packets, as JSON and for people."""
    path = net.write("next.conf", text)
    done, told = net.fwctl("--json", "plan", path), net.fwctl("plan", path)
    assert done.code == told.code == (2 if "for packets" in told.out else 0), told.out
    return json.loads(done.out), told.out


def test_plan_tells_packets(net):
    """What an apply would change for packets stands beside what it would change in the kernel, and is what then happens."""
    plan, told = plan_of(net, "allow 80/tcp\n")
    assert plan["first"] is True and plan["packets"] is None and "nothing is filtered now" in told
    net.apply("allow 80-81/tcp\ndeny 82/tcp from 10.0.0.0/8\nallow 82/tcp\n")
    plan, told = plan_of(net, "allow 80/tcp\nreject 82/tcp from 10.0.0.0/8\nallow 82/tcp\n")
    assert plan["first"] is False and plan["packets"]["equal"] is False
    found = {(d["old"]["verdict"], d["new"]["verdict"]): d["where"] for d in plan["packets"]["differences"]}
    assert sorted(found) == [("allow", "deny"), ("deny", "reject")], found
    assert found["allow", "deny"] == ["81/tcp"] and "10.0.0.0/8" in found["deny", "reject"][0], found
    assert "81/tcp" in told and "allow at line 1 -> deny" in told
    plan, told = plan_of(net, "allow 80-81/tcp label \"web\"\ndeny 82/tcp from 10.0.0.0/8\nallow 82/tcp\n")
    assert plan["packets"] == {"equal": True, "differences": []} and "none would be decided differently" in told
    assert net.send([tcp(81)]) == ["allow"]  # only planned
    net.apply("allow 80/tcp\nreject 82/tcp from 10.0.0.0/8\nallow 82/tcp\n", name="next.conf")
    assert net.send([tcp(80), tcp(81)]) == ["allow", "drop"]
    plan, told = plan_of(net, "allow 80/tcp\nreject 82/tcp from 10.0.0.0/8\nallow 82/tcp\n")
    assert plan["packets"]["equal"] is True and "nothing to do" in told


def test_netns_option(net):
    """`--netns` works in the namespace that it names, and keeps all state apart."""
    path = net.write("policy.conf", "allow 80/tcp\n")
    assert net.fwctl("--netns", net.host, "apply", path, place="client").code == 0
    assert net.has_table() and "fwctl" not in net.listing("client", "list", "tables")
    assert net.send([tcp(80), tcp(81)]) == ["allow", "drop"]
    status = net.fwctl("--netns", net.host, "--json", "status", place="client")
    assert status.code == 0 and json.loads(status.out)["rules"][0]["packets"] == 1
    assert net.fwctl("--netns", net.host, "flush", place="client").code == 0
    assert net.fwctl("--netns", "fwt-none-such", "apply", path, place="client").code == 3


def test_connections_survive_apply_real(net):
    """Open TCP connections of a counted rule go on through twenty applies, and are still counted."""
    own = "allow 7000/tcp connections 2\n"
    net.apply(own)
    server = listener(7000)
    opened = [connect(net, "192.0.2.1", 7000) for _ in range(2)]
    assert all(ok for _s, ok in opened)
    for turn in range(20):
        reorder(net, own, turn)
    third = connect(net, "192.0.2.1", 7000)
    assert not third[1]
    for sock, _ok in opened + [third]:
        sock.close()
    server.close()


def memory_of(net):
    """The file in which an apply keeps what runs."""
    found = [os.path.join(at, name) for at, _, names in os.walk(f"{net.folder}/run") for name in names if name == "memory"]
    assert len(found) == 1, found
    return found[0]


def assert_runs(net, text):
    """The kernel, read anew, holds just what the policy says."""
    result = net.fwctl("plan", net.write("policy.conf", text))
    assert result.code == 0, result
    for at, _, names in os.walk(f"{net.folder}/run"):
        for name in names:
            os.unlink(os.path.join(at, name))
    result = net.fwctl("plan", net.write("policy.conf", text))
    assert result.code == 0, result


def test_memory_is_what_runs(net):
    """An apply that does not read the kernel leaves it as one that does."""
    texts = [variant.format("allow 9999/udp rate 5/minute per source\n") for variant in VARIANTS]
    for turn in range(3):
        for text in texts[turn:] + texts[:turn]:
            net.apply(text)
            memory_of(net)
        assert_runs(net, text)


def test_memory_that_is_damaged(net):
    """Cut short, with another byte anywhere, or of another state: it is as good as none."""
    first, second = "allow 80/tcp\nallow 81/tcp\n", "allow 80/tcp\nallow 82/tcp from 192.0.2.0/24\n"
    net.apply(first)
    path = memory_of(net)
    with open(path, "rb") as file:
        whole = file.read()
    older = whole
    for part in [b"", whole[:7], whole[:-1], whole + b"\0"] + [
            whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:] for at in range(0, len(whole), max(1, len(whole) // 12))]:
        with open(path, "wb") as file:
            file.write(part)
        net.apply(second)
        assert_runs(net, second)
        net.apply(first)
    net.apply(second)
    with open(path, "wb") as file:
        file.write(older)
    net.apply(first)
    assert_runs(net, first)


def test_memory_is_of_this_kernel_state(net):
    """Whoever changes the table makes it worthless."""
    first, second = "allow 80/tcp\nallow 81/tcp\n", "allow 80/tcp\nallow 81/tcp\nallow 82/tcp\n"
    for change in ("add rule inet fwctl input accept", "flush chain inet fwctl manifest", "add chain inet fwctl more", "add table inet others"):
        net.apply(first)
        net.nft(change)
        net.apply(second)
        assert_runs(net, second)
