# SPDX-License-Identifier: GPL-2.0-or-later
"""From statements to a Policy: definitions, scopes, includes, clauses.

Owns: the second half of reading. Names may stand before or after their use, so
all statements are collected first and resolved afterwards.
Must not know: packets, the kernel, the program under test.
"""

import glob
import grp
import os
import pwd
import re

from lang import (
    BUILTINS, CLAUSES, DAYS, DIRECTIONS, EXPECT_CLAUSES, ICMP4, ICMP6, MAX_DEPTH, NAME, PORTED, PROTOCOLS,
    SCOPE_CLAUSES, VERDICTS, AddressSet, Block, Cursor, IfaceSet, Item, Policy, PolicyError, Rule, Service,
    Statement, is_address, logical_lines, parse_address, parse_clock, parse_ports, parse_rate, service_key)


def collect(path, text, scope=(), chain=()):
    """All statements of a file in the order of the text, includes in place."""
    if path in chain:
        raise PolicyError((path, 1), "include cycle")
    if len(chain) >= MAX_DEPTH:
        raise PolicyError((path, 1), "includes too deep")
    scopes, found = list(scope), []
    outer = len(scopes)
    for line, tokens in logical_lines(text, path):
        statement = Statement((path, line), tokens, list(scopes))
        first = tokens[0]
        if first.kind == "}":
            if len(tokens) > 1 or len(scopes) == outer:
                raise PolicyError(statement.where, "unexpected }")
            scopes.pop()
        elif tokens[-1].kind == "{":
            statement.tokens = tokens[:-1]
            scopes.append(statement)
        elif first.kind == "word" and first.text.lower() == "include":
            found += include(statement, chain + (path,))
        else:
            found.append(statement)
    if len(scopes) != outer:
        raise PolicyError(scopes[-1].where, "block without an end")
    return found


def include(statement, chain):
    cursor = Cursor(statement)
    cursor.take()
    pattern = cursor.take("string")
    cursor.end()
    full = os.path.join(os.path.dirname(chain[-1]), pattern)
    names = sorted(glob.glob(full)) if re.search(r"[*?\[]", pattern) else [full]
    found = []
    for name in names:
        try:
            with open(name, encoding="utf-8") as source:
                text = source.read()
        except OSError as error:
            raise PolicyError(statement.where, str(error)) from error
        found += collect(name, text, statement.scope, chain)
    return found


class Resolver:
    """Turns statements into a Policy; the catalogue's services stand behind the policy's own."""

    def __init__(self, catalogue):
        self.policy = Policy()
        self.catalogue = catalogue  # key -> (where, tokens of the items)
        self.own = {}
        self.group_source, self.zone_source = {}, {}
        self.resolving = []
        self.services = {}

    def run(self, statements):
        rest = [statement for statement in statements if not self.define(statement)]
        for name in self.group_source:
            self.group(name, (None, 0))
        for statement in rest:
            self.statement(statement)
        return self.policy

    # Definitions

    def define(self, statement):
        cursor = Cursor(statement)
        word = cursor.peek()
        if word not in ("service", "group", "zone"):
            return False
        if statement.scope:
            cursor.fail("a definition inside a block")
        cursor.take()
        name = cursor.take()
        if not NAME.match(name) and word != "service":
            cursor.fail(f"bad name {name!r}")
        key = service_key(name) if word == "service" else name
        table = {"service": self.own, "group": self.group_source, "zone": self.zone_source}[word]
        if key in table:
            cursor.fail(f"{word} {name!r} is defined twice")
        if not cursor.take_if("="):
            cursor.fail("expected =")
        table[key] = cursor
        if word == "zone":
            self.policy.zones[name] = [token.text for token in cursor.take_list(("word", "string"))]
            cursor.end()
        return True

    def group(self, name, where):
        if name in self.policy.groups:
            return self.policy.groups[name]
        if name not in self.group_source:
            raise PolicyError(where, f"unknown group {name!r}")
        if name in self.resolving:
            raise PolicyError(where, f"group {name!r} holds itself")
        cursor = self.group_source[name]
        self.resolving.append(name)
        kind = cursor.peek()
        if kind == "file":
            cursor.take()
            found = read_file(cursor)
        elif kind == "dynamic":
            cursor.take()
            found = AddressSet()
            found.dynamic.append(name)
            self.policy.dynamic.append(name)
            while cursor.peek() in ("timeout", "size"):
                cursor.take()
                cursor.take()
        else:
            found = self.addrs(cursor, nested=True)
        cursor.end()
        self.resolving.pop()
        self.policy.groups[name] = found
        return found

    def addrs(self, cursor, nested=False):
        """ADDRS [except ADDRS]; `except` binds to the whole list."""
        found = self.addr_list(cursor, nested)
        if cursor.take_if("except"):
            found.minus = self.addr_list(cursor, nested)
        return found

    def addr_list(self, cursor, nested):
        found = AddressSet()
        words = [token.text for token in cursor.take_list()]
        if [word.lower() for word in words] == ["any"]:
            found.any = True
            return found
        for word in words:
            if is_address(word):
                found.add(*parse_address(word, cursor.where))
                continue
            part = self.group(word, cursor.where)
            if part.dynamic and nested:
                cursor.fail("a dynamic group in another group")
            found.parts.append(part)
        return found.seal()

    # Services

    def service(self, name, where, skip_own=""):
        key = service_key(name)
        if key in self.own and key != skip_own:
            cursor, mine = self.own[key], key
        elif key in self.catalogue:
            cursor, mine = self.catalogue[key], ""
        else:
            return None
        label = (key, mine)
        if label in self.services:
            return self.services[label]
        if label in self.resolving:
            raise PolicyError(where, f"service {name!r} holds itself")
        self.resolving.append(label)
        reader = Cursor(Statement(cursor.where, cursor.tokens, []))
        reader.at = 3
        found = Service(key, self.what_list(reader, mine))
        self.service_tail(reader, found)
        self.resolving.pop()
        self.services[label] = found
        return found

    @staticmethod
    def service_tail(reader, found):
        while reader.peek() is not None:
            if reader.take_if("helper"):
                found.helper = reader.take()
            elif reader.peek() == "string":
                reader.take("string")
            elif not reader.take_if("exposed"):
                reader.end()

    def what(self, cursor):
        if cursor.peek() == "any":
            cursor.take()
            return [Item()]
        return self.what_list(cursor, "")

    def what_list(self, cursor, mine):
        found = []
        for token in cursor.take_list():
            found += self.what_word(token.text, cursor.where, mine)
        return found

    def what_word(self, word, where, mine):
        head, slash, tail = word.lower().rpartition("/")
        if slash:
            return slashed(head, tail, where)
        service = self.service(word, where, mine)
        if service:
            return service.items
        return [protocol(word.lower(), where)]

    # Statements

    def statement(self, statement):
        cursor = Cursor(statement)
        word = cursor.peek()
        if word in VERDICTS:
            self.rule(statement, cursor)
            return
        if word == "expect":
            self.expect(statement, cursor)
            return
        if statement.scope:
            cursor.fail(f"{word!r} inside a block")
        if word == "default":
            self.default(cursor)
        elif word == "block":
            self.block(cursor)
        elif word == "option":
            self.option(cursor)
        else:
            cursor.fail(f"unknown statement {word!r}")

    def rule(self, statement, cursor):
        verdict, direction, what, clauses = self.line(statement, cursor, CLAUSES)
        if verdict != "allow" and ("rate" in clauses or "connections" in clauses):
            cursor.fail("a limit on a rule that is no allow")
        families = rule_families(what, clauses)
        if not families:
            cursor.fail("no family is left")
        self.policy.rules.append(
            Rule(statement.where, len(self.policy.rules), verdict, direction, what, clauses, families))

    def expect(self, statement, cursor):
        cursor.take()
        found = self.line(statement, cursor, EXPECT_CLAUSES)
        self.policy.expects.append((statement.where,) + found)

    def line(self, statement, cursor, allowed):
        """VERDICT [DIRECTION] WHAT [CLAUSE ...] with the scopes around folded in."""
        direction, clauses = self.scopes(statement.scope)
        verdict = cursor.take().lower()
        if verdict not in VERDICTS:
            cursor.fail(f"unknown verdict {verdict!r}")
        if cursor.peek() in DIRECTIONS:
            if direction:
                cursor.fail("a direction both outside and inside")
            direction = cursor.take().lower()
        direction = direction or "in"
        what = self.what(cursor)
        self.clauses(cursor, clauses, allowed)
        check_clauses(cursor, direction, clauses)
        return verdict, direction, what, clauses

    def scopes(self, chain):
        direction, clauses = "", {}
        for scope in chain:
            cursor = Cursor(scope)
            while cursor.peek() is not None:
                if cursor.peek() in DIRECTIONS:
                    if direction:
                        cursor.fail("a second direction")
                    direction = cursor.take().lower()
                else:
                    self.clause(cursor, clauses, SCOPE_CLAUSES)
        return direction, clauses

    def clauses(self, cursor, clauses, allowed):
        while cursor.peek() is not None:
            self.clause(cursor, clauses, allowed)

    def clause(self, cursor, clauses, allowed):
        name = cursor.peek()
        if name not in allowed:
            cursor.fail(f"unexpected {name!r}")
        if name in clauses:
            cursor.fail(f"a second {name!r}")
        cursor.take()
        clauses[name] = getattr(self, "clause_" + name.replace("-", "_"))(cursor)

    def clause_from(self, cursor):
        return self.addrs(cursor)

    def clause_to(self, cursor):
        return self.addrs(cursor)

    def clause_on(self, cursor):
        return self.ifaces(cursor)

    def clause_leaving(self, cursor):
        return self.ifaces(cursor)

    def ifaces(self, cursor):
        found = IfaceSet(self.iface_list(cursor), [])
        if cursor.take_if("except"):
            found.minus = self.iface_list(cursor)
        return found

    def iface_list(self, cursor):
        tokens = cursor.take_list(("word", "string"))
        if len(tokens) == 1 and tokens[0].kind == "word" and tokens[0].text.lower() == "any":
            return ["*"]
        found = []
        for token in tokens:
            found += self.policy.zones.get(token.text, [token.text])
        return found

    @staticmethod
    def clause_source_port(cursor):
        return [parse_ports(token.text, cursor.where) for token in cursor.take_list()]

    @staticmethod
    def clause_over(cursor):
        name = cursor.take().lower()
        if name not in ("ipv4", "ipv6"):
            cursor.fail(f"unknown family {name!r}")
        return int(name[3])

    @staticmethod
    def clause_as(cursor):
        kind = cursor.take().lower()
        look = {"user": lambda name: pwd.getpwnam(name).pw_uid, "group": lambda name: grp.getgrnam(name).gr_gid}
        if kind not in look:
            cursor.fail("expected user or group")
        try:
            words = [token.text for token in cursor.take_list()]
            return kind, {int(word) if word.isdigit() else look[kind](word) for word in words}
        except KeyError as error:
            raise PolicyError(cursor.where, str(error)) from error

    @staticmethod
    def clause_rate(cursor):
        number, unit = parse_rate(cursor.take(), cursor.where)
        burst = int(cursor.take()) if cursor.take_if("burst") else number
        return number, unit, burst, per_source(cursor)

    @staticmethod
    def clause_connections(cursor):
        return int(cursor.take()), per_source(cursor)

    @staticmethod
    def clause_during(cursor):
        start, stop = parse_clock(cursor.take(), cursor.where)
        days = set()
        if (cursor.peek() or "")[:3] in DAYS:
            for token in cursor.take_list():
                days |= day_range(token.text.lower(), cursor)
        return start, stop, days or set(range(7))

    @staticmethod
    def clause_until(cursor):
        text = cursor.take("string")
        match = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)(?: (\d\d):(\d\d))?", text)
        if not match:
            cursor.fail(f"bad date {text!r}")
        return tuple(int(part or 0) for part in match.groups())

    @staticmethod
    def clause_log(cursor):
        take_log(cursor)
        return True

    @staticmethod
    def clause_label(cursor):
        return cursor.take("string")

    def default(self, cursor):
        cursor.take()
        direction, verdict = cursor.take().lower(), cursor.take().lower()
        if direction not in DIRECTIONS or verdict not in VERDICTS or direction in self.policy.defaults:
            cursor.fail("bad default, or a second one")
        if cursor.take_if("log"):
            take_log(cursor)
        cursor.end()
        self.policy.defaults[direction] = (verdict, cursor.where)

    def block(self, cursor):
        cursor.take()
        addrs = self.addrs(cursor)
        cursor.take_if("log")
        cursor.end()
        self.policy.blocks.append(Block(cursor.where, len(self.policy.blocks), addrs))

    def option(self, cursor):
        cursor.take()
        name = cursor.take().lower()
        if name == "builtin":
            which = cursor.take().lower()
            if which not in BUILTINS or not cursor.take_if("off") or which in self.policy.builtin_off:
                cursor.fail("bad option")
            self.policy.builtin_off.add(which)
        elif name not in ("log-group", "log-rate", "log-default") or name in self.policy.options:
            cursor.fail(f"unknown option {name!r}, or a second one")
        else:
            self.policy.options[name] = cursor.take()
        cursor.end()


def take_log(cursor):
    if cursor.peek() == "string":
        cursor.take("string")
    if cursor.take_if("rate"):
        parse_rate(cursor.take(), cursor.where)


def per_source(cursor):
    if cursor.take_if("per"):
        if not cursor.take_if("source"):
            cursor.fail("expected source")
        return True
    return False


def day_range(word, cursor):
    ends = word.split("-")
    if len(ends) > 2 or any(end not in DAYS for end in ends):
        cursor.fail(f"bad day {word!r}")
    first, last = DAYS.index(ends[0]), DAYS.index(ends[-1])
    return {(first + step) % 7 for step in range((last - first) % 7 + 1)}


def slashed(head, tail, where):
    """`PORTS/PROTO[+PROTO]`, `TYPE/icmp`, `PROTO/ip`."""
    if tail == "ip":
        return [Item(proto=int(head))] if head.isdigit() else [protocol(head, where)]
    if tail in ("icmp", "icmpv6"):
        names = ICMP4 if tail == "icmp" else ICMP6
        kind = int(head) if head.isdigit() else names.get(head)
        if kind is None or kind > 255:
            raise PolicyError(where, f"unknown type {head!r}")
        return [Item(proto=PROTOCOLS[tail], family=4 if tail == "icmp" else 6, icmp_type=kind)]
    low, high = parse_ports(head, where)
    found = []
    for name in tail.split("+"):
        if name not in PORTED:
            raise PolicyError(where, f"{name!r} has no ports")
        found.append(Item(proto=PORTED[name], low=low, high=high, ports=True))
    return found


def protocol(name, where):
    if name not in PROTOCOLS:
        raise PolicyError(where, f"unknown service {name!r}")
    number = PROTOCOLS[name]
    return Item(proto=number, family={1: 4, 58: 6}.get(number, 0))


def check_clauses(cursor, direction, clauses):
    if "leaving" in clauses and direction != "forward":
        cursor.fail("leaving is for forward")
    if "as" in clauses and direction != "out":
        cursor.fail("as is for out")


def rule_families(what, clauses):
    found = {4, 6} & {clauses.get("over", 4), clauses.get("over", 6)}
    for name in ("from", "to"):
        if name in clauses:
            found &= clauses[name].families()
    kinds = set()
    for item in what:
        kinds |= {item.family} if item.family else {4, 6}
    return found & kinds


def read_file(cursor):
    name = os.path.join(os.path.dirname(cursor.where[0]), cursor.take("string"))
    found = AddressSet()
    try:
        with open(name, encoding="utf-8") as source:
            for number, line in enumerate(source, 1):
                word = re.split("[#;]", line)[0].strip()
                if word:
                    found.add(*parse_address(word, (name, number)))
    except OSError as error:
        raise PolicyError(cursor.where, str(error)) from error
    return found.seal()


def read_catalogue(path):
    """key -> cursor at the definition, of every service in the shipped file."""
    with open(path, encoding="utf-8") as source:
        return catalogue_of(source.read(), path)


def catalogue_of(text, name="services.conf"):
    found = {}
    for statement in collect(name, text):
        cursor = Cursor(statement)
        if cursor.peek() != "service":
            cursor.fail("only services may stand in the catalogue")
        found[service_key(statement.tokens[1].text)] = cursor
    return found


def read_policy(text, path="policy.conf", catalogue=None):
    """The Policy of a text; `path` is where includes and files are looked for."""
    return Resolver(catalogue or {}).run(collect(path, text))
