#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The catalogue as `fwctl services` tells it, against tables that were written down apart from it.

ports.tsv       every row of the port table: names, items, range
bundles.tsv     bundles and what each is made of
registered.tsv  famous services and their registered ports

    test_catalogue.py       FWCTL=build/fwctl
"""
import json
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
FWCTL = os.path.abspath(os.environ.get("FWCTL", os.path.join(HERE, "..", "..", "build", "fwctl")))
HELPERS = {"ftp": "ftp", "tftp": "tftp", "irc-dcc": "irc", "sip-helper": "sip", "pptp-helper": "pptp", "snmp-helper": "snmp",
           "amanda-helper": "amanda", "netbios-ns-helper": "netbios-ns", "h323-q931-helper": "Q.931", "h323-ras-helper": "RAS"}
LEAST_SERVICES = 300
# What must never be open to the world without a word of warning.
EXPOSED = """telnet rlogin rsh rexec tftp mysql mssql postgresql oracle mongodb redis memcached elasticsearch couchdb docker
 kubelet etcd-client smb netbios-ns netbios-ssn nfs rpcbind ldap snmp rdp vnc x11 rsync plesk-mysql ms-rpc ipmi syslog mdns ssdp
 chargen echo qotd finger distcc zookeeper jetdirect modbus""".split()
# What is made to face the world: a warning there would teach people to overlook warnings.
PUBLIC = """ssh smtp submission smtps http https http3 dns imaps pop3s ftp ntp wireguard openvpn cpanel cpanels whm whms
 cpanel-webmail webmail-ssl plesk cpanel-host plesk-host mail web ftp-passive irc shoutcast tomcat sip xmpp""".split()


def fwctl(*args, text=None):
    env = dict(os.environ, FWCTL_TEST="1", LC_ALL="C.UTF-8")
    return subprocess.run([FWCTL, *args], input=text, capture_output=True, text=True, env=env, timeout=60)


def load(*args):
    done = fwctl("services", *args, "--json")
    assert done.returncode == 0, done.stderr
    return {service["name"]: service for service in json.loads(done.stdout)["services"]}


def table(name):
    with open(os.path.join(HERE, name), encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file if line.strip() and not line.startswith("#")]
    assert rows, f"{name} is empty"
    return rows


def expand(items):
    """'21-22/tcp' as {(21, 'tcp'), (22, 'tcp')}; 'esp' as {(None, 'esp')}."""
    found = set()
    for item in items:
        ports, slash, proto = item.partition("/")
        if not slash:
            found.add((None, ports))
            continue
        low, _, high = ports.partition("-")
        found.update((port, proto) for port in range(int(low), int(high or low) + 1))
    return found


def ranges_of(points):
    """Names of RFC 6335's ranges that the ports lie in, in order."""
    ports = [port for port, proto in points if port is not None and not proto.startswith("icmp")]
    return [name for name, low, high in (("system", 0, 1023), ("user", 1024, 49151), ("dynamic", 49152, 65535))
            if any(low <= port <= high for port in ports)]


def text_rows(*args):
    """The table that people see, as {name: the other columns}."""
    done = fwctl("services", *args)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    rows = [re.split(r"\s{2,}", line.strip()) for line in done.stdout.splitlines() if line.strip()]
    return {row[0]: row[1:] for row in rows}


class Suite:
    def __init__(self):
        self.services = load()
        self.passed = self.failed = 0

    def check(self, label, good, detail=""):
        if good:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAIL  {label}: {detail}")

    def equal(self, label, found, wanted):
        self.check(label, found == wanted, f"{found!r} instead of {wanted!r}")

    def points(self, name):
        return expand(self.services[name]["items"]) if name in self.services else None

    def port_table(self):
        for names, items, port_range in table("ports.tsv"):
            wanted = expand(items.split(","))
            for name in names.split(","):
                self.equal(f"port table: {name}", self.points(name), wanted)
                self.equal(f"port table: range of {name}", self.services.get(name, {}).get("ranges"), [port_range])
                self.told_by_word(name, name, items)
            self.told_by_word(names.split(",")[0], items.split(",")[0].split("-")[0].split("/")[0], items)

    def told_by_word(self, name, word, items):
        """`services WORD` shows the row, as text and as data, and only what has to do with the word."""
        rows, found = text_rows(word), load(word)
        shown = re.split(r",\s*", rows.get(name, [""])[0])
        self.equal(f"services {word}: {name}", expand(i for i in shown if i), expand(items.split(",")))
        self.equal(f"services {word}: text and data", set(rows), set(found))
        self.check(f"services {word}: fewer than all", 0 < len(found) < len(self.services), len(found))

    def bundles(self):
        for name, members in table("bundles.tsv"):
            wanted = set().union(*(self.points(member) or {member} for member in members.split(",")))
            self.equal(f"bundle {name}", self.points(name), wanted)

    def registered(self):
        rows = table("registered.tsv")
        self.check("at least 60 registered services compared", len(rows) >= 60, len(rows))
        for name, items in rows:
            self.equal(f"registered: {name}", self.points(name), expand(items.split(",")))

    def shape(self):
        self.check(f"at least {LEAST_SERVICES} services", len(self.services) >= LEAST_SERVICES, len(self.services))
        self.equal("text and data name the same", set(text_rows()), set(self.services))
        for name, service in self.services.items():
            self.check(f"{name}: name", re.fullmatch(r"[a-z][a-z0-9.+-]{0,62}", name), name)
            described = service["description"] or ""
            self.check(f"{name}: description", 0 < len(described) <= 80 and described.isprintable(), repr(described))
            self.check(f"{name}: items", bool(service["items"]), service)
            points = expand(service["items"])
            self.check(f"{name}: ports", all(port is None or 0 <= port <= 65535 for port, _ in points), service["items"])
            self.equal(f"{name}: ranges", service["ranges"], ranges_of(points))

    def helpers(self):
        found = {name: service["helper"] for name, service in self.services.items() if service["helper"]}
        self.equal("helpers", found, HELPERS)

    def marks(self):
        for name in EXPOSED:
            self.equal(f"{name} is marked exposed", self.services.get(name, {}).get("exposed"), True)
        for name in PUBLIC:
            self.equal(f"{name} is not marked exposed", self.services.get(name, {}).get("exposed"), False)
        for name, service in self.services.items():
            done = fwctl("check", "-", text=f"allow {name}\n")
            self.equal(f"allow {name}: status", done.returncode, 0)
            self.equal(f"allow {name}: warned", "[exposed]" in done.stderr, service["exposed"])

    def every_name_at_once(self):
        """In one policy, in other spellings too, and from a group, so that no line faces the world. Names that share a port make lines that
        change nothing: those warnings are true."""
        lines = ["group some = 192.0.2.0/24, 2001:db8::/32"]
        lines += [f"allow {name} from some" for name in self.services]
        lines += [f"allow out {name.upper().replace('-', '_')}" for name in self.services]
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
            file.write("\n".join(lines) + "\n")
            file.flush()
            done = fwctl("check", file.name)
            named = set(re.findall(r" warning: .* \[(\w+)\]$", done.stderr, re.M))
            self.check("all names in one policy", done.returncode == 0 and named <= {"redundant", "shadowed"} and " error: " not in done.stderr,
                       done.stderr[:2000])
            shown = fwctl("show", "--nft", file.name)
            self.check("all names in one policy compile", shown.returncode == 0 and "table inet fwctl" in shown.stdout, shown.stderr[:2000])

    def source_is_canonical(self):
        """The text itself is in the layout of `fwctl fmt`; and nothing is defined that is not shown."""
        path = os.path.join(HERE, "..", "..", "policies", "services.conf")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        self.equal("policies/services.conf is formatted", fwctl("fmt", path).stdout == text, True)
        self.equal("all that is defined is shown", set(re.findall(r"^service (\S+) =", text, re.M)), set(self.services))

    def unknown_words(self):
        done = fwctl("services", "zzz-no-such-thing")
        self.check("a word that is nowhere is said", done.returncode != 0 and done.stdout == "" and "'zzz-no-such-thing'" in done.stderr,
                   (done.returncode, done.stdout, done.stderr))
        done = fwctl("services", "zzz-no-such-thing", "--json")
        self.equal("a word that is nowhere, as data", json.loads(done.stdout)["services"], [])
        done = fwctl("check", "-", text="allow htpp\n")
        self.check("a near name is offered", done.returncode == 1 and "did you mean 'http'?" in done.stderr, done.stderr)


def main():
    suite = Suite()
    for part in (suite.port_table, suite.bundles, suite.registered, suite.shape, suite.helpers, suite.marks, suite.every_name_at_once,
                 suite.source_is_canonical, suite.unknown_words):
        part()
    print(f"{suite.passed} passed, {suite.failed} failed")
    return 1 if suite.failed or not suite.passed else 0


if __name__ == "__main__":
    sys.exit(main())
