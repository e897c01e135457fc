# SPDX-License-Identifier: GPL-2.0-or-later
"""The longest lists and the largest numbers: each gives what it says, or an error at its place."""
from harness import need

WRONG = {
    "allow 65536/tcp": 7, "allow 99999999999999999999/tcp": 7, "allow 10-5/tcp": 7, "allow -1/tcp": 7, "allow 1-/tcp": 7, "allow 256/ip": 7, "allow 256/icmp": 7,
    "allow 80": 7, "allow ssh from 192.0.2.1/33": 16, "allow ssh from 192.0.2.1/24": 16, "allow ssh from 2001:db8::/129": 16, "allow ssh from 256.0.0.1": 16,
    "allow ssh from 10.0.0.9-10.0.0.1": 16, "allow ssh from 10.0.0.1-2001:db8::1": 16, "allow ssh rate 0/minute": 16,
    "allow ssh rate 99999999999999999999/second": 16, "allow ssh rate 5/fortnight": 18, "allow ssh rate 1/minute burst 0": 31,
    "allow ssh rate 1/minute burst 99999999999": 31, "allow ssh connections 0": 23, "allow ssh connections 99999999999": 23,
    "allow ssh during 25:00-26:00": 18, "allow ssh during 08:00-08:60": 18, "allow ssh during 08:00-17:00 funday": 30, 'allow ssh until "2026-02-30"': 17,
    'allow ssh until "99999-01-01"': 17, 'allow ssh until "2026-01-01 24:01"': 17, "allow ssh source-port 65536": 23, "allow ssh over ipv5": 16,
    "allow out ssh as user 4294967296": 23, "allow out ssh as user no-such-user-here": 23, "group g = dynamic size 0": 24,
    "group g = dynamic size 99999999999999999999": 24, "group g = dynamic timeout 0s": 27, "group g = dynamic timeout 99999999999999999999d": 27,
    "option log-group 65536": 18, "option log-rate 0/second": 17, "allow ssh on averyveryverylongname0": 14, "allow ssh on eth*0": 14,
    "service averylongname" + "x" * 60 + " = 1/tcp": 9, "group averylongname" + "x" * 60 + " = 192.0.2.1": 7,
}


def test_numbers_past_their_ends(space):
    for line, column in WRONG.items():
        space.policy(f"allow http\n{line}\n")
        result = space.bad("check", "policy.conf", says="policy.conf:2:")
        need(f"policy.conf:2:{column}: error:" in result.err, "not at column", column, ":", result)


def test_ends_themselves(space):
    space.policy("allow 0/tcp, 65535/udp, 0-65535/sctp, 0/ip, 255/ip, 0/icmp, 255/icmpv6\nallow ssh from 0.0.0.0/0, ::/0\nallow ssh from 255.255.255.255, "
                 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff\nallow out ssh as user 0, 4294967294\nallow ssh on " + "e" * 15 + "\noption log-group 65535\n"
                 "group " + "g" * 63 + " = 192.0.2.1\nservice " + "s" * 63 + " = 1/tcp\nallow " + "s" * 63 + " from " + "g" * 63 + "\n")
    result = space.run("check", "policy.conf")
    need(result.status == 0, "is refused:", result)


def test_zones_by_the_hundred_thousand(space):
    space.policy([f"zone z{i} = eth{i}\n" for i in range(100000)] + ["allow ssh on z99999\n"])
    result = space.good("show", "--nft", "policy.conf")
    need('"eth99999"' in result.out, "the zone's interface is not in the rules")
    space.policy([f"zone z{i} = eth{i}\n" for i in range(100000)] + ["zone z5 = eth5\n"])
    space.bad("check", "policy.conf", at="policy.conf:100001:6")


def test_interfaces_by_the_ten_thousand(space):
    space.policy("zone all = " + ", ".join(f"eth{i}" for i in range(10000)) + "\nallow ssh on all except eth5\n")
    text = space.good("show", "--nft", "policy.conf").out
    need('"eth9999"' in text and '"eth4999"' in text, "interfaces are lost")


def test_members_by_the_65536(space):
    members = [f"10.{i >> 8}.{i & 255}.1" for i in range(65536)]
    space.policy("group g = " + ",\n    ".join(members) + "\nallow ssh from g\n")
    text = space.good("show", "--nft", "policy.conf").out
    need(text.count(".1") >= 65536 and "10.255.255.1" in text, "members are lost")
    space.policy("allow ssh from " + ", ".join(members) + "\n")
    need("10.255.255.1" in space.good("show", "--nft", "policy.conf").out, "members are lost")
    space.policy("allow ssh from " + ", ".join(members) + ", 10.0.0.256\n")
    column = len("allow ssh from " + ", ".join(members) + ", ") + 1
    space.bad("check", "policy.conf", at=f"policy.conf:1:{column}")


def test_ports_by_the_32768(space):
    space.policy("allow " + ", ".join(f"{2 * i}/tcp" for i in range(32768)) + "\n")
    text = space.good("show", "--nft", "policy.conf").out
    need("65534" in text and "65535" not in text.replace("0-65535", ""), "other ports than those")
    space.policy("allow " + ", ".join(f"{i}/tcp" for i in range(65536)) + "\nallow ssh source-port " + ", ".join(f"{2 * i}" for i in range(32768)) + "\n")
    space.good("check", "policy.conf")


def test_users_by_the_ten_thousand(space):
    space.policy("allow out ssh as user " + ", ".join(str(10 * i) for i in range(10000)) + "\n")
    need("99990" in space.good("show", "--nft", "policy.conf").out, "users are lost")
    space.policy("allow out ssh as user " + ", ".join(f"nobody-{i}" for i in range(10000)) + "\n")
    result = space.bad("check", "policy.conf", at="policy.conf:1:23")
    need(len(result.errors()) <= 20, "more than 20 errors")


def test_services_by_the_hundred_thousand(space):
    space.policy([f"service s{i} = {i % 65536}/tcp\n" for i in range(100000)] + ["allow s4711\n"])
    space.good("check", "policy.conf")
    space.policy([f"service s{i} = {i % 65536}/tcp\n" for i in range(100000)] + ["allow s-4711\n"])
    space.bad("check", "policy.conf", at="policy.conf:100001:7")


def test_unknown_names_by_the_hundred_thousand(space):
    """Each would be compared with every name there is: only what is shown is worth that."""
    space.policy([f"group name{i} = 192.0.2.1\n" for i in range(50000)] + [f"allow ssh from nome{i}\n" for i in range(50000)])
    result = space.bad("check", "policy.conf", at="policy.conf:50001:16")
    need(len(result.errors()) == 20, len(result.errors()), "errors are shown")


def test_everything_twice(space):
    lines = [f"group g{i} = 192.0.2.1\n" for i in range(20000)]
    space.policy(lines + lines)
    result = space.bad("check", "policy.conf", at="policy.conf:20001:7")
    need(len(result.errors()) == 20, len(result.errors()), "errors are shown")


def test_long_texts(space):
    for clause in ("label", "log"):
        space.policy(f'allow ssh {clause} "' + "x" * 200000 + '"\n')
        result = space.run("check", "policy.conf")
        need(result.status in (0, 1), result)
        if result.status == 1:
            need(result.errors(), "refused without a place:", result)
            continue
        space.good("apply", "policy.conf")
        need(space.good("status", "--json").json()["in_sync"], "not in sync")
        space.good("flush")


def test_rules_by_the_ten_thousand(space):
    space.policy([f"allow {i % 60000 + 1}/tcp from 10.{i >> 8 & 255}.{i & 255}.0/24\n" for i in range(10000)])
    space.good("apply", "policy.conf", cpu=5)
    status = space.good("status", "--json", cpu=5).json()
    need(status["in_sync"] is True and len(status["rules"]) == 10000, "not all of them run")
    need("nothing to do" in space.good("apply", "policy.conf", cpu=5).out, "a second apply changes something")
    space.good("flush", cpu=5)


def test_dynamic_groups_by_the_hundred(space):
    space.policy([f"group g{i} = dynamic timeout {i + 1}h size {1000 + i}\nblock g{i}\n" for i in range(100)])
    space.good("apply", "policy.conf", cpu=5)
    space.good("ban", "192.0.2.1", "--group", "g99")
    need("192.0.2.1" in space.good("bans").out, "not banned")
    space.good("flush", cpu=5)
