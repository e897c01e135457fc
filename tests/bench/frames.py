# SPDX-License-Identifier: GPL-2.0-or-later
"""Frames for packet.c: records of 64 bytes, the length of the headers and then IP and TCP or UDP header with right checksums."""
import ipaddress
import struct

TCP, UDP = 6, 17


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def frame(source, destination, source_port, port, proto=TCP):
    """Addresses as text or numbers (IPv4); a SYN, or an empty datagram."""
    source, destination = ipaddress.ip_address(source), ipaddress.ip_address(destination)
    if proto == TCP:
        upper, at = struct.pack(">HHIIBBHHH", source_port, port, 1, 0, 0x50, 2, 1024, 0, 0), 16
    else:
        upper, at = struct.pack(">HHHH", source_port, port, 8, 0), 6
    pseudo = source.packed + destination.packed + struct.pack(">BBH" if source.version == 4 else ">BBI", 0, proto, len(upper))
    upper = upper[:at] + struct.pack(">H", checksum(pseudo + upper)) + upper[at + 2:]
    if source.version == 4:
        network = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(upper), 1, 0, 64, proto, 0, source.packed, destination.packed)
        network = network[:10] + struct.pack(">H", checksum(network)) + network[12:]
    else:
        network = struct.pack(">IHBB16s16s", 6 << 28, len(upper), proto, 64, source.packed, destination.packed)
    headers = network + upper
    return bytes([len(headers)]) + headers.ljust(63, b"\0")


def write(path, items):
    with open(path, "wb") as f:
        for item in items:
            f.write(frame(*item))
