# SPDX-License-Identifier: GPL-2.0-or-later
"""Says in a line or two what a policy must do to packets: verdict and, to the packet, which line counts it.

    check(net, '''
        allow 22/tcp      #@ssh
        reject 23/tcp     #@telnet
    ''', allowed("ssh", tcp(22)), rejected("telnet", tcp(23)), dropped("=in", tcp(24)))

`#@name` marks a line. "name" is a packet that the line's counter counts, "name:over" one over its limit, "+NAME/DIRECTION" a built-in,
"=DIRECTION" a default, None nobody of these. All counters of rules, blocks, defaults (of the directions that were sent in) and named
built-ins are compared with what the packets say; a line that no packet names must count nothing.
"""
import os
import re
import textwrap

from harness import wanted

MARK = re.compile(r"#@([\w-]+)\s*$")


def limit(seconds):
    """Gives a test more time than usual."""
    def mark(function):
        function.limit = seconds
        return function
    return mark


def fresh(function):
    """The test gets namespaces in which nothing ever ran."""
    function.fresh = True
    return function


def flat(packets):
    for p in packets:
        if isinstance(p, (list, tuple)):
            yield from flat(p)
        else:
            yield p


def allowed(by, *packets):
    return [(p, "allow", by) for p in flat(packets)]


def dropped(by, *packets):
    return [(p, "drop", by) for p in flat(packets)]


def rejected(by, *packets):
    return [(p, "reject", by) for p in flat(packets)]


def marks(text, file="policy.conf"):
    """Where the marked lines of a policy text are: name -> (file, line)."""
    found = {}
    for number, line in enumerate(text.split("\n"), 1):
        match = MARK.search(line)
        if match:
            found[match[1]] = (file, number)
    return found


def tidy(text):
    return textwrap.dedent(text).strip("\n") + "\n"


class Counts:
    """All counters of a status, by (kind, key)."""

    def __init__(self, status):
        self.values = {}
        for entry in status.lines:
            place = (os.path.basename(entry["file"]), entry["line"])
            self._add(("line", place), entry.packets)
            self._add(("over", place), entry.over_limit_packets)
        for entry in status.data["builtin"]:
            self._add(("builtin", f"{entry['name']}/{entry['direction']}"), entry["packets"])
        for entry in status.data["defaults"]:
            self._add(("default", entry["direction"]), entry["packets"])

    def _add(self, key, packets):
        self.values[key] = self.values.get(key, 0) + packets

    def since(self, before):
        return {key: value - before.values.get(key, 0) for key, value in self.values.items()}


def counter_key(by, places):
    if by.startswith("+"):
        return ("builtin", by[1:])
    if by.startswith("="):
        return ("default", by[1:])
    name, _, over = by.partition(":")
    return ("over" if over else "line", places[name])


def expected_counts(cases, places):
    counts = {}
    for _packet, _expected, by in cases:
        if by is not None:
            key = counter_key(by, places)
            counts[key] = counts.get(key, 0) + 1
    return counts


def check(net, text, *groups, files=None, apply=True, options=()):
    """Applies the policy, sends all packets in their order, compares verdicts and counters. Returns the status after it."""
    text = tidy(text)
    cases = [case for group in groups for case in group]
    places = marks(text)
    for name, body in (files or {}).items():
        files[name] = tidy(body)
        places.update(marks(files[name], os.path.basename(name)))
        net.write(name, files[name])
    if apply:
        net.apply(text, *options)
    before = Counts(net.status())
    got = net.send([case[0] for case in cases])
    status = net.status()
    wrong = [f"{p}: {verdict}, expected {wanted(p, expected)} by {by}" for (p, expected, by), verdict in zip(cases, got)
             if verdict != wanted(p, expected)]
    wrong += compare(Counts(status).since(before), expected_counts(cases, places), {case[0].direction for case in cases})
    assert not wrong, "\n".join(wrong[:20]) + f"\nof the policy\n{text[:2000]}"
    return status


def compare(got, expected, directions):
    wrong = [f"{' '.join(map(str, key))} is not in the status" for key in expected if key not in got]
    for key, count in got.items():
        watched = key in expected or key[0] in ("line", "over") or (key[0] == "default" and key[1] in directions)
        if watched and count != expected.get(key, 0):
            wrong.append(f"{' '.join(map(str, key))} counted {count}, expected {expected.get(key, 0)}")
    return wrong
