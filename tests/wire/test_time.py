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


def place_at(hour, minute, second=0):
    """Seconds east of Greenwich of a zone where it is now that time of day (or within the second after it)."""
    now = time.gmtime()
    offset = (hour - now.tm_hour) * 3600 + (minute - now.tm_min) * 60 + second - now.tm_sec
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


def test_during_ends_and_begins(net):
    """At the minute, without anybody applying again."""
    offset = place_at(9, 59, 57)
    assert verdicts(net, offset, "during 09:00-10:00", "during 10:00-11:00", "during 09:00-11:00") == [True, False, True]
    moment = local(offset)
    time.sleep(60 - moment.second - moment.microsecond / 1e6 + 0.05 if moment.second >= 50 else 0)
    assert net.send([tcp(1), tcp(2), tcp(3)]) == ["drop", "allow", "allow"]


def test_until(net):
    offset = place_at(12, 30)
    now = local(offset)
    day = datetime.timedelta(days=1)

    def on(moment, clock=""):
        return f'until "{moment.strftime("%Y-%m-%d")}{clock}"'
    assert verdicts(net, offset, on(now + day), on(now - day), on(now, " 12:35"), on(now, " 12:30"), on(now, " 00:00"), 'until "2100-01-01"') \
        == [True, False, True, False, False, True]


def test_until_ends(net):
    offset = place_at(9, 59, 57)
    moment = local(offset)
    date = moment.strftime("%Y-%m-%d")
    assert verdicts(net, offset, f'until "{date} 10:00"', f'until "{date} 10:01"') == [True, True]
    moment = local(offset)
    time.sleep(60 - moment.second - moment.microsecond / 1e6 + 0.05 if moment.second >= 50 else 0)
    assert net.send([tcp(1), tcp(2)]) == ["drop", "allow"]


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
