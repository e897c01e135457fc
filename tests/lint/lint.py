#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The house style, as far as a program can tell: layers, banned calls, globals, sizes, words. Each rule is one test; every breach is printed
as FILE:LINE. lint.py [-v] [FOLDER]; the build folder, for its objects, is BUILD or build."""
import os
import re
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from source import comments, functions, strip  # noqa: E402

# The road: a folder of src may include itself and what stands before it. cli and daemon are ends: neither includes the other.
ROAD = ["base", "net", "diag", "syntax", "policy", "diagram", "ruleset", "compile", "kernel", "proof", "store", "engine"]
ENDS = ["cli", "daemon"]
# What a folder may not know although it stands behind it, and headers that are one folder's own.
FORBIDDEN = {"kernel": {"syntax", "policy", "diagram", "compile"}, "ruleset": {"syntax", "policy", "diagram"},
             "proof": {"kernel", "ruleset", "compile"}, "store": {"kernel", "proof", "compile", "ruleset", "diagram", "policy", "syntax"}}
OWN_HEADERS = {"libmnl/": {"kernel"}, "libnftnl/": {"kernel"}, "sys/socket.h": {"kernel", "daemon", "cli"}, "ncurses.h": {"cli"}, "sqlite3.h": {"store", "daemon"},
               "event2/": {"daemon"}}
BANNED = ["sprintf", "vsprintf", "strcpy", "strcat", "strncpy", "strncat", "strtok", "atoi", "atol", "atoll", "atof", "alloca", "gets", "system", "popen",
          "sleep", "usleep", "tmpnam", "mktemp", "gethostbyname", "getaddrinfo", "setjmp", "longjmp"]
PRINTING = ["printf", "puts", "putchar", "fprintf", "vprintf", "vfprintf", "fputs", "fputc", "putc", "perror", "syslog", "sd_journal_print"]
WORDS = re.compile(r"\b(TODO|FIXME|XXX|HACK|unimplemented|not implemented|placeholder)\b")
MACHINE = re.compile(r"/home/\w+/|/root/\w+")
MAX_FILE_LINES = 600
# The shape of a callback is its library's to say.
DICTATED = {"fw_route"}
MAX_FUNCTION, MAX_NINE_IN_TEN, MAX_MEDIAN, MAX_DEPTH, MAX_PARAMETERS = 70, 40, 15, 3, 5


class Tree:
    def __init__(self, top):
        self.top = top
        self.files = {}
        for folder, _folders, names in os.walk(os.path.join(top, "src")):
            for name in names:
                if name.endswith((".c", ".h")):
                    path = os.path.join(folder, name)
                    with open(path, encoding="utf-8") as f:
                        self.files[os.path.relpath(path, top)] = f.read()
        self.stripped = {path: strip(text) for path, text in self.files.items()}
        self.functions = {path: functions(text) for path, text in self.stripped.items() if path.endswith(".c")}

    def calls(self, names, folders=None):
        pattern = re.compile(r"(?<![\w.>])(" + "|".join(names) + r")\s*\(")
        for path, text in self.stripped.items():
            if folders is None or path.split("/")[1] not in folders:
                for match in pattern.finditer(text):
                    yield path, text.count("\n", 0, match.start()) + 1, match.group(1)


def includes(tree):
    for path, text in tree.files.items():
        for match in re.finditer(r'^#include ([<"])([^">]+)[">]', text, re.M):
            yield path, text.count("\n", 0, match.start()) + 1, match.group(2), match.group(1) == '"'


def allowed(folder):
    if folder in ENDS:
        return set(ROAD) | {folder}
    before = set(ROAD[:ROAD.index(folder) + 1]) if folder in ROAD else set()
    return before - FORBIDDEN.get(folder, set())


def rule_layers(tree):
    """a folder includes only itself and what stands before it on the road"""
    for path, line, name, ours in includes(tree):
        folder = path.split("/")[1]
        if ours and "/" in name and name.split("/")[0] not in allowed(folder):
            yield path, line, f"{folder} must not include {name}"


def rule_libraries(tree):
    """libraries and sockets are used where they belong"""
    for path, line, name, ours in includes(tree):
        for prefix, folders in OWN_HEADERS.items():
            if not ours and name.startswith(prefix) and path.split("/")[1] not in folders:
                yield path, line, f"<{name}> belongs to {', '.join(sorted(folders))}"


def rule_banned_calls(tree):
    """no call that cannot be used safely, or that waits"""
    for path, line, name in tree.calls(BANNED):
        yield path, line, f"{name}() is banned"


def rule_printing(tree):
    """nothing but cli and daemon prints or logs"""
    for path, line, name in tree.calls(PRINTING, folders={"cli", "daemon"}):
        yield path, line, f"{name}() outside of cli and daemon"


def rule_typedefs(tree):
    """no typedef of structs"""
    for path, text in tree.stripped.items():
        for match in re.finditer(r"^typedef\s+(struct|union|enum)\b", text, re.M):
            yield path, text.count("\n", 0, match.start()) + 1, "typedef of a " + match.group(1)


def rule_default(tree):
    """a switch over an enum has no default: one with a default has numbers or letters as cases"""
    for path, text in tree.stripped.items():
        for match in re.finditer(r"^(\t+)switch \(.*?\n\1\}", text, re.M | re.S):
            if re.search(r"^\t+default:", match.group(0), re.M) and re.search(r"case FW_[A-Z]", match.group(0)):
                yield path, text.count("\n", 0, match.start()) + 1, "default in a switch over an enum"


def rule_names(tree):
    """a function of a header is called fw_..., and no name begins with an underscore"""
    for path, text in tree.stripped.items():
        for match in re.finditer(r"^(?!static|typedef|#|\t|extern|struct \w+ \{|enum|union|\}|/)[\w \*]+?\b\*?(\w+)\(", text, re.M):
            public = path.endswith(".h") and "internal" not in path
            if match.group(1).startswith("_") or (public and path.split("/")[1] in ROAD and not match.group(1).startswith("fw_")):
                if match.group(1) not in ("FW_PRINTF",):
                    yield path, text.count("\n", 0, match.start()) + 1, match.group(1)


def rule_file_lengths(tree):
    """files have at most 600 lines"""
    for path, text in tree.files.items():
        if text.count("\n") > MAX_FILE_LINES:
            yield path, text.count("\n"), "lines"


def rule_function_lengths(tree):
    """no function has more than 70 lines"""
    for path, list_ in tree.functions.items():
        for function in list_:
            if function.length > MAX_FUNCTION:
                yield path, function.line, f"{function.name}: {function.length} lines"


def rule_function_medians(tree):
    """half of the functions have at most 15 lines, nine in ten at most 40"""
    lengths = sorted(function.length for list_ in tree.functions.values() for function in list_)
    if not lengths or statistics.median(lengths) > MAX_MEDIAN or lengths[len(lengths) * 9 // 10] > MAX_NINE_IN_TEN:
        yield "src", 0, f"median {statistics.median(lengths or [0])}, nine in ten {lengths[len(lengths) * 9 // 10] if lengths else 0}"


def rule_depth(tree):
    """blocks stand at most three deep"""
    for path, list_ in tree.functions.items():
        for function in list_:
            if function.depth > MAX_DEPTH:
                yield path, function.line, f"{function.name}: {function.depth} deep"


def rule_parameters(tree):
    """functions have at most five parameters"""
    for path, list_ in tree.functions.items():
        for function in list_:
            if function.parameters > MAX_PARAMETERS and function.name not in DICTATED:
                yield path, function.line, f"{function.name}: {function.parameters} parameters"


def rule_openings(tree):
    """each file opens with its licence and with what it owns"""
    for path, text in tree.files.items():
        first = comments(text)[:2]
        name = "/".join(path.split("/")[1:])
        if not text.startswith("/* SPDX-License-Identifier: GPL-2.0-or-later */\n/* "):
            yield path, 1, "no licence, or no comment on what it is"
        elif not first[1][1].startswith(f"/* {name} - "):
            yield path, 2, f"the comment does not begin with '{name} - '"


def tracked(tree):
    names = subprocess.run(["git", "-C", tree.top, "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True, check=True).stdout.split("\n")
    for name in filter(None, names):
        path = os.path.join(tree.top, name)
        if name.startswith("tests/fuzz/corpus/") or not os.path.isfile(path):
            continue
        try:
            with open(path, encoding="utf-8") as f:
                yield name, f.read()
        except UnicodeDecodeError:
            continue


def rule_words(tree):
    """no promise of work to be done"""
    for name, text in tracked(tree):
        if name.startswith("tests/lint/"):
            continue
        for match in WORDS.finditer(text):
            yield name, text.count("\n", 0, match.start()) + 1, match.group(0)


def rule_machine(tree):
    """nothing names the machine that it was written on"""
    for name, text in tracked(tree):
        if name.startswith("tests/lint/"):
            continue
        for match in MACHINE.finditer(text):
            yield name, text.count("\n", 0, match.start()) + 1, match.group(0)


def rule_globals(tree):
    """no mutable globals: nothing in the data and bss of the objects"""
    build = os.path.join(tree.top, os.environ.get("BUILD", "build"))
    objects = [os.path.join(folder, name) for folder, _f, names in os.walk(os.path.join(build, "src")) for name in names if name.endswith(".o")]
    if not objects:
        yield build, 0, "no objects: build first"
        return
    listing = subprocess.run(["objdump", "-t", *sorted(objects)], capture_output=True, text=True, check=True).stdout
    path = ""
    for line in listing.split("\n"):  # constants with pointers in them lie in .data.rel.ro
        path = line.split(":")[0] if ": " in line and "file format" in line else path
        match = re.search(r" O (\.data|\.bss|\*COM\*)\S*\s+[0-9a-f]+\s+(\S+)$", line)
        if match and ".rel.ro" not in line and not match.group(2).startswith("__"):
            yield os.path.relpath(path, tree.top), 0, match.group(2)


RULES = [value for name, value in list(globals().items()) if name.startswith("rule_")]


def check(top, verbose=False):
    tree = Tree(top)
    failed = 0
    for rule in RULES:
        breaches = list(rule(tree))
        failed += bool(breaches)
        if breaches or verbose:
            print(f"{'not ok' if breaches else 'ok'} - {rule.__doc__}")
        for path, line, what in breaches:
            print(f"    {path}:{line}: {what}")
    return len(RULES) - failed, failed


if __name__ == "__main__":
    arguments = [a for a in sys.argv[1:] if a != "-v"]
    top_folder = arguments[0] if arguments else os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    passed_count, failed_count = check(top_folder, "-v" in sys.argv)
    print(f"{passed_count} passed, {failed_count} failed")
    sys.exit(1 if failed_count else 0)
