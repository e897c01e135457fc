#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Hostile input through the whole program: run.py [-k PATTERN] [-v]      FWCTL=build/fwctl

A test is a function test_* of a module test_*.py beside this file; it gets a Space (harness.py). Needs root; works in a network namespace of
its own.
"""
import argparse
import glob
import importlib
import os
import subprocess
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True


def discover(pattern):
    for path in sorted(glob.glob(os.path.join(HERE, "test_*.py"))):
        module = importlib.import_module(os.path.basename(path)[:-3])
        for name, function in vars(module).items():
            full = f"{module.__name__[5:]}.{name[5:]}"
            if name.startswith("test_") and callable(function) and pattern in full:
                yield full, function


def run_one(function):
    """None, or why it failed."""
    from harness import Failed, Space
    space = Space()
    try:
        function(space)
    except Failed as failed:
        return str(failed)
    except Exception:  # a test that breaks is one that failed
        return traceback.format_exc()
    finally:
        space.close()
    return None


def enter_namespace():
    if os.environ.get("FWCTL_OWN_NAMESPACE") != str(os.getpid()):
        os.environ["FWCTL_OWN_NAMESPACE"] = str(os.getpid())
        os.execvp("unshare", ["unshare", "-n", sys.executable, os.path.abspath(__file__), *sys.argv[1:]])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-k", default="", metavar="PATTERN", help="tests whose name has this in it")
    parser.add_argument("-v", action="store_true", help="tell of every test")
    args = parser.parse_args()
    enter_namespace()
    passed = failed = 0
    for name, function in discover(args.k):
        began = time.monotonic()
        why = run_one(function)
        passed, failed = passed + (why is None), failed + (why is not None)
        if why is not None:
            print(f"FAIL  {name}: {why}", flush=True)
        elif args.v:
            print(f"ok    {name}  {time.monotonic() - began:.1f} s", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
