#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Lint finds what it says it finds: each rule gets a small tree that breaks it, and one that does not."""
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import lint  # noqa: E402

HEAD = "/* SPDX-License-Identifier: GPL-2.0-or-later */\n/* {} - an example. */\n"
LONG = "static void f(void)\n{\n" + "\tg();\n" * 80 + "}\n"
MIDDLE = "".join(f"static void f{i}(void)\n{{\n" + "\tg();\n" * 20 + "}\n" for i in range(5))
DEEP = "static void f(void)\n{\n\tif (a)\n\t\tfor (;;)\n\t\t\tif (b)\n\t\t\t\tif (c)\n\t\t\t\t\tg();\n}\n"
NOT_DEEP = "static int f(void)\n{\n\tif (a)\n\t\treturn b ? c :\n\t\t\t\t\t\td;\n\treturn g(1,\n\t\t\t\t\t 2);\n}\n"
SWITCH = "static void f(enum e e)\n{\n\tswitch (e) {\n\tcase FW_A:\n\t\tbreak;\n\tdefault:\n\t\tbreak;\n\t}\n}\n"

# rule, path, text that breaks it, text that does not
CASES = [
    ("rule_layers", "src/net/x.c", '#include "policy/policy.h"\n', '#include "base/base.h"\n'),
    ("rule_layers", "src/kernel/x.c", '#include "syntax/ast.h"\n', '#include "ruleset/ruleset.h"\n'),
    ("rule_layers", "src/cli/x.c", '#include "daemon/x.h"\n', '#include "engine/engine.h"\n'),
    ("rule_libraries", "src/proof/x.c", "#include <sys/socket.h>\n", "#include <string.h>\n"),
    ("rule_libraries", "src/ruleset/x.c", "#include <libnftnl/rule.h>\n", "#include <linux/netfilter.h>\n"),
    ("rule_banned_calls", "src/base/x.c", "static void f(void)\n{\n\tstrcpy(a, b);\n}\n", '/* strcpy(a, b) */ const char *s = "strcpy(";\n'),
    ("rule_printing", "src/engine/x.c", 'static void f(void)\n{\n\tprintf("x");\n}\n', 'static void f(void)\n{\n\tsnprintf(s, 1, "x");\n}\n'),
    ("rule_typedefs", "src/base/x.h", "typedef struct a a;\n", "typedef int a(void);\n"),
    ("rule_default", "src/base/x.c", SWITCH, SWITCH.replace("FW_A", "'a'")),
    ("rule_names", "src/base/x.h", "int other_name(void);\n", "int fw_name(void);\n"),
    ("rule_names", "src/base/x.c", "static int a(void);\nint _name(void)\n{\n}\n", "static int name(void)\n{\n}\n"),
    ("rule_file_lengths", "src/base/x.c", "\n" * 700, "\n" * 500),
    ("rule_function_lengths", "src/base/x.c", LONG, LONG.replace("\tg();\n" * 40, "")),
    ("rule_function_medians", "src/base/x.c", MIDDLE, MIDDLE.replace("\tg();\n" * 15, "")),
    ("rule_depth", "src/base/x.c", DEEP, NOT_DEEP),
    ("rule_parameters", "src/base/x.c", "static int f(int a, int b, int c, int d, int e, int f)\n{\n}\n",
     "static int f(int a, int (*b)(int, int), int c, int d, int e)\n{\n}\n"),
    ("rule_openings", "src/base/x.c", "int a;\n", HEAD.format("base/x.c")),
    ("rule_openings", "src/base/x.c", HEAD.format("base/y.c"), HEAD.format("base/x.c")),
    ("rule_words", "src/base/x.c", "/* TODO: all of it */\n", "/* to do all of it */\n"),
    ("rule_machine", "docs/x.md", "see /home/somebody/notes\n", "see /etc/fwctl\n"),
    ("rule_globals", "src/base/x.c", "int counter = 1;\n", "static const char *const names[] = { \"a\" }; const char *f(int i);\nconst char *f(int i)\n{\n\treturn names[i];\n}\n"),
    ("rule_globals", "src/base/x.c", "static int counter; int f(void);\nint f(void)\n{\n\treturn counter++;\n}\n", "int f(void);\nint f(void)\n{\n\treturn 1;\n}\n"),
]


def finds(rule, path, text):
    with tempfile.TemporaryDirectory() as top:
        full = os.path.join(top, path)
        os.makedirs(os.path.dirname(full))
        with open(full, "w", encoding="utf-8") as f:
            f.write(text)
        subprocess.run(["git", "init", "-q", top], check=True)
        if rule == "rule_globals":
            os.makedirs(os.path.join(top, "build", "src"))
            subprocess.run(["gcc", "-fPIE", "-c", "-o", os.path.join(top, "build", "src", "x.o"), full], check=True)
        os.environ["BUILD"] = "build"
        return list(getattr(lint, rule)(lint.Tree(top)))


def main():
    failed = 0
    for rule, path, wrong, right in CASES:
        good = finds(rule, path, wrong) and not finds(rule, path, right)
        failed += not good
        if not good:
            print(f"not ok - {rule} of {path}: wrong {finds(rule, path, wrong)}, right {finds(rule, path, right)}")
    untested = {r.__name__ for r in lint.RULES} - {case[0] for case in CASES}
    failed += len(untested)
    for rule in sorted(untested):
        print(f"not ok - {rule} has no example here")
    print(f"{len(CASES) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
