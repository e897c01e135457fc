#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every allocation of fwctl fails once: run.py [-n POINTS] [-k WORD]

A command is run as often as it allocates, each time with another allocation that fails, and in a second round with all that follow it failing
too. It must end with the result that it has otherwise, or with a message and a failure; never by a signal, never silently, never with half a
result, never with a report of a sanitizer. After a command that changes things the kernel and the state folder are both the old or both the new
ones, nothing half written lies about, and the same command, run again, works. Where a command allocates more often than POINTS (a third of them
for one that changes things), so many are tried, evenly spread and others in the second round, and the line of the command says so; 0 tries all.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, "tests", "wire"))
import space  # noqa: E402

FWCTL = os.path.abspath(os.environ.get("FWCTL", os.path.join(TOP, "build", "fwctl")))
LIBRARY = os.path.abspath(os.environ.get("OOM_LIBRARY", os.path.join(TOP, "build", "oom", "fail.so")))
TEXTS = {
    "old.conf": """group banned = dynamic timeout 1h
block banned
allow ssh rate 6/minute per source log
allow http
""",
    "new.conf": """default in reject log "dropped" rate 5/second
default out allow
option log-rate 20/second
option builtin dhcp-client off
group banned = dynamic timeout 1h
group office = 203.0.113.0/24, 2001:db8:10::/48, 10.0.0.1-10.0.0.9 except 203.0.113.7
group listed = file "list.txt"
service app = 9000-9010/tcp, 9000/udp, echo-request/icmp helper ftp exposed "an application"
service ssh = ssh, 2222/tcp
zone lan = eth1, wg*
block banned, listed except office log
include "more-*.conf"
allow ftp, ssh from office label "office"
allow ssh rate 6/minute burst 9 per source log
allow https connections 20 per source
allow 25/tcp connections 100 source-port 1024-65535
allow gre, 47/ip, nd-router-advert/icmpv6 over ipv6
reject auth from any except banned
on lan except wg7 {
    allow app during 08:00-17:00 mon-fri
    deny telnet log "telnet attempt" until "2199-01-01 12:00"
}
allow out any source-port 53 as user 33
forward {
    allow dns to 10.0.0.0/8 leaving eth0
}
expect allow https from 203.0.113.9
expect deny telnet from any on eth1
""",
    "more-1.conf": "deny smtp, imap from 198.51.100.0/24, 2001:db8:66::/48\n",
    "list.txt": "# not wanted\n198.51.100.0/24\n198.51.101.0/24\n2001:db8:bad::/48\n192.0.2.77-192.0.2.79\n",
    "broken.conf": "allow htpp from nowhere\nallow ssh on lan {\ndeny 8080\ninclude \"none.conf\"\nexpect allow telnet\n",
    "unkept.conf": "allow ssh\nallow http from 10.0.0.0/8\nallow http from 10.1.0.0/16\nexpect deny ssh from 203.0.113.7\n",
    "ugly.conf": "allow   ssh , http   from  192.0.2.0/24\n\n\n# a comment\nDENY telnet\n",
}
READING = ["check new.conf", "--json check new.conf", "check broken.conf", "--json check broken.conf", "check unkept.conf", "fmt new.conf", "show new.conf",
           "show --nft new.conf", "--json show new.conf", "show", "explain tcp from 203.0.113.9 port 22", "explain tcp port 22 new.conf",
           "--json explain tcp port 22 new.conf", "diff old.conf new.conf", "services ftp", "--json services ftp", "status", "--json status", "hits --rule 1", "--json hits --rule 1",
           "plan new.conf", "--json plan new.conf", "renew", "help"]


def uncounted(text):
    """Without numbers and the blanks around them: neighbours talk to each other while the counters are shown."""
    return re.sub(r"[ \d.]+", " ", text)


class Oom:
    def __init__(self, net, points):
        self.net, self.points = net, points
        self.passed = self.failed = 0
        self.environment = dict(os.environ, FWCTL_TEST="1", FWCTL_STATE_DIR=self.path("state"), FWCTL_RUN_DIR=self.path("run"), LC_ALL="C.UTF-8", TZ="UTC")
        self.write_texts()

    def path(self, name):
        return os.path.join(self.net.folder, name)

    def write_texts(self):
        for name, text in TEXTS.items():
            with open(self.path(name), "w", encoding="ascii") as f:
                f.write(text)

    def run(self, argv, fault=None, count=None):
        environment = dict(self.environment)
        if fault or count:
            environment["LD_PRELOAD"] = LIBRARY
        if count:
            environment["OOM_COUNT"] = count
        if fault:
            environment.update(OOM_AT=str(fault[0]), **({"OOM_ALL": "1"} if fault[1] else {}))
        return subprocess.run([FWCTL, *argv], env=environment, cwd=self.net.folder, capture_output=True, text=True, timeout=60, check=False)

    @staticmethod
    def listing():
        """What the kernel holds: not what it counted, and in no order, as objects are listed as they were made and elements as they were hashed."""
        done = subprocess.run(["nft", "-n", "-s", "list", "ruleset"], capture_output=True, text=True, check=True).stdout
        done = re.sub(r" expires [0-9dhms]+|packets \d+ bytes \d+|^table .*$", "", done, flags=re.M)
        return sorted(sorted(word.strip(" \t{}") for word in re.split(r",|\n|elements = ", block)) for block in done.split("\n\t}\n"))

    def state(self):
        """Every file of the state folder, and what is left half written in the other one."""
        found = {}
        for folder, _, names in os.walk(self.path("state")):
            for name in names:
                with open(os.path.join(folder, name), "rb") as f:
                    found[name] = re.sub(rb'"compiled_for":[0-9]+', b"", f.read())
        for _, _, names in os.walk(self.path("run")):
            found.update({name: b"" for name in names if name.endswith(".tmp")})
        return found

    def check(self, good, what):
        self.passed += bool(good)
        self.failed += not good
        if not good and self.failed <= 20:
            print(f"not ok - {what}", flush=True)

    def faults(self, argv, points):
        """The normal result, and which allocations are to fail: (number, all that follow too)."""
        count = self.path("count")
        normal = self.run(argv, count=count)
        with open(count, encoding="ascii") as f:
            total = int(f.read())
        step = max(1, -(-total // points)) if points else 1
        faults = [(n, False) for n in range(1, total + 1, step)] + [(n, True) for n in range(1 + step // 2, total + 1, step)]
        tried = len({n for n, _ in faults})
        print(f"{' '.join(argv)}: {tried} of {total} allocations", flush=True)
        return normal, faults

    @staticmethod
    def describe(argv, fault, done):
        return f"{' '.join(argv)}: allocation {fault[0]}{' and all after' if fault[1] else ''}: exit {done.returncode}: {done.stderr[-600:]!r} {done.stdout[:200]!r}"

    @staticmethod
    def is_clean(done):
        return done.returncode >= 0 and "Sanitizer" not in done.stderr and "runtime error" not in done.stderr

    def reading(self, argv, same=None):
        """A command that changes nothing: its result, or a failure that is told."""
        before = self.listing(), self.state()
        normal, faults = self.faults(argv, self.points)
        same = same or (lambda done: (uncounted(done.stdout), done.stderr) == (uncounted(normal.stdout), normal.stderr))
        for fault in faults:
            done = self.run(argv, fault)
            told = done.returncode in (1, 3) and "memory" in done.stderr + done.stdout
            self.check(self.is_clean(done) and (told or (done.returncode == normal.returncode and same(done))), self.describe(argv, fault, done))
        self.check((self.listing(), self.state()) == before, f"{' '.join(argv)}: nothing changed")

    def changing(self, argv, reset):
        """A command that changes the kernel, from what `reset` makes."""
        reset()
        old = self.listing()
        normal, faults = self.faults(argv, self.points // 3)
        new = self.listing()
        self.check(normal.returncode == 0 and old != new, f"{' '.join(argv)}: changes something: {normal.stderr}")
        for fault in faults:
            reset()
            old_state = self.state()
            done = self.run(argv, fault)
            now, state = self.listing(), self.state()
            what = self.describe(argv, fault, done)
            # libnftnl does not tell that it had no memory for a part of a message: the kernel then refuses the message
            told = done.returncode in (1, 3) and (re.search("memory|the kernel refused", done.stderr + done.stdout))
            self.check(self.is_clean(done) and (done.returncode == 0 or told), what)
            self.check(now == new or (now == old and done.returncode != 0), what + ": the kernel")
            self.check(now == new or state == old_state, what + f": the state folder: {sorted(state)}")
            self.check(not any(name.endswith(".tmp") for name in state), what + f": half written: {sorted(state)}")
            status = self.run(["status"])
            self.check(status.returncode == 0 or (told and argv == ["flush"]), what + f": status afterwards: {status.stdout}{status.stderr}")
            again = self.run(argv)
            self.check(self.listing() == new and (again.returncode == 0 or now == new), what + f": again: {again.stderr}")
            status = self.run(["status"])
            self.check(status.returncode == 0, what + f": again, and status then: {status.stdout}{status.stderr}")

    def rewriting(self):
        """fmt -w: the file is the old or the new one."""
        path, argv = self.path("ugly.conf"), ["fmt", "-w", "ugly.conf"]
        normal, faults = self.faults(argv, self.points)
        with open(path, encoding="ascii") as f:
            new = f.read()
        self.check(normal.returncode == 0 and new != TEXTS["ugly.conf"], f"fmt -w: {normal.stderr}")
        for fault in faults:
            self.write_texts()
            done = self.run(argv, fault)
            what = self.describe(argv, fault, done)
            with open(path, encoding="ascii") as f:
                now = f.read()
            told = done.returncode in (1, 3) and "memory" in done.stderr
            self.check(self.is_clean(done) and (done.returncode == 0 or told), what)
            self.check(now == new or (now == TEXTS["ugly.conf"] and done.returncode != 0), what + f": {now!r}")
            self.check(not [name for name in os.listdir(self.net.folder) if name.endswith(".tmp")], what + ": half written")

    def must(self, *argv):
        done = self.run(argv)
        if done.returncode:
            raise SystemExit(f"{' '.join(argv)}: {done.stderr}")

    def nothing(self):
        self.run(["flush"])
        for folder in ("state", "run"):
            shutil.rmtree(self.path(folder), ignore_errors=True)

    def apply_old(self):
        self.must("apply", "old.conf")

    def banned(self):
        self.must("ban", "192.0.2.9")

    def unbanned(self):
        self.run(["unban", "192.0.2.9"])

    def jobs(self):
        for command in READING:
            yield command, lambda argv=command.split(): self.reading(argv)
        yield "fmt -w", self.rewriting
        yield "bans", lambda: (self.banned(), self.reading(["bans"], lambda done: "192.0.2.9" in done.stdout))
        yield "ban", lambda: self.changing(["ban", "192.0.2.9"], self.unbanned)
        yield "unban", lambda: self.changing(["unban", "192.0.2.9"], self.banned)
        yield "apply the first", lambda: self.changing(["apply", "new.conf"], self.nothing)
        yield "apply", lambda: self.changing(["apply", "new.conf"], self.apply_old)
        yield "json apply", lambda: self.changing(["--json", "apply", "new.conf"], self.apply_old)
        yield "flush", lambda: self.changing(["flush"], self.apply_old)


def main():
    parser = argparse.ArgumentParser(description="Every allocation of fwctl fails once.")
    parser.add_argument("-n", type=int, default=200, help="at most so many points of a command; 0: all")
    parser.add_argument("-k", default="", help="only commands whose name holds this")
    args = parser.parse_args()
    space.install_signals()
    net = space.Space()
    oom = Oom(net, args.n)
    for name, job in oom.jobs():
        if args.k in name:
            oom.nothing()
            oom.apply_old()
            job()
    net.close()
    print(f"{oom.passed} passed, {oom.failed} failed")
    return 1 if oom.failed or not oom.passed else 0


if __name__ == "__main__":
    sys.exit(main())
