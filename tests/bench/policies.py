# SPDX-License-Identifier: GPL-2.0-or-later
"""Policies and rulesets of a size, made of a fixed seed: the same text in every run."""
import random
import sys

PREFIXES = [(8, 10), (12, 10), (16, 30), (20, 20), (24, 30)]  # length, weight


def cidr(rng):
    length = rng.choices([p[0] for p in PREFIXES], [p[1] for p in PREFIXES])[0]
    address = rng.getrandbits(32) & ~((1 << (32 - length)) - 1) & 0xFFFFFFFF
    address = (address & 0x00FFFFFF) | (rng.randrange(1, 126) << 24) if length > 8 else (rng.randrange(1, 126) << 24)
    return ".".join(str(address >> s & 255) for s in (24, 16, 8, 0)) + f"/{length}"


def rules(count, seed=1):
    """(port, prefix) pairs, some of which overlap."""
    rng = random.Random(seed)
    return [(rng.randrange(1024, 1024 + min(count, 60000)), cidr(rng)) for _ in range(count)]


def policy(count, seed=1):
    return "".join(f"allow {port}/tcp from {source}\n" for port, source in rules(count, seed))


def both(count, seed=5):
    """Verdicts that take turns by chance, with source and destination addresses, and two expectations."""
    rng = random.Random(seed)
    return "".join(f"{rng.choice(('allow', 'allow', 'deny'))} {rng.randrange(1024, 1024 + count)}/tcp from {cidr(rng)} to {cidr(rng)}\n"
                   for _ in range(count)) + "expect deny 22/tcp\nexpect deny 99/udp from 10.0.0.0/8\n"


def nft(count, seed=1):
    """The same, one plain rule a line with a counter, as people write it for nft."""
    lines = "".join(f"ip saddr {source} tcp dport {port} counter accept\n" for port, source in rules(count, seed))
    return ("table inet plain {\nchain input {\ntype filter hook input priority 0; policy drop;\niif lo accept\nct state established,related accept\n"
            f"{lines}}}\n}}\n")


def nft_anew(count):
    """The same in place of what is there, as one loads a changed file."""
    return "table inet plain\ndelete table inet plain\n" + nft(count)


def prefixes(count, seed=2):
    """So many different networks, none within another, one a line."""
    rng = random.Random(seed)
    numbers = rng.sample(range(1 << 24, 100 << 24, 4), count)
    return "".join(".".join(str(n >> s & 255) for s in (24, 16, 8, 0)) + "/30\n" for n in numbers)


def interval(count):
    """The prefixes as nft's own interval set, asked before connection tracking."""
    return ("table inet t {\nset bad { type ipv4_addr; flags interval\nelements = {" + ",\n".join(prefixes(count).split()) +
            "}\n}\nchain raw { type filter hook prerouting priority -300; ip saddr @bad counter drop; }\n}\n")


def ipset(count):
    return f"create bad hash:net maxelem {2 * count}\n" + "".join(f"add bad {network}\n" for network in prefixes(count).split())


def members(count):
    """Addresses for a dynamic group `banned`."""
    return "add element inet fwctl dyn-banned-4-32 {" + ",\n".join(network.split("/")[0] for network in prefixes(count).split()) + "}\n"


KINDS = {"policy": policy, "both": both, "nft": nft, "nft-anew": nft_anew, "prefixes": prefixes, "interval": interval, "ipset": ipset, "members": members}

if __name__ == "__main__":  # KIND COUNT
    sys.stdout.write(KINDS[sys.argv[1]](int(sys.argv[2])))
