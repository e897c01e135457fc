#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""fwctld as far as its clients see it (docs/daemon.md, HTTP): scripted answers on a Unix socket, and what was asked.

Run by itself it serves a policy with moving counters, to look at `fwctl top` with: mock.py SOCKET [LINES]
"""
import datetime
import http.server
import json
import os
import socketserver
import sys
import threading
import time
import urllib.parse

START = datetime.datetime(2026, 11, 24, 10, 0, 0, tzinfo=datetime.timezone.utc)


def stamp(seconds_ago=0, since=None):
    """RFC 3339, of now or of another moment less some seconds."""
    moment = (since or datetime.datetime.now(datetime.timezone.utc)) - datetime.timedelta(seconds=seconds_ago)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def line(key, text=None, packets=0, **more):
    """A LINE; key is its `id`."""
    by, rest = key.split("/", 1)
    made = {"id": key, "rule_id": rest if by in ("rule", "block") else None, "by": by, "name": None, "file": "policy.conf" if text else None,
            "line": None, "text": text, "label": None, "direction": "in", "verdict": "allow", "packets": packets, "bytes": packets * 60,
            "over_limit_packets": 0, "rate": 0.0, "last_hit": None, "events": 0, "top_source": None}
    made.update(more)
    return made


def event(**more):
    """An EVENT."""
    made = {"time": "2026-11-24T10:00:00.123456Z", "verdict": "deny", "direction": "in", "interface": "eth0", "protocol": "tcp",
            "source": "192.0.2.7", "source_port": 40000, "destination": "192.0.2.1", "destination_port": 23, "length": 60, "id": "rule/aaaa", "by": "rule",
            "file": "policy.conf", "line": 7, "text": "deny telnet log", "label": None, "log": None}
    made.update(more)
    return made


class Raw(bytes):
    """An answer with its head, sent as it is."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def address_string(self):
        return "unix"

    def log_message(self, *_):
        pass

    def do_GET(self):
        mock = self.server.mock
        asked = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(asked.query, keep_blank_values=True))
        mock.asked.append((self.path, asked.path, query, self.request_version))
        handle = mock.answers.get(asked.path)
        status, body = handle(query) if handle else (404, {"error": {"message": "there is no such path", "hint": None}})
        try:
            self.answer(status, body)
        except OSError:
            pass  # the client has enough

    def answer(self, status, body):
        self.close_connection = True
        if isinstance(body, Raw):
            self.wfile.write(body)
            return
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Connection", "close")
        self.end_headers()
        if isinstance(body, (dict, list)):
            self.wfile.write((json.dumps(body) + "\n").encode())
        elif isinstance(body, bytes):
            self.wfile.write(body)
        else:
            for piece in body:
                self.wfile.write(piece)
                self.wfile.flush()


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 64


class Mock:
    """Serves from `start` to `stop`. `answers`: path -> function of the query that gives status and body (an object, bytes, pieces of bytes, or Raw)."""

    def __init__(self, path):
        self.path, self.asked, self.answers, self.server, self.thread = path, [], {}, None, None

    def start(self):
        self.server = Server(self.path, Handler)
        self.server.mock = self
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()
        return self

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
        os.unlink(self.path)

    def say(self, path, body, status=200):
        """A fixed answer from now on."""
        self.answers[path] = lambda query: (status, body)


def stream(*events):
    """A stream of lines that goes on, silent, behind the last."""
    for item in events:
        yield item if isinstance(item, bytes) else (json.dumps(item) + "\n").encode()
    while True:
        time.sleep(0.2)
        yield b"\n"  # as the daemon does, so that who has gone is noticed


class Moving:
    """Lines whose counters grow with time: line n by `rates[n]` packets a second."""

    def __init__(self, lines, rates):
        self.lines, self.rates, self.began = lines, rates, time.monotonic()

    def __call__(self, _query):
        passed = time.monotonic() - self.began
        lines = []
        for item, rate in zip(self.lines, self.rates):
            more = {"packets": item["packets"] + int(passed * rate), "rate": rate}
            lines.append({**item, **more, "last_hit": stamp() if rate else item["last_hit"]})
        return 200, {"time": stamp(), "lines": lines}


def policy(count):
    """As many lines as wanted, with the rates of the first few not zero."""
    lines = [line("rule/aaaa", "allow ssh from office", 4100, line=3, label="office ssh", last_hit=stamp(7200)),
             line("rule/bbbb", "deny telnet log", 1800, line=7, verdict="deny", events=1800, top_source="192.0.2.7", last_hit=stamp(3)),
             line("rule/cccc", "reject auth label \"b\u00fcro \u2014 \u4e2d\u6587\"", 12, line=9, verdict="reject", top_source="2001:db8:1234:5678:9abc:def0:1234:5678"),
             line("block/dddd", "block banned", 99, line=2, verdict="deny", top_source="198.51.100.66"),
             line("builtin/in/established", None, 5000000, name="established"),
             line("default/in", None, 321, verdict="deny", events=321, top_source="203.0.113.9")]
    lines += [line(f"rule/{n:016x}", f"allow 22/tcp from 10.{n // 62500}.{n // 250 % 250}.{n % 250}", line=n + 20) for n in range(count - len(lines))]
    return lines, [2.0, 120.0, 0.0, 17.5, 900.0, 5.0] + [0.0] * (count - 6)


def main():
    mock = Mock(sys.argv[1])
    lines, rates = policy(int(sys.argv[2]) if len(sys.argv) > 2 else 20)
    mock.answers["/v1/rules"] = Moving(lines, rates)
    past = [event(id="rule/bbbb", source=f"192.0.2.{n % 250}", time=stamp(200 - n)) for n in range(200)]
    mock.say("/v1/events", {"events": past})
    mock.start()
    threading.Event().wait()


if __name__ == "__main__":
    main()
