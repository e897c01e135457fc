#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What deciding a packet costs, beside others: packets.py [-k WORD] [--rounds N] [--frames N] [--fwctl PATH] [--json].

Every contestant has a network namespace of its own with the same interface and addresses. A round injects the same frames into each of them,
one after the other (packet.c); the figure is the median over the rounds of the processor time for a packet's whole way from the interface to
the socket's door, the spread is that of the middle half of the rounds. A ruleset that does not decide as it should is an error."""
import argparse
import ipaddress
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import frames
import policies

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("BUILD", os.path.join(os.path.dirname(os.path.dirname(HERE)), "build"))
HOST, PEER = "192.0.2.1", "192.0.2.2"
SERVICES = ["21/tcp", "22/tcp", "25/tcp", "53/tcp", "53/udp", "80/tcp", "110/tcp", "123/udp", "143/tcp", "443/tcp", "443/udp", "587/tcp", "993/tcp",
            "995/tcp", "8443/tcp"]
BASE = "type filter hook input priority 0; policy drop;\niif lo accept\nct state established,related accept\nct state invalid drop\n"


class Place:
    """A namespace with an interface that frames are injected into."""

    def __init__(self, bench, number):
        self.bench, self.name = bench, f"fwb-{os.getpid()}-{number}"
        self.folder = os.path.join(bench.folder, str(number))
        os.mkdir(self.folder)
        subprocess.run(["ip", "netns", "add", self.name], check=True)
        self.sh("ip link set lo up && ip link add v0 type veth peer name v1 && ip link set v0 address 02:00:00:00:00:01 up && ip link set v1 up && "
                f"ip address add {HOST}/24 dev v0 && ip route add default via {PEER} && ip neigh add {PEER} lladdr 02:00:00:00:00:02 dev v0")

    def close(self):
        subprocess.run(["ip", "netns", "del", self.name], capture_output=True, check=False)

    def run(self, *argv, stdin=None):
        env = dict(os.environ, FWCTL_TEST="1", FWCTL_STATE_DIR=f"{self.folder}/state", FWCTL_RUN_DIR=f"{self.folder}/run")
        done = subprocess.run(["nsenter", f"--net=/run/netns/{self.name}", *argv], env=env, input=stdin, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{' '.join(argv)}: exit {done.returncode}: {done.stderr[-1000:]}")
        return done.stdout

    def sh(self, text):
        return self.run("sh", "-c", text)

    def nft(self, text):
        self.run("nft", "-f", "-", stdin=text)

    def open_flows(self):
        """Datagrams from here, so that those that are injected are answers."""
        self.run(sys.executable, "-c", f"import socket\nfor port in range({FLOWS[0]}, {FLOWS[1]}):\n s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
                 f" s.bind(('{HOST}', port))\n s.sendto(b'x', ('{PEER}', 9999))\n s.close()\n")

    def inject(self, path, count):
        out = self.run("taskset", "-c", "1" if os.cpu_count() > 1 else "0", self.bench.packet, "v0", path, str(count))
        return json.loads(out)


FLOWS = (20000, 20200)


# --- contestants: a function each that loads a ruleset into a place ---

def empty(_place):
    pass


def tracked(place):
    place.nft("table inet t { chain input { type filter hook input priority 0; policy accept; ct state invalid counter; }; }")


def fwctl(text):
    def load(place):
        path = os.path.join(place.folder, "policy.conf")
        with open(path, "w", encoding="ascii") as f:
            f.write(text)
        place.run(place.bench.fwctl, "apply", path)
    return load


def nft(text):
    return lambda place: place.nft(text)


def iptables(lines, program="iptables-restore"):
    text = ("*filter\n:INPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\n-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n"
            "-A INPUT -m conntrack --ctstate INVALID -j DROP\n" + "".join(f"-A INPUT {line} -j ACCEPT\n" for line in lines) + "COMMIT\n")
    return lambda place: place.run(program, stdin=text)


def ufw(rules):
    """The program's own rules around these, (port, protocol, source or None): loaded by itself, with its files as they are installed, but copied and mounted over
    the real ones, so that nothing is changed outside of the namespaces. The lines are those that it writes for `ufw allow proto P from S to any port N`."""
    lines = "".join(f"### tuple ### allow {proto} {port} 0.0.0.0/0 any {source or '0.0.0.0/0'} in\n"
                    f"-A ufw-user-input -p {proto} --dport {port}{f' -s {source}' if source else ''} -j ACCEPT\n\n" for port, proto, source in rules)

    def load(place):
        etc = os.path.join(place.folder, "ufw")
        shutil.copytree("/etc/ufw", etc)
        with open(f"{etc}/user.rules", encoding="ascii") as f:
            text = f.read()
        head, mark, rest = text.partition("### RULES ###\n")
        if not mark:
            raise SystemExit("ufw: /etc/ufw/user.rules has no place for rules")
        with open(f"{etc}/user.rules", "w", encoding="ascii") as f:
            f.write(head + mark + "\n" + lines + rest)
        with open("/etc/default/ufw", encoding="ascii") as f:
            settings = f.read() + "\nIPT_SYSCTL=\nIPT_MODULES=\n"  # packets only
        with open(f"{place.folder}/ufw-default", "w", encoding="ascii") as f:
            f.write(settings)
        place.run("unshare", "--mount", "sh", "-ec", f"mount --bind {etc} /etc/ufw; mount --bind {place.folder}/ufw-default /etc/default/ufw; ufw --force enable")
    return load


BUS = """<busconfig><type>system</type><listen>unix:path={0}</listen><auth>EXTERNAL</auth><policy context="default"><allow user="*"/><allow own="*"/>
<allow send_type="*"/><allow receive_type="*"/><allow send_destination="*"/></policy></busconfig>"""
ZONE = '<zone>{0}</zone>'
PORT = '<port port="{0}" protocol="{1}"/>\n'
RICH = '<rule family="ipv4"><source address="{2}"/><port port="{0}" protocol="{1}"/><accept/></rule>\n'


def write(path, text):
    with open(path, "w", encoding="ascii") as f:
        f.write(text)


def firewalld(rules):
    """Its own daemon loads them, with a configuration and a system bus of this place, and ends; the rules stay."""
    zone = ZONE.format("".join((RICH if source else PORT).format(port, proto, source) for port, proto, source in rules))

    def load(place):
        config, bus = os.path.join(place.folder, "firewalld"), os.path.join(place.folder, "bus")
        os.makedirs(f"{config}/zones")
        write(f"{config}/zones/public.xml", zone)
        with open("/etc/firewalld/firewalld.conf", encoding="utf-8") as f:
            write(f"{config}/firewalld.conf", f.read().replace("CleanupOnExit=yes", "CleanupOnExit=no"))
        write(f"{bus}.conf", BUS.format(bus))
        environment = dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=f"unix:path={bus}")
        with open(f"{place.folder}/firewalld.log", "w", encoding="utf-8") as log, \
                subprocess.Popen(["dbus-daemon", "--nofork", f"--config-file={bus}.conf"], stderr=log) as messages:
            wait_for(lambda: os.path.exists(bus), 10, "a bus")
            with subprocess.Popen(["nsenter", f"--net=/run/netns/{place.name}", "unshare", "--mount", "firewalld", "--nofork", "--nopid", "--log-target", "console",
                                   "--system-config", config], env=environment, stdout=log, stderr=log) as daemon:
                last = f"dport {rules[-1][0]} accept"
                wait_for(lambda: last in place.run("nft", "list", "ruleset"), 60, "firewalld's rules")
                daemon.terminate()
            messages.terminate()
        if last not in place.run("nft", "list", "ruleset"):
            raise SystemExit("firewalld took its rules away as it ended")
    return load


def wait_for(condition, seconds, what):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"no {what} after {seconds} s")
        time.sleep(0.2)


def others(pairs):
    """What other firewalls make of (port, protocol, source or None), those that are here; firewalld with a thousand at most."""
    lines = [f"{f'-s {source} ' if source else ''}-p {proto} --dport {port}" for port, proto, source in pairs]
    found = [("iptables", "iptables-restore", iptables(lines)), ("iptables-legacy", "iptables-legacy-restore", iptables(lines, "iptables-legacy-restore")),
             ("ufw", "ufw", ufw(pairs))] + ([("firewalld", "firewalld", firewalld(pairs))] if len(pairs) <= 1000 else [])
    for name, program, _load in found:
        if not shutil.which(program):
            print(f"{name} is not installed, and not measured", flush=True)
    return [(name, load) for name, program, load in found if shutil.which(program)]


# --- scenarios: name, frames, how many come through, contestants ---

class Scenario:
    def __init__(self, name, items, passes, contestants, flows=False):
        self.name, self.items, self.passes, self.contestants, self.flows = name, items, passes, contestants, flows


def web_contestants():
    pairs = [tuple(s.split("/")) for s in SERVICES]
    counters = "".join(f"counter c{i} {{}}\n" for i in range(len(pairs)))
    elements = ", ".join(f"{proto} . {port} : \"c{i}\"" for i, (port, proto) in enumerate(pairs))
    best = (f"table inet best {{\n{counters}map services {{ type inet_proto . inet_service : counter; elements = {{ {elements} }}; }}\n"
            f"chain input {{\n{BASE}counter name meta l4proto . th dport map @services accept\n}}\n}}\n")
    rows = "table inet rows {\nchain input {\n" + BASE + "".join(f"{proto} dport {port} counter accept\n" for port, proto in pairs) + "}\n}\n"
    return [("empty", empty), ("tracked", tracked), ("fwctl", fwctl("".join(f"allow {s}\n" for s in SERVICES))), ("best nft", nft(best)),
            ("nft rows", nft(rows))] + others([(port, proto, None) for port, proto in pairs])


def web():
    rng = random.Random(3)
    items = []
    for _ in range(4096):
        port, proto = rng.choice(SERVICES).split("/")
        items.append((rng.randrange(1 << 24, 100 << 24), HOST, rng.randrange(1024, 65536), int(port), frames.TCP if proto == "tcp" else frames.UDP))
    return Scenario("web host, a new connection", items, True, web_contestants())


def mask(length):
    return str(ipaddress.ip_address((0xFFFFFFFF << (32 - length)) & 0xFFFFFFFF))


def best_of_rules(rules):
    """A hash for each prefix length, longest first."""
    lengths = {}
    counters = []
    for number, (port, source) in enumerate(rules):
        network = ipaddress.ip_network(source)
        table = lengths.setdefault(network.prefixlen, {})
        if (port, network.network_address) not in table:
            table[port, network.network_address] = number
            counters.append(f"counter c{number} {{}}\n")
    text = ["table inet best {\n", *counters]
    for length, table in lengths.items():
        elements = ",\n".join(f"tcp . {port} . {address} : \"c{number}\"" for (port, address), number in table.items())
        text.append(f"map m{length} {{ type inet_proto . inet_service . ipv4_addr : counter; size {2 * len(table)}; elements = {{ {elements} }}; }}\n")
    text.append(f"chain input {{\n{BASE}")
    for length in sorted(lengths, reverse=True):
        text.append(f"meta nfproto ipv4 counter name meta l4proto . th dport . (ip saddr & {mask(length)}) map @m{length} accept\n")
    return "".join(text) + "}\n}\n"


def rules_contestants(count):
    rules = policies.rules(count)
    rows = "table inet rows {\nchain input {\n" + BASE + "".join(f"ip saddr {source} tcp dport {port} counter accept\n" for port, source in rules) + "}\n}\n"
    found = [("empty", empty), ("tracked", tracked), ("fwctl", fwctl(policies.policy(count))), ("best nft", nft(best_of_rules(rules)))]
    if count <= 10000:
        found += [("nft rows", nft(rows))] + others([(port, "tcp", source) for port, source in rules])
    return found


def inside(rng, source):
    network = ipaddress.ip_network(source)
    return int(network.network_address) + rng.randrange(network.num_addresses)


def rules_hit(count):
    rng, rules = random.Random(4), policies.rules(count)
    picked = [rng.choice(rules) for _ in range(4096)]
    items = [(inside(rng, source), HOST, rng.randrange(1024, 65536), port) for port, source in picked]
    return Scenario(f"{count:,} rules, a new connection", items, True, rules_contestants(count))


def rules_miss(count):
    rng = random.Random(5)
    items = [(rng.randrange(130 << 24, 160 << 24), HOST, rng.randrange(1024, 65536), rng.randrange(1024, 61024)) for _ in range(4096)]
    return Scenario(f"{count:,} rules, a packet that no rule takes", items, None, rules_contestants(count))


def established(count):
    items = [(PEER, HOST, 9999, port, frames.UDP) for port in range(*FLOWS)]
    return Scenario(f"{count:,} rules, a packet of an open connection", items, True, rules_contestants(count), flows=True)


def networks(count, lengths):
    """Different networks, an equal share of each length, none within another."""
    rng = random.Random(6)
    numbers = rng.sample(range(1 << 16, 100 << 16), count) if max(lengths) <= 24 else rng.sample(range(1 << 22, 100 << 22), count)
    shift = 8 if max(lengths) <= 24 else 2
    found = []
    for i, number in enumerate(numbers):
        length = lengths[i % len(lengths)]
        address = (number << shift) & ((0xFFFFFFFF << (32 - length)) & 0xFFFFFFFF)
        found.append(ipaddress.ip_network((address, length)))
    return list(dict.fromkeys(found))


def blocklist(count, lengths):
    nets = networks(count, lengths)
    rng = random.Random(7)
    items = [(int(n.network_address) + rng.randrange(n.num_addresses), HOST, rng.randrange(1024, 65536), 80) for n in rng.choices(nets, k=min(count, 131072))]

    def ours(place):
        with open(os.path.join(place.folder, "list.txt"), "w", encoding="ascii") as f:
            f.write("".join(f"{n}\n" for n in nets))
        fwctl("group list = file \"list.txt\"\nblock list\nallow 80/tcp\n")(place)

    def interval(place):
        place.nft("table inet t {\nset bad { type ipv4_addr; flags interval\nauto-merge\nelements = {" + ",\n".join(map(str, nets)) +
                  "}\n}\nchain raw { type filter hook prerouting priority -300; ip saddr @bad counter drop; }\n}\n")

    def ipset(place):
        place.run("ipset", "restore", stdin=f"create list hash:net maxelem {2 * count}\n" + "".join(f"add list {n}\n" for n in nets))
        place.run("iptables-restore", stdin="*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -m set --match-set list src -j DROP\nCOMMIT\n")

    contestants = [("empty", empty), ("fwctl", ours)]
    if count <= 100000:
        contestants.append(("nft interval set", interval))
    if shutil.which("ipset"):
        contestants.append(("ipset", ipset))
    return Scenario(f"{count:,} blocked networks of {len(lengths)} length{'s' * (len(lengths) > 1)}, one of them", items, False, contestants)


SCENARIOS = {
    "web": web,
    **{f"rules{n}-hit": lambda n=n: rules_hit(n) for n in (10, 1000, 10000, 100000)},
    **{f"rules{n}-miss": lambda n=n: rules_miss(n) for n in (10, 10000)},
    **{f"rules{n}-established": lambda n=n: established(n) for n in (10, 10000)},
    **{f"block{n}": lambda n=n: blocklist(n, [24] if n < 1000000 else [30]) for n in (10000, 100000, 1000000)},
    "block10000-five": lambda: blocklist(10000, [20, 21, 22, 23, 24]),
    "block1000000-five": lambda: blocklist(1000000, [26, 27, 28, 29, 30]),
}


class Bench:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.fwctl = os.path.abspath(options.fwctl)
        self.packet = os.path.join(BUILD, "bench", "packet")
        self.places = 0

    def place(self):
        self.places += 1
        return Place(self, self.places)

    def check(self, scenario, name, result):
        """Only what is allowed comes through; the first two let all in."""
        wanted = True if name in ("empty", "tracked") else scenario.passes
        if wanted is not None and result["passed"] != (result["count"] if wanted else 0):
            raise SystemExit(f"{scenario.name}, {name}: {result['passed']} of {result['count']} came through")

    def measure(self, scenario):
        path = os.path.join(self.folder, "frames")
        frames.write(path, scenario.items)
        places = [(name, load, self.place()) for name, load in scenario.contestants]
        results = {name: [] for name, _load, _place in places}
        counts = {}
        try:
            for name, load, place in places:
                load(place)
                first = self.one(scenario, name, place, path, 2000)
                counts[name] = max(2000, min(self.options.frames, int(self.options.frames * 1000 / first["ns"])))
            for _ in range(self.options.rounds):
                for name, _load, place in places:
                    results[name].append(self.one(scenario, name, place, path, counts[name])["ns"])
        finally:
            for _name, _load, place in places:
                place.close()
        return results

    def one(self, scenario, name, place, path, count):
        if scenario.flows:
            place.open_flows()
        result = place.inject(path, count)
        self.check(scenario, name, result)
        return result


def spread(values):
    """Half of the distance between the quartiles, as a share of the median."""
    if len(values) < 4:
        return (max(values) - min(values)) / 2 / statistics.median(values)
    low, _middle, high = statistics.quantiles(values, n=4)
    return (high - low) / 2 / statistics.median(values)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-k", default="", metavar="WORD")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--frames", type=int, default=300000, help="of a round, where a packet costs no more than a microsecond")
    parser.add_argument("--fwctl", default=os.path.join(BUILD, "fwctl"))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    chosen = [make for name, make in SCENARIOS.items() if options.k in name]
    if not chosen:
        raise SystemExit(f"no scenario of {', '.join(SCENARIOS)} has '{options.k}' in its name")
    report = []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options, folder)
        for make in chosen:
            scenario = make()
            results = bench.measure(scenario)
            base = statistics.median(results["empty"])
            if not options.json:
                print(scenario.name, flush=True)
            for name, values in results.items():
                row = {"scenario": scenario.name, "contestant": name, "ns": round(statistics.median(values), 1),
                       "ratio": round(statistics.median(values) / base, 3), "spread": round(spread(values), 4)}
                report.append(row)
                if not options.json:
                    print(f"  {name:18} {row['ns']:10.1f} ns  {row['ratio']:8.2f}  +-{100 * row['spread']:.1f}%", flush=True)
    if options.json:
        json.dump(report, sys.stdout, indent=1)
        print()


if __name__ == "__main__":
    main()
