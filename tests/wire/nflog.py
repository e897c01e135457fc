# SPDX-License-Identifier: GPL-2.0-or-later
"""Netlink, as little as the tests need: a reader of one NFLOG group, emptying the connection table, deleting and owning a table. Sockets
belong to the network namespace in which they were made, whoever uses them later."""
import contextlib
import os
import select
import socket
import struct

NETLINK_NETFILTER = 12
NFULNL_PACKET, NFULNL_CONFIG = 4 << 8, 4 << 8 | 1
CT_DELETE = 1 << 8 | 2
SO_RCVBUFFORCE = 33
NLMSG_ERROR = 2


def attribute(kind, data):
    return struct.pack("HH", 4 + len(data), kind) + data + b"\0" * (-len(data) % 4)


def attributes(data):
    at = 0
    while at + 4 <= len(data):
        length, kind = struct.unpack_from("HH", data, at)
        if length < 4:
            return
        yield kind & 0x3FFF, data[at + 4:at + length]
        at += (length + 3) & ~3


def messages(data):
    at = 0
    while at + 16 <= len(data):
        length, kind, _flags, _seq, _pid = struct.unpack_from("IHHII", data, at)
        yield kind, data[at + 16:at + length]
        at += (length + 3) & ~3


def request(sock, kind, family, res_id, payload, flags=0):
    """Sends one request and waits for its acknowledgement; raises OSError."""
    body = struct.pack("!BBH", family, 0, res_id) + payload
    sock.send(struct.pack("IHHII", 16 + len(body), kind, 1 | 4 | flags, 1, 0) + body)
    while True:
        for answer, data in messages(sock.recv(1 << 16)):
            if answer == NLMSG_ERROR:
                error = -struct.unpack_from("i", data)[0]
                if error:
                    raise OSError(error, os.strerror(error))
                return


def flush_conntrack():
    """Empties the connection table of the namespace that the calling thread is in."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER) as sock:
        sock.bind((0, 0))
        request(sock, CT_DELETE, 0, 0, b"")


def batch_message(kind, flags, sequence, family, res_id, body):
    return struct.pack("IHHIIBBH", 20 + len(body), kind, flags, sequence, 0, family, 0, socket.htons(res_id)) + body


def change_table(sock, change, flags, attributes_of_it):
    """One change of an inet table as a batch of its own; raises OSError."""
    subsystem = 10
    sock.send(batch_message(16, 1, 0, 0, subsystem, b"") + batch_message(subsystem << 8 | change, 1 | 4 | flags, 1, 1, 0, attributes_of_it)
              + batch_message(17, 1, 2, 0, subsystem, b""))
    _kind, answer = next(messages(sock.recv(1 << 16)))
    error = -struct.unpack_from("i", answer)[0]
    if error:
        raise OSError(error, os.strerror(error))


def delete_table(name):
    """Deletes an inet table of the namespace that the calling thread is in, if it is there."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER) as sock:
        sock.bind((0, 0))
        with contextlib.suppress(FileNotFoundError):
            change_table(sock, 2, 0, attribute(1, name.encode() + b"\0"))


def own_table(name):
    """A socket that owns a new inet table: the kernel refuses everybody else (EPERM), and takes it away when the socket is closed."""
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
    sock.bind((0, 0))
    change_table(sock, 0, 0x400, attribute(1, name.encode() + b"\0") + attribute(2, struct.pack("!I", 2)))
    return sock


class Nflog:
    """Reads one NFLOG group of the namespace in which it is made. Losing a message is an error (OSError ENOBUFS), never silent."""

    def __init__(self, group, copy=256):
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
        self.sock.bind((0, 0))
        self.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
        request(self.sock, NFULNL_CONFIG, 0, group, attribute(1, struct.pack("B", 1)))
        request(self.sock, NFULNL_CONFIG, 0, group, attribute(2, struct.pack("!IBx", copy, 2)))
        request(self.sock, NFULNL_CONFIG, 0, group, attribute(5, struct.pack("!I", 1)))

    def read(self, timeout):
        """The messages that are there, waiting at most so long for a first one: list of dicts with prefix, payload, hook, indev, outdev."""
        if not select.select([self.sock], [], [], timeout)[0]:
            return []
        seen = []
        while True:
            try:
                data = self.sock.recv(1 << 18, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return seen
            seen += [self._event(body) for kind, body in messages(data) if kind == NFULNL_PACKET]

    @staticmethod
    def _event(body):
        event = {"prefix": "", "payload": b"", "hook": None, "indev": 0, "outdev": 0}
        for kind, data in attributes(body[4:]):
            if kind == 1:
                event["hook"] = data[2]
            elif kind == 4:
                event["indev"], = struct.unpack("!I", data)
            elif kind == 5:
                event["outdev"], = struct.unpack("!I", data)
            elif kind == 9:
                event["payload"] = data
            elif kind == 10:
                event["prefix"] = data.rstrip(b"\0").decode()
        return event

    def close(self):
        self.sock.close()
