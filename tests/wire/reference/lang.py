# SPDX-License-Identifier: GPL-2.0-or-later
"""Reader of the policy language for the reference evaluator.

Owns: text -> Policy (rules in the order of the text, scopes folded in, names
resolved). Written from the language's page alone; it shares nothing with the
compiler that it checks. It accepts what is correct and raises PolicyError with
file and line for what it sees to be wrong; it gives no diagnostics beyond that.
Must not know: packets, the kernel, the program under test.
"""

import bisect
import ipaddress
import re
from dataclasses import dataclass, field

VERDICTS = ("allow", "deny", "reject")
DIRECTIONS = ("in", "out", "forward")
BUILTINS = ("loopback", "established", "icmp-errors", "neighbour", "dhcp-client", "related", "invalid", "ping")
UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
PORTED = {"tcp": 6, "udp": 17, "dccp": 33, "sctp": 132, "udplite": 136}
PROTOCOLS = dict(
    PORTED, icmp=1, igmp=2, ipip=4, egp=8, igp=9, pup=12, hmp=20, rdp=27, rsvp=46, gre=47, esp=50, ah=51,
    icmpv6=58, eigrp=88, ospf=89, etherip=97, encap=98, pim=103, ipcomp=108, vrrp=112, l2tp=115, isis=124)
PROTOCOLS.update({
    "ipv6-icmp": 58, "ggp": 3, "st": 5, "xns-idp": 22, "iso-tp4": 29, "xtp": 36, "ddp": 37, "idpr-cmtp": 38, "ipv6": 41,
    "idrp": 45, "skip": 57, "rspf": 73, "vmtp": 81, "fc": 133, "hip": 139, "shim6": 140, "wesp": 141, "rohc": 142})
ICMP4 = {
    "echo-reply": 0, "destination-unreachable": 3, "source-quench": 4, "redirect": 5, "echo-request": 8,
    "router-advertisement": 9, "router-solicitation": 10, "time-exceeded": 11, "parameter-problem": 12,
    "timestamp-request": 13, "timestamp-reply": 14, "info-request": 15, "info-reply": 16,
    "address-mask-request": 17, "address-mask-reply": 18}
ICMP6 = {
    "destination-unreachable": 1, "packet-too-big": 2, "time-exceeded": 3, "parameter-problem": 4,
    "echo-request": 128, "echo-reply": 129, "mld-listener-query": 130, "mld-listener-report": 131,
    "mld-listener-done": 132, "nd-router-solicit": 133, "nd-router-advert": 134, "nd-neighbor-solicit": 135,
    "nd-neighbor-advert": 136, "nd-redirect": 137, "mld2-listener-report": 143}
CLAUSES = ("from", "to", "on", "leaving", "source-port", "over", "as", "rate", "connections", "during", "until",
           "log", "label")
SCOPE_CLAUSES = ("from", "to", "on", "leaving", "over", "as", "source-port", "during", "until")
EXPECT_CLAUSES = ("from", "to", "on", "leaving", "source-port", "over", "as")
WORD = re.compile(r"[A-Za-z0-9_.:+/*@%-]+")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.+-]{0,62}\Z")
MAX_DEPTH = 16


class PolicyError(Exception):
    """What is wrong in a policy, with the place."""

    def __init__(self, where, text):
        super().__init__(f"{where[0]}:{where[1]}: {text}")
        self.file, self.line = where


@dataclass(frozen=True)
class Token:
    kind: str  # word, string, or the mark itself: , = { }
    text: str


@dataclass
class Statement:
    """One logical line; scope is the chain of the scope lines around it."""
    where: tuple
    tokens: list
    scope: list


class AddressSet:
    """A resolved ADDRS: intervals of both families, names of dynamic groups, minus another such set."""

    def __init__(self):
        self.any = False
        self.spans = {4: [], 6: []}
        self.dynamic = []
        self.parts = []  # other AddressSets: groups named in the list
        self.minus = None

    def add(self, family, low, high):
        self.spans[family].append((low, high))

    def seal(self):
        for family, spans in self.spans.items():
            merged = []
            for low, high in sorted(spans):
                if merged and low <= merged[-1][1] + 1:
                    merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
                else:
                    merged.append((low, high))
            self.spans[family] = merged
        return self

    def has(self, family, address, members):
        if not self._listed(family, address, members):
            return False
        return self.minus is None or not self.minus.has(family, address, members)

    def _listed(self, family, address, members):
        if self.any:
            return True
        spans = self.spans[family]
        at = bisect.bisect_right(spans, (address, 1 << 129)) - 1
        if at >= 0 and address <= spans[at][1]:
            return True
        for name in self.dynamic:
            if any(fam == family and low <= address <= high for fam, low, high in members.get(name, ())):
                return True
        return any(part.has(family, address, members) for part in self.parts)

    def families(self):
        """The families of the list; of an empty one both, as it is a warning and no family error.

        A group has the families of what its own `except` leaves of it."""
        if self.any or self.dynamic:
            return {4, 6}
        found = {family for family in (4, 6) if self.spans[family] or any(part.flat(family) for part in self.parts)}
        if any(part.dynamic for part in self.parts):
            return {4, 6}
        return found or {4, 6}

    def flat(self, family):
        """The intervals of one family in order, without dynamic members."""
        spans = list(self.spans[family])
        if self.any:
            spans.append((0, 2 ** (32 if family == 4 else 128) - 1))
        for part in self.parts:
            spans += part.flat(family)
        return without(sorted(spans), self.minus.flat(family)) if self.minus else sorted(spans)

    def edges(self, family):
        """All first and last addresses of intervals anywhere in the set."""
        for low, high in self.spans[family]:
            yield low
            yield high
        for inner in self.parts + ([self.minus] if self.minus else []):
            yield from inner.edges(family)


def without(spans, taken):
    """What the intervals `taken` leave of `spans`; both in order, and they may overlap."""
    left = []
    for low, high in spans:
        for first, last in taken:
            if last < low or first > high:
                continue
            if first > low:
                left.append((low, first - 1))
            low = last + 1
        if low <= high:
            left.append((low, high))
    return left


@dataclass
class IfaceSet:
    """A resolved IFACES: patterns, minus patterns; any is the pattern '*'."""
    patterns: list
    minus: list

    def has(self, name):
        return self._hit(self.patterns, name) and not self._hit(self.minus, name)

    @staticmethod
    def _hit(patterns, name):
        for pattern in patterns:
            if pattern.endswith("*"):
                if name.startswith(pattern[:-1]):
                    return True
            elif pattern == name:
                return True
        return False


@dataclass(frozen=True)
class Item:
    """One of WHAT: all packets, a protocol (with ports where it has some), or an ICMP type."""
    proto: int = -1  # -1: all
    low: int = 0
    high: int = 65535
    ports: bool = False
    family: int = 0  # 0: both
    icmp_type: int = -1


@dataclass
class Service:
    name: str
    items: list = field(default_factory=list)
    helper: str = ""


@dataclass
class Rule:
    where: tuple
    index: int
    verdict: str
    direction: str
    what: list
    clauses: dict
    families: set


@dataclass
class Block:
    where: tuple
    index: int
    addrs: AddressSet


@dataclass
class Policy:
    rules: list = field(default_factory=list)
    blocks: list = field(default_factory=list)
    expects: list = field(default_factory=list)
    defaults: dict = field(default_factory=dict)
    options: dict = field(default_factory=dict)
    builtin_off: set = field(default_factory=set)
    groups: dict = field(default_factory=dict)
    dynamic: list = field(default_factory=list)
    zones: dict = field(default_factory=dict)

    def forward_chain(self):
        return "forward" in self.defaults or any(rule.direction == "forward" for rule in self.rules)


# Lines and words


def scan_line(text, where):
    """Tokens of one physical line, and whether it ends in a backslash."""
    tokens, at = [], 0
    while at < len(text):
        char = text[at]
        if char in " \t\r":
            at += 1
        elif char == "#":
            break
        elif char == "\\" and not text[at + 1:].split("#")[0].strip():
            return tokens, True
        elif char in ",={}":
            tokens.append(Token(char, char))
            at += 1
        elif char == '"':
            value, at = scan_string(text, at + 1, where)
            tokens.append(Token("string", value))
        else:
            match = WORD.match(text, at)
            if not match:
                raise PolicyError(where, f"unexpected character {char!r}")
            tokens.append(Token("word", match.group()))
            at = match.end()
    return tokens, False


def scan_string(text, at, where):
    value = []
    while at < len(text) and text[at] != '"':
        if text[at] == "\\":
            at += 1
            if at >= len(text) or text[at] not in '"\\':
                raise PolicyError(where, "bad escape in a string")
        value.append(text[at])
        at += 1
    if at >= len(text):
        raise PolicyError(where, "string without an end")
    return "".join(value), at + 1


def logical_lines(text, name):
    """Yields (line number of the first token, tokens)."""
    held, start, joined = [], 0, False
    for number, line in enumerate(text.split("\n"), 1):
        tokens, slash = scan_line(line, (name, number))
        if not held:
            start = number
        if not tokens and not slash:
            if held and not joined:
                continue  # blanks and comments inside a continued list
        held += tokens
        joined = slash
        if slash or (held and held[-1].kind in (",", "=")):
            continue
        if held:
            yield start, held
        held = []
    if held:
        raise PolicyError((name, start), "the text ends inside a statement")


class Cursor:
    """A place in the tokens of one statement."""

    def __init__(self, statement):
        self.where, self.tokens, self.at = statement.where, statement.tokens, 0

    def peek(self):
        """The next word, folded; the mark for others; None at the end."""
        if self.at >= len(self.tokens):
            return None
        token = self.tokens[self.at]
        return token.text.lower() if token.kind == "word" else token.kind

    def take(self, kind="word"):
        if self.at >= len(self.tokens) or self.tokens[self.at].kind != kind:
            self.fail(f"expected {kind}")
        self.at += 1
        return self.tokens[self.at - 1].text

    def take_if(self, text):
        if self.peek() == text:
            self.at += 1
            return True
        return False

    def take_list(self, kinds=("word",)):
        found = []
        while True:
            if self.at >= len(self.tokens) or self.tokens[self.at].kind not in kinds:
                self.fail("expected a list")
            found.append(self.tokens[self.at])
            self.at += 1
            if not self.take_if(","):
                return found

    def end(self):
        if self.at < len(self.tokens):
            self.fail(f"unexpected {self.tokens[self.at].text!r}")

    def fail(self, text):
        raise PolicyError(self.where, text)


# Numbers and addresses


def parse_ports(word, where):
    match = re.fullmatch(r"(\d+)(?:[-:](\d+))?", word)
    if not match:
        raise PolicyError(where, f"bad port {word!r}")
    low = int(match.group(1))
    high = int(match.group(2) or low)
    if low > high or high > 65535:
        raise PolicyError(where, f"bad port range {word!r}")
    return low, high


def parse_address(word, where):
    """(family, first, last) of an address, prefix or range."""
    try:
        if "-" in word:
            low, high = (ipaddress.ip_address(part) for part in word.split("-"))
            if low.version != high.version or low > high:
                raise ValueError
            return low.version, int(low), int(high)
        if "/" in word:
            net = ipaddress.ip_network(word)
            return net.version, int(net[0]), int(net[-1])
        address = ipaddress.ip_address(word)
        return address.version, int(address), int(address)
    except ValueError as error:
        raise PolicyError(where, f"bad address {word!r}") from error


def is_address(word):
    return word[0].isdigit() or ":" in word


def parse_rate(word, where):
    match = re.fullmatch(r"(\d+)/([a-z]+)", word.lower())
    if not match or match.group(2) not in UNITS or not int(match.group(1)):
        raise PolicyError(where, f"bad rate {word!r}")
    return int(match.group(1)), UNITS[match.group(2)]


def parse_clock(word, where):
    match = re.fullmatch(r"(\d\d):(\d\d)-(\d\d):(\d\d)", word)
    if not match:
        raise PolicyError(where, f"bad time of day {word!r}")
    hours = [int(part) for part in match.groups()]
    return hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]


def service_key(name):
    return name.lower().replace("_", "-")
