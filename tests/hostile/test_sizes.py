# SPDX-License-Identifier: GPL-2.0-or-later
"""Too much of everything: 100 MiB of policy, just below the limit of 32 MiB, endless pipes, files of a million addresses."""
import os
import re
import subprocess

from harness import MIB, need

WHOLE = 100 * MIB
BELOW = 31 * MIB
BIG = 10.0  # seconds, for what is 30 MiB and more


def too_large(space, piece, before=b"", after=b""):
    name = os.path.basename(space.fill("big.conf", WHOLE, piece, before, after))
    result = space.bad("check", name, cpu=BIG, says="larger than 32 MiB")
    need(result.cpu < 2, "a file that is too large is read all the same:", result)
    with open(space.path(name), "rb") as file:
        space.bad("check", "-", stdin=file, cpu=BIG, says="larger than 32 MiB")
    space.bad("fmt", name, cpu=BIG, says="larger than 32 MiB")


def test_100_mib_of_rules(space):
    too_large(space, b"allow ssh\n")


def test_100_mib_in_one_line(space):
    too_large(space, b"ssh, ", b"allow ", b"ssh\n")


def test_100_mib_in_one_token(space):
    too_large(space, b"a", b"allow ", b"\n")


def test_100_mib_of_comments(space):
    too_large(space, b"# nothing to see here\n", b"allow ssh\n")


def test_100_mib_of_newlines(space):
    too_large(space, b"\n")


def test_100_mib_of_includes(space):
    """Many files, none of them too large."""
    for number in range(4):
        space.fill(f"part{number}.conf", 25 * MIB, b"# nothing\n")
    space.policy('include "part*.conf"\nallow ssh\n')
    space.bad("check", "policy.conf", cpu=BIG, at="policy.conf:1:9", says="larger than 64 MiB, its includes counted")


def test_endless_pipe(space):
    with subprocess.Popen(["yes", "allow ssh"], stdout=subprocess.PIPE) as endless:
        space.bad("check", "-", stdin=endless.stdout, says="larger than 32 MiB")
        endless.kill()


def test_rules_below_the_limit(space):
    """Millions of rules: refused for what they would take, not taken."""
    name = os.path.basename(space.fill("big.conf", BELOW, b"allow ssh\n"))
    space.bad("check", name, cpu=BIG, says="too big for the memory that it may take")


def test_one_line_below_the_limit(space):
    name = os.path.basename(space.fill("big.conf", BELOW, b"ssh, ", b"allow ", b"ssh\n"))
    need("1 rules in" in space.good("check", name, cpu=BIG).out, "not one rule")


def test_one_token_below_the_limit(space):
    name = os.path.basename(space.fill("big.conf", BELOW, b"a", b"allow ", b"\n"))
    result = space.bad("check", name, at="big.conf:1:7", says="unknown service 'aaaa", cpu=BIG)
    need(len(result.err) < 5000, "the message is as long as the token:", len(result.err))


def test_one_text_below_the_limit(space):
    name = os.path.basename(space.fill("big.conf", BELOW, b"a", b'allow ssh label "', b'"\n'))
    result = space.run("check", name, cpu=BIG)
    need(result.status in (0, 1), result)
    if result.status == 1:
        need(result.errors(), "refused without a place:", result)


def test_comments_below_the_limit(space):
    name = os.path.basename(space.fill("big.conf", BELOW, b"# nothing to see here\n", b"", b"\nallow ssh\n"))
    need("1 rules in" in space.good("check", name, cpu=BIG).out, "not one rule")


def test_newlines_below_the_limit(space):
    name = os.path.basename(space.fill("big.conf", BELOW, b"\n", b"", b"allow htpp\n"))
    space.bad("check", name, at=f"big.conf:{BELOW - 10}:7", says="did you mean 'http'?", cpu=BIG)


def test_blanks_below_the_limit(space):
    name = os.path.basename(space.fill("big.conf", BELOW, b" \t", b"allow", b"ssh \n"))
    need("1 rules in" in space.good("check", name, cpu=BIG).out, "not one rule")


def test_continuations_below_the_limit(space):
    name = os.path.basename(space.fill("big.conf", BELOW, b"\\\n", b"allow ssh ", b"\n"))
    need("1 rules in" in space.good("check", name, cpu=BIG).out, "not one rule")


def test_nothing_but_errors(space):
    """The first 20 and how many more; not one message a line."""
    name = os.path.basename(space.fill("big.conf", BELOW, b"alow ssh\n"))
    result = space.bad("check", name, at="big.conf:20:1", says="did you mean 'allow'?")
    need(len(result.errors()) == 20, len(result.errors()), "errors are shown")
    need(re.search(r"\d+ (more )?errors", result.err), "does not say how many there are:", result.err[-300:])
    need(len(result.err) < 10000, "the messages are long:", len(result.err))


def addresses(count, step=2):
    """Distinct hosts that do not touch each other, in pieces."""
    for start in range(0, count, 10000):
        numbers = ((10 << 24) + step * i for i in range(start, min(start + 10000, count)))
        yield "".join(f"{n >> 24}.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}\n" for n in numbers)


def test_a_million_addresses(space):
    space.write("list.txt", addresses(1000000))
    space.policy('group g = file "list.txt"\nblock g\nallow ssh from g\n')
    space.good("check", "policy.conf")
    space.good("apply", "policy.conf", cpu=10)
    status = space.good("status", "--json", cpu=20).json()
    need(status["in_sync"] is True, "not in sync")
    need("nothing to do" in space.good("apply", "policy.conf", cpu=10).out, "a second apply changes something")
    space.good("flush", cpu=10)


def test_a_million_addresses_and_a_bad_one(space):
    def pieces():
        yield from addresses(1000000)
        yield "10.0.0.256\n"
    space.write("list.txt", pieces())
    space.policy('group g = file "list.txt"\nallow ssh from g\n')
    space.bad("check", "policy.conf", at="list.txt:1000001:1")


def test_a_million_bad_addresses(space):
    space.fill("list.txt", 12 * MIB, b"10.0.0.256\n")
    space.policy('group g = file "list.txt"\nallow ssh from g\n')
    result = space.bad("check", "policy.conf", at="list.txt:1:1")
    need(len(result.errors()) == 20, len(result.errors()), "errors are shown")
    need(re.search(r"\d+ (more )?errors", result.err), "does not say how many there are:", result.err[-300:])


def test_an_address_file_of_one_line(space):
    space.fill("list.txt", 200 * MIB, b"1.2.3.4,")
    space.policy('group g = file "list.txt"\nallow ssh from g\n')
    result = space.bad("check", "policy.conf", at="list.txt:1:1", cpu=BIG)
    need(len(result.err) < 5000, "the message is as long as the line:", len(result.err))


def test_an_address_file_of_nuls(space):
    with open(space.path("list.txt"), "wb") as file:
        file.truncate(255 * MIB)
    space.policy('group g = file "list.txt"\nallow ssh from g\n')
    space.bad("check", "policy.conf", at="list.txt:1:1", cpu=BIG)


def test_an_address_file_past_the_limit(space):
    with open(space.path("list.txt"), "wb") as file:
        file.truncate(1 << 40)
    space.policy('group g = file "list.txt"\nallow ssh from g\n')
    space.bad("check", "policy.conf", at="policy.conf:1:16", says="larger than 256 MiB")


def test_many_large_address_files(space):
    """Each within its limit, together past theirs."""
    for number in range(5):
        space.fill(f"list{number}.txt", 200 * MIB, b"# comment\n")
    lines = [f'group g{n} = file "list{n}.txt"\n' for n in range(5)]
    space.policy("".join(lines) + "allow ssh from g0, g1, g2, g3, g4\n")
    space.bad("check", "policy.conf", says="512 MiB", cpu=BIG)
