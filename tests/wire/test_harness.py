# SPDX-License-Identifier: GPL-2.0-or-later
"""The harness's own tests: hand-written nft rules, whose effect is known, are seen as what they are. Needs no fwctl."""
import re
import time

from packets import Packet, both, echo, gre, tcp, udp

# An IPv6 packet of a protocol that the kernel does not know is never answered with an error (it checks a checksum that is not there).
KINDS = both(tcp(80), udp(80), echo(), gre(), Packet(proto="sctp", dport=80), Packet(proto="esp")) + [Packet(proto=99)]
HOOKED = ("in", "out", "forward")
NFT_HOOK = {"in": "input", "out": "output", "forward": "forward"}


def ruleset(direction, body):
    return f"table inet other {{\n chain c {{\n type filter hook {NFT_HOOK[direction]} priority 0\n{body}\n }}\n}}\n"


def every_kind(net, direction):
    packets = [p.but(direction=direction) for p in KINDS]
    return packets, net.send(packets)


def test_all_pass_without_rules(net):
    for direction in HOOKED:
        packets, got = every_kind(net, direction)
        assert got == ["allow"] * len(packets), list(zip(map(str, packets), got))


def test_drop_is_seen(net):
    for direction in HOOKED:
        net.nft(ruleset(direction, "drop"))
        packets, got = every_kind(net, direction)
        assert got == ["drop"] * len(packets), list(zip(map(str, packets), got))
        net.reset()


def test_reject_is_seen(net):
    for direction in HOOKED:
        net.nft(ruleset(direction, 'meta oifname lo accept\nmeta l4proto tcp reject with tcp reset\nreject'))
        packets, got = every_kind(net, direction)
        for p, g in zip(packets, got):
            assert g == ("reset" if p.proto == "tcp" else "port-unreachable"), f"{p}: {g}"
        net.reset()


def test_rejected_flags(net):
    """A reset is told apart whatever the flags of the packet that it answers."""
    net.nft(ruleset("in", "meta l4proto tcp reject with tcp reset"))
    packets = both(tcp(80, flags="S"), tcp(80, flags="A"), tcp(80, flags="SA"), tcp(80, flags="FA"), tcp(80, flags="PA", payload=b"x" * 9))
    got = net.send(packets)
    assert got == ["reset"] * len(packets), got


def test_selective(net):
    """Verdicts do not get mixed up between packets of one batch."""
    net.nft(ruleset("in", "tcp dport 1-1000 accept\ntcp dport 1001-2000 reject with tcp reset\ndrop"))
    packets = [tcp(port, family=family) for port in range(1, 3001) for family in (4, 6)]
    started = time.monotonic()
    got = net.send(packets)
    assert got == (["allow"] * 2000 + ["reset"] * 2000 + ["drop"] * 2000)
    assert time.monotonic() - started < 20


def test_fragments_and_extension_headers(net):
    net.nft(ruleset("in", "ct state invalid drop\ntcp dport 80 accept\nudp dport 80 accept\ndrop"))
    good = [udp(80, payload=b"x" * 600, fragments=3), udp(80, payload=b"x" * 600, fragments=3, family=6),
            tcp(80, family=6, ext=("hop", "dest", "route")), udp(80, family=6, ext=("dest",), payload=b"x" * 400, fragments=2)]
    got = net.send(good + [p.but(dport=81) for p in good])
    assert got == ["allow"] * 4 + ["drop"] * 4, got


def test_interfaces(net):
    net.nft(ruleset("in", 'iifname "wg*" drop') + ruleset("out", 'oifname "wg1" drop').replace("other", "other2")
            + ruleset("forward", 'iifname "wg0" drop\noifname "wg1" drop').replace("other", "other3"))
    packets = both(tcp(1), tcp(1, on="wg0"), tcp(1, direction="out"), tcp(1, direction="out", on="wg1"), tcp(1, direction="forward"),
                   tcp(1, direction="forward", on="wg0"), tcp(1, direction="forward", leaving="wg1"), tcp(1, on="eth1"))
    got = net.send(packets)
    assert got == [v for v in ("allow", "drop", "allow", "drop", "allow", "drop", "drop", "allow") for _ in (4, 6)], got


def test_owner(net):
    net.nft(ruleset("out", "meta skuid 1234 drop\nmeta skgid 4321 drop"))
    packets = both(tcp(1, direction="out"), tcp(1, direction="out", uid=1234), tcp(1, direction="out", gid=4321), udp(1, direction="out", uid=5))
    got = net.send(packets)
    assert got == ["allow"] * 2 + ["drop"] * 4 + ["allow"] * 2, got


def test_broadcast_and_multicast(net):
    packets = [udp(68, src="0.0.0.0", dst="255.255.255.255", sport=67), Packet(proto="icmpv6", family=6, type=134, src="fe80::2", dst="ff02::1",
               hop_limit=255), udp(5353, dst="192.0.2.255"), udp(5353, dst="224.0.0.1", hop_limit=1),
               udp(68, direction="out", dst="255.255.255.255", on="eth0"), udp(68, direction="out", dst="224.0.0.251", on="wg0"),
               Packet(proto="icmpv6", family=6, type=133, direction="out", src="fe80::1", dst="ff02::2", on="eth1")]
    got = net.send(packets)
    assert got == ["allow"] * len(packets), got
    net.nft(ruleset("in", "drop") + ruleset("out", "drop").replace("other", "other2"))
    got = net.send(packets)
    assert got == ["drop"] * len(packets), got


def test_events_are_read(net):
    net.listen()
    net.nft(ruleset("in", 'tcp dport 7 log prefix "hello" group 86'))
    net.send([tcp(7), tcp(8), tcp(7, family=6)])
    assert [e["prefix"] for e in net.read_events()] == ["hello", "hello"]


def test_never_in_the_starting_namespace(net):
    import space
    assert space.here() != space.ROOT


def test_readme_names_what_there_is(_net):
    """Every test that the table in README.md names exists."""
    from run import HERE, discover
    with open(f"{HERE}/README.md", encoding="utf-8") as f:
        named = set(re.findall(r"`([a-z]+\.[a-z0-9_]+)`", f.read()))
    missing = {name for name in named if not name.endswith(".py")} - {test[0] for test in discover("")}
    assert len(named) > 100 and not missing, missing
