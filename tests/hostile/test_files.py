# SPDX-License-Identifier: GPL-2.0-or-later
"""What is no plain file: folders, FIFOs, devices, sockets, what may not be read; as the policy, as an include and as a file of addresses."""
import os
import shutil
import socket
import subprocess
import tempfile
import threading

from harness import FWCTL, need

NOBODY = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")


def refused(space, path, says, **bounds):
    """In all three places."""
    for command in ("check", "fmt", "show", "plan", "apply"):
        space.bad(command, path, says=path, **bounds)
    result = space.bad("check", path, says=says, **bounds)
    need(result.err.startswith("fwctl: error: "), "says it in another way:", result)
    name = space.policy(f'include "{path}"\n', "with-include.conf")
    space.bad("check", name, at=f"{name}:1:9", says=says, **bounds)
    name = space.policy(f'allow ssh\ngroup g = file "{path}"\nallow ssh from g\n', "with-file.conf")
    space.bad("check", name, at=f"{name}:2:16", says=says, **bounds)


def test_nothing(space):
    refused(space, "missing.conf", "No such file or directory")
    refused(space, "missing/policy.conf", "No such file or directory")


def test_folder(space):
    os.mkdir(space.path("folder"))
    refused(space, "folder", "Is a directory")


def test_file_as_a_folder(space):
    space.policy("allow ssh\n")
    refused(space, "policy.conf/more", "Not a directory")


def test_fifo(space):
    os.mkfifo(space.path("fifo"))
    refused(space, "fifo", "neither a file nor a pipe")


def test_socket(space):
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(space.path("socket"))
        refused(space, "socket", "No such device or address")


def test_devices(space):
    refused(space, "/dev/zero", "neither a file nor a pipe")
    refused(space, "/dev/urandom", "neither a file nor a pipe")
    refused(space, "/dev/full", "neither a file nor a pipe")


def test_files_of_the_kernel(space):
    """They say that they are regular and empty."""
    refused(space, "/proc/self/mem", "Input/output error")
    for path in ("/proc/kmsg", "/proc/kcore", "/proc/self/pagemap", "/sys/kernel/notes"):
        result = space.run("check", path)
        need(result.status == 1 and "fwctl: error: " in result.err or result.errors(), result)
    result = space.bad("check", "/proc/self/environ")  # is read, and is no policy
    need(result.errors(), "no place:", result)


def test_dev_null_is_an_empty_policy(space):
    need("0 rules in" in space.good("check", "/dev/null").out, "rules from nowhere")


def test_pipes(space):
    for path in ("-", "/dev/stdin", "/proc/self/fd/0"):
        with subprocess.Popen(["echo", "allow ssh"], stdout=subprocess.PIPE) as echo:
            need("1 rules in" in space.good("check", path, stdin=echo.stdout).out, "not one rule")
    with tempfile.TemporaryFile() as file:
        file.write(b"allow ssh\nallow http\n")
        file.seek(0)
        need("2 rules in" in space.good("check", "-", stdin=file).out, "not two rules")


def test_a_slow_pipe(space):
    """Whoever writes may take his time between the lines."""
    reading, writing = os.pipe()

    def write():
        with os.fdopen(writing, "wb", buffering=0) as pipe:
            for line in (b"allow ssh\n", b"allow ", b"http\n"):
                threading.Event().wait(0.1)
                pipe.write(line)
    writer = threading.Thread(target=write)
    writer.start()
    need("2 rules in" in space.good("check", "/dev/stdin", stdin=reading).out, "not two rules")
    writer.join()
    os.close(reading)


def test_standard_input_that_is_closed(space):
    result = space.run("check", "-", wrap=("sh", "-c", 'exec "$0" "$@" <&-'))
    need(result.status == 1 and "Bad file descriptor" in result.err, result)


def test_what_may_not_be_read(space):
    """As somebody who is not root."""
    os.chmod(space.write("secret.conf", "allow ssh\n"), 0o600)
    space.write("with-include.conf", 'include "secret.conf"\n')
    space.write("with-file.conf", 'group g = file "secret.conf"\nallow ssh from g\n')
    os.mkdir(space.path("closed"), 0o700)
    space.write("with-pattern.conf", 'include "closed/*.conf"\nallow ssh\n')
    space.program = space.path("program")
    shutil.copy(FWCTL, space.program)
    space.bad("check", "secret.conf", wrap=NOBODY, says="Permission denied")
    space.bad("check", "with-include.conf", wrap=NOBODY, at="with-include.conf:1:9", says="Permission denied")
    space.bad("check", "with-file.conf", wrap=NOBODY, at="with-file.conf:1:16", says="Permission denied")
    space.bad("check", "with-pattern.conf", wrap=NOBODY, at="with-pattern.conf:1:9", says="Permission denied")


def test_names_that_are_too_long(space):
    refused(space, "n" * 300, "File name too long")
    result = space.bad("check", "d/" * 3000 + "x")
    need(len(result.err) < 5000, "the message is as long as the name:", len(result.err))


def test_file_that_grows_while_it_is_read(space):
    """A log file, say. What is read is some beginning of it."""
    path = space.write("growing.conf", "allow ssh\n")
    stop = threading.Event()

    def grow():
        with open(path, "ab", buffering=0) as file:
            while not stop.is_set() and file.tell() < 20 << 20:
                file.write(b"# grows\n" * 512)
    grower = threading.Thread(target=grow)
    grower.start()
    try:
        for _ in range(5):
            result = space.run("check", "growing.conf")
            need(result.status in (0, 1) and (result.status == 0 or result.errors()), result)
    finally:
        stop.set()
        grower.join()


def test_output_that_goes_nowhere(space):
    """A full disk, a reader that went away: told, not overlooked."""
    space.policy("allow ssh\n")
    for command in (("check", "policy.conf"), ("fmt", "policy.conf"), ("show", "--nft", "policy.conf"), ("services",), ("services", "--json"), ("help",)):
        result = space.run(*command, wrap=("sh", "-c", 'exec "$0" "$@" >/dev/full'))
        need(result.status != 0 and "No space left" in result.err, result)
        result = space.run(*command, wrap=("sh", "-c", 'exec "$0" "$@" >&-'))
        need(result.status != 0, result)
