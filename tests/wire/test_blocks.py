# SPDX-License-Identifier: GPL-2.0-or-later
"""`block`, dynamic groups, ban and unban."""
import json
import socket
import time

from cases import allowed, check, dropped, fresh
from packets import Packet, both, echo, gre, tcp, udp
from test_builtins import Talk


def tracked():
    """The connection table of the namespace that this thread is in, as text."""
    with open("/proc/thread-self/net/nf_conntrack", encoding="ascii") as f:
        return f.read()


def test_block_both_ways(net):
    """From these addresses for this host or through it; to them from this host or through it; ahead of everything else."""
    for family, bad, fine in ((4, "203.0.113.5", "203.0.114.5"), (6, "2001:db8:bad::5", "2001:db8:bae::5")):
        kinds = [tcp(80, family=family), udp(80, family=family), gre(family=family), echo(family), Packet(proto="sctp", dport=9, family=family)]
        check(net, """
            block 203.0.113.0/24, 2001:db8:bad::/48 #@b
            allow any                                #@in
            default forward allow
            """,
              *[dropped("b", p.but(src=bad), p.but(src=bad, direction="forward"), p.but(direction="forward", dst=bad, on="eth1", src=None),
                        p.but(direction="out", dst=bad)) for p in kinds],
              *[allowed("in", p.but(src=fine)) for p in kinds if p.number not in (1, 58)],
              *[allowed("=forward", p.but(src=fine, direction="forward")) for p in kinds],
              *[allowed("=out", p.but(dst=fine, direction="out")) for p in kinds])
        net.reset()


def test_block_without_forward(net):
    """Packets through the host are blocked even where the policy leaves forward alone."""
    check(net, "block 203.0.113.0/24 #@b", dropped("b", tcp(80, direction="forward", src="203.0.113.1"),
                                                    tcp(80, direction="forward", on="eth1", src="198.51.100.2", dst="203.0.113.1")))
    assert net.send(both(tcp(80, direction="forward"))) == ["allow"] * 2


def test_block_except_and_groups(net):
    files = {"list.txt": "198.18.0.0/15\n2001:db8:bad::/48\n203.0.113.0/25\n"}
    check(net, """
        group listed = file "list.txt"
        group office = 203.0.113.7, 198.18.5.0/24
        block listed except office     #@a
        block 203.0.113.128/25         #@b
        allow 80/tcp                   #@ok
        """, dropped("a", [tcp(80, src=s) for s in ("198.18.0.1", "198.19.255.255", "203.0.113.6", "203.0.113.127")], tcp(80, family=6, src="2001:db8:bad::1")),
          dropped("b", tcp(80, src="203.0.113.128")), allowed("ok", [tcp(80, src=s) for s in ("203.0.113.7", "198.18.5.5", "198.20.0.1")]), files=files)


def test_block_never_local(net):
    """Neither lo nor unspecified, link-local, multicast and broadcast addresses."""
    net.apply("block 0.0.0.0/0, ::/0\nallow any\n")
    packets = [udp(68, sport=67, src="0.0.0.0", dst="255.255.255.255"), Packet(proto="udp", dport=9, family=6, src="fe80::2", dst="ff02::1"),
               Packet(proto="icmpv6", family=6, type=135, src="::", dst="ff02::1:ff00:1", hop_limit=255), udp(9, src="169.254.7.7"),
               udp(67, sport=68, direction="out", src="0.0.0.0", dst="255.255.255.255", on="eth0"),
               Packet(direction="out", proto="udp", dport=9, family=6, src="fe80::1", dst="ff02::1:2", on="eth0"),
               udp(9, direction="out", dst="224.0.0.251", on="eth0", src="169.254.0.1")]
    assert net.send(packets) == ["allow"] * len(packets)
    assert net.send([tcp(80), tcp(80, family=6), tcp(80, direction="out"), tcp(80, direction="out", family=6)]) == ["drop"] * 4
    with net.inside("host"):
        for address in ("127.0.0.1", "::1", "192.0.2.1"):
            with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as a:
                a.bind((address, 0))
                a.sendto(b"x", a.getsockname())
                a.settimeout(1)
                assert a.recv(9) == b"x", address


def test_block_self_warns(net):
    """A list that holds an address of this host, or one that is never blocked: said at the line, and applied all the same."""
    for listed in ("192.0.2.1", "192.0.2.0/24", "fd00:8::/64", "0.0.0.0/0", "169.254.0.0/16", "224.0.0.0/4", "255.255.255.255", "::", "fe80::/10", "ff02::1"):
        result = net.apply(f"allow 80/tcp\nblock 203.0.113.7, {listed}\n")
        assert "policy.conf:2:20: warning: " in result.err and "[self]" in result.err, (listed, result)
        assert net.send([tcp(80, src="203.0.113.7"), tcp(80, src="10.77.0.1")]) == ["drop", "drop" if listed == "0.0.0.0/0" else "allow"], listed
    for fine in ("203.0.113.0/24", "192.0.2.0/24 except 192.0.2.1", "fd00:8::/64 except fd00:8::1"):
        assert "[self]" not in net.apply(f"block {fine}\n").err, fine


@fresh
def test_block_before_conntrack(net):
    """A blocked packet never reaches connection tracking; an allowed one does."""
    net.apply("block 203.0.113.0/24\nallow 80/udp\n")
    net.send([udp(80, src="203.0.113.9", keep=True), udp(80, src="203.0.114.9", keep=True)])
    table = tracked()
    assert "203.0.114.9" in table and "203.0.113.9" not in table
    # Tracking looks at a packet and rejects it as invalid: with the block before it, its counter of invalid packets stays.
    with open("/proc/thread-self/net/stat/nf_conntrack", encoding="ascii") as f:
        head, *rows = [line.split() for line in f]
    before = sum(int(row[head.index("invalid")], 16) for row in rows)
    net.send([tcp(80, src="203.0.113.9", flags="SF")] * 5)
    with open("/proc/thread-self/net/stat/nf_conntrack", encoding="ascii") as f:
        head, *rows = [line.split() for line in f]
    assert sum(int(row[head.index("invalid")], 16) for row in rows) == before


def test_block_cuts_what_is_open(net):
    """Ahead of everything else: of the built-in established too."""
    net.apply("allow 7000/udp\n")
    talk = Talk(net)
    assert talk.there() and talk.back() and talk.there()
    net.apply("block 192.0.2.2\nallow 7000/udp\n")
    assert not talk.there() and not talk.back()
    net.apply("allow 7000/udp\n")
    assert talk.there() and talk.back()
    talk.close()


# Dynamic groups

POLICY = """
group banned = dynamic
group guests = dynamic timeout 1h size 1000
block banned                        #@block
deny 80/tcp from any except guests  #@others
allow 80/tcp                        #@guests
"""


def bans(net):
    """What `bans --json` lists, by address."""
    result = net.fwctl("--json", "bans")
    assert result.code == 0, result
    return {entry["address"]: entry for entry in json.loads(result.out)["bans"]}


def run(net, *args, code=0):
    result = net.fwctl(*args)
    assert result.code == code, f"fwctl {' '.join(args)}: {result}"
    return result


def test_ban_and_unban(net):
    check(net, POLICY + "default in reject\n", dropped("others", both(tcp(80))), allowed("=out", tcp(80, direction="out")))
    run(net, "ban", "192.0.2.2", "--group", "guests")
    run(net, "ban", "2001:db8:1::/64", "--group", "guests")
    check(net, POLICY.strip("\n"), allowed("guests", both(tcp(80))), dropped("others", tcp(80, src="192.0.2.3")), apply=False)
    run(net, "ban", "192.0.2.2", "--group", "banned")
    check(net, POLICY.strip("\n"), dropped("block", tcp(80), tcp(80, direction="out", dst="192.0.2.2")), allowed("guests", tcp(80, family=6)), apply=False)
    assert {"192.0.2.2", "2001:db8:1::/64"} <= set(bans(net)), bans(net)
    run(net, "unban", "192.0.2.2", "--group", "banned")
    run(net, "unban", "2001:db8:1::/64", "--group", "guests")
    check(net, POLICY.strip("\n"), allowed("guests", tcp(80)), dropped("others", tcp(80, family=6)), apply=False)


def test_ban_only_group(net):
    """Where the policy has one dynamic group it needs no naming; where it has two it does."""
    net.apply("group banned = dynamic\nblock banned\nallow any\n")
    run(net, "ban", "192.0.2.2")
    assert net.send([tcp(80), tcp(80, src="192.0.2.3")]) == ["drop", "allow"]
    run(net, "unban", "192.0.2.2")
    assert net.send([tcp(80)]) == ["allow"]
    net.apply(POLICY)
    assert net.fwctl("ban", "192.0.2.2").code != 0


def test_ban_timeout(net):
    """Ends by itself; banning again sets the end anew, shorter or longer; the group's own time-out holds where none is given."""
    net.apply(POLICY)
    ends = {}

    def ban(n, *options, group="banned", seconds=None):
        before = time.time()
        run(net, "ban", f"192.0.2.{n}", *options, "--group", group)
        ends[n] = (before + seconds, time.time() + seconds) if seconds else None
    ban(2, "--for", "2s", seconds=2)
    ban(3, "--for", "1h")
    ban(4, "--for", "1s")
    ban(3, "--for", "2s", seconds=2)
    ban(4, "--for", "1h")
    ban(5)
    ban(6, group="guests")
    packets = {n: tcp(79, src=f"192.0.2.{n}", direction="forward") for n in range(2, 6)}
    for n in (2, 3):
        net.turns(packets[n], ("drop", "allow"), *ends[n])
    assert net.send([packets[4], packets[5]]) == ["drop", "drop"]
    listed = bans(net)
    assert "192.0.2.2" not in listed and {"192.0.2.4", "192.0.2.5", "192.0.2.6"} <= set(listed), listed
    assert 3400 <= listed["192.0.2.6"]["expires_seconds"] <= 3600, "the group's own time-out of an hour"
    assert listed["192.0.2.5"]["expires_seconds"] is None


def test_ban_prefixes_cover_members(net):
    """A prefix may cover members that are there, and is taken away without them."""
    net.apply(POLICY)
    for what in ("203.0.113.5", "203.0.113.0/24", "203.0.112.0/22", "2001:db8:bad::5", "2001:db8:bad::/48", "0.0.0.0/1"):
        run(net, "ban", what, "--group", "banned")

    def state(*addresses):
        return net.send([tcp(9, src=a, family=6 if ":" in a else 4, direction="forward") for a in addresses])
    assert state("203.0.113.5", "203.0.113.6", "203.0.112.1", "203.0.116.1", "2001:db8:bad::5", "2001:db8:bad:1::", "10.1.1.1") \
        == ["drop", "drop", "drop", "allow", "drop", "drop", "drop"]
    for what in ("203.0.112.0/22", "2001:db8:bad::/48", "0.0.0.0/1"):
        run(net, "unban", what, "--group", "banned")
    assert state("203.0.113.5", "203.0.113.6", "203.0.112.1", "2001:db8:bad::5", "2001:db8:bad:1::", "10.1.1.1") \
        == ["drop", "drop", "allow", "drop", "allow", "allow"]
    run(net, "unban", "203.0.113.0/24", "--group", "banned")
    assert state("203.0.113.5", "203.0.113.6") == ["drop", "allow"]


def test_members_live_through_apply(net):
    net.apply(POLICY)
    run(net, "ban", "192.0.2.2", "--for", "1h", "--group", "banned")
    run(net, "ban", "198.18.0.0/15", "--group", "banned")
    run(net, "ban", "192.0.2.3", "--group", "guests")
    before = bans(net)
    net.apply("deny 7/tcp\n" + POLICY + "allow 81/tcp\n")
    net.apply(POLICY.replace("allow 80/tcp  ", "allow 80-90/tcp"))
    assert set(bans(net)) == set(before)
    generation = net.generation()
    assert "nothing to do" in net.apply(POLICY.replace("allow 80/tcp  ", "allow 80-90/tcp")).out and net.generation() == generation
    assert net.send([tcp(80), tcp(80, src="198.18.7.7"), tcp(80, src="192.0.2.3"), tcp(80, src="192.0.2.4")]) == ["drop", "drop", "allow", "drop"]


def test_hits_survive_bans(net):
    """A member of a new prefix length takes a set of its own; nothing that was counted is lost by it."""
    net.apply("group banned = dynamic\nblock banned except 203.0.113.7\nallow 80/tcp rate 9/hour\n")
    net.send([tcp(80)] * 5)
    run(net, "ban", "203.0.113.0/24")
    assert net.send([tcp(80, src="203.0.113.5"), tcp(80, src="203.0.113.7"), tcp(9, src="203.0.113.7")]) == ["drop", "allow", "drop"]
    run(net, "ban", "2001:db8:bac::/47")
    run(net, "unban", "203.0.113.0/24")
    assert net.send([tcp(80)] * 5) == ["allow"] * 3 + ["drop"] * 2
    status = net.status()
    assert (status.line(2).packets, status.line(3).packets, status.line(3).over_limit_packets) == (1, 9, 2)


def test_group_full(net):
    """`ban` says so, and nothing else is lost."""
    net.apply("group banned = dynamic size 10\nblock banned\nallow any\n")
    codes = [net.fwctl("ban", f"192.0.2.{n}").code for n in range(10, 30)]
    assert codes[:10] == [0] * 10 and codes[-1] != 0, codes
    taken = codes.count(0)
    text = net.fwctl("ban", "192.0.2.99")
    assert text.code != 0 and "full" in text.err, text
    assert net.send([tcp(80, src=f"192.0.2.{n}") for n in range(10, 30)]) == ["drop"] * taken + ["allow"] * (20 - taken)
    run(net, "unban", "192.0.2.10")
    run(net, "ban", "192.0.2.77")


def test_ban_refuses_nonsense(net):
    net.apply("group banned = dynamic\nblock banned\n")
    generation = net.generation()
    for what in ("192.0.2.1/24", "300.1.1.1", "nothing", "192.0.2.0/33", ""):
        assert net.fwctl("ban", what).code != 0, what
    assert net.fwctl("ban", "192.0.2.9", "--for", "never").code != 0
    assert net.fwctl("ban", "192.0.2.9", "--group", "nobody").code != 0
    assert net.fwctl("unban", "192.0.2.9").code != 0, "it was no member"
    assert net.generation() == generation


def test_dynamic_in_lists_and_except(net):
    check(net, """
        group friends = dynamic
        allow 80/tcp from friends, 198.18.0.0/15          #@list
        allow 81/tcp from 192.0.2.0/24 except friends     #@except
        allow out 80/tcp to friends                       #@to
        deny out 80/tcp                                   #@rest
        """, dropped("=in", both(tcp(80))), allowed("list", tcp(80, src="198.18.1.1")), allowed("except", tcp(81)), dropped("rest", tcp(80, direction="out")))
    run(net, "ban", "192.0.2.2")
    run(net, "ban", "198.51.100.0/24")
    check(net, """
        group friends = dynamic
        allow 80/tcp from friends, 198.18.0.0/15          #@list
        allow 81/tcp from 192.0.2.0/24 except friends     #@except
        allow out 80/tcp to friends                       #@to
        deny out 80/tcp                                   #@rest
        """, allowed("list", tcp(80)), dropped("=in", tcp(81), tcp(80, family=6)), allowed("except", tcp(81, src="192.0.2.3")),
          allowed("to", tcp(80, direction="out")), apply=False)
