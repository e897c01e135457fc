# SPDX-License-Identifier: GPL-2.0-or-later
"""Test packets: what a test says of a packet, and the bytes that go on the wire.

Every packet carries its number twice over, so that what was seen can be told apart exactly: in the IPv4 identification or the IPv6 flow
label, and (TCP) in the sequence and acknowledgement numbers, which a reset gives back. Probes carry a DSCP of their own: the observers
take such packets off the wire once they were seen, so that no protocol stack answers them.
"""
import ipaddress
import struct
from dataclasses import dataclass, field, replace

PROTOCOLS = {"icmp": 1, "igmp": 2, "tcp": 6, "udp": 17, "dccp": 33, "gre": 47, "esp": 50, "ah": 51, "icmpv6": 58, "sctp": 132,
             "udplite": 136}
PORTS = {6, 17, 33, 132, 136}
DSCP_PROBE = 0x2E  # seen, then dropped by the observer
DSCP_SYNC = 0x3F   # the harness's own marker frames
NEXT_HEADER = {"hop": 0, "route": 43, "dest": 60}


@dataclass(frozen=True)
class Packet:
    """One packet. What is None is filled in by the harness from direction, family and interface."""
    direction: str = "in"
    family: int = 4
    proto: object = "tcp"     # a name of PROTOCOLS or a number
    src: str = None
    dst: str = None
    sport: int = 40000
    dport: int = 0
    type: int = 8             # ICMP and ICMPv6
    code: int = 0
    flags: str = "S"          # TCP, of FSRPAU
    on: str = None            # in, forward: arrives on; out: leaves by (host's interface name)
    leaving: str = None       # forward
    hop_limit: int = 64
    ext: tuple = ()           # IPv6 extension headers: hop, dest, route
    fragments: int = 1        # pieces in which the packet arrives
    payload: bytes = b""
    body: bytes = None        # the whole transport part instead of a built one
    uid: int = None           # out: owner of the sending socket
    gid: int = None
    keep: bool = False        # leave it to the host's stack after it was seen
    id: int = field(default=0, compare=False)

    def but(self, **changes):
        return replace(self, **changes)

    @property
    def number(self):
        return self.proto if isinstance(self.proto, int) else PROTOCOLS[self.proto]

    def __str__(self):
        what = self.proto
        if self.number in PORTS:
            what = f"{self.sport}->{self.dport}/{self.proto}"
        elif self.number in (1, 58):
            what = f"{self.type}.{self.code}/{self.proto}"
        extra = "".join(f" {n}={getattr(self, n)}" for n in ("on", "leaving", "uid", "gid") if getattr(self, n) is not None)
        more = f" ext={','.join(self.ext)}" if self.ext else ""
        more += f" in {self.fragments} fragments" if self.fragments > 1 else ""
        return f"{self.direction} ip{self.family} {what} {self.src} > {self.dst}{extra}{more}"


def tcp(dport, **kw):
    return Packet(proto="tcp", dport=dport, **kw)


def udp(dport, **kw):
    return Packet(proto="udp", dport=dport, **kw)


def gre(**kw):
    return Packet(proto="gre", **kw)


def echo(family=4, **kw):
    """An echo request of the family."""
    return Packet(proto="icmp", type=8, family=4, **kw) if family == 4 else Packet(proto="icmpv6", type=128, family=6, **kw)


def both(*packets):
    """Each packet for IPv4 and IPv6 (echo requests translated)."""
    out = []
    for p in packets:
        out.append(p.but(family=4))
        out.append(p.but(family=6, proto="icmpv6", type=128) if p.proto == "icmp" and p.type == 8 else p.but(family=6))
    return out


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _crc32c_table():
    table = []
    for n in range(256):
        for _ in range(8):
            n = (n >> 1) ^ 0x82F63B78 if n & 1 else n >> 1
        table.append(n)
    return table


_CRC32C = _crc32c_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _CRC32C[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def packed(address):
    return ipaddress.ip_address(address).packed


def pseudo(p, length):
    """The pseudo header under transport checksums."""
    if p.family == 4:
        return packed(p.src) + packed(p.dst) + struct.pack("!BBH", 0, p.number, length)
    return packed(p.src) + packed(p.dst) + struct.pack("!I3xB", length, p.number)


def _tcp(p):
    flags = sum(1 << "FSRPAU".index(f) for f in p.flags)
    head = struct.pack("!HHIIBBHHH", p.sport, p.dport, p.id, p.id if "A" in p.flags else 0, 5 << 4, flags, 8192, 0, 0)
    whole = head + p.payload
    return head[:16] + struct.pack("!H", checksum(pseudo(p, len(whole)) + whole)) + head[18:] + p.payload


def _udp(p):
    length = 8 + len(p.payload)
    head = struct.pack("!HHHH", p.sport, p.dport, length, 0)
    total = checksum(pseudo(p, length) + head + p.payload) or 0xFFFF
    return head[:6] + struct.pack("!H", total) + p.payload


def _icmp(p):
    rest = p.payload or struct.pack("!HH", p.sport, 1)
    head = struct.pack("!BBH", p.type, p.code, 0) + rest
    base = pseudo(p, len(head)) if p.number == 58 else b""
    return head[:2] + struct.pack("!H", checksum(base + head)) + head[4:]


def _sctp(p):
    chunk = struct.pack("!BBHIIHHI", 1, 0, 20, p.id or 1, 65536, 1, 1, 1)  # INIT
    head = struct.pack("!HHII", p.sport, p.dport, 0, 0)
    return head[:8] + struct.pack("<I", crc32c(head + chunk)) + chunk


def _dccp(p):
    head = struct.pack("!HHBBHBBHIII", p.sport, p.dport, 5, 0, 0, 1, 0, 0, 1, 0, 0)  # Request
    return head[:6] + struct.pack("!H", checksum(pseudo(p, len(head)) + head)) + head[8:]


def _igmp(p):
    head = struct.pack("!BBH4s", 0x16, 0, 0, packed(p.dst))
    return head[:2] + struct.pack("!H", checksum(head)) + head[4:]


BUILDERS = {1: _icmp, 2: _igmp, 6: _tcp, 17: _udp, 33: _dccp, 47: lambda p: struct.pack("!HH", 0, 0x0800) + b"\0" * 20,
            50: lambda p: struct.pack("!II", 0x1234, 1) + b"\0" * 24, 58: _icmp, 132: _sctp, 136: _udp}


def transport(p):
    if p.body is not None:
        return p.body
    return BUILDERS.get(p.number, lambda q: b"\0" * 24)(p)


def _ipv4(p, part, offset, more):
    dscp = 0 if p.keep else DSCP_PROBE
    head = struct.pack("!BBHHHBBH4s4s", 0x45, dscp << 2, 20 + len(part), p.id & 0xFFFF, (0x2000 if more else 0) | offset >> 3, p.hop_limit,
                       p.number, 0, packed(p.src), packed(p.dst))
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + part


def _ipv6(p, next_header, part):
    dscp = 0 if p.keep else DSCP_PROBE
    return struct.pack("!IHBB16s16s", 6 << 28 | dscp << 22 | p.id & 0xFFFFF, len(part), next_header, p.hop_limit, packed(p.src),
                       packed(p.dst)) + part


def _extended(p, body):
    """The body behind the packet's extension headers; returns (first next header, bytes)."""
    following = p.number
    for name in reversed(p.ext):
        fill = b"\0\0\0\0\0\0" if name == "route" else b"\1\4\0\0\0\0"  # routing type 0 with nothing left; PadN
        body = struct.pack("!BB", following, 0) + fill + body
        following = NEXT_HEADER[name]
    return following, body


def pieces(data, count):
    """(offset, part, more) of so many fragments, cut at multiples of 8."""
    if count == 1:
        return [(0, data, False)]
    size = max(8, (len(data) // count + 7) // 8 * 8)
    offsets = list(range(0, len(data), size))
    return [(o, data[o:o + size], o != offsets[-1]) for o in offsets]


def network(p):
    """The IP packets (more than one where it is fragmented) of a packet whose addresses and id are set."""
    body = transport(p)
    if p.family == 4:
        return [_ipv4(p, part, offset, more) for offset, part, more in pieces(body, p.fragments)]
    if p.fragments == 1:
        following, body = _extended(p, body)
        return [_ipv6(p, following, body)]
    following, body = _extended(p, body)
    return [_ipv6(p, 44, struct.pack("!BBHI", following, 0, offset | more, p.id) + part) for offset, part, more in pieces(body, p.fragments)]


def broadcast_mac(dst):
    """The Ethernet address of a multicast or broadcast destination, or None for a unicast one."""
    address = ipaddress.ip_address(dst)
    raw = address.packed
    if address.version == 4:
        if dst == "255.255.255.255" or (raw[3] == 255 and not address.is_multicast):
            return b"\xff" * 6
        return b"\x01\x00\x5e" + bytes([raw[1] & 0x7F]) + raw[2:] if address.is_multicast else None
    return b"\x33\x33" + raw[12:] if address.is_multicast else None


def frame(destination, source, packet):
    return destination + source + (b"\x08\x00" if packet[0] >> 4 == 4 else b"\x86\xdd") + packet


def parse(raw):
    """What an observer needs of a seen IP packet: dict with family, id, proto, src, dst, inner (of ICMP errors), tcp numbers."""
    seen = {"family": raw[0] >> 4}
    if seen["family"] == 4:
        size = (raw[0] & 15) * 4
        seen.update(id=struct.unpack_from("!H", raw, 4)[0], proto=raw[9], src=str(ipaddress.ip_address(raw[12:16])),
                    dst=str(ipaddress.ip_address(raw[16:20])), dscp=raw[1] >> 2)
    else:
        word, = struct.unpack_from("!I", raw, 0)
        size, following = 40, raw[6]
        while following in (0, 43, 60) and len(raw) > size + 2:
            following, size = raw[size], size + 8 + raw[size + 1] * 8
        seen.update(id=word & 0xFFFFF, proto=following, src=str(ipaddress.ip_address(raw[8:24])), dst=str(ipaddress.ip_address(raw[24:40])),
                    dscp=word >> 22 & 0x3F)
    body = raw[size:]
    seen["body"] = body
    if seen["proto"] == 6 and len(body) >= 14:
        seen["sport"], seen["dport"], seen["seq"], seen["ack"] = struct.unpack_from("!HHII", body)
        seen["flags"] = "".join(f for i, f in enumerate("FSRPAU") if body[13] >> i & 1)
    if seen["proto"] in (1, 58) and len(body) >= 8:
        seen["type"], seen["code"] = body[0], body[1]
        error = seen["type"] in (3, 4, 5, 11, 12) if seen["proto"] == 1 else seen["type"] < 128
        if error and len(body) >= 28:
            seen["inner"] = parse(body[8:])
    return seen
