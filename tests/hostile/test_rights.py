# SPDX-License-Identifier: GPL-2.0-or-later
"""What is refused changes nothing; who may not, is told so; where nf_tables is missing, that is what is said."""
import hashlib
import os
import shutil
import socket
import struct
import subprocess

from harness import FWCTL, need

GOOD = "group banned = dynamic\nblock banned\nallow ssh label \"one\"\nallow http from 192.0.2.0/24\n"
WITHOUT_ADMIN = (("setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin"), ("capsh", "--drop=cap_net_admin", "--", "-c", 'exec "$0" "$@"'),
                 ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"))


def kernel(space):
    """Everything in nf_tables, its generation id, and fwctl's own state."""
    rules = subprocess.run(["nft", "-a", "list", "ruleset"], capture_output=True, check=True).stdout
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12) as link:
        link.settimeout(5)
        link.send(struct.pack("=IHHIIBBH", 20, 10 << 8 | 16, 1, 7, 0, 0, 0, 0))
        generation = struct.unpack_from(">I", link.recv(8192), 24)[0]
    files = []
    for root, _, names in sorted(os.walk(space.path(".state"))):
        for name in sorted(names):
            with open(os.path.join(root, name), "rb") as file:
                files.append((root, name, hashlib.sha256(file.read()).hexdigest()))
    return rules, generation, files


def copy_program(space):
    """Where anybody may run it."""
    shutil.copy(FWCTL, space.path("program"))
    os.chmod(space.path("program"), 0o755)
    space.program = space.path("program")


def test_errors_change_nothing(space):
    space.policy(GOOD, "good.conf")
    space.good("apply", "good.conf")
    space.good("ban", "198.51.100.7")
    before = kernel(space)
    need(b"198.51.100.7" in before[0], "the ban is not there")
    os.mkfifo(space.path("fifo"))
    os.mkdir(space.path("folder"))
    space.fill("huge.conf", 40 << 20, b"allow ssh\n")
    wrong = ["allow htpp\n", "allow ssh\0\n", b"allow ssh \xff\n", "in {\n" * 1000, 'include "wrong.conf"\n', 'include "huge.conf"\n', "allow ssh\nallow 99999/tcp\n",
             'group g = file "fifo"\nallow ssh from g\n', "expect allow telnet\n", "}\n", 'allow ssh label "\x1b[2J"\n', "group g = g\nallow ssh from g\n",
             GOOD + "allow ssh rate 0/second\n", "x\n" * 100000]
    for text in wrong:
        space.policy(text, "wrong.conf")
        space.bad("apply", "wrong.conf")
        need(kernel(space) == before, "something has changed by applying", repr(text[:60]))
    for path in ("fifo", "folder", "missing", "/dev/zero", "huge.conf"):
        space.bad("apply", path)
        need(kernel(space) == before, "something has changed by applying", path)
    need("nothing to do" in space.good("apply", "good.conf").out, "the good one is not what runs")
    space.good("flush")


def test_warnings_change_something(space):
    """A warning never stops an apply."""
    space.policy("allow telnet\ngroup unused = 192.0.2.1\n")
    result = space.good("apply", "policy.conf")
    need("[exposed]" in result.err and "[unused]" in result.err, "no warnings:", result)
    need(len(space.good("status", "--json").json()["rules"]) == 1, "the rule does not run")
    space.good("flush")


def test_without_cap_net_admin(space):
    copy_program(space)
    space.policy(GOOD)
    os.chmod(space.path("policy.conf"), 0o644)
    space.good("apply", "policy.conf")
    before = kernel(space)
    for wrap in WITHOUT_ADMIN:
        for command in (("apply", "policy.conf"), ("plan", "policy.conf"), ("status",), ("ban", "192.0.2.1"), ("unban", "192.0.2.1"), ("bans",), ("flush",),
                        ("show", "--nft"), ("status", "--json")):
            result = space.run(*command, wrap=wrap)
            need(result.status == 3, "status is not 3:", result)
            need("CAP_NET_ADMIN" in result.err + result.out, "does not say what is missing:", result)
            need("root" in result.err + result.out, "does not say what to do:", result)
        for command in (("check", "policy.conf"), ("fmt", "policy.conf"), ("services", "ssh"), ("show", "--nft", "policy.conf"), ("help",)):
            space.good(*command, wrap=wrap)
    need(kernel(space) == before, "something has changed")
    space.good("flush")


SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* A kernel without nf_tables: MODE socket, there is no nfnetlink; MODE answer, nobody serves the subsystem and each message is answered EINVAL. */
static int nfnetlink = -1;
static unsigned int sequence;
static int pending;

int socket(int domain, int type, int protocol)
{
	int (*real)(int, int, int) = (int (*)(int, int, int))dlsym(RTLD_NEXT, "socket");

	if (domain == AF_NETLINK && protocol == NETLINK_NETFILTER && !strcmp(getenv("MODE"), "socket")) {
		errno = EPROTONOSUPPORT;
		return -1;
	}
	int fd = real(domain, type, protocol);
	if (domain == AF_NETLINK && protocol == NETLINK_NETFILTER)
		nfnetlink = fd;
	return fd;
}

static int mode_answer(int fd)
{
	return fd == nfnetlink && !strcmp(getenv("MODE"), "answer");
}

ssize_t sendto(int fd, const void *data, size_t len, int flags, const struct sockaddr *to, socklen_t to_len)
{
	ssize_t (*real)(int, const void *, size_t, int, const struct sockaddr *, socklen_t) =
		(ssize_t (*)(int, const void *, size_t, int, const struct sockaddr *, socklen_t))dlsym(RTLD_NEXT, "sendto");

	if (!mode_answer(fd))
		return real(fd, data, len, flags, to, to_len);
	sequence = ((const struct nlmsghdr *)data)->nlmsg_seq;
	pending = 1;
	return (ssize_t)len;
}

ssize_t send(int fd, const void *data, size_t len, int flags)
{
	return sendto(fd, data, len, flags, 0, 0);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	ssize_t (*real)(int, const struct msghdr *, int) = (ssize_t (*)(int, const struct msghdr *, int))dlsym(RTLD_NEXT, "sendmsg");

	if (!mode_answer(fd))
		return real(fd, message, flags);
	return sendto(fd, message->msg_iov[0].iov_base, message->msg_iov[0].iov_len, flags, 0, 0);
}

static ssize_t refusal(void *out)
{
	if (!pending) {
		errno = EAGAIN;
		return -1;
	}
	pending = 0;
	struct sockaddr_nl own = { 0 };
	socklen_t own_len = sizeof(own);
	getsockname(nfnetlink, (struct sockaddr *)&own, &own_len);
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
	} answer = { { sizeof(answer), NLMSG_ERROR, 0, sequence, own.nl_pid }, { -EINVAL, { sizeof(struct nlmsghdr), 0, 0, sequence, 0 } } };

	memcpy(out, &answer, sizeof(answer));
	return (ssize_t)sizeof(answer);
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	ssize_t (*real)(int, struct msghdr *, int) = (ssize_t (*)(int, struct msghdr *, int))dlsym(RTLD_NEXT, "recvmsg");
	struct sockaddr_nl from = { .nl_family = AF_NETLINK };

	if (!mode_answer(fd))
		return real(fd, message, flags);
	if (message->msg_name)
		memcpy(message->msg_name, &from, sizeof(from));
	message->msg_namelen = sizeof(from);
	message->msg_flags = 0;
	return refusal(message->msg_iov[0].iov_base);
}

ssize_t recv(int fd, void *out, size_t len, int flags)
{
	ssize_t (*real)(int, void *, size_t, int) = (ssize_t (*)(int, void *, size_t, int))dlsym(RTLD_NEXT, "recv");

	return mode_answer(fd) ? refusal(out) : real(fd, out, len, flags);
}
"""


def test_without_nf_tables(space):
    """The two ways in which a kernel says that it has none, by a library in between."""
    space.write("shim.c", SHIM)
    subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-o", space.path("shim.so"), space.path("shim.c"), "-ldl"], check=True)
    space.policy(GOOD)
    for mode in ("socket", "answer"):
        env = {"LD_PRELOAD": space.path("shim.so"), "MODE": mode}
        for command in (("apply", "policy.conf"), ("plan", "policy.conf"), ("status",), ("ban", "192.0.2.1"), ("bans",), ("flush",)):
            result = space.run(*command, env=env)
            need(result.status == 3, mode, ": status is not 3:", result)
            need("no nf_tables" in result.err and "CONFIG_NF_TABLES" in result.err, mode, ": does not say so:", result)
        space.good("check", "policy.conf", env=env)
    need(not os.path.exists(space.path(".state/netns")) or not any(files for _, _, files in os.walk(space.path(".state"))), "state was written")


def test_a_state_folder_that_cannot_be(space):
    """Nothing goes into the kernel when what was applied cannot be kept."""
    space.policy(GOOD)
    before = kernel(space)
    for folder in ("/proc/nowhere", "/dev/null/state", space.path("policy.conf")):
        result = space.run("apply", "policy.conf", env={"FWCTL_STATE_DIR": folder})
        need(result.status == 3, "status is not 3:", result)
        result = space.run("apply", "policy.conf", env={"FWCTL_RUN_DIR": folder})
        need(result.status == 3, "status is not 3:", result)
        need(kernel(space)[:2] == before[:2], "the kernel has changed")


def test_two_at_once(space):
    """Both end; what runs is one of the two, and its state says which."""
    space.policy("allow ssh label \"first\"\n", "first.conf")
    space.policy("allow http label \"second\"\n", "second.conf")
    for _ in range(5):
        running = [subprocess.Popen([space.program, "apply", name], cwd=space.folder, env=space.env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
                   for name in ("first.conf", "second.conf", "first.conf", "second.conf")]
        for process in running:
            _, err = process.communicate(timeout=60)
            need(process.returncode == 0, "ended with", process.returncode, err)
        status = space.good("status", "--json").json()
        need(status["in_sync"] is True, "not in sync")
        label = {"first.conf": "first", "second.conf": "second"}[os.path.basename(status["policy"])]
        need([rule["label"] for rule in status["rules"]] == [label], "the rules of one and the name of the other:", status)
    space.good("flush")


def test_somebody_elses_rules(space):
    """Other tables are left alone, whatever happens."""
    foreign = "add table ip fwctl; add chain ip fwctl c; add rule ip fwctl c counter; add table inet other; " \
              "add set inet other s { type ipv4_addr; elements = { 192.0.2.1 } ; }"
    subprocess.run(["nft", foreign], check=True)
    try:
        before = subprocess.run(["nft", "list", "ruleset"], capture_output=True, check=True).stdout
        space.policy(GOOD)
        space.good("apply", "policy.conf")
        space.policy("allow htpp\n")
        space.bad("apply", "policy.conf")
        space.good("flush")
        need(subprocess.run(["nft", "list", "ruleset"], capture_output=True, check=True).stdout == before, "other tables have changed")
    finally:
        subprocess.run(["nft", "delete table ip fwctl; delete table inet other"], check=True)
