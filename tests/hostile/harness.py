# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs fwctl under measured bounds, and says what every run must keep to, whatever it was fed: no crash, bounded time and memory, and nothing on
the terminal that a terminal would act upon."""
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import unicodedata

HERE = os.path.dirname(os.path.abspath(__file__))
FWCTL = os.path.abspath(os.environ.get("FWCTL", os.path.join(HERE, "..", "..", "build", "fwctl")))
CPU_SECONDS = 2.0
RSS_MIB = 1500
WALL_SECONDS = 60  # a hang; the bound itself is processor time, which a busy machine does not change
MIB = 1 << 20
DIAGNOSTIC = re.compile(r"^(?P<file>.+?):(?P<line>\d+):(?P<column>\d+): (?P<kind>error|warning): (?P<text>.*)$", re.M)
STATUSES = {0, 1, 2, 3, 4, 5, 64}


class Failed(Exception):
    pass


def need(condition, *what):
    if not condition:
        raise Failed(" ".join(str(w) for w in what))


class Result:
    def __init__(self, args, wait_status, usage, out, err):
        self.args, self.out, self.err = args, out, err
        self.signal = os.WTERMSIG(wait_status) if os.WIFSIGNALED(wait_status) else 0
        self.status = os.WEXITSTATUS(wait_status) if os.WIFEXITED(wait_status) else -1
        self.cpu = usage.ru_utime + usage.ru_stime
        self.rss = usage.ru_maxrss / 1024

    def __str__(self):
        shown = " ".join(a if len(a) < 80 else a[:77] + "..." for a in self.args)
        return f"`fwctl {shown}`: status {self.status}, signal {self.signal}, {self.cpu:.2f} s, {self.rss:.0f} MiB\n" \
               f"{self.out[:600]!r}\n{self.err[:1500]!r}"

    def errors(self):
        return [m for m in DIAGNOSTIC.finditer(self.err) if m["kind"] == "error"]

    def json(self):
        return json.loads(self.out)


def acts_on_terminals(text):
    """The first character that a terminal would not just show: C0 and C1 controls, and those that turn the writing round."""
    for at, char in enumerate(text):
        if unicodedata.category(char) == "Cc" and char not in "\n\t\x7f":  # terminals leave DEL out
            return at
        if "\u202a" <= char <= "\u202e" or "\u2066" <= char <= "\u2069" or char in "\u200e\u200f\u061c":
            return at
    return None


def clean(data, what):
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Failed(f"{what} is no UTF-8: {error}") from None
    at = acts_on_terminals(text) if len(text) < 4 * MIB else None
    need(at is None, what, "has", at is not None and hex(ord(text[at])), "at", at, ":", at is not None and ascii(text[max(0, at - 60):at + 20]))
    return text


class Space:
    """A folder of its own for each test, with fwctl's state inside. The process is in a network namespace of its own."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="fwctl-hostile-")
        os.chmod(self.folder, 0o755)
        self.program = FWCTL
        self.env = {"PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), "FWCTL_TEST": "1", "LC_ALL": "C.UTF-8", "TZ": "UTC",
                    "FWCTL_STATE_DIR": self.folder + "/.state", "FWCTL_RUN_DIR": self.folder + "/.run"}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                self.env[name] = os.environ[name]

    def close(self):
        subprocess.run(["nft", "delete", "table", "inet", "fwctl"], capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, content):
        """`content`: str, bytes, or an iterable of either. This process stays small: what it held would count as its children's."""
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if isinstance(content, (str, bytes)):
            content = (content,)
        with open(path, "wb") as file:
            for piece in content:
                file.write(piece.encode() if isinstance(piece, str) else piece)
        return path

    def fill(self, name, size, piece, before=b"", after=b""):
        """A file of `size` bytes: `before`, then `piece` over and over, then `after`."""
        chunk = piece * max(1, MIB // len(piece))
        count = size - len(before) - len(after)
        whole, rest = divmod(count, len(chunk))

        def pieces():
            yield before
            for _ in range(whole):
                yield chunk
            yield chunk[:rest - rest % len(piece)]
            yield after
        return self.write(name, pieces())

    def run(self, *args, stdin=None, cpu=CPU_SECONDS, rss=RSS_MIB, wrap=(), env=None, cwd=None):
        """fwctl with `args`, in the folder. `stdin`: a file or file descriptor. `wrap`: what stands before it (setpriv ...)."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = subprocess.Popen([*wrap, self.program, *args], cwd=cwd or self.folder, env={**self.env, **(env or {})}, stdout=out, stderr=err,
                                       stdin=subprocess.DEVNULL if stdin is None else stdin, preexec_fn=None)
            wait_status, usage, hung = self.wait(process)
            texts = []
            for file, name in ((out, "standard output"), (err, "standard error")):
                file.seek(0)
                texts.append(clean(file.read(), f"`fwctl {' '.join(args)[:200]}`: {name}"))
        result = Result(args, wait_status, usage, *texts)
        need(not hung, "hung for", WALL_SECONDS, "s:", result)
        need(not result.signal and result.status in STATUSES, "crashed:", result)
        need(result.cpu < cpu, "took more than", cpu, "s:", result)
        need(result.rss < rss, "took more than", rss, "MiB:", result)
        return result

    def wait(self, process):
        def late(*_):
            raise TimeoutError
        old = signal.signal(signal.SIGALRM, late)
        signal.alarm(int(os.environ.get("HOSTILE_WALL", WALL_SECONDS)))
        hung = False
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except TimeoutError:
            hung = True
            process.kill()
            _, status, usage = os.wait4(process.pid, 0)
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, old)
        process.returncode = status
        return status, usage, hung

    def good(self, *args, **bounds):
        result = self.run(*args, **bounds)
        need(result.status == 0, "was refused:", result)
        return result

    def bad(self, *args, at=None, says="", **bounds):
        """Status 1 and an error; `at`: its 'FILE:LINE:COLUMN'; `says`: what stands in it."""
        result = self.run(*args, **bounds)
        need(result.status == 1, "was not refused:", result)
        need(" error: " in result.err or result.err.startswith("fwctl: "), "no error message:", result)
        if at is not None:
            found = [f"{m['file']}:{m['line']}:{m['column']}" for m in result.errors()]
            need(at in found, "no error at", at, "but at", found, ":", result)
        need(says in result.err, "does not say", repr(says), ":", result)
        return result

    def policy(self, content, name="policy.conf"):
        return os.path.basename(self.write(name, content))


def memory_floor():
    """What a child counts as its own although it is this process's."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
