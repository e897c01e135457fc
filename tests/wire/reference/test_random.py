#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Random policies on the wire, against the reference evaluator.

For each seed: a policy is generated, applied with fwctl, random packets are
sent in every direction, and each packet's fate is compared with the
evaluator's decision; then the hits of every rule, block, built-in and default
with the evaluator's exact counts. Each policy is applied over the one before,
so the differences that apply sends are tried as well; a seed that fails is
tried again on an empty kernel, to tell which kind of mistake it is.

    test_random.py --seeds 1-1000 [--packets 60] [-v] [--fresh] [--keep DIR]

Needs root; works in network namespaces of its own. FWCTL names the program.
"""

import argparse
import collections
import ipaddress
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, HERE)

from evaluate import PORTED, State, blocked_by_destination, blocked_by_source, decide  # noqa: E402
from generate import generate  # noqa: E402
from lang import AddressSet, Block, PolicyError, parse_address  # noqa: E402
from resolve import read_catalogue, read_policy  # noqa: E402
from rig import Rig  # noqa: E402
from traffic import Traffic, answerable, of_connections, turned  # noqa: E402

ARRIVED = {"in": "I", "forward": "F", "out": "O"}
ANSWERING = {"loopback", "established", "icmp-errors", "related"}  # pass what reject sends; where one is off, rules may


PORT_NAMES = {6: "tcp", 17: "udp", 33: "dccp", 132: "sctp", 136: "udplite"}
EXPLAINED = 3  # packets of each policy that `explain` is asked about


class Mismatch(Exception):
    """Something on the wire is not as the evaluator says."""


class HourTurned(Exception):
    """A `during` may have begun or ended in the middle of a trial."""


class Program:
    """fwctl with state of its own, in the namespace that this process is in."""

    def __init__(self, folder):
        self.path = os.path.abspath(os.environ.get("FWCTL", os.path.join(ROOT, "build", "fwctl")))
        self.environment = dict(os.environ, FWCTL_TEST="1", FWCTL_STATE_DIR=os.path.join(folder, "state"),
                                FWCTL_RUN_DIR=os.path.join(folder, "run"))
        for name in ("state", "run"):
            os.makedirs(os.path.join(folder, name), exist_ok=True)

    def run(self, *arguments):
        return subprocess.run([self.path, *arguments], env=self.environment, capture_output=True, text=True, timeout=60,
                              check=False)

    def __call__(self, *arguments):
        done = self.run(*arguments)
        if done.returncode:
            raise Mismatch(f"fwctl {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def hits(self):
        return json.loads(self("--json", "status"))


class Trial:
    """One seed."""

    def __init__(self, seed, packets, rig, program, catalogue):
        self.seed, self.count = seed, packets
        self.rig, self.program, self.catalogue = rig, program, catalogue
        self.made = generate(seed)

    def run(self, folder):
        path = os.path.join(folder, "policy.conf")
        for name, text in list(self.made.files.items()) + [("policy.conf", self.made.text)]:
            with open(os.path.join(folder, name), "w", encoding="utf-8") as out:
                out.write(text)
        try:
            policy = read_policy(self.made.text, path, self.catalogue)
        except PolicyError as error:
            self.refused(path, error)
            return
        if self.seed % 5 == 1:
            policy = self.formatted(policy, path)
        self.program("apply", path)
        members = {}
        for group, word in self.made.bans:
            self.program("ban", word, "--group", group)
            members.setdefault(group, []).append(parse_address(word, (group, 0)))
        traffic = Traffic(policy, members, self.seed)
        packets = traffic.packets(self.count)
        known = traffic.connections(6) if self.seed % 4 == 0 else []
        state = State(members=members, now=time.time())  # what is blocked may not be seen by conntrack
        answered = [place % 2 == 0 or any(decide(policy, end, state).by == "block" for end in (packet, turned(packet)))
                    for place, packet in enumerate(known)]
        packets += of_connections(known, answered)
        self.connect(known, answered)
        hour, state = time.localtime().tm_hour, State(members=members, now=time.time())
        before = self.program.hits()
        for ident, (packet, shape) in enumerate(packets, 1):
            self.rig.send(packet, ident, shape)
        seen = self.rig.collect()
        self.extras(path, before)
        after = self.program.hits()
        if time.localtime().tm_hour != hour:
            raise HourTurned
        self.judge(policy, packets, state, seen, Counts(before, after))
        self.ask(policy, path, [packet for packet, _shape in packets], State(members=members, now=state.now))

    def ask(self, policy, path, packets, state):
        """What `explain` says of some of the packets: the evaluator's line among its answers, and alone where it knows all of the packet."""
        for packet in packets[self.seed % 7::7][:EXPLAINED]:
            decision = decide(policy, packet, state)
            if packet.state != "new" or decision.by == "none" or packet.hop_limit == 255 or (packet.direction == "out" and packet.uid < 0) or \
                    (packet.proto, packet.family) in ((1, 6), (58, 4)):
                continue  # conntrack's state, the hop limit, a missing socket and the other family's ICMP are not among the words of a packet
            done = json.loads(self.program("--json", "explain", *words_of(packet, state.now), path))
            answers = [answer_of(answer) for answer in done["answers"]]
            want = told(policy, decision)
            # members of groups are unknown to it, and so is the group of a user's socket
            if want not in answers or (len(answers) > 1 and not state.members and packet.direction != "out" and "dynamic" not in self.made.text):
                raise Mismatch(f"{packet}: explain says {answers}, expected {want}")

    def refused(self, path, error):
        """A rule whose parts have no family in common: fwctl must see that too, at the same line."""
        done = self.program.run("check", path)
        mark = f"{os.path.basename(error.file)}:{error.line}:"
        if done.returncode != 1 or mark not in done.stdout + done.stderr:
            raise Mismatch(f"expected an error: {error}\ngot exit {done.returncode}\n{done.stdout}{done.stderr}")

    @staticmethod
    def sure(policy, packet):
        """Whether an answer of `reject` must be seen, if there is one."""
        return answerable(packet) is not None and not (ANSWERING | {"invalid"}) & policy.builtin_off

    def formatted(self, policy, path):
        """The policy in the canonical layout: the same rules, and the same text when laid out again."""
        self.program("fmt", "-w", path)
        with open(path, encoding="utf-8") as source:
            text = source.read()
        if self.program("fmt", path) != text:
            raise Mismatch("fmt is no fixpoint:\n" + text)
        again = read_policy(text, path, self.catalogue)
        for old, new in zip(policy.rules + policy.blocks, again.rules + again.blocks):
            if meaning(old) != meaning(new):
                raise Mismatch(f"fmt changes line {old.where[1]}, now {new.where[1]}:\n{text}")
        if [len(policy.rules), len(policy.blocks), policy.builtin_off, policy.options] != \
                [len(again.rules), len(again.blocks), again.builtin_off, again.options]:
            raise Mismatch("fmt changes the policy:\n" + text)
        return again

    def extras(self, path, status):
        """What must hold besides: nothing left to do, and a ruleset that nft reads."""
        if status.get("in_sync") is not True:
            raise Mismatch(f"status: in_sync is {status.get('in_sync')}")
        if self.seed % 5 == 2:
            self.program("plan", path)
        if self.seed % 5 == 3:
            done = subprocess.run(["nft", "-c", "-f", "-"], input=self.program("show", "--nft", path), text=True,
                                  capture_output=True, check=False)
            if done.returncode:
                raise Mismatch(f"nft does not take show --nft: {done.stderr[:2000]}")

    def connect(self, known, answered):
        if known:
            self.rig.disconnect()
        for packet, old in zip(known, answered):
            self.rig.connect(packet, old)

    def judge(self, policy, packets, state, seen, counts):
        wrong, expected = [], collections.Counter()
        decisions = [decide(policy, packet, state) for packet, _shape in packets]
        loose = decided_with_answers(policy) if any(decision.verdict == "reject" for decision in decisions) else set()
        for ident, ((packet, shape), decision) in enumerate(zip(packets, decisions), 1):
            want, got = fate(packet, decision), seen.pop(ident, [])
            shared = decision.by == "rule" and ("over",) + place(policy.rules[decision.index].where) in loose  # a limit, with answers
            if want != got and not shared and (got or decision.verdict != "reject" or self.sure(policy, packet)):
                wrong.append(f"packet {ident}: {packet} {shape}\n  expected {tell(policy, decision)}: {want or 'nothing seen'}, "
                             f"got {got or 'nothing seen'}")
            count(policy, expected, packet, decision, state)
        wrong += [f"unexpected packet of the host: {data}" for data in seen.get(-1, [])]
        wrong += counts.compare(expected, loose)
        if wrong:
            raise Mismatch("\n".join(wrong))


def decided_with_answers(policy):
    """The keys of count() that answers of `reject` may add to: they are packets of the host as well."""
    found = {("builtin", name, "out") for name in ANSWERING}
    if (ANSWERING | {"invalid"}) & policy.builtin_off:
        rules = [rule for rule in policy.rules if rule.direction == "out"]
        found |= {("rule",) + place(rule.where) for rule in rules}
        found |= {("over",) + place(rule.where) for rule in rules if {"rate", "connections"} & set(rule.clauses)}
        found |= {("builtin", "invalid", "out"), ("default", "out", "")}
    return found


def plain(value):
    """A value of the policy as text that compares."""
    if isinstance(value, AddressSet):
        minus = plain(value.minus) if value.minus else ""
        return f"{value.any} {value.spans} {sorted(value.dynamic)} {sorted(map(plain, value.parts))} - {minus}"
    return repr(value)


def meaning(line):
    """What a rule or block says, without its place."""
    if isinstance(line, Block):
        return plain(line.addrs)
    clauses = sorted((name, plain(value)) for name, value in line.clauses.items())
    return line.verdict, line.direction, set(line.what), line.families, clauses


def fate(packet, decision):
    """What the rig must see of a packet."""
    if decision.verdict == "allow":
        return [ARRIVED[packet.direction]]
    if decision.verdict == "deny" or answerable(packet) is False:
        return []
    return ["reset" if packet.proto == 6 else "unreachable"]


def tell(policy, decision):
    if decision.by in ("rule", "block"):
        places = policy.rules if decision.by == "rule" else policy.blocks
        file, line = places[decision.index].where
        return f"{decision.by} {os.path.basename(file)}:{line} {decision.verdict}" + " (over)" * decision.over_limit
    return f"{decision.by} {decision.name} {decision.verdict}"


def words_of(packet, now):
    """The packet in the words of `fwctl explain`."""
    make = ipaddress.IPv4Address if packet.family == 4 else ipaddress.IPv6Address
    proto = f"{packet.proto}/ip"
    if packet.proto in (1, 58):
        proto = f"{packet.icmp_type}/{'icmp' if packet.proto == 1 else 'icmpv6'}"
    if packet.proto in PORTED:
        proto = f"{packet.dport}/{PORT_NAMES[packet.proto]}"
    words = [packet.direction, proto, "from", str(make(packet.src)), "to", str(make(packet.dst))]
    if packet.proto in PORTED:
        words += ["source-port", str(packet.sport)]
    words += ["on", packet.oif if packet.direction == "out" else packet.iif]
    if packet.direction == "forward":
        words += ["leaving", packet.oif]
    if packet.direction == "out":
        words += ["as", "user", str(packet.uid)]
    return words + ["at", time.strftime("%Y-%m-%dT%H:%M", time.localtime(now))]


def answer_of(answer):
    if answer["by"] in ("rule", "block"):
        return answer["by"], os.path.basename(answer["file"]), answer["line"]
    return answer["by"], answer.get("name", ""), answer["verdict"]


def told(policy, decision):
    """A decision as answer_of() has it."""
    if decision.by in ("rule", "block"):
        places = policy.rules if decision.by == "rule" else policy.blocks
        return (decision.by,) + place(places[decision.index].where)
    return decision.by, decision.name if decision.by == "builtin" else "", decision.verdict


def place(where):
    return os.path.basename(where[0]), where[1]


def count(policy, expected, packet, decision, state):
    """Adds the hit to where status must show it."""
    if decision.by == "rule":
        kind = "over" if decision.over_limit else "rule"
        expected[(kind,) + place(policy.rules[decision.index].where)] += 1
    elif decision.by == "block":
        by = [[block.index for block in policy.blocks if check(block, packet, state)][:1]
              for check in (blocked_by_source, blocked_by_destination)]
        one = by[0] == by[1] or not all(by)  # else one block has its source and another its destination
        where = place(policy.blocks[decision.index].where) if one else ("", 0)
        expected[("block",) + where] += 1
    elif decision.by == "builtin":
        expected[("builtin", decision.name, packet.direction)] += 1
    elif decision.by == "default":
        expected[("default", decision.name, "")] += 1


class Counts:
    """What was counted between two readings of status, by the same keys as count()."""

    def __init__(self, before, after):
        self.found = self.read(after)
        self.found.subtract(self.read(before))
        self.known = set(self.read(after))

    @staticmethod
    def read(status):
        found = collections.Counter()
        for kind, name in (("rule", "rules"), ("block", "blocks")):
            for row in status[name]:
                key = (os.path.basename(row["file"]), row["line"])
                found[(kind,) + key] += row["packets"]
                if kind == "rule":
                    found[("over",) + key] += row.get("over_limit_packets", 0)
        for row in status["builtin"]:
            found[("builtin", row["name"], row["direction"])] += row["packets"]
        for row in status["defaults"]:
            found[("default", row["direction"], "")] += row["packets"]
        return found

    def compare(self, expected, loose):
        wrong = []
        either = expected.pop(("block", "", 0), 0)
        for key in sorted(set(expected) | set(self.found), key=str):
            want, got = expected[key], self.found[key]
            if key in loose and (got >= want or ("over",) + key[1:] in loose):
                continue
            if either and key[0] == "block" and want <= got <= want + either:
                continue
            if want != got or key not in self.known and want:
                wrong.append(f"hits of {' '.join(map(str, key))}: expected {want}, got {got}"
                             + ("" if key in self.known else " (not in status)"))
        return wrong


class Runner:
    """Seeds one after the other, with what is kept between them."""

    def __init__(self, options):
        self.options = options
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # a busy disk would wait in every apply
        self.folder = options.keep or tempfile.mkdtemp(prefix="fwctl-random-", dir=memory)
        self.catalogue = read_catalogue(os.path.join(ROOT, "policies", "services.conf"))
        self.program = Program(self.folder)
        self.rig = Rig()
        self.failed = 0

    def seed(self, seed):
        if self.options.fresh:
            self.program("flush")
        error = self.attempt(seed)
        if not error:
            if self.options.verbose:
                print(f"seed {seed}: ok", flush=True)
            return
        self.failed += 1
        self.report(seed, error)

    def attempt(self, seed):
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            try:
                Trial(seed, self.options.packets, self.rig, self.program, self.catalogue).run(folder)
            except Mismatch as error:
                return str(error)
            except HourTurned:
                self.program("flush")
                return self.attempt(seed)
            except Exception:  # a crash of one seed must not hide the others
                return traceback.format_exc()
            finally:
                self.rig.disconnect()
        return None

    def report(self, seed, error):
        made = generate(seed)
        print(f"seed {seed}: FAILED\n----- policy.conf\n{made.text}", end="")
        for name, text in made.files.items():
            print(f"----- {name}\n{text}", end="")
        for group, word in made.bans:
            print(f"----- fwctl ban {word} --group {group}")
        print(f"-----\n{error}")
        again = None
        if not self.options.fresh:
            try:
                self.program("flush")
                again = self.attempt(seed)
            except Mismatch as trouble:
                again = str(trouble)
            print("alone: " + ("fails too" if again else "passes: it depends on the policy applied before"))
        first = seed if again or self.options.fresh else seed - 1
        print(f"reproduce: tests/wire/reference/test_random.py --seeds {first}-{seed} --packets {self.options.packets}",
              flush=True)


def arguments():
    reader = argparse.ArgumentParser(description="Random policies on the wire, against the reference evaluator.")
    reader.add_argument("--seeds", default="1-100", help="first-last")
    reader.add_argument("--packets", type=int, default=60, help="packets for each policy")
    reader.add_argument("--fresh", action="store_true", help="flush before each policy")
    reader.add_argument("--keep", help="a folder for the state, kept afterwards")
    reader.add_argument("-v", "--verbose", action="store_true")
    return reader.parse_args()


def main():
    options = arguments()
    first, _, last = options.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    runner = Runner(options)
    try:
        for seed in seeds:
            runner.seed(seed)
    finally:
        if not options.keep:
            shutil.rmtree(runner.folder, ignore_errors=True)
    print(f"{len(seeds) - runner.failed} passed, {runner.failed} failed")
    return 1 if runner.failed else 0


if __name__ == "__main__":
    sys.exit(main())
