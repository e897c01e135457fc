# SPDX-License-Identifier: GPL-2.0-or-later
"""One rule, a thousand rules, a group of a hundred thousand lines: the same verdicts and exact hits."""
import ipaddress
import random
import time

from cases import limit
from packets import echo, tcp, udp


def test_empty_policy(net):
    net.apply("# nothing\n")
    assert net.send([tcp(22), echo(4), tcp(1, direction="out"), tcp(1, direction="forward")]) == ["drop", "allow", "allow", "allow"]


def test_one_rule(net):
    net.apply("deny any\n")
    assert net.send([tcp(22), udp(1, family=6), echo(4)]) == ["drop"] * 3
    assert net.hits(1) == 3


@limit(90)
def test_thousand_rules(net):
    """In an order in which many overlap: the first that matches decides and counts, every one of them."""
    random.seed(11)
    rules = []
    for n in range(1000):
        verdict = ("allow", "deny", "reject")[n % 3]
        low = random.randrange(1, 3000)
        high = low + random.choice((0, 0, 0, 5, 100))
        net_of = ipaddress.ip_network((random.randrange(0x0A000000, 0x0A040000) & 0xFFFFFF00, 24))
        source = net_of if n % 7 else ipaddress.ip_network("10.0.0.0/14")
        rules.append((verdict, low, high, source))
    text = "".join(f"{v} {a}-{b}/tcp from {s}\n" if a != b else f"{v} {a}/tcp from {s}\n" for v, a, b, s in rules)
    net.apply(text)
    packets, expected, counts = [], [], [0] * 1001
    for n in range(4000):
        _v, low, high, source = rules[n % 1000]
        where = str(source.network_address + random.randrange(min(source.num_addresses, 256)))
        port = random.choice((low, high, random.randrange(1, 3100)))
        packets.append(tcp(port, src=where, sport=1000 + n))
        which = next((i for i, (_w, a, b, s) in enumerate(rules) if a <= port <= b and ipaddress.ip_address(where) in s), 1000)
        counts[which] += 1
        expected.append({"allow": "allow", "deny": "drop", "reject": "reset"}[rules[which][0]] if which < 1000 else "drop")
    got = net.send(packets)
    wrong = [(str(p), g, e) for p, g, e in zip(packets, got, expected) if g != e]
    assert not wrong, f"{len(wrong)} wrong: {wrong[:3]}"
    status = net.status()
    assert [status.line(n).packets for n in range(1, 1001)] == counts[:1000]
    assert status.default("in").packets == counts[1000]


@limit(90)
def test_group_file_of_100000_lines(net):
    random.seed(12)
    four = random.sample(range(0x0B000000, 0x0B000000 + (1 << 22)), 60000)
    six = random.sample(range(1 << 22), 40000)
    base = int(ipaddress.ip_address("2001:db8:7::"))
    lines = [str(ipaddress.ip_address(n)) for n in four] + [str(ipaddress.ip_address(base + n)) for n in six]
    random.shuffle(lines)
    net.write("big.txt", "\n".join(lines) + "\n")
    started = time.monotonic()
    net.apply('group big = file "big.txt"\nallow 80/tcp from big\ndeny 81/tcp from big except 11.0.0.0/9\nreject 81/tcp\n')
    took = time.monotonic() - started
    members = set(four)
    some = random.sample(four, 1500) + random.sample(range(0x0B000000, 0x0B000000 + (1 << 22)), 500)
    packets = [tcp(80, src=str(ipaddress.ip_address(n))) for n in some]
    expected = ["allow" if n in members else "drop" for n in some]
    members6 = set(six)
    some6 = random.sample(six, 1500) + random.sample(range(1 << 22), 500)
    packets += [tcp(81, family=6, src=str(ipaddress.ip_address(base + n))) for n in some6]
    expected += ["drop" if n in members6 else "reset" for n in some6]
    got = net.send(packets)
    wrong = [(str(p), g, e) for p, g, e in zip(packets, got, expected) if g != e]
    assert not wrong, f"{len(wrong)} wrong: {wrong[:3]}"
    assert took < 20, f"the apply took {took:.1f} s"
    generation = net.generation()
    again = net.apply('group big = file "big.txt"\nallow 80/tcp from big\ndeny 81/tcp from big except 11.0.0.0/9\nreject 81/tcp\n')
    assert "nothing to do" in again.out and net.generation() == generation


@limit(90)
def test_block_of_100000_lines(net):
    random.seed(13)
    nets = random.sample(range(1 << 19), 100000)
    text = "".join(f"{ipaddress.ip_address(0x0B000000 + (n << 5))}/{random.choice((27, 28, 32))}\n" for n in nets)
    net.write("big.txt", text)
    net.apply('group big = file "big.txt"\nblock big\nallow any\n')
    members = {0x0B000000 + (n << 5) for n in nets}
    some = [0x0B000000 + (n << 5) for n in random.sample(nets, 1000)] + [0x0B000000 + (n << 5) for n in random.sample(range(1 << 19), 1000)]
    got = net.send([udp(9, src=str(ipaddress.ip_address(n))) for n in some])
    assert got == ["drop" if n in members else "allow" for n in some]
    assert net.hits(2) == got.count("drop")


@limit(60)
def test_many_dynamic_groups(net):
    """Each is a condition of its own; past a thousand the policy is refused, in words."""
    def policy(groups):
        return "".join(f"group g{n} = dynamic\n" for n in range(groups)) + "".join(f"allow {n + 100}/tcp from g{n}\n" for n in range(groups))
    net.apply(policy(400))
    assert net.fwctl("ban", "192.0.2.5", "--group", "g7").code == 0
    assert net.send([tcp(107, src="192.0.2.5"), tcp(106, src="192.0.2.5"), tcp(107, src="192.0.2.6")]) == ["allow", "drop", "drop"]
    result = net.apply(policy(1100), code=1)
    assert "more than 1,000 different dynamic groups and times" in result.err and "one group" in result.err, result
    assert net.send([tcp(107, src="192.0.2.5")]) == ["allow"], "what ran before runs on"
