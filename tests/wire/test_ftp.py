# SPDX-License-Identifier: GPL-2.0-or-later
"""FTP for real: a server of a few lines in the host, ftplib in the client, a policy of one line."""
import contextlib
import ftplib
import io
import socket
import struct
import threading

from packets import Packet, checksum, tcp
from test_builtins import Talk, inner

FILE = bytes(range(256)) * 400


class Server(threading.Thread):
    """Serves one control connection at a time; RETR and STOR, active (PORT, EPRT) and passive (PASV, EPSV)."""

    def __init__(self, address, port=21):
        super().__init__(daemon=True)
        self.family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.listening = socket.socket(self.family, socket.SOCK_STREAM)
        self.listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listening.bind((address, port))
        self.listening.listen(5)
        self.stored = None

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                control, _peer = self.listening.accept()
                with control, contextlib.suppress(OSError, ValueError):
                    self.serve(control)

    def serve(self, control):
        control.settimeout(10)
        data = None
        lines = control.makefile("r", encoding="ascii", newline="\r\n")
        control.sendall(b"220 ready\r\n")
        for line in lines:
            word, _, rest = line.strip().partition(" ")
            if word in ("RETR", "STOR"):
                self.transfer(control, data(), word)
            elif word in ("PASV", "EPSV"):
                data = self.passive(control, word)
            elif word in ("PORT", "EPRT"):
                data = self.active(control, word, rest)
            else:
                control.sendall({"USER": b"331 password\r\n", "PASS": b"230 in\r\n", "QUIT": b"221 bye\r\n"}.get(word, b"200 ok\r\n"))
            if word == "QUIT":
                return

    def passive(self, control, word):
        listening = socket.socket(self.family, socket.SOCK_STREAM)
        listening.settimeout(3)
        listening.bind((control.getsockname()[0], 0))
        listening.listen(1)
        port = listening.getsockname()[1]
        numbers = control.getsockname()[0].split(".") + [str(port >> 8), str(port & 255)]
        control.sendall(f"227 at ({','.join(numbers)})\r\n".encode() if word == "PASV" else f"229 at (|||{port}|)\r\n".encode())

        def accept():
            with listening:
                return listening.accept()[0]
        return accept

    @staticmethod
    def active(control, word, rest):
        if word == "PORT":
            numbers = rest.split(",")
            where = ".".join(numbers[:4]), int(numbers[4]) << 8 | int(numbers[5])
        else:
            _, _family, address, port, _ = rest.split(rest[0])
            where = address, int(port)
        control.sendall(b"200 ok\r\n")
        return lambda: socket.create_connection(where, timeout=3)

    def transfer(self, control, data, word):
        control.sendall(b"150 now\r\n")
        with data:
            if word == "RETR":
                data.sendall(FILE)
            else:
                self.stored = b"".join(iter(lambda: data.recv(65536), b""))
        control.sendall(b"226 done\r\n")


@contextlib.contextmanager
def serving(net, place, address):
    with net.inside(place):  # the thread and its sockets stay in the namespace in which it starts
        server = Server(address)
        server.start()
    try:
        yield server
    finally:
        server.listening.shutdown(socket.SHUT_RDWR)
        server.listening.close()


def transfers(net, client, address, passive):
    """One file each way; raises what ftplib raises."""
    with net.inside(client), ftplib.FTP() as ftp:
        ftp.connect(address, 21, timeout=3)
        ftp.login("someone", "secret")
        ftp.set_pasv(passive)
        got = io.BytesIO()
        ftp.retrbinary("RETR file", got.write)
        assert got.getvalue() == FILE
        ftp.storbinary("STOR file", io.BytesIO(FILE[::-1]))


def _server(net, policy, direction_address):
    for address in direction_address:
        with serving(net, "host", address) as server:
            net.apply(policy)
            for passive in (True, False):
                transfers(net, "client", address, passive)
                assert server.stored == FILE[::-1]
                server.stored = None
        net.reset()


def test_one_line(net):
    """`allow ftp`: active and passive, IPv4 and IPv6."""
    _server(net, "allow ftp\n", ("192.0.2.1", "2001:db8:1::1"))


def test_server_with_default_out_deny(net):
    _server(net, "default out deny\nallow ftp\n", ("192.0.2.1", "2001:db8:1::1"))


def test_related_is_counted(net):
    with serving(net, "host", "192.0.2.1"):
        net.apply("allow ftp\ndefault out deny\n")
        transfers(net, "client", "192.0.2.1", True)
        status = net.status()
        assert status.line(1).packets == 1, "the control connection"
        assert status.builtin("related", "in").packets == 2, "two passive data connections"
        transfers(net, "client", "192.0.2.1", False)
        assert net.status().builtin("related", "out").packets == 2, "two active data connections"


def _fails(net, client, address, passive):
    try:
        transfers(net, client, address, passive)
    except (OSError, EOFError, ftplib.Error):
        return True
    return False


def test_without_helper(net):
    """`21/tcp` names no service, so no helper, so no data connection; nor with the built-in off."""
    with serving(net, "host", "192.0.2.1"):
        net.apply("allow 21/tcp\n")
        assert _fails(net, "client", "192.0.2.1", True)
        net.apply("allow ftp\noption builtin related off\n")
        assert _fails(net, "client", "192.0.2.1", True)


def test_client(net):
    """The host as the client, everything else shut going out."""
    for address in ("192.0.2.2", "2001:db8:1::2"):
        with serving(net, "client", address):
            net.apply("default out deny\nallow out ftp\n")
            for passive in (True, False):
                transfers(net, "host", address, passive)
        net.reset()


def test_forwarded(net):
    for address in ("198.51.100.2", "2001:db8:2::2"):
        with serving(net, "server", address):
            net.apply("default forward deny\nallow forward ftp\n")
            for passive in (True, False):
                transfers(net, "client", address, passive)
            net.apply("default forward deny\nallow forward 21/tcp\n")
            assert _fails(net, "client", address, True)
        net.reset()


def test_helper_only_where_the_rule_allowed(net):
    """A helper is attached by the rule that names the service, for the sources that it allows."""
    with serving(net, "host", "192.0.2.1"):
        net.apply("allow ftp from 203.0.113.0/24\nallow 21/tcp\n")
        assert _fails(net, "client", "192.0.2.1", True)
        net.apply("allow 21/tcp from 203.0.113.0/24\nallow ftp\n")
        transfers(net, "client", "192.0.2.1", True)


def test_redirect_of_a_live_connection(net):
    """An ICMP redirect about a live connection is called related by conntrack; it is no data connection."""
    net.apply("allow 7000/udp\nallow ftp\n")
    talk = Talk(net)
    assert talk.there() and talk.back()
    sport = talk.near.getsockname()[1]
    quoted = inner(4)[:12] + socket.inet_aton("192.0.2.1") + socket.inet_aton("192.0.2.2") + struct.pack("!HHHH", 7000, sport, 12, 0)
    quoted = quoted[:10] + b"\0\0" + quoted[12:]
    quoted = quoted[:10] + struct.pack("!H", checksum(quoted[:20])) + quoted[12:]
    redirect = Packet(proto="icmp", type=5, code=1, payload=b"\xc0\0\2\x07" + quoted)
    unreachable = Packet(proto="icmp", type=3, code=1, payload=b"\0\0\0\0" + quoted)
    assert net.send([redirect, unreachable]) == ["drop", "allow"]
    talk.close()


def test_tcp_ports_below_1024(net):
    """Data connections go to ports from 1024 up only: an expectation for port 22 opens nothing."""
    with net.inside("host"):
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("192.0.2.1", 21))
        listening.listen(1)
    net.apply("allow ftp\n")
    with net.inside("client"):
        control = socket.create_connection(("192.0.2.1", 21), timeout=2)
    server, _peer = listening.accept()
    for port, verdict in ((22, "drop"), (1023, "drop"), (1024, "allow")):
        server.sendall(f"227 at (192,0,2,1,{port >> 8},{port & 255})\r\n".encode())
        control.recv(99)
        assert net.send([tcp(port, src="192.0.2.2", sport=41000 + port)]) == [verdict], port
    for sock in (server, control, listening):
        sock.close()
