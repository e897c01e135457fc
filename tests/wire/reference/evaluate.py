# SPDX-License-Identifier: GPL-2.0-or-later
"""What a policy decides for one packet: the language's section "How a packet is decided", nothing else.

Owns: Packet, State and decide(). Slow and plain on purpose: it walks the rules
in the order of the text and asks each whether it matches.
Must not know: the compiler, nftables, sockets.
"""

import ipaddress
import time
from dataclasses import dataclass, field
from typing import NamedTuple

FORWARD_BUILTINS = ("established", "icmp-errors", "related", "invalid")
PORTED = (6, 17, 33, 132, 136)
ND_TYPES = (133, 134, 135, 136, 141, 142, 148, 149)
LISTENER_TYPES = (130, 131, 132, 143, 151, 152, 153)


@dataclass
class Packet:
    """A packet as the hook sees it. state: what conntrack calls it. uid -1: no socket."""
    direction: str
    family: int
    src: int
    dst: int
    proto: int
    sport: int = 0
    dport: int = 0
    icmp_type: int = 0
    icmp_code: int = 0
    iif: str = ""
    oif: str = ""
    hop_limit: int = 64
    state: str = "new"
    uid: int = -1
    gid: int = -1
    helper: bool = False  # a related one: of a helper that a rule of this policy attached

    def __str__(self):
        make = ipaddress.IPv4Address if self.family == 4 else ipaddress.IPv6Address
        text = f"{self.direction} ipv{self.family} {make(self.src)} -> {make(self.dst)} proto {self.proto}"
        if self.proto in PORTED:
            text += f" ports {self.sport} -> {self.dport}"
        if self.proto in (1, 58):
            text += f" type {self.icmp_type} code {self.icmp_code}"
        owner = f" uid {self.uid} gid {self.gid}" if self.direction == "out" else ""
        return f"{text} on {self.iif or '-'} leaving {self.oif or '-'} hop {self.hop_limit} ct {self.state}{owner}"


@dataclass
class State:
    """What decisions depend on besides the packet: members of dynamic groups, the time, limits used."""
    members: dict = field(default_factory=dict)  # name -> [(family, first, last)]
    now: float = 0.0
    buckets: dict = field(default_factory=dict)
    open: dict = field(default_factory=dict)  # (rule index, source key) -> open connections


class Decision(NamedTuple):
    """by: rule, builtin, block, default, or none where no chain exists. index: of the rule or block."""
    by: str
    verdict: str
    name: str = ""
    index: int = -1
    over_limit: bool = False


def prefix(text):
    net = ipaddress.ip_network(text)
    return net.version, int(net[0]), int(net[-1])


NEVER_BLOCKED = [prefix(text) for text in (
    "0.0.0.0/32", "::/128", "169.254.0.0/16", "fe80::/10", "224.0.0.0/4", "ff00::/8", "255.255.255.255/32")]
LOOPBACK = [prefix("127.0.0.0/8"), prefix("::1/128")]
LINK_LOCAL6 = [prefix("fe80::/10")]
UNSPECIFIED6 = [prefix("::/128")]


def within(family, address, spans):
    return any(fam == family and low <= address <= high for fam, low, high in spans)


def decide(policy, packet, state):
    """The Decision for one packet; limits in `state` are used up by it."""
    for block in policy.blocks:
        if blocked(block, packet, state):
            return Decision("block", "deny", "block", block.index)
    if packet.direction == "forward" and not policy.forward_chain():
        return Decision("none", "allow")
    for name, check in BUILTIN_CHECKS:
        if name in policy.builtin_off or packet.direction == "forward" and name not in FORWARD_BUILTINS:
            continue
        verdict = check(packet)
        if verdict:
            return Decision("builtin", verdict, name)
    for rule in policy.rules:
        if rule_matches(rule, packet, state):
            return rule_decision(rule, packet, state)
    if "ping" not in policy.builtin_off and is_ping(packet):
        return Decision("builtin", "allow", "ping")
    return Decision("default", default_verdict(policy, packet.direction), packet.direction)


def default_verdict(policy, direction):
    if direction in policy.defaults:
        return policy.defaults[direction][0]
    return "allow" if direction == "out" else "deny"


def blocked_by_source(block, packet, state):
    return (packet.direction in ("in", "forward") and packet.iif != "lo"
            and in_block(block, packet.family, packet.src, state))


def blocked_by_destination(block, packet, state):
    return (packet.direction in ("out", "forward") and packet.oif != "lo"
            and in_block(block, packet.family, packet.dst, state))


def blocked(block, packet, state):
    return blocked_by_source(block, packet, state) or blocked_by_destination(block, packet, state)


def in_block(block, family, address, state):
    return not within(family, address, NEVER_BLOCKED) and block.addrs.has(family, address, state.members)


# Built-in rules: each says allow, deny, or nothing


def loopback(packet):
    if "lo" in (packet.iif, packet.oif):
        return "allow"
    if any(within(packet.family, address, LOOPBACK) for address in (packet.src, packet.dst)):
        return "deny"
    return None


def established(packet):
    return "allow" if packet.state == "established" else None


def icmp_errors(packet):
    if packet.family == 4 and packet.proto == 1 and packet.icmp_type in (3, 11, 12):
        return "allow"
    if packet.family == 6 and packet.proto == 58 and packet.icmp_type in (1, 2, 3, 4):
        return "allow"
    return None


def neighbour(packet):
    if packet.family == 4:
        return "allow" if packet.proto == 2 else None
    if packet.proto != 58:
        return None
    local = within(6, packet.src, LINK_LOCAL6)
    if packet.icmp_type in ND_TYPES and packet.hop_limit == 255 and (local or packet.icmp_type != 134):
        return "allow"
    if packet.icmp_type in LISTENER_TYPES and (local or within(6, packet.src, UNSPECIFIED6)):
        return "allow"
    return None


def dhcp_client(packet):
    if packet.proto != 17:
        return None
    server, client = (67, 68) if packet.family == 4 else (547, 546)
    if packet.direction == "out":
        return "allow" if (packet.sport, packet.dport) == (client, server) else None
    if (packet.sport, packet.dport) != (server, client):
        return None
    return "allow" if packet.family == 4 or within(6, packet.dst, LINK_LOCAL6) else None


def related(packet):
    if packet.state == "related" and packet.helper and packet.dport >= 1024:
        return "allow"
    return None


def invalid(packet):
    return "deny" if packet.state == "invalid" else None


BUILTIN_CHECKS = (
    ("loopback", loopback), ("established", established), ("icmp-errors", icmp_errors), ("neighbour", neighbour),
    ("dhcp-client", dhcp_client), ("related", related), ("invalid", invalid))


def is_ping(packet):
    if packet.direction != "in":
        return False
    return (packet.family, packet.proto, packet.icmp_type) in ((4, 1, 8), (6, 58, 128))


# Rules


def rule_matches(rule, packet, state):
    if rule.direction != packet.direction or packet.family not in rule.families:
        return False
    if not any(item_matches(item, packet) for item in rule.what):
        return False
    return all(CLAUSE_CHECKS[name](value, packet, state)
               for name, value in rule.clauses.items() if name in CLAUSE_CHECKS)


def item_matches(item, packet):
    if item.family and item.family != packet.family:
        return False
    if item.proto not in (-1, packet.proto):
        return False
    if item.ports and not item.low <= packet.dport <= item.high:
        return False
    return item.icmp_type in (-1, packet.icmp_type)


def on_matches(ifaces, packet, _state):
    return ifaces.has(packet.oif if packet.direction == "out" else packet.iif)


def source_port_matches(ranges, packet, _state):
    return packet.proto in PORTED and any(low <= packet.sport <= high for low, high in ranges)


def owner_matches(owner, packet, _state):
    kind, numbers = owner
    return (packet.uid if kind == "user" else packet.gid) in numbers


def during_matches(during, _packet, state):
    start, stop, days = during
    local = time.localtime(state.now)
    minute = local.tm_hour * 60 + local.tm_min
    if start < stop:
        return local.tm_wday in days and start <= minute < stop
    if minute >= start:
        return local.tm_wday in days
    return minute < stop and (local.tm_wday - 1) % 7 in days


def until_matches(until, _packet, state):
    end = time.mktime(tuple(until) + (0, 0, 0, -1))
    return state.now < end


CLAUSE_CHECKS = {
    "from": lambda addrs, packet, state: addrs.has(packet.family, packet.src, state.members),
    "to": lambda addrs, packet, state: addrs.has(packet.family, packet.dst, state.members),
    "on": on_matches,
    "leaving": lambda ifaces, packet, state: ifaces.has(packet.oif),
    "over": lambda family, packet, state: family == packet.family,
    "source-port": source_port_matches,
    "as": owner_matches,
    "during": during_matches,
    "until": until_matches,
}


def source_key(packet, per_source):
    """Limits count per address, IPv6 per /64; without `per source` all share one."""
    if not per_source:
        return None
    return packet.family, packet.src if packet.family == 4 else packet.src >> 64


def rule_decision(rule, packet, state):
    if rule.verdict == "allow" and over_limit(rule, packet, state):
        return Decision("rule", "deny", "", rule.index, True)
    return Decision("rule", rule.verdict, "", rule.index)


def over_limit(rule, packet, state):
    if "connections" in rule.clauses:
        most, per_source = rule.clauses["connections"]
        if state.open.get((rule.index, source_key(packet, per_source)), 0) >= most:
            return True
    if "rate" not in rule.clauses:
        return False
    number, unit, burst, per_source = rule.clauses["rate"]
    key = (rule.index, source_key(packet, per_source))
    tokens, seen = state.buckets.get(key, (float(burst), state.now))
    tokens = min(float(burst), tokens + (state.now - seen) * number / unit)
    full = tokens < 1
    state.buckets[key] = (tokens if full else tokens - 1, state.now)
    return full
