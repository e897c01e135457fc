#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Measures what the figures of docs/performance.md are: run.py [-k WORD] [-n TIMES]. Everything that programs a kernel runs in a network
namespace that is made for the row and goes with it. Medians; a figure that is not reached is said, and is no failure."""
import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
BUILD = os.environ.get("BUILD", os.path.join(TOP, "build"))
FWCTL = os.path.join(BUILD, "fwctl")
READ = os.path.join(BUILD, "bench", "read")
REPLAY = os.path.join(BUILD, "bench", "replay")


class Bench:
    def __init__(self, folder, times):
        self.folder, self.times = folder, times
        self.namespace = f"fwb-{os.getpid()}"
        self.environment = dict(os.environ, FWCTL_TEST="1", FWCTL_STATE_DIR=f"{folder}/state", FWCTL_RUN_DIR=f"{folder}/run")

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="ascii") as f:
            f.write(text)
        return self.path(name)

    def make(self, name, kind, count):
        """Made by a process of its own: what this one holds would count as memory of every command that it starts."""
        with open(self.path(name), "w", encoding="ascii") as f:
            subprocess.run([sys.executable, os.path.join(HERE, "policies.py"), kind, str(count)], stdout=f, check=True)
        return self.path(name)

    def fresh(self):
        """An empty namespace, and no state."""
        self.close()
        subprocess.run(["ip", "netns", "add", self.namespace], check=True)
        for name in ("state", "run"):
            subprocess.run(["rm", "-rf", self.path(name)], check=True)

    def close(self):
        subprocess.run(["ip", "netns", "del", self.namespace], capture_output=True, check=False)

    def run(self, *argv):
        """(ms, MiB) of a command in the namespace. `ip netns exec` would be measured too, so the command is started from a child that is there."""
        begin = time.monotonic()
        process = subprocess.Popen(["nsenter", f"--net=/run/netns/{self.namespace}", *argv], env=self.environment, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True)
        said = process.stderr.read()
        _pid, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{' '.join(argv)}: exit {process.returncode}: {said[-500:]}")
        return (time.monotonic() - begin) * 1e3, usage.ru_maxrss / 1024

    def fwctl(self, *argv):
        return self.run(FWCTL, *argv)

    def record(self, *commands):
        """What fwctl sends for these commands, from a fresh namespace on."""
        path = self.path("batches")
        if os.path.exists(path):
            os.unlink(path)
        self.fresh()
        plain = self.environment
        self.environment = dict(plain, LD_PRELOAD=os.path.join(BUILD, "bench", "record.so"), FWCTL_BENCH_RECORD=path)
        for command in commands:
            self.fwctl(*command)
        self.environment = plain
        return path

    def replay(self, path):
        """The same bytes, sent by a bare loop: ms of the last batch, and how many MiB it has."""
        self.fresh()
        out = subprocess.run(["nsenter", f"--net=/run/netns/{self.namespace}", REPLAY, path], capture_output=True, text=True, check=True).stdout
        ms, size = out.strip().split("\n")[-1].split()
        return float(ms), int(size) / 2**20


def in_process(bench, path):
    out = subprocess.run([READ, path, str(max(9, bench.times))], capture_output=True, text=True, check=True).stdout
    return [(float(word), None) for word in out.split()]


def repeated(bench, prepare, measure):
    results = []
    for _ in range(bench.times):
        prepare()
        results.append(measure())
    return results


def read_rows(bench):
    ten = bench.make("10k.conf", "policy", 10000)
    bench.make("million.txt", "prefixes", 1000000)
    group = bench.write("million.conf", 'group g = file "million.txt"\nblock g\n')
    yield "read the catalogue alone", None, in_process(bench, "-")
    yield "read 10,000 rules", 20, in_process(bench, ten)
    yield "read a group file of a million lines", 300, in_process(bench, group)


def command_rows(bench):
    ten = bench.make("10k.conf", "policy", 10000)
    with open(ten, encoding="ascii") as f:
        lines = f.read().split("\n")
    changed = [bench.write(f"changed{i}.conf", "\n".join(lines[:5000] + [f"allow {i + 1}/udp"] + lines[5001:])) for i in range(2)]
    nothing = lambda: None  # noqa: E731
    bench.fresh()
    yield "check 10,000 rules", 150, repeated(bench, nothing, lambda: bench.fwctl("check", ten))
    yield "apply 10,000 rules, cold", None, repeated(bench, bench.fresh, lambda: bench.fwctl("apply", ten))
    yield "  the same again", 20, repeated(bench, nothing, lambda: bench.fwctl("apply", ten))
    yield "  status", 40, repeated(bench, nothing, lambda: bench.fwctl("status"))
    turn = iter(range(1000))
    yield "  one line changed", 40, repeated(bench, nothing, lambda: bench.fwctl("apply", changed[next(turn) % 2]))
    batch = bench.record(("apply", ten))
    yield "  raw replay of the cold one", None, repeated(bench, nothing, lambda: bench.replay(batch))
    batch = bench.record(("apply", ten), ("apply", changed[0]))
    yield "  raw replay of the change", None, repeated(bench, nothing, lambda: bench.replay(batch))
    plain = bench.make("plain.nft", "nft", 10000)
    yield "nft -f, one plain rule a line", None, repeated(bench, bench.fresh, lambda: bench.run("nft", "-f", plain))
    again = bench.make("again.nft", "nft-anew", 10000)
    yield "  nft -f of all once more, for a line", None, repeated(bench, nothing, lambda: bench.run("nft", "-f", again))


def proof_rows(bench):
    """What is said is what is asked for: in one second, and 300 MB."""
    ten = bench.make("both.conf", "both", 10000)
    with open(ten, encoding="ascii") as f:
        lines = f.read().split("\n")
    other = bench.write("other.conf", "\n".join(lines[:5000] + ["allow 2000-2100/tcp from 10.0.0.0/8"] + lines[5001:]))
    bench.fresh()
    yield "check 10,000 rules, two addresses each", 1000, repeated(bench, lambda: None, lambda: bench.fwctl("check", ten))
    yield "  diff to another one", 1000, repeated(bench, lambda: None, lambda: bench.run("sh", "-c", f"{FWCTL} diff {ten} {other}; [ $? = 2 ]"))


def size_rows(bench):
    for count, times in ((1000, bench.times), (100000, min(bench.times, 3))):
        bench.times, kept = times, bench.times
        ours, plain = bench.make(f"{count}.conf", "policy", count), bench.make(f"{count}.nft", "nft", count)
        yield f"apply {count:,} rules, cold", None, repeated(bench, bench.fresh, lambda path=ours: bench.fwctl("apply", path))
        batch = bench.record(("apply", ours))
        yield "  its raw replay", None, repeated(bench, lambda: None, lambda path=batch: bench.replay(path))
        yield "  nft -f, one plain rule a line", None, repeated(bench, bench.fresh, lambda path=plain: bench.run("nft", "-f", path))
        bench.times = kept


def group_rows(bench):
    bench.make("million.txt", "prefixes", 1000000)
    group = bench.write("million.conf", 'group g = file "million.txt"\nblock g\n')
    members = bench.write("members.conf", "group banned = dynamic size 1200000\nblock banned\nallow ssh\n")
    interval = bench.make("interval.nft", "interval", 1000000)
    lists = bench.make("list.ipset", "ipset", 1000000)
    fill = bench.make("fill.nft", "members", 1000000)
    bench.times, kept = min(bench.times, 3), bench.times
    yield "apply a block of a million prefixes, cold", None, repeated(bench, bench.fresh, lambda: bench.fwctl("apply", group))
    yield "  the same again", None, repeated(bench, lambda: None, lambda: bench.fwctl("apply", group))
    batch = bench.record(("apply", group))
    yield "  raw replay of the cold one", None, repeated(bench, lambda: None, lambda: bench.replay(batch))
    bench.times = 1
    yield "  nft -f of an interval set (one run)", None, repeated(bench, bench.fresh, lambda: bench.run("nft", "-f", interval))
    if shutil.which("ipset"):
        yield "  ipset restore (one run)", None, repeated(bench, bench.fresh, lambda: bench.run("ipset", "restore", "-file", lists))
    bench.times = kept
    bench.fresh()
    bench.fwctl("apply", members)
    numbers = iter(range(1, 250))
    bench.run("nft", "-f", fill)
    yield "ban one address, a million are", 5, repeated(bench, lambda: None, lambda: bench.fwctl("ban", f"192.0.2.{next(numbers)}"))


SECTIONS = {"read": read_rows, "commands": command_rows, "proofs": proof_rows, "sizes": size_rows, "groups": group_rows}


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        model = next((line.split(":")[1].strip() for line in f if line.startswith("model name")), "unknown processor")
    with open("/proc/loadavg", encoding="ascii") as f:
        load = f.read().split()[0]
    return f"{model}, {os.cpu_count()} cores, Linux {platform.release()}, load {load}"


def show(name, limit, results):
    times = [r[0] for r in results]
    memory = [r[1] for r in results if r[1] is not None]
    median = statistics.median(times)
    verdict = "" if limit is None else f"limit {limit:g} ms: " + ("reached" if median <= limit else "NOT REACHED")
    print(f"{name:44} {median:10.2f} {min(times):10.2f} {max(times):10.2f} {max(memory) if memory else 0:8.0f}  {verdict}".rstrip(), flush=True)


def main():
    parser = argparse.ArgumentParser(description="Measures the figures of docs/performance.md.")
    parser.add_argument("-k", default="", help="only sections whose name holds this word: " + ", ".join(SECTIONS))
    parser.add_argument("-n", type=int, default=5, help="how often each is measured")
    args = parser.parse_args()
    if os.geteuid() != 0:
        print("bench: namespaces need root", file=sys.stderr)
        return 1
    print(machine())
    print(f"{'':44} {'median ms':>10} {'min':>10} {'max':>10} {'MiB':>8}")
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(folder, args.n)
        try:
            for name, section in SECTIONS.items():
                if args.k in name:
                    for row in section(bench):
                        show(*row)
        finally:
            bench.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
