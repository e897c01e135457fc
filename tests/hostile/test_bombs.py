# SPDX-License-Identifier: GPL-2.0-or-later
"""Small texts that mean much work: nesting, chains, doubling, circles, in blocks, groups, services and includes."""
import os

from harness import need

DEEP = 100000


def test_blocks_nested(space):
    space.policy(("on eth0 {\n" + "from 192.0.2.0/24 {\n" * (DEEP - 1)) + "allow ssh\n" + "}\n" * DEEP)
    result = space.bad("check", "policy.conf")
    need(result.errors(), "no place:", result)
    space.bad("fmt", "policy.conf")


def test_blocks_nested_and_open(space):
    space.policy("in {\n" * DEEP)
    result = space.bad("check", "policy.conf")
    need(result.errors(), "no place:", result)


def test_blocks_nested_to_the_limit(space):
    """64 levels, the clauses all different as far as they go: empty blocks need none."""
    clauses = ["in", "on eth0", "from 192.0.2.0/24", "to 198.51.100.0/24", "over ipv4", "source-port 1024-65535", "during 08:00-17:00"]
    space.policy("".join(f"{c} {{\n" for c in clauses) + "allow ssh\n" + "}\n" * len(clauses))
    result = space.good("check", "--json", "policy.conf")
    need(result.json()["rules_in"] == 1, "not one rule:", result)


def test_closing_braces(space):
    space.policy("}\n" * DEEP)
    result = space.bad("check", "policy.conf", at="policy.conf:1:1")
    need(len(result.errors()) <= 20, "more than 20 errors")


def test_groups_in_a_chain(space):
    lines = ["group g0 = 192.0.2.1\n"] + [f"group g{i} = g{i - 1}\n" for i in range(1, DEEP)]
    space.policy(lines + [f"allow ssh from g{DEEP - 1}\n"])
    text = space.good("show", "--nft", "policy.conf").out
    need("192.0.2.1" in text, "the address at the chain's end is not in the rules")
    space.policy(["allow ssh from g0\n"] + [f"group g{i} = g{i + 1}\n" for i in range(DEEP)] + [f"group g{DEEP} = 192.0.2.1\n"])
    need("192.0.2.1" in space.good("show", "--nft", "policy.conf").out, "the address at the chain's end is not in the rules")


def test_groups_that_grow(space):
    """Each holds the one before and an address more: all of them together are n * n / 2 long."""
    lines = ["group g0 = 10.0.0.0\n"]
    lines += [f"group g{i} = g{i - 1}, 10.{i >> 15 & 255}.{i >> 7 & 255}.{i * 2 & 255}\n" for i in range(1, 30000)]
    space.policy(lines + ["allow ssh from g29999\n"])
    result = space.run("check", "policy.conf", cpu=10)
    need(result.status == 0 or "too big for the memory" in result.err, result)


def test_groups_doubled(space):
    for what in ("g{0}, g{0}", "g{0}, g{0} except g{0}"):
        lines = ["group g0 = 192.0.2.1, 192.0.2.3\n"] + [f"group g{i} = {what.format(i - 1)}\n" for i in range(1, 1000)]
        space.policy(lines + ["allow ssh from g999, 198.51.100.1\n"])
        text = space.good("show", "--nft", "policy.conf").out
        need(("192.0.2.3" in text) == ("except" not in what), "wrong members:", text[:500])


def test_groups_in_a_circle(space):
    space.policy([f"group g{i} = g{(i + 1) % DEEP}\n" for i in range(DEEP)] + ["allow ssh from g5\n"])
    result = space.bad("check", "policy.conf")
    need(result.errors() and len(result.err) < 20000, "no place, or a message without end:", len(result.err), result)
    space.policy("group g = g\nallow ssh from g\n")
    space.bad("check", "policy.conf", at="policy.conf:1:7")


def test_services_in_a_chain(space):
    lines = ["service s0 = 4711/tcp\n"] + [f"service s{i} = s{i - 1}\n" for i in range(1, DEEP)]
    space.policy(lines + [f"allow s{DEEP - 1}\n"])
    need("4711" in space.good("show", "--nft", "policy.conf").out, "the port at the chain's end is not in the rules")


def test_services_that_grow(space):
    lines = ["service s0 = 0/tcp\n"] + [f"service s{i} = s{i - 1}, {2 * i}/tcp\n" for i in range(1, 30000)]
    space.policy(lines + ["allow s29999\n"])
    result = space.run("check", "policy.conf", cpu=10)
    need(result.status == 0 or "too big for the memory" in result.err, result)


def test_services_doubled(space):
    lines = ["service s0 = 4711/tcp, 4713/udp\n"] + [f"service s{i} = s{i - 1}, s{i - 1}\n" for i in range(1, 1000)]
    space.policy(lines + ["allow s999\n"])
    need("4713" in space.good("show", "--nft", "policy.conf").out, "the port at the chain's end is not in the rules")


def test_services_in_a_circle(space):
    space.policy([f"service s{i} = s{(i + 1) % DEEP}\n" for i in range(DEEP)] + ["allow s5\n"])
    result = space.bad("check", "policy.conf")
    need(result.errors() and len(result.err) < 20000, "no place, or a message without end:", len(result.err), result)


def test_helpers_in_every_service(space):
    lines = [f"service s{i} = {i + 1000}/tcp helper ftp\n" for i in range(2000)]
    lines += ["service every = " + ", ".join(f"s{i}" for i in range(2000)) + "\nallow every\n"]
    space.policy(lines)
    space.good("check", "policy.conf")


def test_include_itself(space):
    space.policy('include "policy.conf"\nallow ssh\n')
    space.bad("check", "policy.conf", at="policy.conf:1:9", says="circle")


def test_include_in_a_circle(space):
    space.policy('include "a.conf"\n')
    space.write("a.conf", 'include "b.conf"\n')
    space.write("b.conf", 'allow ssh\ninclude "a.conf"\n')
    result = space.bad("check", "policy.conf", at="b.conf:2:9", says="circle")
    need("included from a.conf:1" in result.err and "included from policy.conf:1" in result.err, "does not say who included it:", result)


def test_include_itself_by_a_link(space):
    space.policy('include "link.conf"\nallow ssh\n')
    os.symlink("policy.conf", space.path("link.conf"))
    space.bad("check", "policy.conf", at="link.conf:1:9")


def test_include_itself_by_a_folder_that_is_a_link(space):
    space.policy('include "here/policy.conf"\nallow ssh\n')
    os.symlink(".", space.path("here"))
    result = space.bad("check", "policy.conf")
    need(result.errors(), "no place:", result)


def test_include_a_link_to_itself(space):
    os.symlink("loop.conf", space.path("loop.conf"))
    space.policy('include "loop.conf"\ngroup g = file "loop.conf"\nallow ssh from g\n')
    space.bad("check", "policy.conf", at="policy.conf:1:9", says="symbolic links")


def test_include_itself_by_a_pattern(space):
    space.policy('include "*.conf"\nallow ssh\n')
    space.write("other.conf", "allow http\n")
    space.bad("check", "policy.conf", at="policy.conf:1:9", says="circle")


def test_include_levels(space):
    for i in range(1, 18):
        space.write(f"l{i}.conf", f'include "l{i + 1}.conf"\n' if i < 17 else "allow ssh\n")
    space.policy('include "l2.conf"\n')  # l2 is the first level, l17 the sixteenth
    need("1 rules in" in space.good("check", "policy.conf").out, "the rule of the sixteenth level is not there")
    space.policy('include "l1.conf"\n')
    space.bad("check", "policy.conf", at="l16.conf:1:9", says="16 levels")


def test_include_doubled(space):
    """Sixteen levels, each of which includes the next one twice: 131,070 readings."""
    space.policy('include "l1.conf"\ninclude "l1.conf"\n')
    for i in range(1, 17):
        space.write(f"l{i}.conf", f'include "l{i + 1}.conf"\n' * 2 if i < 16 else "allow ssh\n")
    space.bad("check", "policy.conf", says="more than 4096 files")


def test_include_doubled_within_the_limit(space):
    space.policy('include "l1.conf"\ninclude "l1.conf"\n')
    for i in range(1, 11):
        space.write(f"l{i}.conf", f'include "l{i + 1}.conf"\n' * 2 if i < 10 else "allow ssh\n")
    need("1024 rules in" in space.good("check", "policy.conf").out, "not two to the tenth rules")


def test_include_thousands(space):
    for i in range(3000):
        space.write(f"many.d/{i:05}.conf", f"allow {i + 1}/tcp\n")
    space.policy('include "many.d/*.conf"\n')
    need("3000 rules in" in space.good("check", "policy.conf").out, "not all of them")
    for i in range(3000, 5000):
        space.write(f"many.d/{i:05}.conf", f"allow {i + 1}/tcp\n")
    space.bad("check", "policy.conf", at="policy.conf:1:9", says="more than 4096 files")


def test_patterns_that_explode(space):
    for i in range(200):
        space.write("p/" + "a" * (i + 1), "allow ssh\n")
    space.policy('include "p/' + "*a" * 100 + 'b"\nallow ssh\n')
    need("1 rules in" in space.good("check", "policy.conf", cpu=10).out, "not one rule")


def test_expectations_by_the_hundred(space):
    lines = [f"allow {i}/tcp from 10.{i >> 8}.{i & 255}.0/24\n" for i in range(1, 500)]
    lines += [f"expect allow {i}/tcp from 10.{i >> 8}.{i & 255}.0/24\nexpect deny {i}/tcp from 10.255.0.0/16\n" for i in range(1, 500)]
    space.policy(lines)
    space.good("check", "policy.conf", cpu=10)


def test_rules_that_all_overlap(space):
    """No two alike, each meets all the others, in five fields."""
    lines = [f"{'allow' if i % 2 else 'deny'} {i * 7 % 30000}-{30000 + i * 13 % 30000}/tcp from 10.{i % 200}.0.0-10.{i % 200 + 50}.255.255 "
             f"to 172.16.{i * 3 % 200}.0-172.16.{i * 3 % 200 + 50}.255 source-port {i * 11 % 30000}-{30000 + i * 17 % 30000}\n" for i in range(300)]
    space.policy(lines)
    result = space.run("check", "policy.conf", cpu=20)
    need(result.status in (0, 1) and "too big" not in result.err, result)
