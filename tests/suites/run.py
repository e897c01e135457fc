#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs every suite of tests, one after the other: run.py [-k WORD] [-l]

A suite is a command. It says in its output how many of its tests passed and failed, as cmocka does or by a line `N passed, N failed`; one
that fails without saying so, says nothing, or takes longer than it may, has one failed test. Logs are kept in build/suites. The last line
counts all: N passed, N failed.
"""
import argparse
import os
import re
import signal
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LOGS = os.path.join(TOP, "build", "suites")
JOBS = f"-j{os.cpu_count()}"
SAN = "address,undefined"
ASAN = "BUILD=build/asan SAN=" + SAN

# name, what it shows, command, seconds that it may take. Those that take a clean build come first.
SUITES = [
    ("build", "gcc builds all without a warning", f"make -s {JOBS} all unit-bins kernel-test-bins && echo 1 passed, 0 failed", 300),
    ("clang", "clang does too", f"make -s {JOBS} CC=clang BUILD=build/clang all unit-bins kernel-test-bins && echo 1 passed, 0 failed", 300),
    ("asan", "with AddressSanitizer and UndefinedBehaviorSanitizer", f"make -s {JOBS} {ASAN} all unit-bins kernel-test-bins && echo 1 passed, 0 failed", 300),
    ("lint", "layers, banned calls, globals, sizes, words", "make -s lint", 120),
    ("unit", "unit, golden and reject tests", "make -s unit", 300),
    ("unit-asan", "the same with sanitizers", f"make -s {ASAN} unit", 600),
    ("bdd", "an independent engine agrees with the diagrams", "make -s check-bdd && echo 1 passed, 0 failed", 300),
    ("kernel", "the netlink seam against this kernel", "make -s check-kernel", 300),
    ("kernel-asan", "the same with sanitizers", f"make -s {ASAN} check-kernel", 300),
    ("catalogue", "services and ports", "python3 tests/catalogue/test_catalogue.py", 120),
    ("policies", "the example policies", "tests/policies/run", 120),
    ("golden-nft", "what is printed loads with nft", "python3 tests/golden/compile/loads.py", 120),
    ("fuzz-replay", "every corpus, with sanitizers", f"make -s {JOBS} fuzz-replay && echo 1 passed, 0 failed", 300),
    ("fuzz", "each fuzz target for a few seconds", f"make -s {JOBS} fuzz FUZZ_SECONDS=10 && echo 1 passed, 0 failed", 400),
    ("hostile", "hostile input", "python3 tests/hostile/run.py", 300),
    ("oom", "every allocation fails once", "make -s oom", 400),
    ("completions", "of bash, zsh and fish", "tests/completions/run", 60),
    ("install", "install and uninstall", "tests/install/run", 60),
    ("man", "manual pages, and whether they are true", "tests/man/run", 120),
    ("wire", "packets between namespaces", "python3 tests/wire/run.py", 600),
    ("wire-asan", "the same, fwctl with sanitizers", "FWCTL=build/asan/fwctl python3 tests/wire/run.py", 900),
    ("daemon", "fwctld: counts, events, history, kills, a full disk, clients", "python3 tests/daemon/test_fwctld.py", 300),
    ("daemon-asan", "the same with sanitizers", "FWCTL=build/asan/fwctl python3 tests/daemon/test_fwctld.py", 600),
    ("client", "hits, watch, top and status against a daemon that is played", "python3 tests/daemon/test_client.py", 300),
    ("browser", "the page, in Chromium", "python3 tests/daemon/browser.py", 300),
    ("reference", "the reference evaluator itself", "python3 tests/wire/reference/test_reference.py", 120),
    ("random", "random policies: evaluator, explain and packets agree", "python3 tests/wire/reference/test_random.py --seeds 1-1500", 900),
    ("random-eager", "other ones, compiled with every way of big policies", f"make -s {JOBS} BUILD=build/eager CFLAGS=-DFW_COMPILE_EAGER all && "
     "FWCTL=build/eager/fwctl python3 tests/wire/reference/test_random.py --seeds 2001-3000", 900),
    ("demo", "what `bootstrap demo` shows", "python3 tests/demo/run.py >/dev/null && echo 1 passed, 0 failed", 120),
]


def counts(text):
    """How many tests passed and failed, as the suite says itself."""
    passed = failed = 0
    for n, m in re.findall(r"^(?:\w+: )?(\d+) passed, (\d+) failed", text, re.M):
        passed, failed = passed + int(n), failed + int(m)
    passed += sum(int(n) for n in re.findall(r"^\[  PASSED  \] (\d+) test\(s\)", text, re.M))
    failed += sum(int(n) for n in re.findall(r"^\[  FAILED  \] (\d+) test\(s\)", text, re.M))
    return passed, failed


def run(command, seconds, log):
    """The exit status, None where it took too long."""
    process = subprocess.Popen(["sh", "-c", command], cwd=TOP, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                               start_new_session=True)
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return None


def run_suite(name, command, seconds):
    path = os.path.join(LOGS, name + ".log")
    with open(path, "w", encoding="utf-8", errors="replace") as log:
        status = run(command, seconds, log)
    with open(path, encoding="utf-8", errors="replace") as log:
        text = log.read()
    passed, failed = counts(text)
    if failed == 0 and (status != 0 or passed == 0):
        failed = 1
        text += f"\n{'took longer than %d s' % seconds if status is None else 'exit status %d' % status}\n"
    if failed:
        print("\n".join("    " + line for line in text.split("\n")[-60:]), flush=True)
    return passed, failed


def main():
    parser = argparse.ArgumentParser(description="Runs every suite of tests.")
    parser.add_argument("-k", default="", help="only suites whose name holds this word")
    parser.add_argument("-l", action="store_true", help="list them")
    args = parser.parse_args()
    chosen = [suite for suite in SUITES if args.k in suite[0]]
    if args.l:
        for name, what, command, seconds in chosen:
            print(f"{name:12} {what}\n{'':12} {command}")
        return 0
    os.makedirs(LOGS, exist_ok=True)
    os.environ["FWCTL_TEST"] = "1"
    total = [0, 0]
    for name, what, command, seconds in chosen:
        print(f"{name:12} {what}", flush=True)
        begin = time.monotonic()
        passed, failed = run_suite(name, command, seconds)
        total[0] += passed
        total[1] += failed
        print(f"{'':12} {'ok' if not failed else 'FAILED'}: {passed} passed, {failed} failed, {time.monotonic() - begin:.1f} s", flush=True)
    print(f"{total[0]} passed, {total[1]} failed")
    return 1 if total[1] else 0


if __name__ == "__main__":
    sys.exit(main())
