# SPDX-License-Identifier: GPL-2.0-or-later
"""Every clause in every direction it is for, over IPv4 and IPv6, with TCP, UDP, ICMP, GRE and ESP: each verdict for the packets that the
clause describes and for those that it does not, and the count of both. Clauses that may stand in a scope are tried there as well.

The tests are made from the tables below: test_CLAUSE_DIRECTION."""
import socket

from cases import allowed, check, dropped, rejected
from packets import Packet, both, echo, gre, tcp, udp
from test_time import place_at, zone

DIRECTIONS = ("in", "out", "forward")
ALL = "tcp, udp, icmp, icmpv6, gre, esp"
VERDICTS = (("allow", allowed, "deny", dropped), ("deny", dropped, "allow", allowed), ("reject", rejected, "allow", allowed))
NEAR, FAR = {4: "203.0.113.77", 6: "2001:db8:77::5"}, {4: "10.99.7.7", 6: "2001:db8:99:7::7"}
HERE = {4: "10.8.0.1", 6: "fd00:8::1"}


def esp(**kw):
    return Packet(proto="esp", **kw)


def kinds(direction, **kw):
    """All kinds of packets in a direction, both families."""
    return [p.but(direction=direction, **kw) for p in both(tcp(80), udp(80), echo(), gre(), esp())]


def ported(packets):
    return [p for p in packets if p.number in (6, 17)]


def readdressed(direction, end, by_family):
    return [p.but(**{end: by_family[p.family]}) for p in kinds(direction)]


def of_family(direction, family):
    return [p for p in kinds(direction) if p.family == family]


def to_in(direction):
    return readdressed(direction, "dst", HERE if direction == "in" else FAR)


# Clause, directions, WHAT, its text, packets that match, packets that do not.
ROWS = {
    "from": (DIRECTIONS, ALL, "from 203.0.113.0/24, 2001:db8:77::/48", lambda d: readdressed(d, "src", NEAR), kinds),
    "from_except": (DIRECTIONS, ALL, "from any except 203.0.113.64-203.0.113.90, 2001:db8:77::/48", kinds, lambda d: readdressed(d, "src", NEAR)),
    "to": (DIRECTIONS, ALL, "to 10.8.0.1, 10.99.0.0/16, fd00:8::1, 2001:db8:99::/48", to_in, kinds),
    "to_except": (DIRECTIONS, ALL, "to any except 10.8.0.0/30, 10.99.0.0/16, fd00:8::1, 2001:db8:99::/48", kinds, to_in),
    "on": (DIRECTIONS, ALL, "on wg*", lambda d: kinds(d, on="wg1" if d == "out" else "wg0"), kinds),
    "on_except": (DIRECTIONS, ALL, "on any except wg*, eth7", kinds, lambda d: kinds(d, on="wg1" if d == "out" else "wg0")),
    "leaving": (("forward",), ALL, "leaving wg1", lambda d: kinds(d, leaving="wg1"), kinds),
    "leaving_except": (("forward",), ALL, "leaving any except wg1", kinds, lambda d: kinds(d, leaving="wg1")),
    "source-port": (DIRECTIONS, "tcp, udp", "source-port 7, 1024-2000", lambda d: ported(kinds(d, sport=7) + kinds(d, sport=1024) + kinds(d, sport=2000)),
                    lambda d: kinds(d, sport=1023) + ported(kinds(d, sport=2001))),
    "over_ipv4": (DIRECTIONS, "tcp, udp, icmp, gre, esp", "over ipv4", lambda d: of_family(d, 4), lambda d: of_family(d, 6)),
    "over_ipv6": (DIRECTIONS, "tcp, udp, icmpv6, gre, esp", "over ipv6", lambda d: of_family(d, 6), lambda d: of_family(d, 4)),
    "user": (("out",), ALL, "as user 1234, nobody", lambda d: kinds(d, uid=1234) + kinds(d, uid=65534), lambda d: kinds(d, uid=1235) + kinds(d, gid=1234)),
    "group": (("out",), ALL, "as group 4321", lambda d: kinds(d, gid=4321), lambda d: kinds(d, gid=4322) + kinds(d, uid=4321)),
    "group_list": (DIRECTIONS, ALL, "from listed", lambda d: readdressed(d, "src", NEAR), kinds),
    "zone": (DIRECTIONS, ALL, "on vpn", lambda d: kinds(d, on="wg1" if d == "out" else "wg0"), kinds),
}
DEFINITIONS = {"group_list": "group listed = inner\ngroup inner = 203.0.113.77, 2001:db8:77::5\n", "zone": "zone vpn = wg*\n"}


def matching(name, direction):
    _directions, what, clause, hits, misses = ROWS[name]

    def test(net):
        for scoped in (False, True):
            for verdict, expect, otherwise, expect_otherwise in VERDICTS:
                line = f"{verdict} {direction} {what} {clause} #@yes" if not scoped else f"{clause} {direction} {{\n{verdict} {what} #@yes\n}}"
                check(net, f"{DEFINITIONS.get(name, '')}option builtin ping off\ndefault {direction} {otherwise}\n{line}",
                      expect("yes", hits(direction)), expect_otherwise("=" + direction, misses(direction)))
                net.reset()
    test.__doc__ = f"{what} {clause}, {direction}"
    return test


def timed(clause, other):
    """A clause that holds now at 12:30, and one that does not."""
    def make(direction):
        def test(net):
            net.env["TZ"] = zone(place_at(12, 30))
            try:
                for scoped in (False, True):
                    for verdict, expect, otherwise, _expect in VERDICTS:
                        lines = [f"{c} {direction} {{\n{v} {ALL} #@{m}\n}}" if scoped else f"{v} {direction} {ALL} {c} #@{m}"
                                 for v, c, m in ((otherwise, other, "never"), (verdict, clause, "yes"))]
                        check(net, "option builtin ping off\n" + "\n".join(lines), expect("yes", kinds(direction)))
                        net.reset()
            finally:
                net.env.pop("TZ")
        test.__doc__ = f"{clause}, {direction}"
        return test
    return make


def rated(direction, per_source):
    """Three of each kind pass, the others are over; per source: of each source."""
    def test(net):
        ways = {"tcp": tcp(80), "udp": udp(80), "gre": gre(), "esp": esp(), "icmp": echo(4), "icmpv6": echo(6)}
        for kind, packet in ways.items():
            packets = [packet.but(direction=direction)] if kind.startswith("icmp") else [p.but(direction=direction) for p in both(packet)]
            text = f"option builtin ping off\ndefault {direction} allow\nallow {direction} {kind} rate 3/hour{' per source' * per_source} #@r"
            if per_source:
                packets += [p.but(src=NEAR[p.family]) for p in packets]
                cases = [allowed("r", p.but(sport=n)) for p in packets for n in (1, 2, 3)] + [dropped("r:over", p.but(sport=n)) for p in packets for n in (4, 5)]
            else:
                cases = [allowed("r", [packets[n % len(packets)] for n in range(3)]), dropped("r:over", packets * 2)]
            check(net, text, *cases)
            net.reset()
    test.__doc__ = f"rate{' per source' * per_source}, {direction}: each protocol and family"
    return test


def connected(direction, per_source):
    """Two of each kind may be open at once; what is in for this host is taken by it (TCP there: test_limits.py)."""
    def test(net):
        with net.inside("host"), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sink:
            sink.bind(("::", 80))
            ways = {"tcp": tcp(80), "udp": udp(80), "icmp": echo(4), "icmpv6": echo(6)}
            if direction == "in":
                del ways["tcp"]
            for kind, packet in ways.items():
                packets = [packet] if kind.startswith("icmp") else both(packet)
                packets = [p.but(direction=direction, keep=direction == "in") for p in packets]
                text = f"option builtin ping off\ndefault {direction} allow\nallow {direction} {kind} connections 2{' per source' * per_source} #@c"
                if per_source:
                    packets += [p.but(src=NEAR[p.family]) for p in packets]
                    cases = [case for p in packets for case in (*allowed("c", p.but(sport=1), p.but(sport=2)), *dropped("c:over", p.but(sport=3)))]
                else:
                    cases = allowed("c", packets[0].but(sport=1), packets[-1].but(sport=2)) + dropped("c:over", [p.but(sport=3) for p in packets])
                check(net, text, cases)
                net.reset()
    test.__doc__ = f"connections{' per source' * per_source}, {direction}"
    return test


def logged(direction):
    """One event for each packet that matched, with the rule's id and its text, whatever the verdict; none for the others."""
    def test(net):
        for verdict, expect, otherwise, expect_otherwise in VERDICTS:
            net.listen()
            status = check(net, f'option builtin ping off\noption log-default off\ndefault {direction} {otherwise}\n'
                           f'{verdict} {direction} {ALL} from 203.0.113.0/24, 2001:db8:77::/48 log "told" rate 1000/second #@yes',
                           expect("yes", readdressed(direction, "src", NEAR)), expect_otherwise("=" + direction, kinds(direction)))
            told = [e["prefix"] for e in net.read_events()]
            assert len(told) == len(kinds(direction)) and all(status.line(4).id in p and "told" in p for p in told), told
            net.reset()
    test.__doc__ = f"log, {direction}"
    return test


def blocked(direction):
    """block: from there for this host or through it, to there from this host or through it."""
    def test(net):
        end = "dst" if direction == "out" else "src"
        bad = readdressed(direction, end, NEAR)
        check(net, f"option builtin ping off\nblock 203.0.113.0/24, 2001:db8:77::/48 #@b\nallow {direction} any #@any",
              dropped("b", bad), allowed("any", kinds(direction)))
        net.reset()
        check(net, f"option builtin ping off\nblock 203.0.113.0/24, 2001:db8:77::/48 except 203.0.113.77, 2001:db8:77::5 #@b\nallow {direction} any #@any",
              allowed("any", bad, kinds(direction)))
    test.__doc__ = f"block, {direction}"
    return test


def banned(direction):
    """A dynamic group in a block and in a rule: nobody, then those who were added, then nobody."""
    def test(net):
        end = "dst" if direction == "out" else "src"
        bad, clause = readdressed(direction, end, NEAR), "to" if direction == "out" else "from"
        text = f"option builtin ping off\ngroup b = dynamic\ngroup g = dynamic timeout 1h\nblock b #@b\nreject {direction} any {clause} g #@g\nallow {direction} any #@any"
        check(net, text, allowed("any", bad, kinds(direction)))
        for group, expect in (("g", rejected), ("b", dropped)):
            for address in NEAR.values():
                assert net.fwctl("ban", address, "--group", group).code == 0
            check(net, text, expect(group, bad), allowed("any", kinds(direction)), apply=False)
        for group in "bg":
            for address in NEAR.values():
                assert net.fwctl("unban", address, "--group", group).code == 0
        check(net, text, allowed("any", bad), apply=False)
    test.__doc__ = f"dynamic groups, {direction}"
    return test


def defaulted(direction):
    def test(net):
        for verdict, expect, _otherwise, _expect in VERDICTS:
            check(net, f"option builtin ping off\ndefault {direction} {verdict}", expect("=" + direction, kinds(direction)))
            net.reset()
    test.__doc__ = f"default, {direction}"
    return test


def make_all():
    made = {f"{name}_{direction}": matching(name, direction) for name, row in ROWS.items() for direction in row[0]}
    for direction in DIRECTIONS:
        made[f"during_{direction}"] = timed("during 12:00-13:00", "during 13:00-14:00")(direction)
        made[f"until_{direction}"] = timed('until "2100-01-01"', 'until "2000-01-01 10:00"')(direction)
        made[f"rate_{direction}"], made[f"rate_per_source_{direction}"] = rated(direction, False), rated(direction, True)
        made[f"connections_{direction}"], made[f"connections_per_source_{direction}"] = connected(direction, False), connected(direction, True)
        made[f"log_{direction}"], made[f"block_{direction}"], made[f"ban_{direction}"] = logged(direction), blocked(direction), banned(direction)
        made[f"default_{direction}"] = defaulted(direction)
    return {"test_" + name.replace("-", "_"): test for name, test in made.items()}


globals().update(make_all())
