/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/socket.c - the kernel as an object: its sockets, opened together so that all of them belong to the namespace that the
 * thread was in, and the generation. */
#include <errno.h>
#include <stdlib.h>

#include "kernel/attr.h"
#include "kernel/internal.h"

static const struct fw_attr_policy generation_policy[] = {
	{ NFTA_GEN_ID, FW_ATTR_U32, 0 },
};

static int read_generation(const struct nlmsghdr *message, void *data)
{
	uint32_t *generation = data;
	struct fw_attrs attrs;
	struct fw_attr_iter iter;
	int r;

	if (message->nlmsg_type != fw_nf_type(NFT_MSG_NEWGEN) || message->nlmsg_len < NLMSG_HDRLEN + sizeof(struct nfgenmsg))
		return -EBADMSG;
	iter = (struct fw_attr_iter){ (const char *)message + NLMSG_HDRLEN + sizeof(struct nfgenmsg),
				      message->nlmsg_len - NLMSG_HDRLEN - sizeof(struct nfgenmsg) };
	r = fw_attrs_parse(iter, generation_policy, FW_ARRAY_SIZE(generation_policy), &attrs);
	if (r < 0)
		return r;
	*generation = fw_attrs_be32(&attrs, NFTA_GEN_ID, 0);
	return *generation ? 0 : -EBADMSG;
}

int fw_kernel_generation(struct fw_kernel *kernel, uint32_t *ret_generation)
{
	_Alignas(struct nlmsghdr) char buffer[FW_NL_REQUEST];
	uint32_t generation = 0;
	int r;

	r = fw_nl_talk(&kernel->netfilter, fw_nl_nf_message(&kernel->netfilter, buffer, fw_nf_type(NFT_MSG_GETGEN), NLM_F_ACK), read_generation,
		       &generation, NULL);
	if (r < 0)
		return r;
	if (!generation)
		return -EBADMSG;
	*ret_generation = generation;
	return 0;
}

/* nfnetlink answers EINVAL where nobody serves the subsystem, EOPNOTSUPP where the module may not be loaded. */
static int open_nf_tables(struct fw_kernel *kernel)
{
	uint32_t generation;
	int r;

	r = fw_nl_open(&kernel->netfilter, NETLINK_NETFILTER);
	if (!r)
		r = fw_kernel_generation(kernel, &generation);
	return r == -EINVAL || r == -EOPNOTSUPP ? -EPROTONOSUPPORT : r;
}

int fw_kernel_open(struct fw_kernel **ret_kernel)
{
	struct fw_kernel *kernel = calloc(1, sizeof(*kernel));
	int r;

	if (!kernel)
		return -ENOMEM;
	r = open_nf_tables(kernel);
	if (r < 0) {
		fw_kernel_close(kernel);
		return r;
	}
	kernel->ask_ranges_from = FW_KERNEL_ASK_RANGES_FROM;
	kernel->ask_keys_from = FW_KERNEL_ASK_KEYS_FROM;
	kernel->diag_error = fw_nl_open(&kernel->diag, NETLINK_SOCK_DIAG);
	kernel->route_error = fw_nl_open(&kernel->route, NETLINK_ROUTE);
	*ret_kernel = kernel;
	return 0;
}

void fw_kernel_close(struct fw_kernel *kernel)
{
	if (!kernel)
		return;
	fw_nl_close(&kernel->netfilter);
	fw_nl_close(&kernel->diag);
	fw_nl_close(&kernel->route);
	free(kernel);
}

void fw_kernel_closep(struct fw_kernel **kernel)
{
	fw_kernel_close(*kernel);
}
