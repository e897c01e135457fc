# SPDX-License-Identifier: GPL-2.0-or-later
"""C source as lint sees it: text without comments and strings, and its functions. No parser: the house style puts the braces of a function
into the first column, and that is what is relied on."""
import re
from dataclasses import dataclass

TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def blank(match):
    """A comment or string as blanks; lines stay where they are."""
    text = match.group(0)
    kept = re.sub(r"[^\n]", " ", text)
    return '"' + kept[1:-1] + '"' if text[0] == '"' else kept


def strip(text):
    return TOKEN.sub(blank, text)


def comments(text):
    return [(text.count("\n", 0, m.start()) + 1, m.group(0)) for m in TOKEN.finditer(text) if m.group(0).startswith("/")]


@dataclass
class Function:
    name: str
    line: int     # of its head
    length: int   # lines from the opening to the closing brace, both included
    depth: int    # deepest level of blocks within
    parameters: int


def parameters(head):
    inner = head[head.index("(") + 1:head.rindex(")")]
    level, count = 0, 1
    for c in inner:
        level += (c == "(") - (c == ")")
        count += c == "," and level == 0
    return 0 if inner.strip() in ("", "void") else count


CONTROL = re.compile(r"(if|for|while|switch|do|else)\b")


def ends_statement(text):
    """Is this, from the start of a statement on, all of it, or all of the head of a block or of a statement without braces?"""
    if text.count("(") != text.count(")"):
        return False
    label = text.endswith(":") and re.match(r"(case\b|default:|\w+:$)", text)
    return text.endswith((";", "{", "}")) or bool(label) or bool(CONTROL.match(text) and not text.endswith(("&&", "||", "?", "+", "=")))


def depth_of(lines):
    """How deep blocks stand in each other, by the tabs before the first line of each statement."""
    deepest, pending = 0, ""
    for line in lines:
        word = line.strip()
        if not word:
            continue
        if not pending:
            deepest = max(deepest, len(line) - len(line.lstrip("\t")) - 1)
        pending = f"{pending} {word}".strip()
        if ends_statement(pending):
            pending = ""
    return deepest


def functions(stripped):
    """Every function of a text that `strip` gave."""
    lines = stripped.split("\n")
    found = []
    for i, line in enumerate(lines):
        if line != "{" or i == 0:
            continue
        first = i - 1
        while first > 0 and not re.match(r"[A-Za-z_]", lines[first]):
            first -= 1
        head = " ".join(lines[first:i])
        name = re.search(r"(\w+)\s*\(", head)
        if not name or re.match(r"(struct|enum|union)\b[^(]*$", head):
            continue
        end = next((k for k in range(i, len(lines)) if lines[k].startswith("}")), len(lines) - 1)
        found.append(Function(name.group(1), first + 1, end - i + 1, depth_of(lines[i + 1:end]), parameters(head)))
    return found
