# SPDX-License-Identifier: GPL-2.0-or-later
"""`rate` and `connections`: exact under and over, for each source, and when the table of sources is full."""
import contextlib
import ipaddress
import re
import select
import socket
import time

from cases import allowed, check, dropped, limit
from nflog import flush_conntrack
from packets import both, echo, gre, tcp, udp
from space import run


def sources(count, family=4, first=0):
    base = ipaddress.ip_address("10.20.0.0" if family == 4 else "2001:db8:20::")
    step = 1 if family == 4 else 1 << 64
    return [str(base + (first + n) * step) for n in range(count)]


def test_rate_exact(net):
    """`burst` is N where left out; what is over the rate is dropped and counted apart."""
    for direction in ("in", "out", "forward"):
        check(net, f"""
            default {direction} deny
            allow {direction} 80/tcp rate 7/minute            #@tcp
            allow {direction} 80/udp rate 2/hour burst 11     #@udp
            allow {direction} gre rate 3/day                  #@gre
            allow {direction} 80/tcp, 80/udp, gre             #@later
            """,
              allowed("tcp", [tcp(80, direction=direction, sport=n, family=4 + n % 2 * 2) for n in range(1, 8)]),
              dropped("tcp:over", [tcp(80, direction=direction, sport=n, family=4 + n % 2 * 2) for n in range(8, 21)]),
              allowed("udp", [udp(80, direction=direction, sport=n) for n in range(1, 12)]),
              dropped("udp:over", [udp(80, direction=direction, sport=n) for n in range(12, 30)]),
              allowed("gre", [gre(direction=direction)] * 3), dropped("gre:over", [gre(direction=direction, family=6)] * 5))
        net.reset()


def test_rate_ping(net):
    check(net, "allow ping rate 4/minute #@ping", allowed("ping", [echo(4), echo(6)] * 2), dropped("ping:over", [echo(4), echo(6)] * 3))


def test_rate_under(net):
    """No packet below the rate is lost: 40 packets in 2 seconds at 20 a second, whatever the burst."""
    net.apply("allow 80/tcp rate 25/second burst 2\n")
    for n in range(40):
        started = time.monotonic()
        assert net.send([tcp(80, sport=1000 + n)]) == ["allow"], n
        time.sleep(max(0, 0.05 - (time.monotonic() - started)))
    assert net.status().line(1).packets == 40 and net.status().line(1).over_limit_packets == 0


def test_rate_refills(net):
    """Two new ones after 0.6 s at four a second: what may pass is reckoned from when the packets were really sent."""
    net.apply("allow 80/tcp rate 4/second burst 3\nallow 81/udp rate 4/second burst 3 per source\n")
    for make in (lambda n: tcp(80, sport=n), lambda n: udp(81, sport=n)):
        started = time.monotonic()
        first = net.send([make(n) for n in range(1, 7)]).count("allow")
        between = time.monotonic()
        assert 3 <= first <= 3 + (between - started) * 4, first
        time.sleep(0.6)
        again = time.monotonic()
        second = net.send([make(n) for n in range(11, 15)]).count("allow")
        most = 3 + (time.monotonic() - started) * 4 - first
        assert min(3, int((again - between) * 4)) <= second <= most, (second, most)


def test_rate_per_source(net):
    for direction in ("in", "forward"):
        a, b = sources(40), sources(40, 6)
        each = [p for s in a for p in [tcp(80, src=s, direction=direction)] * 3] + [p for s in b for p in [tcp(80, src=s, family=6, direction=direction)] * 3]
        over = [tcp(80, src=s, direction=direction) for s in a for _ in range(2)] + [tcp(80, src=s, family=6, direction=direction) for s in b]
        check(net, f"allow {direction} 80/tcp rate 3/minute per source #@r", allowed("r", each), dropped("r:over", over))
        net.reset()


def test_rate_per_source_ipv6_by_64(net):
    inside = ["2001:db8:7:7::1", "2001:db8:7:7::2", "2001:db8:7:7:ffff:ffff:ffff:ffff", "2001:db8:7:7:8000::"]
    check(net, "allow 80/tcp rate 3/minute per source #@r",
          allowed("r", [tcp(80, family=6, src=s) for s in inside[:3]]), dropped("r:over", [tcp(80, family=6, src=s) for s in inside]),
          allowed("r", tcp(80, family=6, src="2001:db8:7:8::1"), tcp(80, family=6, src="2001:db8:7:6:ffff:ffff:ffff:ffff")))


def test_rate_source_out(net):
    """`per source` counts by source address going out as well."""
    check(net, "default out deny\nallow out 80/tcp rate 2/minute per source #@r",
          allowed("r", [tcp(80, direction="out", src="198.51.100.1")] * 2), dropped("r:over", [tcp(80, direction="out", src="198.51.100.1")] * 2),
          allowed("r", [tcp(80, direction="out", src="192.0.2.1")] * 2), dropped("r:over", tcp(80, direction="out", src="192.0.2.1")))


def test_rate_decided_by_this_rule(net):
    """What is over the rate is dropped by the rule: no later rule and no default sees it."""
    check(net, "default in reject\nallow 80/tcp rate 1/hour #@r\nreject 80/tcp #@later", allowed("r", tcp(80)), dropped("r:over", both(tcp(80))))


@limit(120)
def test_busy_source_gets_no_fresh_burst(net):
    """While a source stays busy it gets what the rate allows and not a new burst, also after a time-out of the table would have come."""
    net.apply("allow 80/tcp rate 5/second burst 10 per source\n")
    started, passed = time.monotonic(), 0
    while time.monotonic() - started < 9:  # its time-out is two seconds
        passed += net.send([tcp(80)] * 8).count("allow")
        time.sleep(0.05)
    took = time.monotonic() - started
    assert 10 + 5 * took - 3 <= passed <= 10 + 5 * took + 1, f"{passed} passed in {took:.1f} s"


def table_size(net):
    """How many sources the program's own table takes, as the kernel has it."""
    sizes = [int(n) for n in re.findall(r"size (\d+)", net.listing())]
    assert sizes, "no table of sources with a size"
    return max(sizes)


def shared(entry):
    """How many packets of a line's status shared the limit of a full table."""
    found = [value for key, value in entry.items() if "shared" in key]
    return found[0] if found else None


@limit(300)
def test_full_table_rate(net):
    """Full of forged sources, the table still holds those that are in it; new ones share one limit of the same size, told by `status`:
    never open, never shut."""
    net.apply("allow 80/tcp rate 60/minute burst 200 per source\n")
    size = table_size(net)
    assert size >= 1000
    filled = net.send([tcp(80, src=str(ipaddress.ip_address("10.32.0.0") + n)) for n in range(size)])
    assert filled.count("allow") == size, f"{filled.count('drop')} of {size} sources that the table holds were dropped"
    assert not shared(net.status().line(1))
    started = time.monotonic()
    strangers = net.send([tcp(80, src=f"172.16.{n >> 8}.{n & 255}") for n in range(300)]).count("allow")
    took = time.monotonic() - started
    assert 200 <= strangers <= 201 + took, f"{strangers} of 300 new sources passed through a full table"
    entry = net.status().line(1)
    assert entry.packets == size + strangers and entry.over_limit_packets == 300 - strangers
    assert shared(entry) == 300, f"status says nothing of the 300 that shared a limit: {dict(entry)}"
    net.wait(lambda: net.send([tcp(80, src="172.17.0.1")]) == ["allow"], "one more of the shared limit")
    text = net.fwctl("status")
    assert text.code == 0 and "shared" in text.out, text


@limit(300)
def test_full_table_rate_ipv6(net):
    """What a source that is in the table had used stays used; the other family's table is its own."""
    net.apply("allow 80/udp rate 3/hour per source\n")
    size, known = table_size(net), "2001:db8:1::2"
    assert net.send([udp(80, family=6, src=known)] * 2) == ["allow"] * 2
    filled = net.send([udp(80, family=6, src=s) for s in sources(size - 1, 6)])
    assert filled.count("allow") == size - 1
    strangers = net.send([udp(80, family=6, src=s) for s in sources(100, 6, first=size + 10)])
    assert strangers.count("allow") == 3
    assert net.send([udp(80, family=6, src=known)] * 4) == ["allow"] + ["drop"] * 3
    assert net.send([udp(80, src="10.1.1.1")] * 4) == ["allow"] * 3 + ["drop"], "the IPv4 table was not full"
    assert shared(net.status().line(1)) == 100


# Open connections

def flows(ports, **kw):
    return [udp(80, sport=n, keep=True, **kw) for n in ports]


def test_connections_udp(net):
    """Flows that the host took: so many at once; their own further packets go on; ended ones make room."""
    with net.inside("host"), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sink:
        sink.bind(("::", 80))
        policy = "allow 80/udp connections 4 #@c"
        check(net, policy, allowed("c", flows(range(1, 5))), dropped("c:over", flows(range(5, 8)), flows([9], family=6)))
        check(net, policy, allowed("c", flows(range(1, 5))), dropped("c:over", flows([8])))  # later: the kernel looks once a tick which are open
        flush_conntrack()
        assert net.send(flows(range(10, 17))) == ["allow"] * 4 + ["drop"] * 3


def test_connections_per_source(net):
    with net.inside("host"), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sink:
        sink.bind(("::", 80))
        some = sources(20)
        check(net, "allow 80/udp connections 2 per source #@c",
              *[case for s in some for case in (allowed("c", flows([1, 2], src=s)), dropped("c:over", flows([3, 4], src=s)))],
              allowed("c", flows([1], src="2001:db8:7:7::1", family=6), flows([2], src="2001:db8:7:7::2", family=6)),
              dropped("c:over", flows([3], src="2001:db8:7:7:8000::3", family=6)), allowed("c", flows([4], src="2001:db8:7:8::1", family=6)))


def test_connections_over_loopback(net):
    """With the built-in of lo off its packets are decided by rules, and counted as well: they come in confirmed already."""
    with net.inside("host"), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sink:
        sink.bind(("::", 80))
        for clause in ("connections 2", "connections 2 per source"):
            net.apply(f"option builtin loopback off\nallow 80/udp {clause}\n")
            got = []
            for _n in range(5):
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                    sender.sendto(b"x", ("127.0.0.1", 80))
            sink.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    got.append(sink.recv(9))
            entry = net.status().line(2)
            assert (len(got), entry.packets, entry.over_limit_packets) == (2, 2, 3), (clause, got, dict(entry))
            net.reset()


def test_connections_forward(net):
    """In forward the connection is counted when the packet has passed."""
    check(net, "allow forward 80/udp connections 3 #@c", allowed("c", [udp(80, direction="forward", sport=n) for n in (1, 2, 3)]),
          dropped("c:over", [udp(80, direction="forward", sport=n) for n in (4, 5)]))


def test_connections_out(net):
    check(net, "default out deny\nallow out 80/udp connections 3 #@c", allowed("c", [udp(80, direction="out", sport=n) for n in (1, 2, 3)]),
          dropped("c:over", [udp(80, direction="out", sport=n) for n in (4, 5)]))


def connect(net, address, port, source=None):
    """A TCP connection attempt from the client: the socket and whether it is open. Everything happens at once here, so no waiting."""
    with net.inside("client"):
        sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        sock.setblocking(False)
        if source:
            sock.bind((source, 0))
        sock.connect_ex((address, port))
    net.sync()
    _r, writable, _x = select.select([], [sock], [], 0.05)
    return sock, bool(writable) and sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0


def listener(port, family=socket.AF_INET6):
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("::" if family == socket.AF_INET6 else "0.0.0.0", port))
    sock.listen(200)
    return sock


def test_connections_tcp(net):
    """Real connections: the one too many is dropped; closing one makes room; an apply of other lines forgets none."""
    net.apply("allow 7000/tcp connections 3\n")
    server = listener(7000)
    opened = [connect(net, "192.0.2.1" if n % 2 else "2001:db8:1::1", 7000) for n in range(5)]
    assert [ok for _s, ok in opened] == [True] * 3 + [False] * 2
    net.apply("deny 1/tcp\nallow 7000/tcp connections 3\nallow 2/udp\n")
    sixth = connect(net, "192.0.2.1", 7000)
    assert not sixth[1], "an apply of other lines forgot the open connections"
    for sock in [opened[3][0], opened[4][0], sixth[0]]:
        sock.close()
    first, _address = server.accept()
    opened[0][0].close()
    first.close()
    net.sync()
    assert connect(net, "192.0.2.1", 7000)[1], "a closed connection made no room"
    assert not connect(net, "192.0.2.1", 7000)[1]
    server.close()


def test_connections_tcp_per_source(net):
    net.apply("allow 7000/tcp connections 2 per source\n")
    server = listener(7000)
    for n in range(3, 9):
        run("ip", "-n", net.names["client"], "addr", "replace", f"192.0.2.{n}/24", "dev", "c0")
    for n in range(3, 9):
        assert [connect(net, "192.0.2.1", 7000, f"192.0.2.{n}")[1] for _ in range(4)] == [True, True, False, False]
    for n in range(3, 9):
        run("ip", "-n", net.names["client"], "addr", "del", f"192.0.2.{n}/24", "dev", "c0")
    server.close()


def test_rate_and_connections(net):
    """Both clauses hold."""
    check(net, "allow forward 80/udp rate 4/minute connections 100 #@r", allowed("r", [udp(80, direction="forward", sport=n) for n in range(1, 5)]),
          dropped("r:over", [udp(80, direction="forward", sport=n) for n in range(5, 9)]))
    net.reset()
    check(net, "allow forward 80/udp rate 100/minute connections 2 #@c", allowed("c", [udp(80, direction="forward", sport=n) for n in (1, 2)]),
          dropped("c:over", [udp(80, direction="forward", sport=n) for n in (3, 4)]))


@limit(300)
def test_full_table_connections(net):
    """A table full of forged sources: new sources share one count, known ones keep theirs."""
    net.apply("allow forward 80/udp connections 2 per source\n")
    size = table_size(net)

    def from_source(address, port):
        return udp(80, src=str(address), sport=port, direction="forward")
    known = "192.0.2.2"
    assert net.send([from_source(known, 1)]) == ["allow"]
    filled = net.send([from_source(ipaddress.ip_address("10.32.0.0") + n, 1) for n in range(size - 1)])
    assert filled.count("allow") == size - 1, filled.count("allow")
    strangers = net.send([from_source(f"172.16.{n}.1", 1) for n in range(100)])
    assert 1 <= strangers.count("allow") <= 2, f"{strangers.count('allow')} of 100 passed"
    assert net.send([from_source(known, n) for n in (2, 3)]) == ["allow", "drop"]
    assert shared(net.status().line(1)) == 100
