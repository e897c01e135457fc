# SPDX-License-Identifier: GPL-2.0-or-later
"""`during` and `until`, in the host's local time, ending by themselves."""
import datetime
import time

from packets import both, tcp

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def zone(seconds_east):
    """A value of TZ so many seconds east of Greenwich."""
    sign, rest = ("-", seconds_east) if seconds_east >= 0 else ("", -seconds_east)
    return f"<TST>{sign}{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"


def local(seconds_east):
    return datetime.datetime.fromtimestamp(time.time(), datetime.timezone(datetime.timedelta(seconds=seconds_east)))


def hhmm(moment):
    return moment.strftime("%H:%M")


def place_at(hour, minute):
    """Seconds east of Greenwich of a zone where it is now that time of day."""
    now = time.gmtime()
    offset = (hour - now.tm_hour) * 3600 + (minute - now.tm_min) * 60 - now.tm_sec
    return (offset + 43200) % 86400 - 43200


def verdicts(net, offset, *rules):
    """Applies rules (each for a port of its own, from 1) in a zone; which of them match, IPv4 and IPv6 alike."""
    text = "".join(f"allow {n}/tcp {rule}\n" for n, rule in enumerate(rules, 1))
    net.env["TZ"] = zone(offset)
    try:
        net.apply(text)
    finally:
        net.env.pop("TZ")
    got = net.send(both(*[tcp(n) for n in range(1, len(rules) + 1)]))
    assert got[::2] == got[1::2], got
    return [g == "allow" for g in got[::2]]


def test_during_now(net):
    offset = place_at(12, 30)
    assert verdicts(net, offset, "during 12:00-13:00", "during 12:29-12:32", "during 11:00-12:00", "during 13:00-14:00", "during 13:00-12:00",
                    "during 00:00-12:45", "during 12:20-00:00", "during 12:40-12:20") == [True, True, False, False, False, True, True, False]


def test_during_days(net):
    offset = place_at(12, 30)
    today = local(offset).weekday()
    name, tomorrow, yesterday = DAYS[today], DAYS[(today + 1) % 7], DAYS[(today - 1) % 7]
    assert verdicts(net, offset, f"during 12:00-13:00 {name}", f"during 12:00-13:00 {tomorrow}", f"during 12:00-13:00 {yesterday}, {tomorrow}",
                    f"during 12:00-13:00 {yesterday}-{tomorrow}", "during 12:00-13:00 mon-sun", f"during 10:00-11:00 {name}") \
        == [True, False, False, True, True, False]


def test_during_past_midnight(net):
    """The day of a range that passes midnight is the one on which it starts."""
    offset = place_at(0, 30)
    today = local(offset).weekday()
    name, yesterday = DAYS[today], DAYS[(today - 1) % 7]
    assert verdicts(net, offset, "during 22:00-06:00", f"during 22:00-06:00 {yesterday}", f"during 22:00-06:00 {name}", "during 22:00-00:15",
                    f"during 00:00-01:00 {name}", f"during 00:00-01:00 {yesterday}") == [True, True, False, False, True, False]
    net.reset()
    offset = place_at(23, 30)
    name, tomorrow = DAYS[local(offset).weekday()], DAYS[(local(offset).weekday() + 1) % 7]
    assert verdicts(net, offset, f"during 22:00-06:00 {name}", f"during 22:00-06:00 {tomorrow}") == [True, False]


def across_a_minute(net, rules):
    """Applies rules in a zone where ten o'clock comes soon; when it comes (of time.time()). On a slow machine it is given more time, so
    that the rules are there before it."""
    for lead in (2, 6, 18, 50):
        net.reset()
        now = time.time()
        ten = int(now) + lead + 1
        verdicts(net, 36000 - ten % 86400, *rules(ten))
        if time.time() < ten - 0.5:
            return ten
    raise AssertionError("no apply was done within 50 seconds")


def test_during_ends_and_begins(net):
    """At the minute, without anybody applying again."""
    ten = across_a_minute(net, lambda _ten: ("during 09:00-10:00", "during 10:00-11:00", "during 09:00-11:00"))
    assert net.send([tcp(3)]) == ["allow"]
    net.turns(tcp(1), ("allow", "drop"), ten, ten)
    assert net.send([tcp(2), tcp(3)]) == ["allow", "allow"]
    ten = across_a_minute(net, lambda _ten: ("during 10:00-11:00",))
    net.turns(tcp(1), ("drop", "allow"), ten, ten)


def test_until(net):
    offset = place_at(12, 30)
    now = local(offset)
    day = datetime.timedelta(days=1)

    def on(moment, clock=""):
        return f'until "{moment.strftime("%Y-%m-%d")}{clock}"'
    assert verdicts(net, offset, on(now + day), on(now - day), on(now, " 12:35"), on(now, " 12:30"), on(now, " 00:00"), 'until "2100-01-01"') \
        == [True, False, True, False, False, True]


def test_until_ends(net):
    def rules(ten):
        date = local(36000 - ten % 86400).strftime("%Y-%m-%d")
        return f'until "{date} 10:00"', f'until "{date} 10:01"'
    ten = across_a_minute(net, rules)
    net.turns(tcp(1), ("allow", "drop"), ten, ten)
    assert time.time() > ten + 55 or net.send([tcp(2)]) == ["allow"]


def test_during_in_scope_and_hits(net):
    offset = place_at(12, 30)
    net.env["TZ"] = zone(offset)
    try:
        net.apply("during 12:00-13:00 {\n    deny 80/tcp\n}\nduring 14:00-15:00 {\n    deny 81/tcp\n}\nallow 80-81/tcp\n")
        got = net.send(both(tcp(80), tcp(81)))
        assert got == ["drop"] * 2 + ["allow"] * 2
        status = net.status()
    finally:
        net.env.pop("TZ")
    assert [status.line(n).packets for n in (2, 5, 7)] == [2, 0, 2]
