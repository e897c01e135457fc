# SPDX-License-Identifier: GPL-2.0-or-later
"""Events (NFLOG): of rules with `log`, of defaults, of blocks; their limits, which counters never share."""
import time

from cases import allowed, check, dropped
from packets import Packet, both, gre, parse, tcp, udp


def prefixes(net):
    return [e["prefix"] for e in net.read_events()]


def test_rule_log(net):
    """One event for each match, with the rule's id; only for rules that say so."""
    for direction in ("in", "out", "forward"):
        net.listen()
        status = check(net, f"""
            default {direction} deny
            option log-default off
            allow {direction} 80/tcp, gre log       #@a
            deny {direction} 81/tcp log "attempt"   #@d
            reject {direction} 82/udp log           #@r
            allow {direction} 83/tcp                #@quiet
            """, allowed("a", [p.but(direction=direction) for p in both(tcp(80), gre())]),
                       dropped("d", [p.but(direction=direction) for p in both(tcp(81))]),
                       [(p, "reject", "r") for p in [udp(82, direction=direction), udp(82, direction=direction, family=6)]],
                       allowed("quiet", [p.but(direction=direction) for p in both(tcp(83))]),
                       dropped("=" + direction, tcp(84, direction=direction)))
        events = net.read_events()
        assert len(events) == 8, [e["prefix"] for e in events]
        for line, ports in ((3, {80, None}), (4, {81}), (5, {82})):
            mine = [e for e in events if status.line(line).id in e["prefix"]]
            assert len(mine) == (4 if line == 3 else 2), (line, [e["prefix"] for e in events])
            for e in mine:
                seen = parse(e["payload"])
                port = int.from_bytes(seen["body"][2:4], "big") if seen["proto"] in (6, 17) else None
                assert port in ports
                assert e["hook"] == {"in": 1, "forward": 2, "out": 3}[direction]
        assert all("attempt" in e["prefix"] for e in events if status.line(4).id in e["prefix"])
        net.reset()


def test_log_rate(net):
    """Ten a second unless said otherwise; the counter counts all."""
    net.listen()
    net.apply('allow 80/tcp log\nallow 81/tcp log rate 3/minute\nallow 82/tcp log "some text" rate 2/hour\n')
    started = time.monotonic()
    net.send([tcp(port, sport=n) for port in (80, 81, 82) for n in range(1, 51)])
    took = time.monotonic() - started
    got, status = prefixes(net), net.status()
    counts = [sum(status.line(n).id in p for p in got) for n in (1, 2, 3)]
    assert 10 <= counts[0] <= 11 + 10 * took and counts[1:] == [3, 2], counts
    assert [status.line(n).packets for n in (1, 2, 3)] == [50, 50, 50]


def test_log_rate_option(net):
    net.listen(93)
    net.apply("option log-rate 4/minute\noption log-group 93\nallow 80/tcp log\n")
    net.send([tcp(80, sport=n) for n in range(1, 51)])
    assert len(prefixes(net)) == 4
    assert net.hits(3) == 50


def test_rate_and_log(net):
    """A `rate` before log is the rule's, one after it the log's."""
    net.listen()
    check(net, "allow 80/tcp rate 6/minute log rate 2/minute #@r", allowed("r", [tcp(80)] * 6), dropped("r:over", [tcp(80)] * 4))
    assert len(prefixes(net)) >= 2


def test_default_logs(net):
    """What a default denies or rejects is reported, but for broadcast and multicast; what one allows is not."""
    net.listen()
    check(net, "allow 80/tcp #@a", allowed("a", tcp(80)), dropped("=in", both(tcp(81))), allowed("=out", tcp(82, direction="out")))
    assert len(prefixes(net)) == 2
    broadcast = [udp(137, dst="192.0.2.255"), udp(137, dst="255.255.255.255"), udp(137, dst="224.0.0.1"),
                 udp(137, family=6, src="fe80::2", dst="ff02::1")]
    assert net.send(broadcast) == ["drop"] * 4
    assert prefixes(net) == []
    assert net.status().default("in").packets == 6


def test_default_reject_logs(net):
    net.listen()
    net.apply("default in reject\n")
    net.send(both(tcp(81)))
    assert len(prefixes(net)) == 2


def test_default_log_off(net):
    net.listen()
    net.apply("option log-default off\n")
    net.send(both(tcp(81), udp(137)))
    assert prefixes(net) == []
    assert net.status().default("in").packets == 4


def test_default_says_log(net):
    """Then broadcast and multicast are reported as well, and so is what a default allows."""
    net.listen()
    net.apply('default in deny log "denied"\ndefault out allow log rate 3/minute\noption log-default off\n')
    assert net.send([udp(137, dst="192.0.2.255"), udp(137, family=6, src="fe80::2", dst="ff02::1"), tcp(81)]) == ["drop"] * 3
    got = prefixes(net)
    assert len(got) == 3 and all("denied" in p for p in got), got
    net.send([tcp(5, direction="out", sport=n) for n in range(1, 20)])
    assert len(prefixes(net)) == 3


def test_default_forward_logs(net):
    net.listen()
    net.apply("default forward deny\n")
    assert net.send([p.but(direction="forward") for p in both(tcp(1), gre())]) == ["drop"] * 4
    assert len(prefixes(net)) == 4


def test_default_out_deny_logs(net):
    net.listen()
    net.apply("default out deny\n")
    assert net.send([p.but(direction="out") for p in both(tcp(1), gre())]) == ["drop"] * 4
    assert len(prefixes(net)) == 4
    assert net.send([udp(9, direction="out", dst="255.255.255.255", on="eth0"), udp(9, direction="out", dst="224.0.0.9", on="eth0"),
                     Packet(direction="out", proto="udp", dport=9, family=6, dst="ff02::5", src="fe80::1", on="eth0")]) == ["drop"] * 3
    assert prefixes(net) == []


def test_block_log(net):
    net.listen()
    status = check(net, "block 203.0.113.0/24 log #@b\nblock 203.0.114.0/24 #@quiet", dropped("b", tcp(1, src="203.0.113.1"), gre(src="203.0.113.2")),
                   dropped("quiet", tcp(1, src="203.0.114.1")))
    got = prefixes(net)
    assert len(got) == 2 and all(status.line(1).id in p for p in got), got


def test_log_limit_survives_apply(net):
    """An apply of other lines gives no fresh burst of events."""
    net.listen()
    net.apply("allow 80/tcp log rate 3/hour\n")
    net.send([tcp(80, sport=n) for n in range(1, 9)])
    assert len(prefixes(net)) == 3
    net.apply("allow 79/tcp\nallow 80/tcp log rate 3/hour\nallow 81/tcp log rate 3/hour\n")
    net.send([tcp(80, sport=n) for n in range(1, 9)])
    assert prefixes(net) == []
