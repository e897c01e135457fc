# SPDX-License-Identifier: GPL-2.0-or-later
"""What is easy to get wrong: repeated first packets, address translation, packets cut short, real users, other helpers than ftp."""
import json
import os
import socket
import subprocess

from cases import allowed, check, dropped, limit, rejected
from packets import Packet, both, echo, frame, gre, network, tcp, udp
from space import HOST_MAC, PEER_MAC

DIRECTIONS = ("in", "out", "forward")


def test_every_attempt_counts(net):
    """Until an answer was seen, each packet of a connection is decided, counted and limited again."""
    with net.inside("host"), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sink:
        sink.bind(("::", 80))
        check(net, "allow 80/udp #@a\nallow forward 81/tcp rate 3/hour #@f",
              allowed("a", [udp(80, keep=True)] * 5, [udp(80, keep=True, family=6)] * 4),
              allowed("f", [tcp(81, direction="forward")] * 3), dropped("f:over", [tcp(81, direction="forward")] * 2))


def test_answers_are_not_attempts(net):
    """A packet of an unanswered connection is decided by the rules of now, not of then."""
    with net.inside("host"), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sink:
        sink.bind(("::", 80))
        net.apply("allow 80/udp\n")
        assert net.send([udp(80, keep=True)] * 2) == ["allow"] * 2
        net.apply("deny 80/udp\n")
        assert net.send([udp(80, keep=True)] * 2) == ["drop"] * 2
        assert net.hits(1) == 2


def test_address_translation(net):
    """Forwarded packets are decided after destination NAT and before source NAT."""
    net.nft("table inet nat {\nchain d { type nat hook prerouting priority -100\n tcp dport 8080 dnat ip to 198.51.100.2:80\n }\n"
            "chain s { type nat hook postrouting priority 100\n oifname eth1 masquerade\n }\n}")
    for text, passes in (("allow forward 80/tcp from 192.0.2.2 to 198.51.100.2\n", True), ("allow forward 8080/tcp\n", False),
                         ("allow forward any from 198.51.100.1\n", False), ("allow forward any to 192.0.2.1\n", False)):
        net.apply(text)
        sent, seen = net.observe([tcp(8080, dst="192.0.2.1", sport=n) for n in (1000, 1001)])
        arrived = [s for s in seen if s[0] == "server" and s[2]["dst"] == "198.51.100.2" and s[2]["dport"] == 80]
        assert len(arrived) == (2 if passes else 0), text
        assert all(s[2]["src"] == "198.51.100.1" for s in arrived)
        assert not [s for s in seen if s[1] == "in"]
        assert net.hits(1) == (len(sent) if passes else 0)


def short(proto, size, family, direction):
    return Packet(proto=proto, body=bytes([0, 80, 0, 80, 0, 0, 0, 0][:size]), family=family, direction=direction)


def test_short_packets(net):
    """Too short for a port: no rule of a port matches it, a rule of the protocol does, and something decides and counts it."""
    for direction in DIRECTIONS:
        cut = [short(proto, size, family, direction) for proto in ("tcp", "udp") for size in (0, 1, 3) for family in (4, 6)]
        cut += [short("icmp", 0, 4, direction), short("icmpv6", 0, 6, direction)]
        # Conntrack's own word first: such packets are invalid.
        check(net, f"default {direction} deny\nallow {direction} any #@any", dropped(f"+invalid/{direction}", [p for p in cut if p.number in (6, 17)]))
        net.reset()
        check(net, f"""
            option builtin invalid off
            default {direction} deny
            reject {direction} 1-79/tcp, 80/tcp, 81-65535/tcp, 1-65535/udp, 8/icmp, 128/icmpv6   #@ports
            allow {direction} tcp, udp, icmp, icmpv6                                             #@protocols
            """, allowed("protocols", cut))
        net.reset()
        check(net, f"""
            option builtin invalid off
            default {direction} deny
            allow {direction} 0-1000/tcp, 1-65535/udp, 8/icmp, 128/icmpv6   #@ports
            """, dropped("=" + direction, cut))
        net.reset()


def test_short_packets_reach_protocol_rules_behind_sources(net):
    """The same where the rules look at source ports."""
    cut = [short(proto, 0, family, "in") for proto in ("tcp", "udp") for family in (4, 6)]
    check(net, "option builtin invalid off\ndeny tcp source-port 0-65534 #@s\ndeny udp source-port 1-65535 #@u\nallow tcp, udp #@rest", allowed("rest", cut))


def test_fragments_out(net):
    pieces = [udp(port, payload=b"f" * 400, fragments=3, direction="out") for port in (80, 81)]
    check(net, "default out deny\nallow out 80/udp #@a", allowed("a", pieces[0]), dropped("=out", pieces[1]))


def test_first_fragment_alone(net):
    """A fragment that never becomes a packet passes nothing and is counted by no rule."""
    net.apply("allow 80/udp\nallow any from 10.0.0.0/8\n")
    for family in (4, 6):
        p = net.complete(udp(80, payload=b"f" * 400, fragments=3, family=family))
        for piece in network(p)[1:]:
            net.ends["eth0"].send(frame(HOST_MAC["eth0"], PEER_MAC["eth0"], piece))
        seen = []
        net.sync(seen)
        assert not [s for s in seen if s[1] == "in"]
    assert net.hits(1) == 0


PROGRAM = """
import socket, sys
for family, address in ((socket.AF_INET, "198.51.100.2"), (socket.AF_INET6, "2001:db8:2::2")):
    for port in (80, 81):
        s = socket.socket(family, socket.SOCK_DGRAM)
        try:
            s.sendto(b"x", (address, port))
            print("sent", end=" ")
        except PermissionError:
            print("refused", end=" ")
"""


def test_real_users(net):
    """`as user` by name and number, `as group`, with programs that really run as them."""
    net.apply("default out deny\nallow out 80/udp as user nobody\nallow out 81/udp as group 4321\n")

    def program(*who):
        return subprocess.run(["ip", "netns", "exec", net.host, "setpriv", *who, "--clear-groups", "/usr/bin/env", "python3", "-c", PROGRAM],
                              capture_output=True, text=True, check=True, cwd="/", env=net.env).stdout.split()
    assert program("--reuid", "65534", "--regid", "65534") == ["sent", "refused"] * 2
    assert program("--reuid", "1234", "--regid", "4321") == ["refused", "sent"] * 2
    assert program("--reuid", "1234", "--regid", "4322") == ["refused", "refused"] * 2
    status = net.status()
    assert [status.line(n).packets for n in (2, 3)] == [2, 2]


def test_tftp(net):
    """The helper of tftp: the answer comes from another port of the server."""
    for family, host, client in ((4, "192.0.2.1", "192.0.2.2"), (6, "2001:db8:1::1", "2001:db8:1::2")):
        for service, passes in (("tftp", True), ("69/udp", False)):
            net.apply(f"default out deny\nallow {service}\n")
            kind = socket.AF_INET6 if family == 6 else socket.AF_INET
            with socket.socket(kind, socket.SOCK_DGRAM) as server, socket.socket(kind, socket.SOCK_DGRAM) as answer:
                server.bind((host, 69))
                with net.inside("client"):
                    asking = socket.socket(kind, socket.SOCK_DGRAM)
                asking.bind((client, 0))
                asking.settimeout(0.2)
                asking.sendto(b"\0\1file\0octet\0", (host, 69))
                server.settimeout(1)
                _data, peer = server.recvfrom(99)
                answer.bind((host, 0))
                try:
                    answer.sendto(b"\0\3\0\1data", peer)
                    got = asking.recv(99) == b"\0\3\0\1data"
                except (PermissionError, TimeoutError):
                    got = False
                asking.close()
                assert got == passes, (family, service)
            net.reset()


def test_standard_input(net):
    assert net.fwctl("apply", "-", text="allow 80/tcp\n").code == 0
    assert net.send([tcp(80), tcp(81)]) == ["allow", "drop"]
    assert net.status().data["rules"][0]["packets"] == 1


def test_json_apply(net):
    path = net.write("policy.conf", "allow 80/tcp\n")
    result = net.fwctl("--json", "apply", path)
    assert result.code == 0 and isinstance(json.loads(result.out), dict), result


def test_policy_files_may_go(net):
    """What runs is told without the files that it came from."""
    net.apply("allow 80/tcp label \"web\"\n")
    net.send([tcp(80)] * 3)
    os.unlink(f"{net.folder}/policy.conf")
    entry = net.status().line(1)
    assert (entry.packets, entry["label"]) == (3, "web")


@limit(90)
def test_catalogue_names(net):
    """Services by their names, the table of ports page by page: each opens its port and nothing beside it."""
    names = {"ssh": ("tcp", 22), "smtp": ("tcp", 25), "smtp-alt": ("tcp", 26), "time": ("tcp", 37), "http": ("tcp", 80), "www": ("tcp", 80), "pop3": ("tcp", 110),
             "imap": ("tcp", 143), "smtps": ("tcp", 465), "imaps": ("tcp", 993), "pop3s": ("tcp", 995), "guardian": ("tcp", 1167),
             "mssql": ("tcp", 1433), "cpanel-webdav": ("tcp", 2077), "cpanel-webdavs": ("tcp", 2078), "cpanel": ("tcp", 2082),
             "cpanels": ("tcp", 2083), "whm": ("tcp", 2086), "whms": ("tcp", 2087), "cpanel-license": ("tcp", 2089), "webmail": ("tcp", 2095),
             "webmail-ssl": ("tcp", 2096), "nodeworx": ("tcp", 2443), "mysql": ("tcp", 3306), "virtuozzo": ("tcp", 4643), "irc": ("tcp", 6665),
             "shoutcast": ("tcp", 8000), "tomcat": ("tcp", 8080), "plesk-mysql": ("tcp", 8306), "plesk": ("tcp", 8443), "ftp-data": ("tcp", 20),
             "telnet": ("tcp", 23), "ntp": ("udp", 123), "dns": ("udp", 53), "http3": ("udp", 443), "ftp-passive": ("tcp", 50000)}
    order = list(names)
    text = "".join(f"reject {name} from 10.5.{n}.0/24\n" for n, name in enumerate(order))
    net.apply(text)
    packets, expected = [], []
    for n, name in enumerate(order):
        proto, port = names[name]
        for other in (n, (n + 1) % len(order)):
            target_proto, target = names[order[other]]
            packets.append(Packet(proto=target_proto, dport=target, src=f"10.5.{n}.9"))
            same = (target_proto, target) == (proto, port)
            expected.append(("reset" if target_proto == "tcp" else "port-unreachable") if other == n or same else "drop")
    got = net.send(packets)
    assert got == expected, [(str(p), g, e) for p, g, e in zip(packets, got, expected) if g != e]


def test_bundle_of_catalogue(net):
    mail = [25, 587, 465, 143, 993, 110, 995]
    check(net, "allow mail #@m\nallow web #@w", allowed("m", both(*[tcp(n) for n in mail])), allowed("w", both(tcp(80), tcp(443), udp(443))),
          dropped("=in", both(tcp(24), tcp(144), udp(25), udp(80))))


def test_many_protocols_in_one_line(net):
    check(net, "reject 53/tcp+udp, gre, sctp, 123/udp, echo-request/icmp #@r",
          rejected("r", both(tcp(53), udp(53), gre(), Packet(proto="sctp", dport=1), udp(123)), echo(4)), allowed("+ping/in", echo(6)))


def test_huge_lists_of_ports(net):
    """Every second port of a range, as one line."""
    text = "allow " + ", ".join(f"{n}/tcp" for n in range(1000, 1400, 2)) + " #@even"
    check(net, text, allowed("even", [tcp(n, family=4 + n // 2 % 2 * 2) for n in range(1000, 1400, 2)]), dropped("=in", [tcp(n) for n in range(999, 1402, 2)]))
