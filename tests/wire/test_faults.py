# SPDX-License-Identifier: GPL-2.0-or-later
"""An apply that is killed or fails, at every single system call that it makes: kernel and state are as they were, or the policy runs, whole.
And what the kernel refuses: an error that says what and where, and nothing changed."""
import os

import faults
from cases import limit
from harness import FWCTL
from nflog import own_table
from packets import tcp
from test_state import comparable, line_of

OLD = "allow 80/tcp\ndeny 81/tcp\nallow 5000/tcp rate 5/hour\ngroup g = 10.0.0.0/8, 2001:db8::/32\ndeny 82/tcp from g\n"
NEW = "reject 1-100/tcp\nallow 5000/tcp rate 5/hour\ngroup h = dynamic\nblock h\nallow 8080/tcp connections 5 per source\n"
with open(FWCTL, "rb") as program:
    SANITIZED = b"__asan_init" in program.read()


class Trial:
    """Goes from OLD to NEW again and again, with a fault each time."""

    def __init__(self, net):
        self.net = net
        self.old, self.new = net.write("old.conf", OLD), net.write("new.conf", NEW)
        self.env = faults.without_leaks(net.env)
        self.output = f"{net.folder}/output"
        net.apply(NEW, name="new.conf")
        self.as_new = comparable(net.listing())
        net.apply(OLD, name="old.conf")
        self.as_old = comparable(net.listing())
        assert self.as_old != self.as_new
        net.send([tcp(5000)] * 7)
        self.first = faults.run([FWCTL, "--help"], self.env, self.output)  # the loader's calls are of no interest

    def files(self):
        """All that is kept on disk: path -> contents. The lock is nothing that is kept."""
        found = {}
        for folder in ("state", "run"):
            for path, _folders, names in os.walk(os.path.join(self.net.folder, folder)):
                for name in names:
                    with open(os.path.join(path, name), "rb") as f:
                        found[os.path.join(path, name)] = f.read()
        return found

    def apply(self, **fault):
        return faults.run([FWCTL, "apply", self.new], self.env, self.output, **fault)

    def runs(self):
        """ "old" or "new"; anything else is a failure."""
        listing = comparable(self.net.listing())
        assert listing in (self.as_old, self.as_new), "the kernel runs neither the old nor the new policy"
        return "old" if listing == self.as_old else "new"

    def told(self):
        """What `status` says, without the counts: in sync, and of the policy that runs."""
        data = self.net.status().data
        assert data["in_sync"] is True, data
        return os.path.basename(data["policy"]), [r["text"] for r in data["rules"]]

    def limit_lives(self):
        """The rule that both have keeps its counts, and what it had used of its limit."""
        entry = line_of(self.net, "5000/tcp")
        assert (entry.packets, entry.over_limit_packets) == (5, 2), dict(entry)

    def again(self):
        """Back to the old policy, for the next fault."""
        self.net.apply(OLD, name="old.conf")
        assert self.runs() == "old"

    def text(self):
        with open(self.output, encoding="utf-8", errors="replace") as f:
            return f.read()[-400:]


@limit(600)
def test_killed_anywhere(net):
    trial = Trial(net)
    told = {"old": trial.told()}
    seen, number = set(), trial.first.calls - 5
    while True:
        number += 1
        outcome = trial.apply(kill_at=number)
        if outcome.code != -9:
            break
        which = trial.runs()
        seen.add(which)
        assert trial.told() == told.setdefault(which, trial.told()), f"killed at call {number}: {trial.told()}"
        if which == "old":
            generation = net.generation()
            assert net.fwctl("plan", trial.new).code == 2 and net.generation() == generation
        else:
            trial.again()
    assert outcome.code == 0 and seen == {"old", "new"}, (outcome.code, seen)
    trial.limit_lives()
    left = [path for path in trial.files() if path.endswith(".tmp")]
    assert not left, f"a later apply left what a killed one had begun: {left}"
    assert told["old"] != told["new"] and told["new"] == trial.told()


@limit(600)
def test_fails_anywhere(net):
    """A call says that it cannot: exit 0 and the new policy, or another exit and all as before, with a reason."""
    trial = Trial(net)
    codes, number = set(), trial.first.failable - 3
    while True:
        number += 1
        before = trial.files()
        outcome = trial.apply(fail_at=number)
        if not outcome.hit:
            break
        where = f"{outcome.hit} (number {number}) failed, exit {outcome.code}: {trial.text()}"
        if SANITIZED and outcome.hit == "mmap":
            trial.again()
            continue  # the sanitizer's own memory
        codes.add(outcome.code)
        printing = outcome.hit == "write" and "output" in trial.text()  # it had happened, and could not be told
        assert trial.runs() == ("new" if outcome.code == 0 or printing else "old"), where
        if outcome.code == 0 or printing:
            assert trial.told()[0] == "new.conf", where
            trial.again()
            continue
        assert outcome.code in (1, 3) and trial.text(), where
        assert trial.files() == before, f"{where}: {sorted(set(before) ^ set(trial.files())) or 'contents'}"
        assert trial.told()[0] == "old.conf", where
    assert outcome.code == 0 and codes >= {0, 1, 3}, codes
    trial.limit_lives()


# What the kernel refuses

def test_table_of_somebody_else(net):
    """Exit 3 and why; the table, the state and what was to be applied stay as they are."""
    path = net.write("policy.conf", "allow 80/tcp\n")
    owner = own_table("fwctl")
    generation, listing = net.generation(), net.listing()
    result = net.fwctl("apply", path)
    assert result.code == 3 and "belongs to another program" in result.err, result
    assert net.generation() == generation and net.listing() == listing
    assert net.fwctl("flush").code == 3
    owner.close()
    net.wait(lambda: not net.has_table(), "the table of the closed socket to go")
    net.apply("allow 80/tcp\n")
    assert net.send([tcp(80), tcp(81)]) == ["allow", "drop"]
    assert net.status().data["generation"] == 1, "the refused one left no generation"


def test_kernel_error_names_the_line(net):
    """What the kernel refuses is told at the line that caused it. On its way to the kernel, an expression of one rule becomes one that no
    kernel knows."""
    net.apply("allow 79/tcp\n")
    before, listing, status = net.generation(), net.listing(), net.status().data
    net.write("more.conf", "allow 83/tcp rate 3/hour\n")
    for text, place, line, old, new in (
            ("allow 80/tcp\nallow 81/tcp rate 7/minute\ndeny 82/tcp\n", "policy.conf:2:", "allow 81/tcp rate", b"limit\0", b"limiX\0"),
            ("deny 82/tcp\n\nreject 84/tcp\n", "policy.conf:3:", "reject 84/tcp", b"reject\0", b"rejecX\0"),
            ('allow 80/tcp\ninclude "more.conf"\n', "more.conf:1:", "allow 83/tcp rate", b"limit\0", b"limiX\0"),
            ("allow 80/tcp\noption log-default off\nblock 203.0.113.0/24 log\n", "policy.conf:3:", "block 203", b"log\0", b"loX\0")):
        path = net.write("policy.conf", text)
        argv, output = [FWCTL, "apply", path], f"{net.folder}/output"
        outcome = faults.run(argv, faults.without_leaks(net.env), output, patch=lambda data, old=old, new=new: data.replace(old, new))
        with open(output, encoding="utf-8") as f:
            said = f.read()
        assert outcome.code == 3 and f"{place}1: error: the kernel refused" in said and f" | {line}" in said, (outcome.code, said)
        assert net.generation() == before and net.listing() == listing and net.status().data == status
