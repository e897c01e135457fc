# SPDX-License-Identifier: GPL-2.0-or-later
"""Random packets for a policy: most of them aimed at a rule, at and just beside the ends of its intervals.

Owns: which packets can be sent on the rig and what of them can be seen there.
Must not know: sockets, the program under test.
"""

import ipaddress
import random
from dataclasses import replace

from evaluate import PORTED, Packet, within, prefix
from frames import conntrack_state
from rig import IFACES, LOCAL4, LOCAL6, OWNERS

LOCAL = [prefix(text) for text in LOCAL4 + LOCAL6]
HEARD = {4: ["224.0.0.1", "255.255.255.255"], 6: ["ff02::1"]}
TOLD = {4: ["224.0.0.1", "224.0.0.251", "255.255.255.255", "169.254.3.4"], 6: ["ff02::1", "ff02::1:2", "fe80::9"]}
BASE = {4: ["203.0.113.7", "198.51.100.130", "10.1.9.3", "192.0.2.5", "10.1.0.200", "192.168.7.7", "169.254.1.1"],
        6: ["2001:db8:10::7", "2001:db8:20:8000::3", "2001:db8:1:9::3", "2001:db8:ff::5", "2001:db8:1:0:8000::9",
            "fe80::77", "2001:db8:99::1"]}
NOT_SOURCE = [prefix(text) for text in ("0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3", "::/127", "ff00::/8", "::ffff:0:0/96")]
NOT_FORWARDED = NOT_SOURCE + [prefix("fe80::/10"), prefix("fec0::/10")]
NOT_TARGET = [prefix(text) for text in ("0.0.0.0/8", "::/128", "fe80::/124", "::ffff:0:0/96")]
SPECIAL = [prefix(text) for text in ("224.0.0.0/4", "255.255.255.255/32", "ff00::/8")]
LINK_LOCAL = [prefix("fe80::/10")]
HOST_PART = 2 ** 64 - 1
PARTS = ("from", "to", "on", "leaving", "protocol", "port", "source-port", "as")
OTHER_PROTOS = (2, 4, 47, 50, 89, 112, 253)
ICMP_TYPES = {4: (0, 3, 5, 8, 11, 12, 13), 6: (1, 2, 3, 4, 128, 129, 130, 131, 133, 134, 135, 136, 137, 139, 141, 142, 143, 148, 149, 151, 152, 153)}
PORTS = (0, 1, 20, 21, 22, 23, 25, 53, 67, 68, 80, 443, 546, 547, 1023, 1024, 2222, 8000, 8003, 65535)


def number(text):
    return int(ipaddress.ip_address(text))


class Traffic:
    """Packets for one policy; all choices come from the seed."""

    def __init__(self, policy, members, seed):
        self.rng = random.Random(f"packets {seed}")
        self.policy, self.members = policy, members
        self.loose = ""  # the part of the present packet that need not fit its rule
        self.pool = {family: self.addresses(family, members) for family in (4, 6)}
        self.local = {family: [a for a in self.pool[family] if within(family, a, LOCAL)] for family in (4, 6)}
        self.remote = {family: [a for a in self.pool[family] if not within(family, a, LOCAL)] for family in (4, 6)}

    def addresses(self, family, members):
        found = {number(text) for text in BASE[family]}
        sets = [block.addrs for block in self.policy.blocks]
        sets += [rule.clauses[name] for rule in self.policy.rules for name in ("from", "to") if name in rule.clauses]
        for addrs in sets:
            found |= set(addrs.edges(family))
        for spans in members.values():
            found |= {edge for fam, low, high in spans if fam == family for edge in (low, high)}
        top = 2 ** (32 if family == 4 else 128)
        return sorted(a for edge in found for a in (edge - 1, edge, edge + 1) if 0 <= a < top)

    def packets(self, count):
        found = []
        while len(found) < count:
            made = self.packet(("in", "forward", "out")[len(found) % 3])
            if made:
                found.append(made)
        return found

    def packet(self, direction):
        """(packet, shape) or None where what was drawn cannot be sent."""
        rules = [rule for rule in self.policy.rules if rule.direction == direction]
        rule = self.rng.choice(rules) if rules and self.rng.randrange(100) < 85 else None
        self.loose = self.rng.choice(PARTS) if self.rng.randrange(100) < 40 else ""
        family = self.rng.choice(sorted(rule.families) if rule else (4, 6))
        packet = Packet(direction, family, 0, 0, 6)
        self.interfaces(packet, rule)
        packet.src = self.near(rule, "from", family, self.sources(packet))
        packet.dst = self.near(rule, "to", family, self.targets(packet))
        self.protocol(packet, rule)
        packet.hop_limit = self.rng.choice((255, 255, 64, 2))
        if direction == "out":
            packet.uid, packet.gid = self.owner(rule)
        shape = self.shape(packet)
        packet.state = conntrack_state(packet, shape == "broken")
        return (packet, shape) if sendable(packet) else None

    def connections(self, count):
        """UDP packets that each stand for a known connection, with ports that no other packet has."""
        found = []
        while len(found) < count:
            made = self.packet(self.rng.choice(("in", "forward", "out")))
            if made and "lo" not in (made[0].iif, made[0].oif) and not within(made[0].family, made[0].dst, SPECIAL):
                packet = made[0]
                packet.proto, packet.icmp_type, packet.icmp_code = 17, 0, 0
                packet.sport, packet.dport = 30000 + len(found), 40000 + len(found)
                if sendable(turned(packet)):
                    found.append(packet)
        return found

    def shape(self, packet):
        drawn = self.rng.randrange(100)
        if drawn < 4:
            return "broken" if packet.proto == 6 else ""
        if drawn < 8:
            return "options"
        return "fragments" if drawn < 14 and packet.proto == 17 and packet.direction != "out" else ""

    def interfaces(self, packet, rule):
        lone = self.rng.randrange(100) < 3 and packet.direction != "forward"
        first = "lo" if lone else self.iface(rule, "on")
        if packet.direction == "out":
            packet.oif = first
            return
        packet.iif = first
        if packet.direction == "forward":
            packet.oif = self.iface(rule, "leaving")

    def iface(self, rule, clause):
        if rule and clause in rule.clauses and self.loose != clause:
            fitting = [name for name in IFACES if rule.clauses[clause].has(name)]
            if fitting:
                return self.rng.choice(fitting)
        return self.rng.choice(IFACES)

    def sources(self, packet):
        if packet.direction == "out" or packet.iif == "lo":
            return self.local[packet.family]
        return self.remote[packet.family] + ([0] if self.rng.randrange(100) < 5 else [])

    def targets(self, packet):
        family = packet.family
        if packet.direction == "in":
            extra = [number(text) for text in HEARD[family]] if packet.iif != "lo" else []
            if family == 6 and packet.iif != "lo":
                extra.append(number("fe80::") + IFACES.index(packet.iif) + 1)
            return self.local[family] + extra
        if packet.oif == "lo":
            return self.local[family]
        extra = [number(text) for text in TOLD[family]] if packet.direction == "out" else []
        return self.remote[family] + extra

    def near(self, rule, clause, family, pool):
        """An address of the pool: one that fits the rule, or one at or beside an end of its intervals."""
        if rule is None or clause not in rule.clauses:
            return self.rng.choice(pool)
        addrs = rule.clauses[clause]
        if self.loose != clause:
            fitting = [address for address in pool if addrs.has(family, address, self.members)]
        else:
            edges = set(addrs.edges(family))
            fitting = sorted({edge + step for edge in edges for step in (-1, 0, 1)} & set(pool))
        return self.rng.choice(fitting or pool)

    def protocol(self, packet, rule):
        item = self.rng.choice(rule.what) if rule else None
        if item is None or item.proto == -1 or self.loose == "protocol":
            self.any_protocol(packet)
        else:
            packet.proto = item.proto
            if item.ports:
                packet.dport = self.port(item.low, item.high, self.loose == "port")
            elif packet.proto in PORTED:
                packet.dport = self.rng.choice(PORTS)
            if packet.proto in (1, 58):
                packet.icmp_type = item.icmp_type if item.icmp_type >= 0 else self.rng.choice(ICMP_TYPES[packet.family])
        if packet.proto in PORTED:
            self.source_port(packet, rule)

    def any_protocol(self, packet):
        if self.rng.randrange(100) < 20:
            packet.proto = 1 if packet.family == 4 else 58
            packet.icmp_type = self.rng.choice(ICMP_TYPES[packet.family])
        elif self.rng.randrange(100) < 15:
            packet.proto = self.rng.choice(OTHER_PROTOS)
        else:
            packet.proto = self.rng.choice((6, 6, 17, 17, 132, 33, 136))
            packet.dport = self.rng.choice(PORTS)

    def port(self, low, high, loose):
        if loose:
            return min(65535, max(0, self.rng.choice((low - 1, high + 1))))
        return self.rng.choice((low, high, (low + high) // 2))

    def source_port(self, packet, rule):
        packet.sport = self.rng.randrange(1024, 65536)
        if rule and "source-port" in rule.clauses:
            packet.sport = self.port(*self.rng.choice(rule.clauses["source-port"]), self.loose == "source-port")
        elif packet.proto == 17 and packet.dport in (67, 68, 546, 547):
            packet.sport = {67: 68, 68: 67, 546: 547, 547: 546}[packet.dport]

    def owner(self, rule):
        if rule and "as" in rule.clauses:
            kind, numbers = rule.clauses["as"]
            fitting = [pair for pair in OWNERS if pair[0 if kind == "user" else 1] in numbers]
            if fitting and self.loose != "as":
                return self.rng.choice(fitting)
        return self.rng.choice(OWNERS)


def turned(packet):
    """The answer to a packet, established by that."""
    direction = {"in": "out", "out": "in", "forward": "forward"}[packet.direction]
    uid, gid = OWNERS[0] if direction == "out" else (-1, -1)
    return replace(packet, direction=direction, src=packet.dst, dst=packet.src, sport=packet.dport, dport=packet.sport,
                   iif=packet.oif, oif=packet.iif, uid=uid, gid=gid, state="established")


def of_connections(packets, answered):
    """What is sent of connections: some of them have seen an answer already, the others see it here."""
    found = []
    for packet, old in zip(packets, answered):
        found.append((replace(packet, state="established" if old else "new"), ""))
        found.append((turned(packet), ""))
        found.append((replace(packet, state="established"), ""))
    return found


def sendable(packet):
    """Whether the kernel carries it to the hook of its direction."""
    family, local = packet.family, [within(packet.family, end, LOCAL) for end in (packet.src, packet.dst)]
    if packet.direction == "forward":
        return not any(local) and not any(within(family, end, NOT_FORWARDED) for end in (packet.src, packet.dst))
    if "lo" in (packet.iif, packet.oif):
        return all(local)
    if packet.direction == "out":
        return local == [True, False] and not within(family, packet.dst, NOT_TARGET)
    if packet.src == 0:
        return family == 6 or packet.dst == 0xffffffff
    return not local[0] and not within(family, packet.src, NOT_SOURCE)


def answerable(packet):
    """Whether the kernel would tell the sender of a rejection: True, False, or None where that is its own affair."""
    if packet.src == 0 or within(packet.family, packet.dst, SPECIAL):
        return False
    if packet.family == 4 and packet.proto == 1:
        return packet.icmp_type not in (3, 4, 5, 11, 12)
    if packet.family == 6 and packet.proto == 58 and packet.icmp_type < 128:
        return False
    if packet.family == 6 and packet.src & HOST_PART in (0, 1 << 63):
        return None  # it may be an anycast address of a router here
    return None if packet.direction == "out" and within(6, packet.dst, LINK_LOCAL) else True
