# SPDX-License-Identifier: GPL-2.0-or-later
"""Sends packets through the program under test and says exactly what became of each.

    net = Net()                            # namespaces of its own (space.py), removed at exit
    net.apply("allow ssh")                 # fwctl apply in the host's namespace
    net.send([tcp(22), tcp(23, family=6)]) # -> ["allow", "drop"]
    net.status().line(1).packets           # exact hits of a line
    net.check(POLICY, (tcp(22), "allow", "ssh"), ...)   # verdicts and the hits of every line at once

Verdicts: "allow", "drop", "reset" (TCP RST), "port-unreachable" (ICMP or ICMPv6), "icmp T.C" (any other error). "reject" in an expectation
means what a client expects of the protocol.

How it is seen. Observers are nft tables of their own, in every namespace, which send what they see to an NFLOG group that the harness
reads: in the host after the program's input chains, in client and server before anything else. They use no connection tracking. Probes are
dropped there. One CPU runs all, so that packets are decided in the order in which they were sent; a marker frame sent last says that all
before it were decided: nothing waits for a time-out.
"""
import contextlib
import json
import os
import shutil
import socket
import struct
import subprocess
import time

from nflog import Nflog, delete_table, flush_conntrack
from packets import DSCP_PROBE, DSCP_SYNC, broadcast_mac, checksum, frame, network, parse
from space import HOST_MAC, LIBC, LINKS, PEER_MAC, ROOT, HarnessError, Space, here, run

REPO = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FWCTL = os.path.abspath(os.environ.get("FWCTL", os.path.join(REPO, "build", "fwctl")))
OBSERVER_GROUP, EVENT_GROUP = 99, 86
LINK = {dev: {"place": place, "peer": peer, 4: v4 + ".", 6: v6 + ":"} for dev, place, peer, v4, v6 in LINKS}
QUIET = """
        ip protocol igmp ip dscp != {probe} drop
        icmpv6 type {{ 130, 131, 132, 143, 133, 135, 136 }} ip6 dscp != {probe} drop"""
HOST_OBSERVER = """
table inet observe {{
    counter flood {{ }}
    chain before {{
        type filter hook prerouting priority -600
        ip dscp {sync} log group {group} prefix "sync" drop
        ip6 dscp {sync} log group {group} prefix "sync" drop
        udp dport 9999 counter name flood
        iifname "lo" log group {group} prefix "lo" snaplen 256
    }}
    chain after {{
        type filter hook input priority 500
        udp dport 9999 drop
        log group {group} prefix "in" snaplen 256
        ip dscp {probe} drop
        ip6 dscp {probe} drop
    }}
    chain quiet {{
        type filter hook output priority -600{quiet}
    }}
}}
"""
PEER_OBSERVER = """
table inet observe {{
    chain before {{
        type filter hook prerouting priority -600
        udp dport 9999 drop
        log group {group} prefix "far" snaplen 256
        ip dscp {{ {sync}, {probe} }} drop
        ip6 dscp {{ {sync}, {probe} }} drop
    }}
    chain quiet {{
        type filter hook output priority -600{quiet}
    }}
}}
"""


class Result:
    """How a run of the program ended."""

    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    def __repr__(self):
        return f"exit {self.code}\n{self.out[-1500:]}{self.err[:1500]}".strip()


class Entry(dict):
    """One line of `status --json`, its members as attributes; a missing count is 0."""

    def __getattr__(self, name):
        return self.get(name, 0)


class Status:
    """What `status --json` says."""

    def __init__(self, data):
        self.data = data
        self.lines = [Entry(e) for kind in ("rules", "blocks") for e in data.get(kind) or []]

    def line(self, number, file="policy.conf"):
        found = [e for e in self.lines if e["line"] == number and os.path.basename(e["file"]) == file]
        if len(found) != 1:
            raise AssertionError(f"status has {len(found)} entries for {file}:{number}")
        return found[0]

    def builtin(self, name, direction):
        return self._only("builtin", name=name, direction=direction)

    def default(self, direction):
        return self._only("defaults", direction=direction)

    def _only(self, kind, **like):
        found = [Entry(e) for e in self.data.get(kind) or [] if all(e[k] == v for k, v in like.items())]
        if len(found) != 1:
            raise AssertionError(f"status has {len(found)} entries in {kind} for {like}")
        return found[0]


class Net:
    """Namespaces, observers, the program under test, and the packets sent so far."""

    def __init__(self):
        self.space = Space()
        self.folder = self.space.folder
        self.host, self.names = self.space.names["host"], self.space.names
        self.env = {"PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), "FWCTL_TEST": "1", "LC_ALL": "C.UTF-8",
                    "FWCTL_STATE_DIR": f"{self.folder}/state", "FWCTL_RUN_DIR": f"{self.folder}/run"}
        for name in ("TZ", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LLVM_PROFILE_FILE"):
            if name in os.environ:
                self.env[name] = os.environ[name]
        self.number, self.by_nft = 0, False
        self.readers, self.ends, self.raw = {}, {}, {}
        self.events = None
        words = {"sync": hex(DSCP_SYNC), "probe": hex(DSCP_PROBE), "group": OBSERVER_GROUP}
        words["quiet"] = QUIET.format(**words)
        for place in self.names:
            with self.space.inside(place):
                self.readers[place] = Nflog(OBSERVER_GROUP)
                self.nft((HOST_OBSERVER if place == "host" else PEER_OBSERVER).format(**words), place)
        for dev, link in LINK.items():
            with self.space.inside(link["place"]):
                self.ends[dev] = self._end(link["peer"])
            self.ends["host " + dev] = self._end(dev)

    @staticmethod
    def _end(name):
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        sock.bind((name, 0))
        return sock

    # Namespaces

    def inside(self, place):
        return self.space.inside(place)

    def nft(self, text, place="host"):
        """Loads nft text in one of the namespaces."""
        self.by_nft = True
        with self.inside(place):
            return run("nft", "-f", "-", text=text)

    def listing(self, place="host", *what):
        self.by_nft |= bool(what) and "list" not in what
        with self.inside(place):
            return run("nft", *(what or ("list", "table", "inet", "fwctl")))

    def has_table(self):
        return "table inet fwctl" in self.listing("host", "list", "tables")

    def generation(self):
        """The kernel's nf_tables generation of the host's namespace: moves with every commit."""
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12) as sock:
            sock.bind((0, 0))
            sock.send(struct.pack("IHHIIBBH", 20, 10 << 8 | 16, 1, 1, 0, 0, 0, 0))
            data = sock.recv(65536)
        length, = struct.unpack_from("H", data, 20)
        if length != 8:
            raise HarnessError("no generation id")
        return struct.unpack_from("!I", data, 24)[0]

    def reset(self):
        """As new: nothing of the program in the kernel or on disk, no connections, no events. Other tables of a test go too."""
        delete_table("fwctl")
        for line in self.listing("host", "list", "tables").split("\n") if self.by_nft else ():
            words = line.split()
            if len(words) == 3 and words[2] != "observe":
                run("nft", "delete", *words)
        self.by_nft = False
        with contextlib.suppress(OSError):
            flush_conntrack()
        for name in os.listdir(self.folder):
            path = os.path.join(self.folder, name)
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
        if self.events:
            self.events.close()
            self.events = None
        self.sync()

    def close(self):
        for sock in [*self.ends.values(), *self.raw.values(), *self.readers.values()]:
            sock.close()
        self.space.close()

    # The program under test

    def fwctl(self, *args, text=None, place="host", wrap=(), env=None, timeout=60):
        """Runs fwctl in a namespace; `wrap` goes before it (setpriv ...)."""
        with self.inside(place):  # a child is where the thread is that makes it
            done = subprocess.run([*wrap, FWCTL, *args], input=text, capture_output=True, text=True, timeout=timeout, check=False,
                                  cwd=self.folder, env={**self.env, **(env or {})})
        if done.returncode < 0 or done.returncode > 128:
            raise AssertionError(f"fwctl {' '.join(args)} died: {Result(done)!r}")
        return Result(done)

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def apply(self, text, *options, name="policy.conf", code=0):
        """Applies a policy text; an exit status other than `code` is a failure."""
        result = self.fwctl("apply", *options, self.write(name, text))
        if code is not None and result.code != code:
            raise AssertionError(f"apply: {result!r}\nof the policy\n{text[:2000]}")
        return result

    def status(self):
        result = self.fwctl("--json", "status")
        if result.code:
            raise AssertionError(f"status: {result!r}")
        return Status(json.loads(result.out))

    def hits(self, line, file="policy.conf"):
        return self.status().line(line, file).packets

    def turns(self, packet, verdicts, earliest, latest, slack=0.05):
        """Sends the packet again and again until its verdict is the second of the two, and checks when: never before `earliest`, always
        after `latest` (of time.time()). How slow this machine is does not matter: each verdict is judged by when its packet was sent."""
        while True:
            before = time.time()
            got = self.verdict(packet)
            after = time.time()
            if got not in verdicts or (got == verdicts[1] and after < earliest - slack) or (got == verdicts[0] and before > latest + slack):
                raise AssertionError(f"{packet}: {got} at {before:.2f}-{after:.2f}, to turn at {earliest:.2f}-{latest:.2f}")
            if got == verdicts[1]:
                return
            time.sleep(0.02)

    @staticmethod
    def wait(condition, what, seconds=10):
        """Until the condition holds; at most so long."""
        limit = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > limit:
                raise AssertionError(f"waited {seconds} s for {what}")
            time.sleep(0.01)

    def listen(self, group=EVENT_GROUP):
        """Starts to read the program's events (NFLOG); read_events() gives those since."""
        if self.events:
            self.events.close()
        self.events = Nflog(group)

    def read_events(self):
        self.sync()
        return self.events.read(0)

    # Packets

    def complete(self, p):
        """The packet with its addresses filled in, and a number of its own."""
        self.number = self.number % 65000 + 1
        on = p.on or ("eth1" if p.direction == "out" else "eth0")
        leaving = p.leaving or "eth1"
        near, far = {"in": (2, 1), "out": (1, 2), "forward": (2, 2)}[p.direction]
        src = p.src or LINK[on][p.family] + str(near)
        dst = p.dst or LINK[leaving if p.direction == "forward" else on][p.family] + str(far)
        return p.but(src=src, dst=dst, id=self.number, on=p.on or on, leaving=p.leaving)

    def transmit(self, p):
        """Puts a completed packet on the wire."""
        for packet in network(p):
            if p.direction == "out":
                self._send_from_host(p, packet)
            else:
                self.ends[p.on].send(frame(broadcast_mac(p.dst) or HOST_MAC[p.on], PEER_MAC[p.on], packet))

    def _send_from_host(self, p, packet):
        # The interface is asked for only where the route would not tell: multicast, broadcast, link-local.
        device = p.on if broadcast_mac(p.dst) or p.dst.startswith("fe80") else None
        sock = self._raw_socket(p.family, p.uid, p.gid, device)
        to = (p.dst, 0) if p.family == 4 else (p.dst, 0, 0, 0)
        with contextlib.suppress(PermissionError):  # how a sender learns that the packet was dropped
            sock.sendto(packet, to)

    def _raw_socket(self, family, uid, gid, device):
        key = (family, uid, gid, device)
        if key not in self.raw:
            kind = socket.AF_INET if family == 4 else socket.AF_INET6
            with self.owner(uid, gid):
                sock = socket.socket(kind, socket.SOCK_RAW, socket.IPPROTO_RAW)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            if device:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
            self.raw[key] = sock
        return self.raw[key]

    @staticmethod
    @contextlib.contextmanager
    def owner(uid=None, gid=None):
        """Sockets made within the block belong to that user and group."""
        old = LIBC.setfsuid(uid if uid is not None else -1), LIBC.setfsgid(gid if gid is not None else -1)
        try:
            yield
        finally:
            LIBC.setfsuid(old[0]), LIBC.setfsgid(old[1])

    def sync(self, into=None):
        """Waits until all that was sent is decided and seen; what was seen goes to `into`."""
        into = [] if into is None else into
        self._sync_one("host", self.ends["eth0"], HOST_MAC["eth0"], PEER_MAC["eth0"], into)
        self._sync_one("client", self.ends["host eth0"], PEER_MAC["eth0"], HOST_MAC["eth0"], into)
        self._sync_one("server", self.ends["host eth1"], PEER_MAC["eth1"], HOST_MAC["eth1"], into)

    def _sync_one(self, place, end, to, source, into):
        self.number = self.number % 65000 + 1
        marker = self.number
        body = struct.pack("!BBHHHBBH4s4s", 0x45, DSCP_SYNC << 2, 28, marker, 0, 64, 17, 0, b"\x7f\0\0\2", b"\x7f\0\0\3")
        body = body[:10] + struct.pack("!H", checksum(body)) + body[12:] + struct.pack("!HHHH", 9, 9, 8, 0)
        end.send(frame(to, source, body))
        limit = time.monotonic() + 10
        while time.monotonic() < limit:
            for event in self.readers[place].read(1):
                seen = parse(event["payload"])
                if seen["dscp"] != DSCP_SYNC:
                    into.append((place, event["prefix"], seen))
                elif seen["id"] == marker:
                    return
        raise HarnessError(f"the marker frame did not reach {place}")

    def send(self, packets):
        """Sends all and returns the verdict of each."""
        if here() == ROOT:
            raise HarnessError("not in a namespace of the tests")
        verdicts = []
        for start in range(0, len(packets), 4000):
            verdicts += judge(*self.observe(packets[start:start + 4000]))
        return verdicts

    def observe(self, packets):
        """Sends all, at most some thousands; (the packets as sent, all that was seen: (place, prefix, parsed packet))."""
        self.sync()
        sent, seen = [self.complete(p) for p in packets], []
        for p in sent:
            self.transmit(p)
        self.sync(seen)
        return sent, seen

    def verdict(self, packet):
        return self.send([packet])[0]

    def assert_allowed(self, *packets):
        self._assert(packets, "allow")

    def assert_dropped(self, *packets):
        self._assert(packets, "drop")

    def assert_rejected(self, *packets):
        self._assert(packets, "reject")

    def _assert(self, packets, expected):
        for p, got in zip(packets, self.send(list(packets))):
            if got != wanted(p, expected):
                raise AssertionError(f"{p}: {got}, expected {wanted(p, expected)}")


def wanted(p, expected):
    if expected == "reject":
        return "reset" if p.number == 6 else "port-unreachable"
    return expected


def judge(sent, seen):
    """The verdict of each packet from what was seen of it."""
    arrived, errors = {}, {}
    for place, prefix, packet in seen:
        if prefix in ("in", "far"):
            arrived.setdefault((packet["family"], packet["id"], packet["dst"]), set()).add(place)
        inner = packet.get("inner")
        if inner:
            errors[inner["family"], inner["id"], inner["src"], inner["dst"]] = packet
        if packet["proto"] == 6 and "R" in packet.get("flags", ""):
            errors[packet["family"], packet["dst"], packet["dport"], packet["src"], packet["sport"], packet["ack"]] = packet
            errors[packet["family"], packet["dst"], packet["dport"], packet["src"], packet["sport"], packet["seq"]] = packet
    return [_judge_one(p, arrived, errors) for p in sent]


def _judge_one(p, arrived, errors):
    places = arrived.get((p.family, p.id, p.dst), set())  # the kernel fills in a source of 0.0.0.0
    passed = bool(places & ({"host"} if p.direction == "in" else {"client", "server"}))
    if p.direction == "out" and p.on == "lo":
        passed = "host" in places
    error = errors.get((p.family, p.id, p.src, p.dst))
    if p.number == 6:
        error = error or errors.get((p.family, p.src, p.sport, p.dst, p.dport, p.id + ("S" in p.flags))) \
            or errors.get((p.family, p.src, p.sport, p.dst, p.dport, p.id))
    if error and passed:
        return "both allowed and rejected"
    if not error:
        return "allow" if passed else "drop"
    if error["proto"] == 6:
        return "reset"
    if (error["proto"], error["type"], error["code"]) in ((1, 3, 3), (58, 1, 4)):
        return "port-unreachable"
    return f"icmp {error['type']}.{error['code']}"
