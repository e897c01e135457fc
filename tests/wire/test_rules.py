# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules and their clauses, in every direction, IPv4 and IPv6, TCP, UDP, ICMP and protocols without ports."""
from cases import allowed, check, dropped, rejected
from packets import Packet, both, echo, gre, tcp, udp

DIRECTIONS = ("in", "out", "forward")


def d(direction, *packets):
    """Both families of the packets, in a direction."""
    return [p.but(direction=direction) for p in both(*packets)]


def sctp(port, **kw):
    return Packet(proto="sctp", dport=port, **kw)


def esp(**kw):
    return Packet(proto="esp", **kw)


def _verdicts(net, direction):
    v4 = [Packet(proto="icmp", type=t, direction=direction) for t in (8, 13, 17)]
    v6 = [Packet(proto="icmpv6", family=6, type=t, direction=direction) for t in (128, 139)]
    check(net, f"""
        default {direction} deny
        allow {direction} 80/tcp, 80/udp                        #@a
        deny {direction} 81/tcp, 81/udp                         #@d
        reject {direction} 82/tcp, 82/udp                       #@r
        allow {direction} gre                                   #@gre
        deny {direction} esp                                    #@esp
        reject {direction} sctp                                 #@sctp
        allow {direction} echo-request/icmp, echo-request/icmpv6  #@echo
        reject {direction} 13/icmp, 139/icmpv6                  #@icmp-r
        deny {direction} 17/icmp                                #@icmp-d
        """,
          allowed("a", d(direction, tcp(80), udp(80))), dropped("d", d(direction, tcp(81), udp(81))),
          rejected("r", d(direction, tcp(82), udp(82))), allowed("gre", d(direction, gre())), dropped("esp", d(direction, esp())),
          rejected("sctp", d(direction, sctp(9))), allowed("echo", v4[0], v6[0]), rejected("icmp-r", v4[1], v6[1]), dropped("icmp-d", v4[2]),
          dropped("=" + direction, d(direction, tcp(83), udp(79), Packet(proto=99))))


def test_verdicts_in(net):
    _verdicts(net, "in")


def test_verdicts_out(net):
    _verdicts(net, "out")


def test_verdicts_forward(net):
    _verdicts(net, "forward")


def test_reject_answers_under_default_out_deny(net):
    """A reject tells the sender, whatever the rules say of what goes out."""
    check(net, """
        default out deny
        reject 82/tcp, 82/udp, sctp  #@r
        """, rejected("r", both(tcp(82), udp(82), sctp(1))))


def test_reject_other_segments(net):
    """What is no SYN is answered so that its sender believes it (sequence numbers of RFC 9293)."""
    check(net, "option builtin invalid off\nreject tcp #@r", rejected("r", both(tcp(9, flags="A"), tcp(9, flags="PA", payload=b"data"))))


def test_defaults(net):
    for direction in DIRECTIONS:
        packets = d(direction, tcp(5), udp(5), gre(), sctp(5))
        for verdict, expectation in (("allow", allowed), ("deny", dropped), ("reject", rejected)):
            check(net, f"default {direction} {verdict}", expectation("=" + direction, packets))
            net.reset()


def test_defaults_unsaid(net):
    """Without a default: in deny, out allow, and forward left alone: no chain."""
    check(net, "allow 22/tcp #@ssh", allowed("ssh", both(tcp(22))), dropped("=in", both(tcp(23))),
          allowed("=out", d("out", tcp(23), udp(9), gre())))
    packets = d("forward", tcp(23), udp(23), gre(), tcp(22))
    assert net.send(packets) == ["allow"] * len(packets)
    assert "hook forward" not in net.listing()
    assert not [e for e in net.status().data["defaults"] if e["direction"] == "forward"]


def test_forward_rules_without_default_deny(net):
    check(net, "allow forward 80/tcp #@web", allowed("web", d("forward", tcp(80))), dropped("=forward", d("forward", tcp(81), udp(80))))


def test_forward_scope_without_default_denies(net):
    check(net, """
        on eth0 forward {
            allow 80/tcp  #@web
        }
        """, allowed("web", d("forward", tcp(80))), dropped("=forward", d("forward", tcp(81), tcp(80, on="wg0"))))


def test_first_match_decides(net):
    for direction in DIRECTIONS:
        check(net, f"""
            default {direction} deny
            deny {direction} 1000-1004/tcp                   #@low
            allow {direction} 1003-1010/tcp                  #@mid
            reject {direction} tcp source-port 50000         #@source
            allow {direction} 1000-2000/tcp                  #@wide
            allow {direction} 1000-2000/tcp                  #@never
            reject {direction} any                           #@rest
            """,
              dropped("low", d(direction, tcp(1000), tcp(1003), tcp(1004))), allowed("mid", d(direction, tcp(1005), tcp(1010))),
              allowed("mid", d(direction, tcp(1006, sport=50000))), rejected("source", d(direction, tcp(1011, sport=50000))),
              dropped("low", d(direction, tcp(1001, sport=50000))), allowed("wide", d(direction, tcp(1011), tcp(2000))),
              rejected("rest", d(direction, tcp(999), tcp(2001), udp(1005))))
        net.reset()


def test_what_ports(net):
    check(net, """
        allow 8080/tcp                    #@one
        allow 6660-6669/tcp               #@range
        allow 7000:7002/udp               #@colon
        allow 5000/tcp+udp                #@both
        allow 1/tcp, 65535/tcp, 0/udp     #@ends
        allow 30-31/sctp, 30/udplite, 30/dccp  #@others
        option builtin invalid off             # the kernel takes the checksums of UDP-Lite for wrong
        """,
          allowed("one", both(tcp(8080))), dropped("=in", both(udp(8080), tcp(8079), tcp(8081))),
          allowed("range", both(tcp(6660), tcp(6664), tcp(6669))), dropped("=in", both(tcp(6659), tcp(6670), udp(6665))),
          allowed("colon", both(udp(7000), udp(7002))), dropped("=in", both(udp(6999), udp(7003), tcp(7001))),
          allowed("both", both(tcp(5000), udp(5000))), dropped("=in", both(sctp(5000))),
          allowed("ends", both(tcp(1), tcp(65535), udp(0))), dropped("=in", both(tcp(2), tcp(65534), udp(1))),
          allowed("others", both(sctp(30), sctp(31), Packet(proto="udplite", dport=30), Packet(proto="dccp", dport=30))),
          dropped("=in", both(sctp(32), Packet(proto="udplite", dport=31), Packet(proto="dccp", dport=31))))


def test_what_protocols(net):
    check(net, """
        allow gre       #@gre
        allow 50/ip     #@esp
        allow udp       #@udp
        allow 99/ip     #@n99
        allow sctp      #@sctp
        """,
          allowed("gre", both(gre())), allowed("esp", both(esp())), allowed("udp", both(udp(0), udp(1), udp(65535))),
          allowed("n99", both(Packet(proto=99))), allowed("sctp", both(sctp(1), sctp(65535))),
          dropped("=in", both(tcp(80), Packet(proto=98), Packet(proto="dccp", dport=4))))
    net.reset()
    check(net, "allow tcp, 47/ip #@t", allowed("t", both(tcp(1), tcp(65535), gre())), dropped("=in", both(udp(1), esp())))


def test_what_any(net):
    for direction in DIRECTIONS:
        check(net, f"default {direction} reject\nallow {direction} any #@any",
              allowed("any", d(direction, tcp(1), udp(2), gre(), esp(), sctp(3), echo(), Packet(proto=99))))
        net.reset()


def test_what_icmp(net):
    def v4(t):
        return Packet(proto="icmp", type=t)

    def v6(t):
        return Packet(proto="icmpv6", family=6, type=t)
    check(net, "allow icmp #@four\noption builtin ping off", allowed("four", v4(8), v4(13), v4(17)), dropped("=in", v6(128), v6(139)))
    net.reset()
    check(net, "allow icmpv6 #@six\noption builtin ping off", allowed("six", v6(128), v6(139)), dropped("=in", v4(8), v4(13)))
    net.reset()
    check(net, "allow 8/icmp #@four\nallow 139/icmpv6 #@six\noption builtin ping off",
          allowed("four", v4(8)), allowed("six", v6(139)), dropped("=in", v4(13), v6(128)))
    net.reset()
    check(net, "allow ping #@ping", allowed("ping", v4(8), v6(128)), dropped("=in", v4(13), v6(139)))


def test_services(net):
    check(net, """
        service app  = 9000-9010/tcp, 9000/udp
        service more = app, gre, 13/icmp "an application and a tunnel"
        service ssh  = ssh, 2222/tcp
        allow more                                       #@more
        allow SSH, Dns                                   #@cat
        allow cpanel_webmail                             #@fold
        """,
          allowed("more", both(tcp(9000), tcp(9010), udp(9000), gre()), Packet(proto="icmp", type=13)),
          dropped("=in", both(tcp(8999), tcp(9011), udp(9001))),
          allowed("cat", both(tcp(22), tcp(2222), tcp(53), udp(53))), dropped("=in", both(udp(22), tcp(2223))),
          allowed("fold", both(tcp(2095))))


def test_service_redefined_in_bundle(net):
    """The policy's own definition of a catalogue service wins, inside of the catalogue's bundles too."""
    check(net, "service smtp = 2525/tcp\nallow mail #@mail", allowed("mail", both(tcp(2525), tcp(465), tcp(993))), dropped("=in", both(tcp(25))))


def test_from(net):
    for direction in DIRECTIONS:
        def f(*sources, port=80, proto=tcp):
            return [proto(port, direction=direction, src=s, family=6 if ":" in s else 4) for s in sources]
        check(net, f"""
            default {direction} deny
            group office = 203.0.113.0/24, 2001:db8:10::/48
            group others = 10.1.0.0/16 except 10.1.9.0/24, 10.1.8.7
            allow {direction} 80/tcp from 192.0.2.7, 2001:db8:1::7                       #@single
            allow {direction} 80/tcp from 198.18.0.10-198.18.0.20, 2001:db8:5::1-2001:db8:5::ff  #@range
            allow {direction} 80/tcp from office except 203.0.113.9, 2001:db8:10:9::/64  #@office
            allow {direction} 80/tcp from others except 10.1.2.0/24                      #@others
            allow {direction} gre from 172.16.0.0/12                                     #@gre
            """,
              allowed("single", f("192.0.2.7", "2001:db8:1::7")), dropped("=" + direction, f("192.0.2.6", "192.0.2.8", "2001:db8:1::8")),
              allowed("range", f("198.18.0.10", "198.18.0.15", "198.18.0.20", "2001:db8:5::1", "2001:db8:5::ff")),
              dropped("=" + direction, f("198.18.0.9", "198.18.0.21", "2001:db8:5::", "2001:db8:5::100")),
              allowed("office", f("203.0.113.0", "203.0.113.255", "203.0.113.10", "2001:db8:10::1", "2001:db8:10:ffff::1")),
              dropped("=" + direction, f("203.0.113.9", "2001:db8:10:9::1", "2001:db8:11::1")),
              allowed("others", f("10.1.1.1", "10.1.8.8")), dropped("=" + direction, f("10.1.9.1", "10.1.8.7", "10.1.2.3", "10.2.0.1")),
              allowed("gre", f("172.16.0.1", "172.31.255.254", port=0, proto=lambda _port, **kw: gre(**kw))),
              dropped("=" + direction, f("172.32.0.1", port=0, proto=lambda _port, **kw: gre(**kw))),
              dropped("=" + direction, f("192.0.2.7", "203.0.113.1", proto=udp)))
        net.reset()


def test_to(net):
    def t(direction, *destinations):
        return [tcp(80, direction=direction, dst=a, family=6 if ":" in a else 4) for a in destinations]
    check(net, """
        default in deny
        allow 80/tcp to 10.8.0.1, fd00:8::1               #@one
        allow 80/tcp to 192.0.2.0-198.51.100.255 except 198.51.100.0/24  #@range
        """, allowed("one", t("in", "10.8.0.1", "fd00:8::1")), dropped("=in", t("in", "10.9.0.1", "fd00:9::1", "198.51.100.1")),
          allowed("range", t("in", "192.0.2.1")))
    for direction in ("out", "forward"):
        net.reset()
        check(net, f"""
            default {direction} deny
            group servers = 10.99.0.0/16, 2001:db8:99::/48
            allow {direction} 80/tcp to servers except 10.99.1.0/24, 2001:db8:99:1::/64  #@servers
            deny {direction} 80/tcp to 10.99.1.7                                         #@denied
            allow {direction} 80/tcp to any except servers                                #@rest
            """, allowed("servers", t(direction, "10.99.0.1", "10.99.255.1", "2001:db8:99::1", "2001:db8:99:2::1")),
              dropped("=" + direction, t(direction, "10.99.1.1", "10.99.1.8", "2001:db8:99:1::5")), dropped("denied", t(direction, "10.99.1.7")),
              allowed("rest", t(direction, "198.51.100.2", "2001:db8:2::2")))


def test_from_and_to(net):
    check(net, "allow forward any from 192.0.2.2, 2001:db8:1::2 to 198.51.100.2, 2001:db8:2::2 #@f",
          allowed("f", d("forward", tcp(1), udp(2), gre())),
          dropped("=forward", tcp(1, direction="forward", src="192.0.2.3"), tcp(1, direction="forward", dst="10.99.0.1"),
                  tcp(1, direction="forward", family=6, dst="2001:db8:99::1")))


def test_over(net):
    for direction in DIRECTIONS:
        check(net, f"""
            default {direction} deny
            allow {direction} 80/tcp over ipv4   #@four
            allow {direction} 81/tcp over ipv6   #@six
            reject {direction} any over ipv6     #@rest
            """, allowed("four", tcp(80, direction=direction)), rejected("rest", tcp(80, direction=direction, family=6)),
              dropped("=" + direction, tcp(81, direction=direction)), allowed("six", tcp(81, direction=direction, family=6)))
        net.reset()


def test_on(net):
    for direction in ("in", "forward"):
        check(net, f"""
            default {direction} deny
            zone lan = eth1, wg*
            allow {direction} 80/tcp on eth0              #@eth
            allow {direction} 81/tcp on wg*               #@star
            allow {direction} 82/tcp on lan except wg1    #@zone
            allow {direction} 83/tcp on any except eth*   #@except
            allow {direction} 84/tcp on eth9, wg0         #@list
            """,
              allowed("eth", d(direction, tcp(80, on="eth0"))), dropped("=" + direction, d(direction, tcp(80, on="wg0"))),
              allowed("star", d(direction, tcp(81, on="wg0"))), dropped("=" + direction, d(direction, tcp(81, on="eth0"))),
              allowed("zone", d(direction, tcp(82, on="wg0"))), dropped("=" + direction, d(direction, tcp(82, on="eth0"))),
              allowed("except", d(direction, tcp(83, on="wg0"))), dropped("=" + direction, d(direction, tcp(83, on="eth0"))),
              allowed("list", d(direction, tcp(84, on="wg0"))), dropped("=" + direction, d(direction, tcp(84, on="eth0"))))
        net.reset()
    check(net, "zone lan = eth1, wg*\nallow 82/tcp on lan except wg1 #@zone",
          allowed("zone", both(tcp(82, on="eth1"))), dropped("=in", both(tcp(82, on="wg1"))))


def test_on_out(net):
    check(net, """
        default out deny
        zone vpn = wg*
        allow out 80/tcp, gre on eth1      #@eth
        allow out 81/tcp on vpn except wg0 #@zone
        """, allowed("eth", d("out", tcp(80), gre())), dropped("=out", d("out", tcp(80, on="wg1"), gre(on="wg1"))),
          allowed("zone", d("out", tcp(81, on="wg1"))), dropped("=out", d("out", tcp(81), tcp(81, on="wg0"))))


def test_leaving(net):
    check(net, """
        default forward deny
        zone vpn = wg*
        allow forward 80/tcp leaving eth1                  #@eth
        allow forward 81/tcp, gre on eth0 leaving vpn      #@zone
        allow forward 82/udp leaving any except eth1       #@except
        """, allowed("eth", d("forward", tcp(80, leaving="eth1"))), dropped("=forward", d("forward", tcp(80, leaving="wg1"))),
          allowed("zone", d("forward", tcp(81, leaving="wg1"), gre(leaving="wg1"))),
          dropped("=forward", d("forward", tcp(81, leaving="eth1"), tcp(81, on="wg0", leaving="wg1"))),
          allowed("except", d("forward", udp(82, leaving="wg1"))), dropped("=forward", d("forward", udp(82, leaving="eth1"))))


def test_zone_hides_interface(net):
    check(net, "zone eth0 = wg0\nallow 80/tcp on eth0 #@z", allowed("z", both(tcp(80, on="wg0"))), dropped("=in", both(tcp(80, on="eth0"))))


def test_source_port(net):
    for direction in DIRECTIONS:
        check(net, f"""
            default {direction} deny
            allow {direction} 500/udp source-port 500                #@ike
            allow {direction} tcp source-port 1024-2000, 20          #@tcp
            """, allowed("ike", d(direction, udp(500, sport=500))), dropped("=" + direction, d(direction, udp(500, sport=501), tcp(500, sport=500))),
              allowed("tcp", d(direction, tcp(7, sport=1024), tcp(8, sport=2000), tcp(9, sport=20))),
              dropped("=" + direction, d(direction, tcp(7, sport=1023), tcp(7, sport=2001), tcp(7, sport=21))))
        net.reset()


def test_owner(net):
    check(net, """
        default out deny
        allow out 80/tcp, gre as user 1234, nobody   #@user
        reject out 81/tcp as group 4321              #@group
        allow out 81/tcp                             #@rest
        """,
          allowed("user", d("out", tcp(80, uid=1234), tcp(80, uid=65534), gre(uid=1234))),
          dropped("=out", d("out", tcp(80, uid=1235), tcp(80), gre(uid=1))),
          rejected("group", d("out", tcp(81, gid=4321))), allowed("rest", d("out", tcp(81, gid=4322), tcp(81), tcp(81, uid=4321))))


def test_owner_needs_a_socket(net):
    """What the kernel itself sends (an echo reply) has no owner: no `as` matches it."""
    net.apply("option builtin established off\noption builtin related off\ndefault out deny\nallow ping\nallow out any as user root\nallow out any as group root\n")
    for family in (4, 6):
        _sent, seen = net.observe([echo(family, keep=True)])
        assert [s for s in seen if s[1] == "in"], "the request was to come in"
        assert not [s for s in seen if s[0] == "client" and s[2].get("type") in (0, 129)], "the reply matched an owner"


def test_scopes(net):
    check(net, """
        default in deny
        default out deny
        from 203.0.113.0/24 {
            on eth0 {
                allow 80/tcp                   #@nested
            }
            allow 81/tcp to 192.0.2.1          #@outer
        }
        out {
            allow 82/tcp                       #@out
            to 198.51.100.2 over ipv4 {
                allow 83/tcp source-port 7     #@deep
            }
        }
        over ipv6 {
            allow 84/tcp                       #@six
        }
        on wg* {
        }
        source-port 99 {
            reject 85/udp                      #@port
        }
        """,
          allowed("nested", tcp(80, src="203.0.113.5")), dropped("=in", tcp(80), tcp(80, src="203.0.113.5", on="wg0"), tcp(80, family=6)),
          allowed("outer", tcp(81, src="203.0.113.5"), tcp(81, src="203.0.113.5", on="wg0", dst="192.0.2.1")),
          dropped("=in", tcp(81, src="203.0.113.5", dst="10.8.0.1")), allowed("out", d("out", tcp(82))), dropped("=in", both(tcp(82))),
          allowed("deep", tcp(83, direction="out", sport=7)), dropped("=out", tcp(83, direction="out", family=6, sport=7), tcp(83, direction="out")),
          allowed("six", tcp(84, family=6)), dropped("=in", tcp(84)), rejected("port", both(udp(85, sport=99))), dropped("=in", both(udp(85))))


def test_owner_scope(net):
    check(net, """
        default out deny
        out as user 1234 {
            allow 80/tcp  #@a
        }
        """, allowed("a", d("out", tcp(80, uid=1234))), dropped("=out", d("out", tcp(80))))


def test_includes(net):
    """Included rules stand in place, in the sorted order of their files; a scope holds for them."""
    files = {"policy.d/10-a.conf": "deny 80/tcp from 192.0.2.7 #@a\n", "policy.d/20-b.conf": "allow 80/tcp #@b\n",
             "scoped.conf": 'allow 81/tcp #@scoped\ninclude "deeper/x.conf"\n', "deeper/x.conf": "allow 82/tcp #@deeper\n"}
    check(net, """
        reject 80/tcp from 192.0.2.8   #@before
        include "policy.d/*.conf"
        include "none.d/*.conf"
        from 203.0.113.0/24 {
            include "scoped.conf"
        }
        allow 80-82/tcp from 192.0.2.9  #@after
        """, dropped("a", tcp(80, src="192.0.2.7")), rejected("before", tcp(80, src="192.0.2.8")), allowed("b", tcp(80, src="192.0.2.9")),
          allowed("scoped", tcp(81, src="203.0.113.1")), dropped("=in", tcp(81)), allowed("deeper", tcp(82, src="203.0.113.1")),
          dropped("=in", tcp(82)), allowed("after", tcp(81, src="192.0.2.9")), files=files)


def test_groups(net):
    files = {"lists/drop.txt": "# comment\n198.18.0.0/16 ; more\n\n203.0.113.5\n203.0.113.6-203.0.113.8\n2001:db8:bad::/48\n; end\n"}
    check(net, """
        group all = a, c, 192.0.2.10
        group a = b except 192.0.2.12
        group b = 192.0.2.11-192.0.2.13
        group c = file "lists/drop.txt"
        group nothing = file "lists/none.txt"
        allow 80/tcp from all              #@all
        allow 81/tcp from any except all   #@except
        allow 82/tcp from nothing          #@nothing
        allow 83/tcp from any except nothing  #@everything
        """,
          allowed("all", [tcp(80, src=s) for s in ("192.0.2.10", "192.0.2.11", "192.0.2.13", "198.18.255.255", "203.0.113.5", "203.0.113.8")]),
          allowed("all", tcp(80, family=6, src="2001:db8:bad::1")), dropped("=in", [tcp(80, src=s) for s in ("192.0.2.12", "192.0.2.14", "203.0.113.9")]),
          dropped("=in", tcp(81, src="203.0.113.6"), tcp(81, family=6, src="2001:db8:bad::1")), allowed("except", both(tcp(81))),
          dropped("=in", both(tcp(82))), allowed("everything", both(tcp(83))), files={**files, "lists/none.txt": "# nobody\n"})


def test_extension_headers(net):
    def x(direction, *ext):
        return [tcp(80, family=6, ext=ext, direction=direction), udp(81, family=6, ext=ext, direction=direction), gre(family=6, ext=ext, direction=direction)]
    for direction in DIRECTIONS:
        check(net, f"""
            default {direction} deny
            allow {direction} 80/tcp       #@t
            reject {direction} 81/udp      #@u
            allow {direction} gre          #@g
            """, *[case for ext in (("hop",), ("dest",), ("route",), ("hop", "dest", "route", "dest")) for case in
                   (allowed("t", x(direction, *ext)[0]), rejected("u", x(direction, *ext)[1]), allowed("g", x(direction, *ext)[2]),
                    dropped("=" + direction, tcp(79, family=6, ext=ext, direction=direction)))])
        net.reset()


def test_fragments(net):
    """Decided and counted once, reassembled."""
    def f(direction, port):
        return [udp(port, payload=b"f" * 500, fragments=4, direction=direction, family=family) for family in (4, 6)] \
            + [udp(port, payload=b"f" * 500, fragments=2, direction=direction, family=6, ext=("dest",))]
    for direction in ("in", "forward"):
        check(net, f"default {direction} deny\nallow {direction} 80/udp #@a\ndeny {direction} 81/udp #@d",
              allowed("a", f(direction, 80)), dropped("d", f(direction, 81)), dropped("=" + direction, f(direction, 82)))
        net.reset()


def test_label(net):
    status = check(net, 'allow 22/tcp from 192.0.2.0/24 label "office ssh" #@a\nallow 23/tcp #@b', allowed("a", tcp(22)))
    assert status.line(1)["label"] == "office ssh"
    assert not status.line(2).get("label")


def test_one_line(net):
    """The README's policy."""
    check(net, "allow ftp, ssh #@a", allowed("a", both(tcp(21), tcp(22))), dropped("=in", both(tcp(20), tcp(23), udp(22))),
          allowed("=out", d("out", tcp(1), udp(2), gre())), allowed("+ping/in", echo(4), echo(6)))
