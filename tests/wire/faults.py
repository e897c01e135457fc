# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs a program with one fault at a chosen system call: it is killed there, or the call fails. By ptrace, so that every point of a run can
be tried one after the other, the same in each run. x86-64 only."""
import ctypes
import errno
import os
import platform
import signal

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
LIBC.ptrace.restype = ctypes.c_long
TRACEME, PEEKUSER, POKEUSER, SYSCALL, SETOPTIONS = 0, 3, 6, 24, 0x4200
SYSGOOD, EXITKILL = 1, 1 << 20
RAX, RDX, RSI, ORIG_RAX = 10 * 8, 12 * 8, 13 * 8, 15 * 8
SENDTO = 44
WORD = (1 << 64) - 1
# x86-64: what each call may well say. Others cannot fail, or their failure means nothing (close, munmap), or they tell it otherwise (brk).
ERRORS = {
    0: errno.EIO, 1: errno.ENOSPC, 5: errno.EIO, 8: errno.EIO, 9: errno.ENOMEM, 17: errno.EIO, 18: errno.ENOSPC,
    41: errno.EMFILE, 44: errno.ENOBUFS, 45: errno.ENOBUFS, 46: errno.ENOBUFS, 47: errno.ENOBUFS, 49: errno.ENOMEM, 54: errno.EPERM,
    72: errno.EBADF, 73: errno.EINTR, 74: errno.EIO, 75: errno.EIO, 77: errno.ENOSPC, 82: errno.ENOSPC, 83: errno.ENOSPC, 86: errno.ENOSPC,
    87: errno.EROFS, 217: errno.EIO, 257: errno.EMFILE, 258: errno.ENOSPC, 262: errno.EACCES, 263: errno.EROFS, 264: errno.ENOSPC,
    265: errno.ENOSPC, 299: errno.ENOBUFS, 307: errno.ENOBUFS, 316: errno.ENOSPC,
}
NAMES = {0: "read", 1: "write", 8: "lseek", 9: "mmap", 17: "pread", 41: "socket", 44: "sendto", 45: "recvfrom", 46: "sendmsg", 47: "recvmsg",
         49: "bind", 54: "setsockopt", 72: "fcntl", 73: "flock", 74: "fsync", 75: "fdatasync", 82: "rename", 83: "mkdir", 86: "link",
         87: "unlink", 217: "getdents", 257: "openat", 258: "mkdirat", 262: "stat", 263: "unlinkat", 264: "renameat", 316: "renameat2"}


def ptrace(request, pid, address=0, data=0):
    ctypes.set_errno(0)
    value = LIBC.ptrace(request, pid, address, data)
    if value == -1 and ctypes.get_errno():
        raise OSError(ctypes.get_errno(), f"ptrace {request}")
    return value


class Outcome:
    """code: exit status, or minus the signal that ended it. calls: how many system calls were begun; failable: how many of those are in
    ERRORS. hit: the name of the call that failed, or None where there was none to fail."""

    def __init__(self, status, calls, failable, hit):
        self.code, self.calls, self.failable, self.hit = os.waitstatus_to_exitcode(status), calls, failable, hit


def without_leaks(env):
    """The environment with leak checking off: it works by ptrace as well, and a process has one tracer."""
    return dict(env, ASAN_OPTIONS=env.get("ASAN_OPTIONS", "") + ":detect_leaks=0")


def run(argv, env, output, kill_at=0, fail_at=0, patch=None):
    """Runs argv in the namespace of the calling thread; what it prints goes to the file `output`. kill_at: the call before which it is
    killed; fail_at: the call that fails, counting only those of ERRORS. Both from 1; 0 is never. patch: gets the bytes of each sendto and
    gives those (as many) that are sent instead."""
    if platform.machine() != "x86_64":
        raise OSError(errno.ENOSYS, "system calls are known by their numbers on x86-64 only")
    pid = os.fork()
    if pid == 0:
        try:
            out = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(out, 1)
            os.dup2(out, 2)
            LIBC.ptrace(TRACEME, 0, None, None)
            os.execve(argv[0], argv, env)
        finally:
            os._exit(127)
    try:
        os.waitpid(pid, 0)  # stopped by its exec
        ptrace(SETOPTIONS, pid, 0, SYSGOOD | EXITKILL)
        return follow(pid, kill_at, fail_at, patch)
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise


def rewrite(pid, patch):
    """Changes what the call that is about to begin sends."""
    address, size = ptrace(PEEKUSER, pid, RSI) & WORD, ptrace(PEEKUSER, pid, RDX)
    with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
        memory.seek(address)
        data = memory.read(size)
        changed = patch(data)
        if changed != data:
            memory.seek(address)
            memory.write(changed)


def follow(pid, kill_at, fail_at, patch):
    calls, failable, hit, entering, signal_number, failing = 0, 0, None, True, 0, 0
    while True:
        ptrace(SYSCALL, pid, 0, signal_number)
        signal_number, status = 0, os.waitpid(pid, 0)[1]
        if not os.WIFSTOPPED(status):
            return Outcome(status, calls, failable, hit)
        if os.WSTOPSIG(status) != signal.SIGTRAP | 0x80:
            signal_number = os.WSTOPSIG(status)
            continue
        if entering:
            calls += 1
            number = ptrace(PEEKUSER, pid, ORIG_RAX)
            failable += number in ERRORS
            if calls == kill_at:
                os.kill(pid, signal.SIGKILL)
                return Outcome(os.waitpid(pid, 0)[1], calls, failable, hit)
            if patch and number == SENDTO:
                rewrite(pid, patch)
            if number in ERRORS and failable == fail_at:
                hit, failing = NAMES.get(number, str(number)), ERRORS[number]
                ptrace(POKEUSER, pid, ORIG_RAX, WORD)  # no such call: the kernel skips it
        elif failing:
            ptrace(POKEUSER, pid, RAX, WORD + 1 - failing)
            failing = 0
        entering = not entering
