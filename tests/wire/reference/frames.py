# SPDX-License-Identifier: GPL-2.0-or-later
"""Bytes of test packets: an IP packet for a reference Packet, with an id that comes back in every observation.

Owns: headers and checksums. The id is the IPv4 identification, the low half of
the IPv6 flow label, and the TCP sequence number (a reset answers it in its
acknowledgement). What conntrack will call each packet is decided here too.
Must not know: policies, sockets.
"""

import struct

TCP_SYN, TCP_ACK, TCP_RST, TCP_FIN = 0x02, 0x10, 0x04, 0x01
NEW_ICMP4 = (8, 13, 15, 17)
NEW_ICMP6 = (128, 139)
UNTRACKED_ICMP6 = (130, 131, 132, 133, 134, 135, 136, 143, 151, 152)


def conntrack_state(packet, broken=False):
    """What conntrack calls a packet of no known connection. broken: with TCP flags that cannot be."""
    if packet.proto == 1 and packet.family == 4:
        return "new" if packet.icmp_type in NEW_ICMP4 else "invalid"
    if packet.proto == 58 and packet.family == 6:
        if packet.icmp_type in UNTRACKED_ICMP6:
            return "untracked"
        return "new" if packet.icmp_type in NEW_ICMP6 else "invalid"
    if packet.proto in (1, 58):
        return "invalid"  # the other family's
    return "invalid" if broken and packet.proto == 6 else "new"


def fold(data):
    """The Internet checksum of some bytes, not yet inverted."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def pseudo(packet, length):
    size = 4 if packet.family == 4 else 16
    ends = packet.src.to_bytes(size, "big") + packet.dst.to_bytes(size, "big")
    return ends + struct.pack("!II", length, packet.proto)


def with_checksum(packet, data, at, over_pseudo=True):
    total = fold((pseudo(packet, len(data)) if over_pseudo else b"") + data)
    return data[:at] + struct.pack("!H", ~total & 0xffff or 0xffff) + data[at + 2:]


def tcp(packet, ident, broken):
    flags = TCP_SYN | TCP_FIN if broken else TCP_SYN
    sequence = ident - 1 if broken else ident  # its answer counts the FIN as well
    data = struct.pack("!HHIIBBHHH", packet.sport, packet.dport, sequence, 0, 0x50, flags, 1024, 0, 0)
    return with_checksum(packet, data, 16)


def udp(packet, _ident, _broken):
    return with_checksum(packet, struct.pack("!HHHH", packet.sport, packet.dport, 16, 0) + b"testing.", 6)


def udplite(packet, _ident, _broken):
    return with_checksum(packet, struct.pack("!HHHH", packet.sport, packet.dport, 0, 0) + b"testing.", 6)


def dccp(packet, ident, _broken):
    head = struct.pack("!HHBBHBBHI", packet.sport, packet.dport, 5, 0, 0, 1, 0, 0, ident)
    return with_checksum(packet, head + b"\0\0\0\1", 6, packet.family == 6)  # as reject checks it


def sctp(packet, ident, _broken):
    head = struct.pack("!HHI", packet.sport, packet.dport, 0)
    chunk = struct.pack("!BBHIIHHI", 1, 0, 20, ident or 1, 65535, 1, 1, 1)
    return head + struct.pack("<I", crc32c(head + b"\0\0\0\0" + chunk)) + chunk


def icmp(packet, ident, _broken):
    data = struct.pack("!BBHHH", packet.icmp_type, packet.icmp_code, 0, ident, 1) + bytes(24)
    return with_checksum(packet, data, 2, packet.family == 6)


def gre(packet, _ident, _broken):
    return with_checksum(packet, struct.pack("!HHHH", 0, 0x0800, 0, 0), 6, packet.family == 6)


def other(packet, _ident, _broken):
    return with_checksum(packet, bytes(16), 14, packet.family == 6)


MAKERS = {6: tcp, 17: udp, 136: udplite, 33: dccp, 132: sctp, 47: gre}


def ip_packets(packet, ident, shape=""):
    """The IP packets: one, or its fragments. shape: "", broken, options (extension headers in IPv6), fragments."""
    maker = MAKERS.get(packet.proto, other)
    if (packet.family, packet.proto) in ((4, 1), (6, 58)):
        maker = icmp
    body = maker(packet, ident, shape == "broken")
    head = head4 if packet.family == 4 else head6
    if shape != "fragments":
        return [head(packet, ident, body, shape == "options")]
    return [head(packet, ident, body[:8], False, (0, True)), head(packet, ident, body[8:], False, (8, False))]


def head4(packet, ident, body, options, fragment=(0, False)):
    extra = b"\x01\x01\x01\x00" if options else b""
    place = fragment[0] // 8 | fragment[1] << 13
    head = struct.pack("!BBHHHBBH", 0x45 + len(extra) // 4, 0, 20 + len(extra) + len(body), ident, place,
                       packet.hop_limit, packet.proto, 0)
    head += packet.src.to_bytes(4, "big") + packet.dst.to_bytes(4, "big") + extra
    return head[:10] + struct.pack("!H", ~fold(head) & 0xffff) + head[12:] + body


def head6(packet, ident, body, options, fragment=None):
    following = packet.proto
    if options:
        body, following = struct.pack("!BBBBI", following, 0, 1, 4, 0) + body, 60
    if fragment:
        body, following = struct.pack("!BBHI", following, 0, fragment[0] | fragment[1], ident) + body, 44
    return struct.pack("!IHBB", 6 << 28 | ident, len(body), following, packet.hop_limit) + \
        packet.src.to_bytes(16, "big") + packet.dst.to_bytes(16, "big") + body


def own_id(data):
    """The id of one of our packets, from its first bytes."""
    return struct.unpack_from("!H", data, 4)[0] if data[0] >> 4 == 4 else struct.unpack_from("!H", data, 2)[0]


def answered_id(data):
    """The id of the packet that a reset or an ICMP error answers, and whether it is the right kind; else None."""
    version = data[0] >> 4
    head = (data[0] & 15) * 4 if version == 4 else 40
    proto = data[9] if version == 4 else data[6]
    if proto == 6 and data[head + 13] & TCP_RST:
        return (struct.unpack_from("!I", data, head + 8)[0] - 1) & 0xffff, "reset"
    if (version, proto) in ((4, 1), (6, 58)) and len(data) >= head + 16:
        kind = {(4, 3, 3): "unreachable", (6, 1, 4): "unreachable"}.get((version, data[head], data[head + 1]))
        if kind:
            return own_id(data[head + 8:]), kind
    return None
