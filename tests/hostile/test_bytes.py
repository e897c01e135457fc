# SPDX-License-Identifier: GPL-2.0-or-later
"""Bytes that a text should not have, and texts that are no policies at all."""
import os
import random

from harness import HERE, MIB, need

BAD_UTF8 = {"a lone continuation": b"\x80", "overlong slash": b"\xc0\xaf", "overlong NUL": b"\xc0\x80", "overlong in three": b"\xe0\x80\xaf",
            "a surrogate": b"\xed\xa0\x80", "above the last plane": b"\xf4\x90\x80\x80", "five bytes": b"\xf8\x88\x80\x80\x80",
            "cut off": b"\xe2\x82", "ff": b"\xff", "latin-1": b"\xe9"}
CONTROLS = {"escape": b"\x1b[31m", "bell": b"\x07", "backspace": b"\x08", "form feed": b"\x0c", "delete": b"\x7f", "C1 CSI": b"\xc2\x9b31m",
            "C1 OSC": b"\xc2\x9d0;x", "right-to-left override": b"\xe2\x80\xae", "isolate": b"\xe2\x81\xa6", "mark": b"\xe2\x80\x8f",
            "line separator": b"\xe2\x80\xa8"}


def everywhere(bad):
    """Lines 1 to 9 have it somewhere; the first line's column is 7."""
    return [b"allow " + bad + b"\n", b'allow ssh label "a' + bad + b'b"\n', b"allow ssh # " + bad + b"\n", b"# " + bad + b"\n",
            b"group a" + bad + b" = 192.0.2.1\n", b"allow ssh from 192.0.2." + bad + b"\n", b'allow ssh log "' + bad + b'"\n',
            b'include "' + bad + b'"\n', bad + b"\n"]


def test_nul(space):
    for number, line in enumerate(everywhere(b"\0"), 1):
        space.policy(line)
        result = space.bad("check", "policy.conf", says="policy.conf:1:")
        need("NUL" in result.err or "unknown" in result.err, f"case {number} does not say what it is:", result)


def test_nul_behind_a_policy(space):
    """What stands behind a NUL is not overlooked."""
    space.policy(b"allow ssh\n\0allow telnet\n")
    space.bad("check", "policy.conf", at="policy.conf:2:1")
    space.policy(b"allow ssh\n\0")
    space.bad("check", "policy.conf", at="policy.conf:2:1")


def test_bad_utf8(space):
    for bad in BAD_UTF8.values():
        for line in everywhere(bad):
            space.policy(line)
            result = space.bad("check", "policy.conf", says="policy.conf:1:")
            need(result.errors(), "no place:", result)
            space.bad("fmt", "policy.conf")


def test_controls(space):
    for bad in CONTROLS.values():
        for line in everywhere(bad):
            space.policy(line)
            result = space.bad("check", "policy.conf", says="policy.conf:1:")
            need(result.errors(), "no place:", result)
            answer = space.run("check", "--json", "policy.conf")
            need(answer.status == 1 and answer.json()["diagnostics"], "no diagnostics as data:", answer)


def test_controls_in_names_of_files(space):
    for bad in CONTROLS.values():
        name = b"x" + bad + b".conf"
        path = os.path.join(os.fsencode(space.folder), name)
        with open(path, "wb") as file:
            file.write(b"allow htpp\n")
        space.policy('include "x*.conf"\n')
        result = space.bad("check", "policy.conf", says="did you mean 'http'?")
        need(result.errors(), "no place:", result)
        space.run("check", "--json", "policy.conf")
        space.run("check", os.fsdecode(name))
        with open(path, "wb") as file:
            file.write(b"allow http label \"web\"\n")
        for command in (("check", os.fsdecode(name)), ("show", "--nft", os.fsdecode(name)), ("show", "--json", os.fsdecode(name)),
                        ("apply", os.fsdecode(name)), ("apply", os.fsdecode(name)), ("status",), ("status", "--json"),
                        ("show", "--nft"), ("show", "--json"), ("apply", "policy.conf"), ("status",), ("status", "--json"), ("flush",)):
            space.good(*command)
        space.run("plan", os.fsdecode(name))
        os.unlink(path)


def test_controls_in_arguments(space):
    space.policy("group g = dynamic\nblock g\n")
    space.good("apply", "policy.conf")
    for bad in CONTROLS.values():
        word = os.fsdecode(bad)
        for command in ((word,), ("help", word), ("check", word), ("check", "a", word), ("--color", word, "check"), ("fmt", word), ("services", word),
                        ("ban", word), ("ban", "192.0.2.1", "--for", word), ("ban", "192.0.2.1", "--group", word), ("unban", word),
                        ("--netns", word, "status"), ("show", word), ("plan", word), ("apply", word)):
            result = space.run(*command)
            need(result.status != 0, "accepted:", result)
    space.good("flush")


def test_line_ends(space):
    space.policy(b'# one\r\nallow ssh\r\nallow http,\r\n  https label "x" \r\n\r\nallow dns \\\r\n from 192.0.2.1\r\n')
    need("3 rules in" in space.good("check", "policy.conf").out, "not three rules")
    formatted = space.good("fmt", "policy.conf").out
    need("\r" not in formatted, "returns are left")
    space.policy(b"allow ssh\rallow telnet\r")
    space.bad("check", "policy.conf", at="policy.conf:1:10", says="carriage return")
    space.policy(b"allow ssh # x\rallow telnet\n")
    space.bad("check", "policy.conf", at="policy.conf:1:14", says="carriage return")
    space.policy(b"allow ssh")
    need("1 rules in" in space.good("check", "policy.conf").out, "a last line without an end is lost")
    space.policy(b"")
    need("0 rules in" in space.good("check", "policy.conf").out, "an empty policy has rules")


def test_byte_order_marks(space):
    space.policy(b"\xef\xbb\xbfallow ssh\n")
    need("1 rules in" in space.good("check", "policy.conf").out, "not one rule")
    space.policy(b"\xef\xbb\xbfallow htpp\n")
    space.bad("check", "policy.conf", says="did you mean 'http'?")
    space.policy(b"allow ssh\n\xef\xbb\xbfallow http\n")
    space.bad("check", "policy.conf", at="policy.conf:2:1")
    for bytes_ in ("allow ssh\n".encode("utf-16"), "allow ssh\n".encode("utf-16-be"), b"\xfe\xff" + "allow ssh\n".encode("utf-16-be"),
                   "allow ssh\n".encode("utf-32")):
        space.policy(bytes_)
        space.bad("check", "policy.conf", says="policy.conf:1:")
    space.write("list.txt", b"\xef\xbb\xbf192.0.2.1\r\n192.0.2.3\r\n")
    space.policy('group g = file "list.txt"\nallow ssh from g\n')
    result = space.run("show", "--nft", "policy.conf")
    need(result.status == 0 and "192.0.2.1" in result.out and "192.0.2.3" in result.out, result)


def test_strings_that_do_not_end(space):
    space.policy('allow ssh label "abc\nallow http\n')
    space.bad("check", "policy.conf", at="policy.conf:1:17")
    space.policy('allow ssh label "abc')
    space.bad("check", "policy.conf", at="policy.conf:1:17")
    space.policy('allow ssh label "abc\\')
    space.bad("check", "policy.conf", says="policy.conf:1:")
    space.policy('allow ssh label "abc\\"\n')
    space.bad("check", "policy.conf", at="policy.conf:1:17")
    space.policy('include "' + "a" * MIB)
    result = space.bad("check", "policy.conf", at="policy.conf:1:9")
    need(len(result.err) < 5000, "the message is as long as the text:", len(result.err))


def test_lists_that_do_not_end(space):
    for text in ("allow ssh,", "allow ssh,\n", "allow ssh \\", "allow ssh \\\n\\\n", "group g =", "group g = \n\n# x\n", "service s = ssh,\n", "allow ssh {",
                 "in {", "allow ssh from", "allow ssh from any except", "expect", "option", "default", "allow", "on", "block", "include",
                 "allow ssh rate", "allow ssh rate 1/", "allow ssh during", "allow ssh log rate", "zone z"):
        space.policy(text)
        result = space.run("check", "policy.conf")
        need(result.status in (0, 1), result)
        if result.status == 1:
            need(result.errors(), "no place:", result)
        else:
            need(text.startswith("allow ssh \\"), "accepted:", repr(text))


def test_bad_addresses_in_a_file(space):
    bad = [b"1.2.3", b"1.2.3.4.5", b"01.2.3.4", b"1.2.3.4/33", b"1.2.3.4/24", b"::1::", b"1.2.3.4-", b"1.2.3.9-1.2.3.4", b"1.2.3.4-::1", b"fe80::1%eth0", b"host",
           b"1.2.3.4/", b"\xff", b"\x1b[31m", b"1.2.3.4 5.6.7.8", b"2001:db8::/129", b"::ffff:1.2.3.4/200", b"1.2.3.4,", b"0x1.2.3.4", b"1e3", b"-1.2.3.4"]
    space.write("list.txt", b"".join(line + b"\n" for line in bad))
    space.policy('group g = file "list.txt"\nallow ssh from g\n')
    result = space.bad("check", "policy.conf", at="list.txt:1:1")
    need(len(result.errors()) == 20, len(result.errors()), "errors instead of the first 20 of", len(bad), ":", result)
    need([int(m["line"]) for m in result.errors()] == list(range(1, 21)), "not each line:", result)


def test_random_bytes(space):
    for seed in range(150):
        source = random.Random(seed)
        alphabet = bytes(range(256)) if seed % 2 else b"allow deny ssh from any except 192.0.2.1/24 { } \n\n\n,,==\"\"##\\\\ group block service\t\r"
        space.policy(bytes(source.choice(alphabet) for _ in range(source.randrange(2000))))
        result = space.run("check", "policy.conf")
        need(result.status in (0, 1), "seed", seed, ":", result)
        need(result.status == 0 or result.errors(), "seed", seed, ": no place:", result)


def test_mutated_policies(space):
    folder = os.path.join(HERE, "..", "..", "policies")
    texts = []
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as file:
            texts.append(file.read())
    for seed in range(150):
        source = random.Random(seed)
        text = bytearray(source.choice(texts))
        for _ in range(source.randrange(1, 8)):
            at = source.randrange(len(text))
            what = source.randrange(4)
            if what == 0:
                text[at] = source.randrange(256)
            elif what == 1:
                del text[at:at + source.randrange(1, 20)]
            elif what == 2:
                text[at:at] = text[source.randrange(len(text)):][:source.randrange(1, 200)]
            else:
                del text[at:]
                text += b"x"
        space.policy(bytes(text))
        result = space.run("check", "policy.conf")
        need(result.status in (0, 1), "seed", seed, ":", result)
        need(result.status == 0 or result.errors(), "seed", seed, ": no place:", result)
