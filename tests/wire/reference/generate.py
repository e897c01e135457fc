# SPDX-License-Identifier: GPL-2.0-or-later
"""Random policies from a seed.

Owns: the text of a policy with its files and its bans, drawn from universes
small enough that rules overlap, shadow and cut each other all the time. Every
clause is drawn whose result is certain on the wire; limits are either far from
being reached or so slow that exactly the burst passes.
Must not know: packets, the kernel.
"""

import ipaddress
import random
from dataclasses import dataclass, field

WORDS = {
    4: ["203.0.113.7", "203.0.113.0/24", "203.0.113.0/25", "203.0.113.4/30", "198.51.100.0/24", "198.51.100.128/25",
        "10.1.0.0/16", "10.1.0.0/24", "10.1.9.0/24", "10.1.9.0-10.1.10.4", "203.0.113.5-203.0.113.9", "10.0.0.0/8",
        "203.0.113.254-203.0.114.1", "192.0.2.0/24", "192.0.2.1", "192.0.2.2-192.0.2.6", "10.1.0.128/25",
        "192.0.2.128/25", "0.0.0.0/0", "128.0.0.0/1", "224.0.0.1", "255.255.255.255", "169.254.0.0/16"],
    6: ["2001:db8:10::/48", "2001:db8:10::7", "2001:db8:10::/64", "2001:db8:10::4/126", "2001:db8:20::/48",
        "2001:db8:20:8000::/49", "2001:db8:1::/48", "2001:db8:1::/64", "2001:db8:1:9::/64",
        "2001:db8:1:9::-2001:db8:1:a::4", "2001:db8::/32", "2001:db8:10::5-2001:db8:10::9", "2001:db8:ff::/64",
        "2001:db8:ff::1", "2001:db8:ff::2-2001:db8:ff::6", "2001:db8:1:0:8000::/65", "::/0", "fe80::/10", "ff02::1",
        "2001:db8:f:ffff::-2001:db8:10:0:ffff:ffff:ffff:ffff"]}
BASES = {4: ["203.0.113.6", "198.51.100.130", "10.1.9.3", "192.0.2.5", "10.1.0.200"],
         6: ["2001:db8:10::6", "2001:db8:20:8000::3", "2001:db8:1:9::3", "2001:db8:ff::5", "2001:db8:1:0:8000::9"]}
PORTS = ["0", "1", "20-25", "21", "22", "25", "79-81", "80", "443", "1023", "1024", "0-1023", "1024-65535", "8000-8080",
         "8000:8005", "8003", "53", "67-68", "546-547", "65535", "49152-65534", "0-65535", "6660-6669"]
CATALOGUE = ["ftp", "ssh", "smtp", "dns", "http", "https", "irc", "rdp", "mysql", "telnet", "ftp-passive", "mail", "web",
             "cpanel-host", "plesk-host", "SSH", "Ftp_Passive", "ntp", "imaps", "razor", "http3"]
PLAIN = ["tcp", "udp", "sctp", "gre", "esp", "ospf", "47/ip", "253/ip", "udplite", "dccp", "vrrp", "17/ip", "89/ip"]
ICMP = {4: ["icmp", "echo-request/icmp", "8/icmp", "3/icmp", "time-exceeded/icmp", "13/icmp", "0/icmp", "5/icmp"],
        6: ["icmpv6", "echo-request/icmpv6", "128/icmpv6", "packet-too-big/icmpv6", "135/icmpv6", "143/icmpv6",
            "139/icmpv6", "137/icmpv6"]}
IFACES = ["eth0", "eth1", "wg0", "eth*", "wg*", "e*", "lo", "eth7", "eth01"]
BUILTINS = ["loopback", "established", "icmp-errors", "neighbour", "dhcp-client", "related", "invalid", "ping"]


@dataclass
class Generated:
    text: str = ""
    files: dict = field(default_factory=dict)
    bans: list = field(default_factory=list)  # (group, address or prefix)


class Generator:
    """One policy; all choices come from the seed."""

    def __init__(self, seed):
        self.seed = seed
        self.rng = random.Random(seed)
        self.made = Generated()
        self.groups = {}  # name -> families
        self.dynamic, self.zones, self.services = [], [], []
        self.limited = 0

    def chance(self, percent):
        return self.rng.randrange(100) < percent

    def some(self, choices, most):
        return [self.rng.choice(choices) for _ in range(self.rng.randint(1, most))]

    # Words

    def address(self, family):
        if self.chance(70):
            return self.rng.choice(WORDS[family])
        base = ipaddress.ip_address(self.rng.choice(BASES[family]))
        width = base.max_prefixlen
        if self.chance(50):
            length = width - self.rng.choice((0, 1, 2, 3, 7, 8, 9, 16) if family == 4 else (0, 1, 2, 4, 8, 63, 64, 65, 80))
            return str(ipaddress.ip_network(f"{base}/{length}", strict=False))
        low = int(base) - self.rng.randrange(5)
        return f"{base.__class__(low)}-{base.__class__(low + self.rng.randrange(1, 12))}"

    def addr_list(self, families, nested=False, most=4):
        """A list that holds something of at least one of the families."""
        found = [self.address(self.rng.choice(sorted(families)))]
        for _ in range(self.rng.randrange(most)):
            names = sorted(self.groups) + ([] if nested else self.dynamic)
            found.append(self.rng.choice(names) if names and self.chance(40) else self.address(self.rng.choice((4, 6))))
        fitting = [name for name, has in sorted(self.groups.items()) if has >= set(families)] + \
            ([] if nested else self.dynamic)
        if fitting and self.chance(30):
            found = [self.rng.choice(fitting)]
        self.rng.shuffle(found)
        return self.join(found)

    def addrs(self, families, nested=False):
        text = "any" if self.chance(12) and not nested else self.addr_list(families, nested)
        if self.chance(30):
            text += " except " + self.addr_list({4, 6}, nested, 3)
        return text

    def join(self, words):
        mark = self.rng.choice((", ", ", ", ",", " , ", ",  # more\n\n        "))
        return mark.join(words)

    def ifaces(self, known=True):
        if self.chance(8):
            text = "any"
        else:
            text = self.join(self.some(IFACES + (self.zones if known else []), 3))
        if self.chance(25):
            text += " except " + ", ".join(self.some(IFACES + (self.zones if known else []), 2))
        return text

    def port_item(self):
        protos = self.rng.choice(("tcp", "tcp", "tcp", "udp", "udp", "tcp+udp", "sctp", "udplite", "dccp", "tcp+udp+sctp"))
        return f"{self.rng.choice(PORTS)}/{protos}"

    def what(self, families, ported=False):
        """WHAT that has at least one of the families; ported: only of what has ports."""
        if not ported and self.chance(25):
            return "any"
        found = [self.port_item() for _ in range(self.rng.randint(1, 3))]
        if not ported:
            for _ in range(self.rng.randrange(3)):
                more = self.services + CATALOGUE if self.chance(60) else PLAIN + ICMP[4] + ICMP[6]
                found.append(self.rng.choice(more))
            if self.chance(20):
                found = [self.rng.choice(ICMP[self.rng.choice(sorted(families))])]
        self.rng.shuffle(found)
        return self.join(found)

    # Clauses

    def match_clause(self, name, direction, families):
        if name in ("from", "to"):
            return f"{name} {self.addrs(families)}"
        if name in ("on", "leaving"):
            return f"{name} {self.ifaces()}"
        if name == "source-port":
            return "source-port " + ", ".join(self.some(PORTS, 3))
        if name == "over":
            return f"over ipv{min(families)}"
        if name == "as":
            kind = self.rng.choice(("user", "group"))
            return f"as {kind} " + ", ".join(self.some(["0", "1000", "1001", "100", "root", "7"], 2))
        if name == "during":
            return "during " + self.rng.choice((
                "00:00-12:00", "12:00-00:00", "06:00-18:00 mon-fri", "18:00-06:00 sat, sun", "03:00-21:00 tue-thu, sun",
                "22:00-20:00 fri-mon"))
        return "until " + self.rng.choice(('"2099-12-31"', '"2020-01-01 10:30"', '"2001-02-28"', '"2080-02-29 23:59"'))

    def match_clauses(self, direction, families, taken):
        """Names and texts of some clauses that say which packets; never one that a scope has."""
        odds = {"from": 45, "to": 25, "on": 30, "over": 10, "during": 4, "until": 6,
                "source-port": 12, "leaving": 40 if direction == "forward" else 0, "as": 25 if direction == "out" else 0}
        found = {}
        for name, percent in odds.items():
            if name not in taken and self.chance(percent):
                found[name] = self.match_clause(name, direction, families)
        return found

    def other_clauses(self, verdict):
        found = []
        if verdict == "allow" and self.chance(12):
            self.limited += 1
            found.append(f'label "limited {self.seed}-{self.limited}"')
            number = self.rng.randint(1, 4)
            found.append(self.rng.choice((
                f"rate {number}/day", f"rate {number}/day per source", f"rate 1/day burst {number}",
                f"rate {number}/day burst {number + 1} per source", "rate 5000/second", "rate 3000/minute per source",
                "connections 4000", "connections 3000 per source")))
        elif self.chance(10):
            found.append(f'label "seed {self.seed} \\"x\\" # {self.rng.randrange(9)}"')
        if self.chance(15):
            found.append(self.rng.choice(('log', 'log "some text"', 'log "a" rate 5/minute', 'log rate 100/second')))
        return found

    # Statements

    def rule(self, scope_direction, families, taken, fixed_ported):
        direction = scope_direction or self.rng.choice(("in", "in", "out", "forward"))
        if "leaving" in taken:
            direction = "forward"
        if "as" in taken:
            direction = "out"
        families = {self.rng.choice(sorted(families))}  # one that stays possible; lists hold the other one too
        verdict = self.rng.choice(("allow", "allow", "allow", "deny", "deny", "reject"))
        clauses = self.match_clauses(direction, families, taken)
        what = self.what(families, fixed_ported or "source-port" in clauses)
        rest = list(clauses.values())
        self.rng.shuffle(rest)
        rest += self.other_clauses(verdict)  # a log stands last: a rate after it would be the log's
        said = "" if scope_direction or direction == "in" and self.chance(60) else direction + " "
        return f"{self.case(verdict)} {said}{what}" + "".join(self.gap() + clause for clause in rest)

    def case(self, word):
        return word.upper() if self.chance(5) else word

    def gap(self):
        return " \\\n      " if self.chance(6) else " "

    def scope(self, depth, direction, families, taken, ported):
        """The head of a scope block and what it means for the inside."""
        said = ""
        if not direction and self.chance(40):
            said = self.rng.choice(("in", "out", "forward"))
            if "leaving" in taken:
                said = "forward"
            if "as" in taken:
                said = "out"
        families = {self.rng.choice(sorted(families))}
        now = direction or said
        clauses = self.match_clauses(now or ("forward" if "leaving" in taken else "out" if "as" in taken else ""),
                                     families, taken)
        words = ([said] if said else []) + list(clauses.values())
        if not words:
            return None
        head = " ".join(words) + " {"
        return head, self.body(depth + 1, now, families, taken | set(clauses), ported or "source-port" in clauses)

    def body(self, depth, direction, families, taken, ported):
        lines = []
        for _ in range(self.rng.randint(0 if depth else 1, 5 if depth else self.rng.choice((4, 12, 30)))):
            scope = None
            if depth < 3 and self.chance(14):
                scope = self.scope(depth, direction, families, taken, ported)
            if scope:
                lines += [scope[0]] + ["    " + line for line in scope[1]] + ["}"]
            elif self.chance(5) and depth < 2:
                lines.append(self.include(depth, direction, families, taken, ported))
            else:
                lines += self.rule(direction, families, taken, ported).split("\n")
            if self.chance(8):
                lines.append(self.rng.choice(("", "# a comment, {", "   # \"another")))
        return lines

    def include(self, depth, direction, families, taken, ported):
        number = len(self.made.files)
        name = f"inc{number:02d}.conf"
        self.made.files[name] = ""
        self.made.files[name] = "\n".join(self.body(depth + 2, direction, families, taken, ported)) + "\n"
        return f'include "{name}"' if self.chance(60) else f'include "inc{number:02d}*.conf"'

    def definitions(self):
        lines = []
        for number in range(self.rng.choice((0, 1, 2))):
            self.zones.append(f"zone{number}")
            lines.append(f"zone zone{number} = {', '.join(self.some(IFACES, 3))}")
        for number in range(self.rng.choice((0, 1, 3))):
            items = self.what({4, 6}) + (f", svc{number - 1}" if number else "")
            self.services.append(f"svc{number}")
            lines.append(f"service svc{number} = {items if not items.startswith('any') else '22/tcp, 5000/udp'}")
        if self.chance(10):
            lines.append("service ssh = ssh, 2222/tcp")
        for number in range(self.rng.choice((0, 0, 1, 2))):
            lines.append(self.dynamic_group(f"dyn{self.seed}_{number}"))  # members outlive an apply
        for number in range(self.rng.choice((0, 1, 2, 4))):
            lines.append(self.group(f"group{number}"))
        return lines

    def dynamic_group(self, name):
        self.dynamic.append(name)
        for _ in range(self.rng.randrange(4)):
            word = self.address(self.rng.choice((4, 6)))
            if "-" not in word and not word.endswith("/0"):
                self.made.bans.append((name, word))
        return f"group {name} = dynamic" + self.rng.choice(("", " timeout 1h", " size 1000", " timeout 2h size 500"))

    def group(self, name):
        families = self.rng.choice(({4}, {6}, {4, 6}))
        if self.chance(25):
            self.made.files[name + ".txt"] = self.address_file(families)
            line = f'group {name} = file "{name}.txt"'
        else:
            words = [self.address(family) for family in sorted(families)]
            words += [self.address(self.rng.choice(sorted(families))) for _ in range(self.rng.randrange(4))]
            inner = [other for other, has in sorted(self.groups.items()) if has <= families]
            words += [self.rng.choice(inner)] if inner and self.chance(40) else []
            line = f"group {name} = {self.join(words)}"
            if self.chance(20):
                line += " except " + self.addr_list(families, nested=True)
        self.groups[name] = families
        return line

    def address_file(self, families):
        lines = ["# addresses"]
        for family in sorted(families):
            lines += [self.address(family) for _ in range(self.rng.randint(1, 12))]
        if self.chance(50):
            family = min(families)
            start = int(ipaddress.ip_address(BASES[family][0]))
            make = ipaddress.IPv4Address if family == 4 else ipaddress.IPv6Address
            lines += [str(make(start + 2 * step)) for step in range(self.rng.choice((5, 200)))]
        self.rng.shuffle(lines)
        return "\n".join(line + self.rng.choice(("", "", " ; x", "  # y")) for line in lines) + "\n"

    def settings(self):
        lines = []
        for direction, odds in (("in", 60), ("out", 50), ("forward", 50)):
            if self.chance(odds):
                verdict = self.rng.choice(("allow", "deny", "deny", "reject"))
                lines.append(f"default {direction} {verdict}" + self.rng.choice(("", "", " log", ' log "t" rate 5/second')))
        for name in BUILTINS:
            if self.chance(6):
                lines.append(f"option builtin {name} off")
        for option, odds in (("log-default off", 20), ("log-group 91", 10), ("log-rate 7/minute", 10)):
            if self.chance(odds):
                lines.append(f"option {option}")
        for _ in range(self.rng.choice((0, 0, 1, 1, 2))):
            lines.append(self.block())
        return lines

    def block(self):
        """Blocks go before all else, so they take little."""
        words = []
        for _ in range(self.rng.randint(1, 3)):
            base = self.rng.choice(BASES[self.rng.choice((4, 6))])
            short = 4 if "." in base else 16
            size = ipaddress.ip_address(base).max_prefixlen - self.rng.choice((0, 1, 2, short))
            words.append(str(ipaddress.ip_network(f"{base}/{size}", strict=False)))
        if self.chance(15):
            words.append(self.rng.choice(("169.254.0.0/16", "fe80::/10", "224.0.0.0/3", "ff00::/8", "::/64", "0.0.0.0/8")))  # never blocked
        if self.dynamic and self.chance(40):
            words = [self.rng.choice(self.dynamic)]
        text = "block " + self.join(words)
        if self.chance(30):
            text += " except " + self.addr_list({4, 6})
        return text + (" log" if self.chance(20) else "")

    def make(self):
        lines = self.definitions()
        late = self.settings()
        rules = self.body(0, "", {4, 6}, set(), False)
        if self.chance(30):
            parts = [late, rules, lines]  # names may be used before they are defined
        else:
            parts = [lines, late, rules]
        self.made.text = f"# seed {self.seed}\n" + "\n".join("\n".join(part) for part in parts if part) + "\n"
        return self.made


def generate(seed):
    return Generator(seed).make()
