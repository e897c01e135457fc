# SPDX-License-Identifier: GPL-2.0-or-later
"""A network namespace where the decision about every single packet can be seen.

Owns: one namespace for the host under test (this process moves into it), one
for its neighbour, three links between them, and an observer: a table of its own
that comes after every other decision, tells of each packet that got there
through NFLOG, and drops it. So nothing is ever answered and conntrack never
confirms a connection: every packet is `new`, in any order and number. (Its chain
`gather` makes sure that conntrack runs and puts fragments together.)
Packets that arrive are raw frames from the neighbour; packets of the host come
from raw sockets of several users. Answers of `reject` are seen in output.
Must not know: policies.
"""

import ctypes
import errno
import ipaddress
import os
import socket
import struct
import subprocess

from frames import answered_id, ip_packets, own_id

IFACES = ("eth0", "eth1", "wg0")
OWNERS = ((0, 0), (1000, 1000), (1001, 100))
LOCAL4 = ("192.0.2.0/24", "10.1.0.128/25")
LOCAL6 = ("2001:db8:ff::/64", "2001:db8:1:0:8000::/65")
OWN_MARK = 0x77
GROUP = 77
SENTINEL = 65534
CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)
NL_MSG_PACKET, NL_MSG_CONFIG = 4 << 8, 4 << 8 | 1

OBSERVER = f"""
table inet observer {{
    chain early {{
        type filter hook prerouting priority -1000
        ip protocol 253 ip id {SENTINEL} log prefix "S" group {GROUP} queue-threshold 1 drop
        meta mark set ether saddr map {{ 02:00:00:00:01:01 : 1, 02:00:00:00:01:02 : 2, 02:00:00:00:01:03 : 3 }}
    }}
    chain noise {{
        type filter hook output priority -1000
        meta mark != {OWN_MARK} ip protocol 2 drop
        meta mark != {OWN_MARK} icmpv6 type {{ 130-137, 143 }} drop
    }}
    chain gather {{
        type filter hook prerouting priority 1000
        ct state invalid counter
    }}
    chain input {{
        type filter hook input priority 1000
        log prefix "I" group {GROUP} queue-threshold 1 drop
    }}
    chain forward {{
        type filter hook forward priority 1000
        log prefix "F" group {GROUP} queue-threshold 1 drop
    }}
    chain output {{
        type filter hook output priority 1000
        log prefix "O" group {GROUP} queue-threshold 1 drop
    }}
}}
"""
SYSCTLS = {
    "net/ipv4/ip_forward": 1, "net/ipv6/conf/all/forwarding": 1, "net/ipv4/conf/all/rp_filter": 0,
    "net/ipv4/conf/all/accept_local": 1, "net/ipv4/icmp_ratelimit": 0, "net/ipv4/icmp_ratemask": 0,
    "net/ipv6/icmp/ratelimit": 0, "net/netfilter/nf_conntrack_checksum": 0,
    "net/ipv4/conf/all/send_redirects": 0, "net/ipv4/conf/default/send_redirects": 0,
    "net/ipv4/conf/default/rp_filter": 0, "net/ipv6/conf/default/accept_dad": 0,
    "net/ipv6/conf/default/addr_gen_mode": 1, "net/ipv6/conf/all/accept_dad": 0}


def run(command, text=None):
    done = subprocess.run(command, input=text, text=True, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr}")
    return done.stdout


def libc(name, *arguments):
    if getattr(LIBC, name)(*arguments) < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


class Rig:
    """Made once for a process; the process stays in the host's namespace."""

    def __init__(self):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # one backlog: frames stay in order
        libc("unshare", CLONE_NEWNET)
        host = os.open("/proc/self/ns/net", os.O_RDONLY)
        libc("unshare", CLONE_NEWNET)
        peer = os.open("/proc/self/ns/net", os.O_RDONLY)
        libc("setns", host, CLONE_NEWNET)
        self.sysctls(SYSCTLS)
        self.links(peer)
        run(["nft", "-f", "-"], OBSERVER)
        self.events = log_socket()
        self.frames = self.frame_sockets(host, peer)
        self.raw = {(family, owner): raw_socket(family, owner) for family in (4, 6) for owner in OWNERS}
        self.index = {name: socket.if_nametoindex(name) for name in IFACES + ("lo",)}

    @staticmethod
    def sysctls(values):
        for name, value in values.items():
            with open("/proc/sys/" + name, "w", encoding="ascii") as out:
                out.write(str(value))

    @staticmethod
    def links(peer):
        links, routes = ["link set lo up"], []
        for number, name in enumerate(IFACES, 1):
            table = 100 + number
            links += [
                f"link add {name} address 02:00:00:00:00:0{number} type veth peer name p{number}",
                f"link set p{number} netns /proc/{os.getpid()}/fd/{peer}",
                f"link set {name} arp off up",
                f"addr add 192.0.2.{number}/32 dev {name}",
                f"addr add 2001:db8:ff::{number}/128 dev {name} nodad", f"addr add fe80::{number}/64 dev {name} nodad"]
            routes += [
                f"route add default dev {name} metric {table}", f"route add default dev {name} table {table}",
                f"rule add fwmark {number} lookup {table}"]
        run(["ip", "-batch", "-"], "\n".join(links) + "\n")
        for option, nets in (("-4", LOCAL4), ("-6", LOCAL6)):
            local = [f"route add local {net} dev lo table local" for net in nets]
            run(["ip", option, "-batch", "-"], "\n".join(routes + local) + "\n")

    @staticmethod
    def frame_sockets(host, peer):
        found = {"lo": frame_socket("lo")}
        libc("setns", peer, CLONE_NEWNET)
        try:
            Rig.sysctls({f"net/ipv6/conf/p{number}/disable_ipv6": 1 for number in (1, 2, 3)})
            for number, name in enumerate(IFACES, 1):
                run(["ip", "link", "set", f"p{number}", "up"])
                found[name] = frame_socket(f"p{number}")
        finally:
            libc("setns", host, CLONE_NEWNET)
        return found

    def send(self, packet, ident, shape=""):
        for data in ip_packets(packet, ident, shape):
            if packet.direction == "out":
                self.send_out(packet, data)
            else:
                self.send_frame(packet, data)

    def send_frame(self, packet, data):
        leaving = IFACES.index(packet.oif) + 1 if packet.direction == "forward" else 0
        if packet.iif == "lo":
            frame = bytes(12)
        else:
            frame = bytes((2, 0, 0, 0, 0, IFACES.index(packet.iif) + 1, 2, 0, 0, 0, 1, leaving))
        self.frames[packet.iif].send(frame + (b"\x08\x00" if packet.family == 4 else b"\x86\xdd") + data)

    def send_out(self, packet, data):
        raw, index = self.raw[(packet.family, (packet.uid, packet.gid))], self.index[packet.oif]
        if packet.family == 4:
            info = (socket.IPPROTO_IP, 8, struct.pack("@i4s4s", index, bytes(4), bytes(4)))
            target = (socket.inet_ntop(socket.AF_INET, packet.dst.to_bytes(4, "big")), 0)
        else:
            info = (socket.IPPROTO_IPV6, 50, bytes(16) + struct.pack("@i", index))
            target = (socket.inet_ntop(socket.AF_INET6, packet.dst.to_bytes(16, "big")), 0, 0, index)
        try:
            raw.sendmsg([data], [info], 0, target)
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.ECONNREFUSED):
                raise RuntimeError(f"cannot send {packet}: {error}") from error

    @staticmethod
    def connect(packet, answered):
        """Makes a connection known that starts with this packet."""
        kind = ipaddress.IPv4Address if packet.family == 4 else ipaddress.IPv6Address
        run(["conntrack", "-I", "-p", "udp", "-s", str(kind(packet.src)),
             "-d", str(kind(packet.dst)), "--sport", str(packet.sport), "--dport", str(packet.dport), "-t", "600"]
            + ["-u", "SEEN_REPLY,ASSURED"] * answered)

    @staticmethod
    def disconnect():
        run(["conntrack", "-F"])

    def collect(self):
        """After all packets were sent: {id: set of what was seen of it}: I, F, O, reset, unreachable."""
        self.frames["eth0"].send(sentinel())
        found = {}
        while True:
            for prefix, mark, data in log_messages(self.events.recv(1 << 20)):
                if prefix == "S":
                    return found
                if prefix == "O" and mark != OWN_MARK:
                    answer = answered_id(data)
                    ident, what = answer if answer else (-1, data.hex())
                else:
                    ident, what = own_id(data), prefix
                found.setdefault(ident, []).append(what)


def sentinel():
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20, SENTINEL, 0, 9, 253, 0, bytes((203, 0, 113, 1)), bytes((192, 0, 2, 1)))
    total = sum(struct.unpack("!10H", head))
    total = ~((total & 0xffff) + (total >> 16)) & 0xffff
    return bytes((2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 1, 0, 8, 0)) + head[:10] + struct.pack("!H", total) + head[12:]


def frame_socket(name):
    made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    made.bind((name, 0))
    return made


def raw_socket(family, owner):
    """A raw socket that belongs to (user, group): the kernel keeps the ids it was opened with."""
    LIBC.setfsgid(owner[1])
    LIBC.setfsuid(owner[0])
    try:
        kind = socket.AF_INET if family == 4 else socket.AF_INET6
        made = socket.socket(kind, socket.SOCK_RAW, socket.IPPROTO_RAW)
    finally:
        LIBC.setfsuid(0)
        LIBC.setfsgid(0)
    if family == 4:
        made.setsockopt(socket.IPPROTO_IP, 3, 1)  # IP_HDRINCL
        made.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    else:
        made.setsockopt(socket.IPPROTO_IPV6, 36, 1)  # IPV6_HDRINCL
    made.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, OWN_MARK)
    return made


def log_socket():
    made = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
    made.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
    made.settimeout(10)
    made.bind((0, 0))
    for attribute in (struct.pack("=HHB3x", 5, 1, 1), struct.pack("=HH", 10, 2) + struct.pack("!IBx", 192, 2) + bytes(2),
                      struct.pack("=HH", 8, 5) + struct.pack("!I", 1)):
        body = struct.pack("!BBH", 0, 0, GROUP) + attribute
        made.send(struct.pack("=IHHII", 16 + len(body), NL_MSG_CONFIG, 5, 1, 0) + body)
        code = struct.unpack_from("=i", made.recv(4096), 16)[0]
        if code:
            raise OSError(-code, "NFLOG: " + os.strerror(-code))
    return made


def log_messages(data):
    """(prefix, mark, payload) of each packet in what the socket gave."""
    at = 0
    while at + 16 <= len(data):
        length, kind = struct.unpack_from("=IH", data, at)
        if kind == NL_MSG_PACKET:
            yield log_packet(data[at + 20:at + length])
        at += length + 3 & ~3


def log_packet(body):
    prefix, mark, payload, at = "", 0, b"", 0
    while at + 4 <= len(body):
        length, kind = struct.unpack_from("=HH", body, at)
        value = body[at + 4:at + length]
        if kind == 2:
            mark = struct.unpack("!I", value)[0]
        elif kind == 9:
            payload = value
        elif kind == 10:
            prefix = value.rstrip(b"\0").decode()
        at += length + 3 & ~3
    return prefix, mark, payload
