# SPDX-License-Identifier: GPL-2.0-or-later
"""The test's own network: namespaces, links, addresses, and entering them.

    client                     host                      server
      c0 192.0.2.2      eth0 192.0.2.1    eth1 198.51.100.1    s0 198.51.100.2
         2001:db8:1::2       2001:db8:1::1     2001:db8:2::1      2001:db8:2::2
      c1 10.8.0.2        wg0 10.8.0.1      wg1 10.9.0.1        s1 10.9.0.2
         fd00:8::2           fd00:8::1         fd00:9::1          fd00:9::2

The host forwards, and sends everything else by eth0; neighbours are fixed, nothing needs waiting for. Nothing is ever done in the
namespace in which the process started: `inside` refuses it.
"""
import atexit
import contextlib
import ctypes
import itertools
import os
import signal
import subprocess
import sys
import tempfile

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
LINKS = [  # host's interface, peer's place and interface, IPv4 /24 and IPv6 /64 of the link
    ("eth0", "client", "c0", "192.0.2", "2001:db8:1:"),
    ("eth1", "server", "s0", "198.51.100", "2001:db8:2:"),
    ("wg0", "client", "c1", "10.8.0", "fd00:8:"),
    ("wg1", "server", "s1", "10.9.0", "fd00:9:"),
]
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # every apply syncs its files: a busy disk is not what is tried here
PLACES = ("client", "host", "server")
HOST_MAC = {link[0]: bytes([2, 0, 0, 0, 1, n]) for n, link in enumerate(LINKS)}
PEER_MAC = {link[0]: bytes([2, 0, 0, 0, 2, n]) for n, link in enumerate(LINKS)}
ROOT = os.stat("/proc/self/ns/net").st_ino  # the namespace that the process started in
_numbers = itertools.count()
_open = []


class HarnessError(Exception):
    """The harness itself does not work; no finding about what is tested."""


def run(*argv, text=None, timeout=60):
    done = subprocess.run(argv, input=text, capture_output=True, text=True, timeout=timeout, check=False)
    if done.returncode:
        raise HarnessError(f"{' '.join(argv)}: {done.stderr.strip()}")
    return done.stdout


def mac(raw):
    return ":".join(f"{b:02x}" for b in raw)


def here():
    return os.stat("/proc/thread-self/ns/net").st_ino


def enter(name):
    """Moves the calling thread into the namespace for good."""
    fd = os.open(f"/run/netns/{name}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if os.fstat(fd).st_ino == ROOT:
            raise HarnessError("refusing to act in the namespace that the tests were started in")
        if LIBC.setns(fd, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns {name}")
    finally:
        os.close(fd)


SYSCTLS = {
    "net/ipv4/icmp_ratelimit": 0, "net/ipv4/icmp_msgs_per_sec": 10000000, "net/ipv4/icmp_msgs_burst": 10000000,
    "net/ipv6/icmp/ratelimit": 0, "net/ipv4/conf/all/rp_filter": 0, "net/ipv4/conf/default/rp_filter": 0,
    "net/ipv6/conf/all/accept_dad": 0, "net/ipv6/conf/default/accept_dad": 0, "net/ipv6/conf/default/dad_transmits": 0,
    "net/ipv6/conf/all/accept_ra": 0, "net/ipv6/conf/default/accept_ra": 0, "net/ipv6/conf/default/addr_gen_mode": 1,
    "net/ipv4/conf/all/accept_local": 0,
}


class Space:
    """Three namespaces and their links. Closed by close(), at exit, and by the signals that end a process."""

    def __init__(self):
        self.prefix = f"fwt-{os.getpid()}-{next(_numbers)}"
        self.names = {place: f"{self.prefix}-{place}" for place in PLACES}
        self.folder = tempfile.mkdtemp(prefix="fwt-", dir=MEMORY)
        self.owner = os.getpid()
        _open.append(self)
        try:
            for place in PLACES:
                run("ip", "netns", "add", self.names[place])
            enter(self.names["host"])
            self._build()
        except BaseException:
            self.close()
            raise

    def _build(self):
        for place in PLACES:
            with self.inside(place):
                for name, value in SYSCTLS.items():
                    self.sysctl(name, value)
                if place == "host":
                    for name in ("net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"):
                        self.sysctl(name, 1)
        for n, (dev, place, peer, _v4, _v6) in enumerate(LINKS):
            run("ip", "-n", self.names["host"], "link", "add", dev, "address", mac(HOST_MAC[dev]), "index", str(10 + n), "type", "veth",
                "peer", "name", peer, "address", mac(PEER_MAC[dev]), "netns", self.names[place])
        for place in PLACES:
            run("ip", "-n", self.names[place], "-batch", "-", text=self._script(place))

    @staticmethod
    def _script(place):
        lines = ["link set lo up"]
        for dev, where, peer, v4, v6 in LINKS:
            if place not in ("host", where):
                continue
            mine, own, other, their = (dev, 1, 2, PEER_MAC[dev]) if place == "host" else (peer, 2, 1, HOST_MAC[dev])
            lines += [f"addr add {v4}.{own}/24 dev {mine}", f"addr add {v6}:{own}/64 dev {mine} nodad",
                      f"addr add fe80::{own}/64 dev {mine} nodad", f"link set {mine} up"]
            for address in (f"{v4}.{other}", f"{v6}:{other}", f"fe80::{other}"):
                lines.append(f"neigh replace {address} lladdr {mac(their)} dev {mine} nud permanent")
        if place == "host":
            lines += ["route add default via 192.0.2.2 dev eth0 onlink", "route add ::/0 via 2001:db8:1::2 dev eth0",
                      "route add 10.99.0.0/16 via 198.51.100.2 dev eth1", "route add 2001:db8:99::/48 via 2001:db8:2::2 dev eth1"]
            for dev, _place, _peer, v4, v6 in LINKS:  # answers to made-up neighbours of a link
                lines += [f"neigh replace {v4}.{n} lladdr {mac(PEER_MAC[dev])} dev {dev} nud permanent" for n in range(3, 100)]
                lines += [f"neigh replace {v6}:{n:x} lladdr {mac(PEER_MAC[dev])} dev {dev} nud permanent" for n in range(3, 100)]
        else:
            v4, v6, dev = ("192.0.2.1", "2001:db8:1::1", "c0") if place == "client" else ("198.51.100.1", "2001:db8:2::1", "s0")
            lines += [f"route add default via {v4} dev {dev}", f"route add ::/0 via {v6} dev {dev}"]
        return "\n".join(lines) + "\n"

    @staticmethod
    def sysctl(name, value):
        """Of the namespace that the calling thread is in; names that this kernel lacks are passed over."""
        if here() == ROOT:
            raise HarnessError("no sysctl outside of the tests' namespaces")
        with contextlib.suppress(FileNotFoundError), open(f"/proc/sys/{name}", "w", encoding="ascii") as f:
            f.write(str(value))

    @contextlib.contextmanager
    def inside(self, place):
        """The calling thread is in that namespace within the block, in the one before it afterwards."""
        back = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            enter(self.names[place])
            yield
        finally:
            if os.fstat(back).st_ino != ROOT and LIBC.setns(back, CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns back")
            os.close(back)

    def close(self):
        if self not in _open or os.getpid() != self.owner:
            return
        _open.remove(self)
        for name in self.names.values():
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
        subprocess.run(["rm", "-rf", self.folder], check=False)


def remove_left(pid):
    """Removes the namespaces of a process of ours that died without doing so."""
    for name in os.listdir("/run/netns") if os.path.isdir("/run/netns") else []:
        if name.startswith(f"fwt-{pid}-"):
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


@atexit.register
def _close_all():
    for space in list(_open):
        space.close()


def install_signals():
    """SIGTERM, SIGINT and SIGHUP end the process by way of atexit."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
