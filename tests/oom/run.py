#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every allocation of fwctl fails once: run.py [-n POINTS] [-k WORD]

A command is run as often as it allocates, each time with another allocation that fails (and, in a second round, all that follow it). It must
end with the result that it has otherwise, or with a message and a failure; never by a signal, never silently, never with half a result. After
an apply that failed the kernel and the state folder are the old or the new ones, and the next apply works. Where a command allocates more
often than POINTS, so many are tried, evenly spread, and the line of the command says so.
"""
import argparse
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, "tests", "wire"))
import space  # noqa: E402

FWCTL = os.path.abspath(os.environ.get("FWCTL", os.path.join(TOP, "build", "fwctl")))
LIBRARY = os.path.abspath(os.environ.get("OOM_LIBRARY", os.path.join(TOP, "build", "oom", "fail.so")))
OLD = """group banned = dynamic timeout 1h
block banned
allow ssh rate 6/minute per source log
allow http
"""
NEW = """default in deny log
group banned = dynamic timeout 1h
group office = 203.0.113.0/24, 2001:db8:10::/48 except 203.0.113.7
service app = 9000-9010/tcp, 9000/udp
zone lan = eth1, wg*
block banned, 198.51.100.0/24 except office
allow ftp, ssh from office label "office"
allow ssh rate 6/minute per source log
allow https connections 20 per source
reject auth
on lan {
    allow app during 08:00-17:00 mon-fri
}
forward {
    allow dns to 10.0.0.0/8
}
expect allow https from 203.0.113.9
"""
BROKEN = "allow htpp from nowhere\nallow ssh on lan {\ndeny 8080\n"
READING = ["check", "--json check", "fmt", "show", "--json show", "explain tcp port 22", "--json explain tcp port 22"]


class Oom:
    def __init__(self, net, points):
        self.net, self.points = net, points
        self.passed = self.failed = 0
        self.environment = dict(os.environ, FWCTL_TEST="1", FWCTL_STATE_DIR=f"{net.folder}/state", FWCTL_RUN_DIR=f"{net.folder}/run", LC_ALL="C.UTF-8",
                                TZ="UTC")
        for name, text in (("old.conf", OLD), ("new.conf", NEW), ("broken.conf", BROKEN)):
            with open(self.path(name), "w", encoding="ascii") as f:
                f.write(text)

    def path(self, name):
        return os.path.join(self.net.folder, name)

    def run(self, argv, fault=None, count=None):
        environment = dict(self.environment)
        if fault or count:
            environment["LD_PRELOAD"] = LIBRARY
        if count:
            environment["OOM_COUNT"] = count
        if fault:
            environment.update(OOM_AT=str(fault[0]), **({"OOM_ALL": "1"} if fault[1] else {}))
        return subprocess.run([FWCTL, *argv], env=environment, capture_output=True, text=True, timeout=60, check=False)

    def listing(self):
        done = subprocess.run(["nft", "-n", "list", "ruleset"], capture_output=True, text=True, check=True).stdout
        return re.sub(r" expires \S+", "", done)

    def check(self, good, what):
        self.passed += bool(good)
        self.failed += not good
        if not good and self.failed <= 20:
            print(f"not ok - {what}", flush=True)

    def numbers(self, argv):
        """Which allocations are to fail, and how many there are."""
        count = self.path("count")
        normal = self.run(argv, count=count)
        with open(count, encoding="ascii") as f:
            total = int(f.read())
        step = max(1, -(-total // self.points))
        return normal, range(1, total + 1, step), total

    def reading(self, argv, same=None):
        """A command that changes nothing."""
        normal, numbers, total = self.numbers(argv)
        for all_of_them in (False, True):
            for number in numbers:
                done = self.run(argv, (number, all_of_them))
                what = f"{' '.join(argv)}: allocation {number}{' and all after' if all_of_them else ''}: exit {done.returncode}: {done.stderr[-300:]!r}"
                if done.returncode == normal.returncode:
                    good = same(done, normal) if same else (done.stdout, done.stderr) == (normal.stdout, normal.stderr)
                    self.check(good or "memory" in done.stderr + done.stdout, what + f" with {done.stdout[:200]!r}")
                else:
                    self.check(done.returncode in (1, 3) and "memory" in done.stderr + done.stdout, f"{what} with {done.stdout[:400]!r}")
        self.tell(argv, numbers, total)

    def tell(self, argv, numbers, total):
        print(f"{' '.join(os.path.basename(word) for word in argv)}: {len(numbers)} of {total} allocations", flush=True)

    def changing(self, argv, reset):
        """A command that changes the kernel, from a state that `reset` makes."""
        reset()
        old, old_state = self.listing(), self.state()
        normal, numbers, total = self.numbers(argv)
        new = self.listing()
        self.check(normal.returncode == 0 and old != new, f"{argv}: changes something: {normal.stderr}")
        for all_of_them in (False, True):
            for number in numbers:
                reset()
                done = self.run(argv, (number, all_of_them))
                now = self.listing()
                what = f"{' '.join(argv)}: allocation {number}{' and all after' if all_of_them else ''}: exit {done.returncode}: {done.stderr[-300:]!r}"
                # libnftnl does not tell that it had no memory for a part of a message: the kernel then refuses the message
                told = "memory" in done.stderr or "the kernel refused" in done.stderr
                self.check(done.returncode in (0, 3, 1) and (done.returncode == 0 or told), what)
                self.check(now == new if done.returncode == 0 else now in (old, new), what + ": the kernel holds neither")
                self.check(now == new or self.state() == old_state, what + ": the state folder changed")
                status = self.run(["status"])
                self.check(status.returncode == 0, what + f": status afterwards: {status.stdout}{status.stderr}")
        self.tell(argv, numbers, total)

    def state(self):
        folder = os.path.join(self.path("state"), "generations")
        names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
        return [name for name in names if not name.startswith(".")]

    def apply(self, name):
        done = self.run(["apply", self.path(name)])
        if done.returncode:
            raise SystemExit(f"apply {name}: {done.stderr}")

    def start_over(self):
        self.run(["flush"])
        subprocess.run(["rm", "-rf", self.path("state"), self.path("run")], check=True)
        self.apply("old.conf")

    def unban(self):
        self.run(["unban", "192.0.2.9"])

    def all(self, word):
        new, broken = self.path("new.conf"), self.path("broken.conf")
        jobs = [(command, lambda c=command: self.reading(c.split() + [new])) for command in READING]
        jobs += [("check broken", lambda: self.reading(["check", broken])), ("services", lambda: self.reading(["services", "ftp"])),
                 ("diff", lambda: self.reading(["diff", self.path("old.conf"), new])),
                 ("status", lambda: self.reading(["status"])), ("status json", lambda: self.reading(["--json", "status"])),
                 ("plan", lambda: self.reading(["plan", new])), ("apply", lambda: self.changing(["apply", new], self.start_over)),
                 ("ban", lambda: self.changing(["ban", "192.0.2.9"], self.unban)), ("bans", lambda: self.reading(["bans"], lambda a, b: "192.0.2.9" in a.stdout))]
        for name, job in jobs:
            if word in name:
                if name == "ban":
                    self.start_over()
                job()


def main():
    parser = argparse.ArgumentParser(description="Every allocation of fwctl fails once.")
    parser.add_argument("-n", type=int, default=150, help="at most so many points of a command")
    parser.add_argument("-k", default="", help="only commands whose name holds this")
    args = parser.parse_args()
    space.install_signals()
    net = space.Space()
    oom = Oom(net, args.n)
    oom.start_over()
    oom.all(args.k)
    net.close()
    print(f"{oom.passed} passed, {oom.failed} failed")
    return 1 if oom.failed or not oom.passed else 0


if __name__ == "__main__":
    sys.exit(main())
