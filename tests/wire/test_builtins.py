# SPDX-License-Identifier: GPL-2.0-or-later
"""The built-in rules: what each lets through or drops, its hits, and what is left when it is switched off."""
import ipaddress
import socket
import struct

from cases import allowed, check, dropped
from harness import Entry
from packets import Packet, both, checksum, echo, tcp, udp

SHUT = "default in deny\ndefault out deny\ndefault forward deny\n"


def off(name):
    return SHUT + f"option builtin {name} off\n"


def icmp6(kind, **kw):
    return Packet(proto="icmpv6", family=6, type=kind, **kw)


def inner(family, proto=17):
    """What an ICMP error quotes: the head of a packet of an unknown connection."""
    if family == 4:
        head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 60, 0, 0, 9, proto, 0, bytes([192, 0, 2, 1]), bytes([10, 77, 0, 1]))
        return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + struct.pack("!HHHH", 9, 9, 40, 0)
    return struct.pack("!IHBB", 6 << 28, 40, proto, 9) + ipaddress.ip_address("2001:db8:1::1").packed \
        + ipaddress.ip_address("2001:db8:77::1").packed + struct.pack("!HHHH", 9, 9, 40, 0)


def error(family, kind, code=0, **kw):
    return Packet(proto="icmp" if family == 4 else "icmpv6", family=family, type=kind, code=code, payload=b"\0" * 4 + inner(family), **kw)


# loopback

def test_loopback_own_traffic(net):
    """Everything on lo passes, whatever the policy says."""
    with net.inside("host"):
        for address in ("127.0.0.1", "::1", "192.0.2.1", "2001:db8:1::1"):
            net.apply(SHUT + "deny any\ndeny out any\n")
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            with socket.socket(family, socket.SOCK_DGRAM) as a, socket.socket(family, socket.SOCK_DGRAM) as b:
                a.bind((address, 0))
                b.sendto(b"x", a.getsockname())
                a.settimeout(1)
                assert a.recv(9) == b"x"
    assert net.status().builtin("loopback", "in").packets >= 4
    assert net.status().builtin("loopback", "out").packets >= 4


def test_loopback_martians(net):
    """Loopback addresses on any other interface are dropped, and counted."""
    check(net, "allow any #@any", dropped("+loopback/in", tcp(80, src="127.0.0.1"), udp(80, src="127.8.9.1"), tcp(80, dst="127.0.0.1"),
                                          Packet(proto="gre", src="127.0.0.1", on="wg0")),
          dropped(None, tcp(80, family=6, src="::1"), tcp(80, family=6, dst="::1")), allowed("any", both(tcp(80))))
    net.reset()
    check(net, "allow out any #@any", dropped("+loopback/out", tcp(80, direction="out", src="127.0.0.1", dst="198.51.100.2")),
          dropped("+loopback/out", tcp(80, direction="out", src="::1", dst="2001:db8:2::2", family=6)), allowed("any", tcp(80, direction="out")))


def test_loopback_off(net):
    """lo is then decided like any interface."""
    net.apply(off("loopback") + "allow out any on lo\nallow any on lo to 127.0.0.1\n")
    with net.inside("host"):
        for address, arrives in (("127.0.0.1", True), ("127.0.0.2", False)):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as a, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as b:
                a.bind((address, 0))
                b.sendto(b"x", a.getsockname())
                a.setblocking(False)
                try:
                    got = a.recv(9) == b"x"
                except BlockingIOError:
                    got = False
                assert got == arrives, address
    assert not [e for e in net.status().data["builtin"] if e["name"] == "loopback"]


# established

class Talk:
    """A UDP exchange between a socket of the client and one of the host (or of the server), with no waiting."""

    def __init__(self, net, place="host", family=4, port=7000):
        address = {("host", 4): "192.0.2.1", ("host", 6): "2001:db8:1::1", ("server", 4): "198.51.100.2", ("server", 6): "2001:db8:2::2"}[place, family]
        kind = socket.AF_INET if family == 4 else socket.AF_INET6
        self.net = net
        with net.inside(place):
            self.far = socket.socket(kind, socket.SOCK_DGRAM)
            self.far.bind((address, port))
        with net.inside("client"):
            self.near = socket.socket(kind, socket.SOCK_DGRAM)
            self.near.connect((address, port))
        self.far.setblocking(False)
        self.near.setblocking(False)

    def there(self):
        """Client speaks; did it arrive?"""
        self.near.send(b"there")
        self.net.sync()
        try:
            _data, self.peer = self.far.recvfrom(99)
        except BlockingIOError:
            return False
        return True

    def back(self):
        """The answer; did it arrive?"""
        try:
            self.far.sendto(b"back", self.peer)
        except PermissionError:
            pass
        self.net.sync()
        try:
            return self.near.recv(99) == b"back"
        except (BlockingIOError, ConnectionRefusedError):
            return False

    def close(self):
        self.far.close()
        self.near.close()


def _established(net, place, text, directions):
    for family in (4, 6):
        net.apply(SHUT + text)
        talk = Talk(net, place, family)
        before = net.status()
        assert [talk.there(), talk.back(), talk.there(), talk.there(), talk.back()] == [True] * 5
        status = net.status()
        assert status.line(4).packets - before.line(4).packets == 1, "only attempts count for the rule"
        got = {way: status.builtin("established", way).packets - before.builtin("established", way).packets for way in directions}
        assert got == directions, got
        talk.close()
        net.apply(off("established") + text)
        talk = Talk(net, place, family, 7000)
        assert [talk.there(), talk.back()] == [True, False], "switched off, the answer has no rule"
        talk.close()
        net.reset()


def test_established_in(net):
    _established(net, "host", "allow 7000/udp\n", {"in": 2, "out": 2})


def test_established_forward(net):
    _established(net, "server", "allow forward 7000/udp\n", {"forward": 4})


def test_established_outlives_the_rule(net):
    """A rule that is gone does not cut what is open."""
    net.apply("allow 7000/udp\n")
    talk = Talk(net)
    assert talk.there() and talk.back()
    net.apply("deny 7000/udp\n")
    assert talk.there() and talk.back()
    talk.close()
    talk = Talk(net)
    assert not talk.there()
    talk.close()


# icmp-errors

def test_icmp_errors(net):
    """Passed whatever conntrack calls them, and no other ICMP with them."""
    for direction in ("in", "out", "forward"):
        good = [error(4, kind, code) for kind, code in ((3, 1), (3, 4), (3, 3), (11, 0), (12, 0))] \
            + [error(6, kind, code) for kind, code in ((1, 0), (1, 4), (2, 0), (3, 0), (4, 1))]
        bad = [error(4, 4), error(4, 5), Packet(proto="icmp", type=14), Packet(proto="icmp", type=9), icmp6(100), icmp6(129), icmp6(5)]
        good, bad = [p.but(direction=direction) for p in good], [p.but(direction=direction) for p in bad]
        check(net, SHUT, allowed(f"+icmp-errors/{direction}", good), dropped(f"+invalid/{direction}", bad))
        net.reset()
        check(net, off("icmp-errors"), dropped(f"+invalid/{direction}", good))
        net.reset()


# neighbour

def test_neighbour(net):
    """Neighbour discovery with hop limit 255 only; router advertisements, MLD and multicast router discovery from link-local only."""
    ll, glob = "fe80::2", "2001:db8:1::2"

    def nd(kind, src=ll, dst="fe80::1", hop=255, **kw):
        return icmp6(kind, src=src, dst=dst, hop_limit=hop, **kw)
    good = [nd(k) for k in (133, 134, 135, 136, 141, 142, 148, 149)] + [nd(k, src=glob) for k in (133, 135, 136, 141, 142)]
    good += [nd(135, src="::", dst="ff02::1:ff00:1"), nd(135, dst="2001:db8:1::1"), nd(134, dst="ff02::1")]
    good += [nd(k, hop=1, dst="ff02::1") for k in (130, 131, 132, 143, 151, 152, 153)] + [nd(143, src="::", dst="ff02::1", hop=1)]
    good += [nd(130, hop=1, dst="ff02::1", ext=("hop",))]
    good += [Packet(proto="igmp", dst="224.0.0.1", hop_limit=1), Packet(proto="igmp")]
    bad = [nd(k, hop=64) for k in (133, 134, 135, 136)] + [nd(k, hop=254) for k in (134, 135)]
    bad += [nd(134, src=glob), nd(139), nd(130, src=glob, dst="ff02::1", hop=1), nd(143, src=glob, dst="ff02::1", hop=1),
            nd(151, src=glob, dst="ff02::1", hop=1)]
    untracked = [nd(k, hop=64) for k in (141, 142, 148, 149)] + [nd(137), nd(138)]  # conntrack calls them invalid
    check(net, SHUT, allowed("+neighbour/in", good), dropped("=in", bad), dropped("+invalid/in", untracked))
    net.reset()
    check(net, off("neighbour"), dropped("=in", good[:4], good[-2:]))


def test_neighbour_out(net):
    def nd(kind, src="fe80::1", dst="fe80::2", hop=255):
        return icmp6(kind, direction="out", src=src, dst=dst, hop_limit=hop, on="eth0")
    good = [nd(k) for k in (133, 134, 135, 136)] + [nd(135, src="2001:db8:1::1", dst="2001:db8:1::2"), nd(133, dst="ff02::2"),
                                                    nd(143, dst="ff02::16", hop=1), nd(143, src="::", dst="ff02::16", hop=1)]
    good.append(Packet(proto="igmp", direction="out", dst="224.0.0.22", on="eth0", hop_limit=1))
    check(net, SHUT, allowed("+neighbour/out", good), dropped("=out", nd(135, hop=64)), dropped("+invalid/out", nd(137)))
    net.reset()
    check(net, off("neighbour"), dropped("=out", good))


def test_neighbour_is_not_forwarded(net):
    check(net, "default forward deny", dropped("=forward", icmp6(135, direction="forward", hop_limit=255), Packet(proto="igmp", direction="forward")))


# dhcp-client

def test_dhcp_client(net):
    offers = [udp(68, sport=67, src="192.0.2.2"), udp(68, sport=67, dst="255.255.255.255"), udp(68, sport=67, src="10.1.1.1"),
              udp(546, sport=547, family=6, src="fe80::2", dst="fe80::1"), udp(546, sport=547, family=6, src="2001:db8:1::2", dst="fe80::1")]
    wrong = [udp(68, sport=68), udp(67, sport=67), udp(67, sport=68), udp(546, sport=547, family=6), udp(547, sport=546, family=6, dst="fe80::1",
             src="fe80::2"), udp(68, sport=67, family=6), udp(546, sport=547)]
    asks = [udp(67, sport=68, direction="out", src="0.0.0.0", dst="255.255.255.255", on="eth0"), udp(67, sport=68, direction="out"),
            udp(547, sport=546, direction="out", family=6, src="fe80::1", dst="ff02::1:2", on="eth0")]
    check(net, SHUT, allowed("+dhcp-client/in", offers), dropped("=in", wrong))
    # A broadcast comes back to the host that sent it: so `in` and `out` are looked at one by one.
    check(net, SHUT, allowed("+dhcp-client/out", asks), dropped("=out", udp(68, sport=67, direction="out"), udp(546, sport=547, direction="out", family=6)))
    net.reset()
    check(net, off("dhcp-client"), dropped("=in", offers), dropped("=out", asks))
    net.reset()
    check(net, "default forward deny", dropped("=forward", udp(68, sport=67, direction="forward"), udp(67, sport=68, direction="forward")))


# invalid

def test_invalid(net):
    for direction in ("in", "out", "forward"):
        bad = [p.but(direction=direction) for p in both(tcp(80, flags="SF"), tcp(80, flags=""), tcp(80, flags="SR"))]
        check(net, f"allow {direction} any #@any", dropped(f"+invalid/{direction}", bad), allowed("any", tcp(80, direction=direction)))
        net.reset()
        check(net, f"option builtin invalid off\nallow {direction} any #@any", allowed("any", bad))
        net.reset()


def test_invalid_bad_checksum(net):
    bad = tcp(80, body=struct.pack("!HHIIBBHHH", 9, 80, 1, 0, 5 << 4, 2, 100, 0xDEAD, 0))
    check(net, "allow any #@any", dropped("+invalid/in", bad, bad.but(family=6)))


# ping

def test_ping(net):
    ways = [echo(4), echo(6)]
    check(net, SHUT, allowed("+ping/in", ways), dropped("=out", [p.but(direction="out") for p in ways]),
          dropped("=forward", [p.but(direction="forward") for p in ways]))
    net.reset()
    check(net, SHUT + "deny ping #@no", dropped("no", ways))
    net.reset()
    check(net, SHUT + "allow ping from 192.0.2.0/24 #@office\ndeny ping #@no", allowed("office", ways[0]),
          dropped("no", ways[1], echo(4, src="203.0.113.1")))
    net.reset()
    check(net, off("ping"), dropped("=in", ways))


def test_ping_answer(net):
    """The echo reply of the host reaches the client, with everything shut."""
    net.apply(SHUT)
    for family in (4, 6):
        _sent, seen = net.observe([echo(family, keep=True)])
        assert [s for s in seen if s[0] == "client" and s[2].get("type") in (0, 129)]


# listing

def test_status_lists_them(net):
    """`in` and `out` have all, forward its four, in their order; one that is off is not told as running."""
    net.apply("default forward deny\n")
    order = ["loopback", "established", "icmp-errors", "neighbour", "dhcp-client", "related", "invalid", "ping"]
    listed = [Entry(e) for e in net.status().data["builtin"]]
    for direction, names in (("in", order), ("forward", ["established", "icmp-errors", "related", "invalid"])):
        assert [e["name"] for e in listed if e["direction"] == direction] == names
    assert [e["name"] for e in listed if e["direction"] == "out"] in (order, order[:-1])  # echo requests in: ping has no out
