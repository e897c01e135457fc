#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the wire tests: run.py [-k PATTERN] [-j N] [-v]

A test is a function test_* of a module test_*.py beside this file; it gets a Net (harness.py) that was reset. `limit(seconds)` of cases.py
gives it more time than 60 seconds. Each of the N workers has a CPU and namespaces of its own.
"""
import argparse
import glob
import importlib
import multiprocessing
import os
import signal
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
DEFAULT_LIMIT = 60


def discover(pattern):
    tests = []
    for path in sorted(glob.glob(os.path.join(HERE, "test_*.py"))):
        name = os.path.basename(path)[:-3]
        module = importlib.import_module(name)
        for key, value in vars(module).items():
            if key.startswith("test_") and callable(value) and value.__module__ == name:
                full = f"{name[5:]}.{key[5:]}"
                if pattern in full:
                    tests.append((full, name, key, getattr(value, "limit", DEFAULT_LIMIT)))
    return tests


class TookTooLong(BaseException):
    """The test's time is over. No Exception, so that no test catches it."""


def alarm(*_):
    raise TookTooLong


def worker(pipe, cpu):
    import space
    space.install_signals()
    os.sched_setaffinity(0, {cpu})
    signal.signal(signal.SIGALRM, alarm)
    nets = [None]
    try:
        while (job := pipe.recv()) is not None:
            pipe.send(run_one(nets, job))
    finally:
        if nets[0]:
            nets[0].close()


def run_one(nets, job):
    """None, or why the test failed. nets[0]: the Net that tests share."""
    import harness
    reason = None
    signal.alarm(job[3])
    try:
        function = getattr(importlib.import_module(job[1]), job[2])
        if nets[0] is None or getattr(function, "fresh", False):
            if nets[0]:
                nets[0].close()
            nets[0] = None
            nets[0] = harness.Net()
        else:
            nets[0].reset()
        function(nets[0])
    except AssertionError as error:
        at = traceback.extract_tb(error.__traceback__)[-1]
        reason = f"{error} ({os.path.basename(at.filename)}:{at.lineno})"
    except TookTooLong:
        reason = f"took longer than {job[3]} s"
    except Exception:  # whatever it is, the next test runs
        reason = traceback.format_exc()
    finally:
        signal.alarm(0)
    if reason and nets[0]:  # nothing of a failed test reaches the next one
        nets[0].close()
        nets[0] = None
    return reason


class Worker:
    """One process with its pipe and the job that it is at."""

    def __init__(self, cpu):
        self.cpu, self.job = cpu, None
        self.start()

    def start(self):
        self.pipe, other = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=worker, args=(other, self.cpu))
        self.process.start()
        other.close()

    def give(self, job):
        self.job, self.since = job, time.monotonic()
        self.pipe.send(job)

    def poll(self):
        """(reason or None,) when the job is done, else None."""
        if self.pipe.poll(0):
            try:
                reason = self.pipe.recv()
            except EOFError:
                return self.replace("the test's process died")
            self.job = None
            return (reason,)
        if time.monotonic() - self.since > self.job[3] + 15:
            return self.replace("did not end at its time limit")
        return None

    def replace(self, reason):
        import space
        self.process.kill()
        self.process.join()
        space.remove_left(self.process.pid)
        self.job = None
        self.start()
        return (reason,)

    def end(self):
        import space
        if self.process.is_alive() and not self.job:
            self.pipe.send(None)
            self.process.join(20)
        if self.process.is_alive():
            self.process.terminate()
            self.process.join(20)
        space.remove_left(self.process.pid)


def report(job, reason, seconds, verbose):
    if reason is None:
        print(f"ok - {job[0]}" + (f" ({seconds:.1f} s)" if verbose else ""), flush=True)
        return 0
    print(f"not ok - {job[0]}\n    " + reason.replace("\n", "\n    "), flush=True)
    return 1


def run_all(tests, jobs, verbose):
    """The number of failures."""
    cpus = sorted(os.sched_getaffinity(0))
    workers = [Worker(cpus[n % len(cpus)]) for n in range(min(jobs, len(tests)))]
    left, failed = sorted(tests, key=lambda t: -t[3]), 0
    try:
        while left or any(w.job for w in workers):
            for w in workers:
                if w.job:
                    job = w.job
                    done = w.poll()
                    if done:
                        failed += report(job, done[0], time.monotonic() - w.since, verbose)
                if not w.job and left:
                    w.give(left.pop(0))
            multiprocessing.connection.wait([w.pipe for w in workers if w.job], timeout=0.5)
    finally:
        for w in workers:
            w.end()
    return failed


def main():
    options = argparse.ArgumentParser()
    options.add_argument("-k", metavar="PATTERN", default="", help="only tests whose name holds this")
    options.add_argument("-j", metavar="N", type=int, default=min(2, os.cpu_count()))
    options.add_argument("-v", action="store_true", help="with the time that each took")
    options.add_argument("--list", action="store_true")
    args = options.parse_args()
    tests = discover(args.k)
    if args.list:
        print("\n".join(t[0] for t in tests))
        return 0
    if os.geteuid() != 0:
        print("run.py: network namespaces need root", file=sys.stderr)
        return 1
    import harness
    if not os.access(harness.FWCTL, os.X_OK) and any(not t[0].startswith("harness.") for t in tests):
        print(f"run.py: no program at {harness.FWCTL} (make it, or say where it is in FWCTL)", file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    failed = run_all(tests, args.j, args.v)
    print(f"{len(tests) - failed} passed, {failed} failed")
    return 1 if failed or not tests else 0


if __name__ == "__main__":
    import multiprocessing.connection
    sys.exit(main())
