# SPDX-License-Identifier: GPL-2.0-or-later
"""Unit tests of the reference evaluator, from the examples of the language's page. No root, no kernel."""

import calendar
import ipaddress
import os
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from evaluate import Packet, State, decide  # noqa: E402
from lang import PolicyError  # noqa: E402
from resolve import catalogue_of, read_catalogue, read_policy  # noqa: E402

CATALOGUE = catalogue_of("""
service ftp = 21/tcp helper ftp "File Transfer Protocol, control"
service ssh = 22/tcp
service telnet = 23/tcp exposed
service smtp = 25/tcp
service dns = 53/tcp+udp
service http = 80/tcp
service https = 443/tcp
service http3 = 443/udp
service auth = 113/tcp
service mysql = 3306/tcp exposed
service rdp = 3389/tcp+udp
service ms_sql-s = 1433/tcp
service web = http, https, http3
""")
EXAMPLE = """
# /etc/fwctl/policy.conf
default in deny log
default out allow
default forward deny

group office     = 203.0.113.0/24, 2001:db8:10::/48
group blocklist  = file "blocklist.txt"
service app      = 9000-9010/tcp, 9000/udp
zone lan         = eth1, wg*

block blocklist except office

allow http, https
allow ssh from office                      label "office ssh"
allow ssh rate 6/minute per source         log
reject auth
deny telnet log "telnet attempt"
deny out smtp log

on lan {
    allow app, dns
    allow mysql from 10.1.0.0/16 except 10.1.9.0/24
}

expect allow ssh from 203.0.113.7
expect deny mysql from any on eth0
"""


def packet(direction="in", proto="tcp", src="198.51.100.1", dst="", dport=0, **more):
    source = ipaddress.ip_address(src)
    target = ipaddress.ip_address(dst or ("192.0.2.1" if source.version == 4 else "2001:db8:ff::1"))
    number = {"tcp": 6, "udp": 17, "icmp": 1, "icmpv6": 58, "igmp": 2, "gre": 47, "rdp": 27}.get(proto, proto)
    names = {"in": ("eth0", ""), "out": ("", "eth0"), "forward": ("eth0", "eth1")}[direction]
    more.setdefault("iif", names[0])
    more.setdefault("oif", names[1])
    return Packet(direction, source.version, int(source), int(target), number, dport=dport, **more)


class Base(unittest.TestCase):
    def policy(self, text, path="policy.conf"):
        return read_policy(text, path, CATALOGUE)

    def check(self, policy, by, verdict, line=None, name=None, world=None, **fields):
        if isinstance(policy, str):
            policy = self.policy(policy)
        got = decide(policy, packet(**fields), world or State())
        self.assertEqual((got.by, got.verdict), (by, verdict), fields)
        if line is not None:
            places = policy.rules if by == "rule" else policy.blocks
            self.assertEqual(places[got.index].where[1], line)
        if name is not None:
            self.assertEqual(got.name, name)
        return got

    def wrong(self, text, line=1):
        with self.assertRaises(PolicyError) as caught:
            self.policy(text)
        self.assertEqual(caught.exception.line, line)


class OneLine(Base):
    def test_complete_policy(self):
        for src in ("198.51.100.1", "2001:db8::1"):
            self.check("allow ftp, ssh", "rule", "allow", 1, src=src, dport=21)
            self.check("allow ftp, ssh", "rule", "allow", 1, src=src, dport=22)
            self.check("allow ftp, ssh", "default", "deny", src=src, dport=23)
            self.check("allow ftp, ssh", "default", "deny", src=src, dport=22, proto="udp")
            self.check("allow ftp, ssh", "default", "allow", direction="out", src=src, dport=23)
            self.check("allow ftp, ssh", "none", "allow", direction="forward", src=src, dport=23)


class Example(Base):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        with open(os.path.join(self.folder.name, "blocklist.txt"), "w", encoding="utf-8") as out:
            out.write("# bad\n198.51.100.128/25\n203.0.113.0-203.0.113.255 ; office too\n\n2001:db8:bad::/48\n")
        self.example = self.policy(EXAMPLE, os.path.join(self.folder.name, "policy.conf"))

    def test_rules(self):
        self.check(self.example, "rule", "allow", 14, dport=443)
        self.check(self.example, "rule", "allow", 15, dport=22, src="203.0.113.7")
        self.check(self.example, "rule", "allow", 16, dport=22)
        self.check(self.example, "rule", "reject", 17, dport=113)
        self.check(self.example, "rule", "deny", 18, dport=23)
        self.check(self.example, "rule", "deny", 19, direction="out", dport=25)
        self.check(self.example, "default", "deny", dport=25)
        self.check(self.example, "default", "deny", direction="forward", dport=80)

    def test_block(self):
        self.check(self.example, "block", "deny", 12, dport=80, src="198.51.100.128")
        self.check(self.example, "rule", "allow", 14, dport=80, src="203.0.113.9")
        self.check(self.example, "block", "deny", 12, dport=80, src="2001:db8:bad::7")
        self.check(self.example, "block", "deny", 12, direction="out", dst="198.51.100.255")
        self.check(self.example, "block", "deny", 12, direction="forward", dst="198.51.100.255")
        self.check(self.example, "block", "deny", 12, dport=80, src="198.51.100.128", state="established")

    def test_scope(self):
        for name in ("eth1", "wg0", "wg"):
            self.check(self.example, "rule", "allow", 22, dport=9010, iif=name)
            self.check(self.example, "rule", "allow", 22, dport=53, proto="udp", iif=name)
        self.check(self.example, "default", "deny", dport=9010, iif="eth0")
        self.check(self.example, "default", "deny", dport=9010, proto="udp", iif="eth1")
        self.check(self.example, "rule", "allow", 23, dport=3306, iif="eth1", src="10.1.8.255")
        self.check(self.example, "default", "deny", dport=3306, iif="eth1", src="10.1.9.0")
        self.check(self.example, "default", "deny", dport=3306, iif="eth1", src="2001:db8::1")

    def test_expect_is_read(self):
        self.assertEqual([found[0][1] for found in self.example.expects], [26, 27])


class Limits(Base):
    def test_rate(self):
        policy, state = self.policy("allow ssh rate 6/minute per source\nallow any"), State()
        for source in ("198.51.100.1", "198.51.100.2"):
            for number in range(8):
                got = self.check(policy, "rule", "allow" if number < 6 else "deny", 1, world=state, dport=22, src=source)
                self.assertEqual(got.over_limit, number >= 6)
        state.now += 10
        self.check(policy, "rule", "allow", 1, world=state, dport=22)
        self.check(policy, "rule", "deny", 1, world=state, dport=22)

    def test_per_source_is_a_64(self):
        policy, state = self.policy("allow ssh rate 1/day per source"), State()
        self.check(policy, "rule", "allow", world=state, dport=22, src="2001:db8::1")
        self.check(policy, "rule", "deny", world=state, dport=22, src="2001:db8::2")
        self.check(policy, "rule", "allow", world=state, dport=22, src="2001:db8:0:1::2")

    def test_burst_and_global(self):
        policy, state = self.policy("allow ssh rate 1/day burst 3"), State()
        verdicts = [decide(policy, packet(dport=22, src=f"198.51.100.{n}"), state).verdict for n in range(4)]
        self.assertEqual(verdicts, ["allow", "allow", "allow", "deny"])

    def test_connections(self):
        policy, state = self.policy("allow ssh connections 2 per source"), State()
        state.open[(0, (4, int(ipaddress.ip_address("198.51.100.1"))))] = 2
        self.check(policy, "rule", "deny", world=state, dport=22)
        self.check(policy, "rule", "allow", world=state, dport=22, src="198.51.100.2")


class Builtins(Base):
    def test_loopback(self):
        self.check("deny any", "builtin", "allow", name="loopback", iif="lo", dport=1)
        self.check("deny out any", "builtin", "allow", name="loopback", direction="out", oif="lo", dport=1)
        self.check("allow any", "builtin", "deny", name="loopback", src="127.0.0.1")
        self.check("allow out any", "builtin", "deny", name="loopback", direction="out", dst="127.8.0.1")
        self.check("option builtin loopback off\nallow any", "rule", "allow", 2, src="127.0.0.1")

    def test_states(self):
        self.check("deny any", "builtin", "allow", name="established", state="established")
        self.check("allow any", "builtin", "deny", name="invalid", state="invalid")
        self.check("allow any", "rule", "allow", state="related", dport=2000)
        self.check("deny any", "builtin", "allow", name="related", state="related", dport=2000, helper=True)
        self.check("deny any", "rule", "deny", state="related", dport=1023, helper=True)
        self.check("option builtin invalid off\nallow any", "rule", "allow", 2, state="invalid")

    def test_icmp_errors(self):
        for kind in (3, 11, 12):
            self.check("deny any", "builtin", "allow", name="icmp-errors", proto="icmp", icmp_type=kind, state="invalid")
        for kind in (1, 2, 3, 4):
            self.check("deny any", "builtin", "allow", proto="icmpv6", src="2001:db8::1", icmp_type=kind, state="invalid")
        self.check("deny any", "builtin", "deny", name="invalid", proto="icmp", icmp_type=5, state="invalid")
        self.check("default forward deny", "builtin", "allow", direction="forward", proto="icmp", icmp_type=3)

    def test_neighbour(self):
        ask = dict(proto="icmpv6", state="untracked", hop_limit=255)
        self.check("deny any", "builtin", "allow", name="neighbour", src="2001:db8::1", icmp_type=135, **ask)
        self.check("deny any", "builtin", "allow", name="neighbour", src="fe80::1", icmp_type=134, **ask)
        self.check("deny any", "rule", "deny", src="2001:db8::1", icmp_type=134, **ask)
        self.check("deny any", "builtin", "allow", src="::", icmp_type=143, **ask)
        self.check("deny any", "rule", "deny", src="2001:db8::1", icmp_type=143, **ask)
        self.check("deny any", "builtin", "allow", proto="igmp")
        ask["hop_limit"] = 254
        self.check("deny any", "rule", "deny", src="fe80::1", icmp_type=135, **ask)
        self.check("deny forward any", "rule", "deny", direction="forward", src="fe80::1", icmp_type=135, **ask)

    def test_dhcp(self):
        self.check("deny any", "builtin", "allow", name="dhcp-client", proto="udp", sport=67, dport=68)
        self.check("deny any", "rule", "deny", proto="udp", sport=68, dport=67)
        self.check("deny out any", "builtin", "allow", direction="out", proto="udp", sport=68, dport=67)
        self.check("deny any", "builtin", "allow", proto="udp", sport=547, dport=546, src="2001:db8::1", dst="fe80::1")
        self.check("deny any", "rule", "deny", proto="udp", sport=547, dport=546, src="2001:db8::1", dst="2001:db8::2")
        self.check("deny out any", "builtin", "allow", direction="out", proto="udp", sport=546, dport=547,
                   src="fe80::1", dst="ff02::1:2")

    def test_ping(self):
        ask = dict(proto="icmp", icmp_type=8)
        self.check("allow ssh", "builtin", "allow", name="ping", **ask)
        self.check("allow ssh", "builtin", "allow", name="ping", proto="icmpv6", icmp_type=128, src="2001:db8::1")
        self.check("deny echo-request/icmp", "rule", "deny", 1, **ask)
        self.check("option builtin ping off\nallow ssh", "default", "deny", **ask)


class Words(Base):
    def test_families(self):
        self.check("allow icmp", "default", "deny", proto="icmpv6", src="2001:db8::1", icmp_type=200)
        self.check("allow icmpv6", "rule", "allow", proto="icmpv6", src="2001:db8::1", icmp_type=200)
        self.check("allow 8/icmp", "rule", "allow", proto="icmp", icmp_type=8)
        self.check("allow ssh over ipv6", "default", "deny", dport=22)
        self.check("allow ssh over ipv6", "rule", "allow", dport=22, src="2001:db8::1")
        self.wrong("allow ssh from 10.0.0.1 over ipv6")
        self.wrong("allow icmp from 2001:db8::1")
        self.wrong("allow ssh from 10.0.0.1 to 2001:db8::1")
        self.wrong("over ipv6 {\nallow ssh from 10.0.0.1\n}", 2)

    def test_protocols(self):
        self.check("allow gre", "rule", "allow", proto="gre")
        self.check("allow 47/ip", "rule", "allow", proto="gre", src="2001:db8::1")
        self.check("allow tcp", "rule", "allow", dport=65535)
        self.check("allow RDP", "rule", "allow", dport=3389)
        self.check("allow rdp", "default", "deny", proto="rdp")
        self.check("allow rdp/ip", "rule", "allow", proto="rdp")
        self.check("allow 5000/tcp+udp", "rule", "allow", proto="udp", dport=5000)
        self.check("allow 6660:6669/tcp", "rule", "allow", dport=6669)
        self.check("allow MS-SQL_S", "rule", "allow", dport=1433)
        self.check("allow any source-port 53, 100-200", "rule", "allow", proto="udp", sport=150)
        self.check("allow any source-port 53, 100-200", "default", "deny", proto="udp", sport=201)
        self.wrong("allow 8080")
        self.wrong("allow nonesuch")

    def test_addresses(self):
        text = "group g = 10.0.0.1-10.0.0.9, h except 10.0.0.5\ngroup h = 2001:db8::/32\nallow any from g"
        for source, hit in (("10.0.0.1", 1), ("10.0.0.9", 1), ("10.0.0.10", 0), ("10.0.0.5", 0), ("2001:db8::", 1)):
            self.check(text, "rule" if hit else "default", "allow" if hit else "deny", src=source)
        self.check("group e = file \"/dev/null\"\nallow any from e", "default", "deny")
        self.check("group e = file \"/dev/null\"\nallow any from any except e", "rule", "allow", 2)
        self.wrong("allow any from 10.0.0.1/24")
        self.wrong("group a = b\ngroup b = a", 2)

    def test_dynamic(self):
        text = "group d = dynamic timeout 1h size 100\nblock d\nallow any from any except d"
        state = State(members={"d": [(4, 1, 5)]})
        self.check("group d = dynamic\nallow any from d", "default", "deny")
        self.check(text, "block", "deny", 2, src="0.0.0.5", world=state)
        self.check(text, "rule", "allow", 3, src="0.0.0.6", world=state)

    def test_blocks_leave_alone(self):
        text = "block any\nallow any\nallow out any"
        for target in ("255.255.255.255", "224.0.0.5", "169.254.7.7", "0.0.0.0"):
            self.check(text, "rule", "allow", 3, direction="out", dst=target)
        self.check(text, "rule", "allow", 2, src="fe80::1")
        self.check(text, "block", "deny", 1, src="198.51.100.1")
        self.check(text, "builtin", "allow", src="198.51.100.1", iif="lo")

    def test_lines(self):
        text = "allow ssh, # first\n\n  # a comment\n http from \\\n 10.0.0.1 label \"a \\\"b\\\" # c\"\nallow https"
        policy = self.policy(text)
        self.assertEqual([rule.where[1] for rule in policy.rules], [1, 6])
        self.assertEqual(policy.rules[0].clauses["label"], 'a "b" # c')
        self.wrong("allow ssh from 10.0.0.1 from 10.0.0.2")
        self.wrong("on eth0 {\nallow ssh on eth1\n}", 2)
        self.wrong("on eth0 {\nallow ssh", 1)

    def test_owner_and_interfaces(self):
        text = "deny out any as user 1000, root on any except eth1"
        self.check(text, "rule", "deny", direction="out", uid=0)
        self.check(text, "rule", "deny", direction="out", uid=1000)
        self.check(text, "default", "allow", direction="out", uid=1000, oif="eth1")
        self.check(text, "default", "allow", direction="out")
        self.check("allow forward any on eth0 leaving wg*", "rule", "allow", direction="forward", oif="wg0")
        self.check("allow forward any on eth0 leaving wg*", "default", "deny", direction="forward")
        self.wrong("allow any leaving eth0")
        self.wrong("allow any as user 0")

    def test_services(self):
        self.check("service ssh = ssh, 2222/tcp\nallow ssh", "rule", "allow", 2, dport=22)
        self.check("service ssh = ssh, 2222/tcp\nallow ssh", "rule", "allow", 2, dport=2222)
        self.check("allow web\nservice http = 8080/tcp", "rule", "allow", 1, dport=8080)
        self.check("allow web\nservice http = 8080/tcp", "default", "deny", dport=80)

    def test_include(self):
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(os.path.join(folder, "d"))
            for name, text in (("b", "allow https\n"), ("a", "allow http\n")):
                with open(os.path.join(folder, "d", name + ".conf"), "w", encoding="utf-8") as out:
                    out.write(text)
            text = "on eth1 {\ninclude \"d/*.conf\"\n}\nallow ssh\ninclude \"none/*.conf\""
            policy = self.policy(text, os.path.join(folder, "policy.conf"))
            places = [(os.path.basename(rule.where[0]), rule.where[1]) for rule in policy.rules]
            self.assertEqual(places, [("a.conf", 1), ("b.conf", 1), ("policy.conf", 4)])
            self.check(policy, "default", "deny", dport=80)
            self.check(policy, "rule", "allow", dport=80, iif="eth1")


class Times(Base):
    def setUp(self):
        before = os.environ.get("TZ")
        os.environ["TZ"] = "UTC"
        time.tzset()
        self.addCleanup(time.tzset)
        self.addCleanup(lambda: os.environ.pop("TZ") if before is None else os.environ.update(TZ=before))

    def at(self, text, *moment):
        return State(now=calendar.timegm(moment + (0,) * (6 - len(moment))))

    def test_during(self):
        text = "allow ssh during 22:00-06:00 mon-fri"  # 2026-11-23 is a Monday
        for moment, hit in (((2026, 11, 23, 5), 0), ((2026, 11, 23, 22), 1), ((2026, 11, 24, 5, 59), 1),
                            ((2026, 11, 24, 6), 0), ((2026, 11, 28, 5), 1), ((2026, 11, 28, 22), 0)):
            self.check(text, "rule" if hit else "default", "allow" if hit else "deny", dport=22,
                       world=self.at(text, *moment))

    def test_until(self):
        text = "allow ssh until \"2026-11-23 12:00\""
        self.check(text, "rule", "allow", dport=22, world=self.at(text, 2026, 11, 23, 11, 59, 59))
        self.check(text, "default", "deny", dport=22, world=self.at(text, 2026, 11, 23, 12))


class Catalogue(unittest.TestCase):
    def test_shipped(self):
        path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../policies/services.conf")
        names = read_catalogue(path)
        for name in names:
            read_policy(f"allow {name}", catalogue=names)
        self.assertGreaterEqual(len(names), 300)


if __name__ == "__main__":
    result = unittest.main(exit=False).result
    bad = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - bad} passed, {bad} failed")
    sys.exit(1 if bad or not result.testsRun else 0)
