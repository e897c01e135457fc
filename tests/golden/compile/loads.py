#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What `fwctl show --nft` prints is what `fwctl apply` puts into the kernel.

For each policy of this folder two network namespaces are made: one gets the policy by `fwctl apply`, the other the printed text by `nft -f`.
Both are read back by nft as expressions and elements, and must be equal, the manifest aside. Needs root, nft and ip.

    loads.py [PROGRAM]      PROGRAM: build/fwctl
"""
import glob
import json
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ENV = dict(os.environ, FWCTL_TEST="1")


def run(*args, text=None):
    done = subprocess.run(args, input=text, capture_output=True, text=True, env=ENV)
    if done.returncode:
        raise RuntimeError(f"{' '.join(args)}: {done.returncode}\n{done.stderr}")
    return done.stdout


class Namespace:
    """A network namespace that goes away again."""

    def __init__(self, tag):
        self.name = f"fwctl-loads-{os.getpid()}-{tag}"

    def __enter__(self):
        run("ip", "netns", "add", self.name)
        return self

    def __exit__(self, *_):
        run("ip", "netns", "del", self.name)

    def nft(self, *args, text=None):
        return run("ip", "netns", "exec", self.name, "nft", *args, text=text)


def rules(namespace):
    """chain -> its rules, each the list of its expressions as the kernel holds them."""
    chains = {}
    current = None
    for line in namespace.nft("--debug=netlink", "list", "table", "inet", "fwctl").splitlines():
        head = re.match(r"inet fwctl (\S+) \d+", line)
        if head:
            current = []
            chains.setdefault(head.group(1), []).append(current)
        elif line.startswith("  [ "):
            # What was counted meanwhile is no part of the rule.
            current.append(re.sub(r"counter pkts \d+ bytes \d+", "counter", line.strip()))
        elif line.startswith("table "):
            break
    chains.pop("manifest", None)
    return chains


def others(namespace):
    """Chains' heads, sets with their elements and objects, by kind and name."""
    found = {}
    for item in json.loads(namespace.nft("-j", "list", "table", "inet", "fwctl"))["nftables"]:
        (kind, value), = item.items()
        if kind in ("metainfo", "rule") or value["name"] == "manifest":
            continue
        value.pop("handle", None)
        if "elem" in value:
            value["elem"] = sorted(json.dumps(e, sort_keys=True) for e in value["elem"])
        found[kind, value["name"]] = value
    return found


def compare(what, applied, printed):
    wrong = [key for key in sorted(set(applied) | set(printed), key=str) if applied.get(key) != printed.get(key)]
    for key in wrong[:3]:
        print(f"  {what} {key}:\n    applied {applied.get(key)}\n    printed {printed.get(key)}")
    return not wrong


def check(program, policy):
    text = run(program, "show", "--nft", policy)
    with Namespace("a") as a, Namespace("b") as b:
        run(program, "--netns", a.name, "apply", policy)
        b.nft("-f", "-", text=text)
        try:
            got = rules(a)
            if not any(got.values()):
                raise RuntimeError(f"{policy}: no rules were read back")
            same = compare("chain", got, rules(b))
            return compare("head or set", others(a), others(b)) and same
        finally:
            run(program, "--netns", a.name, "flush")


def main():
    program = sys.argv[1] if len(sys.argv) > 1 else "build/fwctl"
    policies = sorted(glob.glob(os.path.join(HERE, "*.conf")))
    failed = 0
    for policy in policies:
        same = check(program, policy)
        failed += not same
        print("ok  " if same else "FAIL", os.path.basename(policy))
    print(f"{len(policies) - failed} passed, {failed} failed")
    return 1 if failed or not policies else 0


if __name__ == "__main__":
    sys.exit(main())
