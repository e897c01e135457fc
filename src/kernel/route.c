/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/route.c - what routing knows: by which interface an address is reached, and this host's own addresses. */
#include <errno.h>
#include <string.h>

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "kernel/attr.h"
#include "kernel/internal.h"
#include "kernel/sockets.h"

/* The attributes behind a fixed head of `size` bytes. */
static int parse_behind(const struct nlmsghdr *message, size_t size, const struct fw_attr_policy *policy, size_t rows, struct fw_attrs *ret_attrs)
{
	size_t head = NLMSG_HDRLEN + ((size + 3) & ~(size_t)3);

	if (message->nlmsg_len < head)
		return -EBADMSG;
	return fw_attrs_parse((struct fw_attr_iter){ (const char *)message + head, message->nlmsg_len - head }, policy, rows, ret_attrs);
}

static const struct fw_attr_policy address_policy[] = {
	{ IFA_ADDRESS, FW_ATTR_BINARY, 16 },
	{ IFA_LOCAL, FW_ATTR_BINARY, 16 },
};

int fw_address_read_message(const struct nlmsghdr *message, void *data)
{
	const struct ifaddrmsg *head = (const void *)((const char *)message + NLMSG_HDRLEN);
	struct fw_member *member;
	enum fw_family family;
	struct fw_attrs attrs;
	struct fw_str bytes;
	int r;

	if (message->nlmsg_type != RTM_NEWADDR)
		return 0;
	r = parse_behind(message, sizeof(*head), address_policy, FW_ARRAY_SIZE(address_policy), &attrs);
	if (r < 0 || (head->ifa_family != AF_INET && head->ifa_family != AF_INET6))
		return r;
	family = head->ifa_family == AF_INET ? FW_IPV4 : FW_IPV6;
	/* On a point-to-point link, IFA_ADDRESS is the peer's. */
	bytes = fw_attrs_bytes(&attrs, attrs.at[IFA_LOCAL] ? IFA_LOCAL : IFA_ADDRESS);
	if (bytes.len != fw_family_bits(family) / 8)
		return -EBADMSG;
	member = fw_vec_push(data);
	if (!member)
		return -ENOMEM;
	member->family = family;
	member->address = fw_addr_from_bytes(family, (const uint8_t *)bytes.data);
	member->length = fw_family_bits(family);
	return 0;
}

static const struct fw_attr_policy route_policy[] = {
	{ RTA_OIF, FW_ATTR_U32, 0 },
};

int fw_route_read_message(const struct nlmsghdr *message, void *data)
{
	struct fw_attrs attrs;
	uint32_t *index = data;
	int r;

	if (message->nlmsg_type != RTM_NEWROUTE)
		return 0;
	r = parse_behind(message, sizeof(struct rtmsg), route_policy, FW_ARRAY_SIZE(route_policy), &attrs);
	if (!r)
		*index = fw_attrs_host32(&attrs, RTA_OIF, 0);
	return r;
}

static const struct fw_attr_policy link_policy[] = {
	{ IFLA_IFNAME, FW_ATTR_STRING, 15 },
};

int fw_link_read_message(const struct nlmsghdr *message, void *data)
{
	struct fw_attrs attrs;
	struct fw_str name;
	char *to = data;
	int r;

	if (message->nlmsg_type != RTM_NEWLINK)
		return 0;
	r = parse_behind(message, sizeof(struct ifinfomsg), link_policy, FW_ARRAY_SIZE(link_policy), &attrs);
	if (r < 0)
		return r;
	name = fw_attrs_string(&attrs, IFLA_IFNAME);
	memcpy(to, name.data, name.len);
	to[name.len] = '\0';
	return 0;
}

static int ask_route(struct fw_nl *nl, enum fw_family family, struct fw_u128 address, uint32_t *ret_index)
{
	_Alignas(struct nlmsghdr) char buffer[FW_NL_REQUEST];
	struct nlmsghdr *request = fw_nl_message(nl, buffer, RTM_GETROUTE, NLM_F_ACK);
	struct rtmsg *route = mnl_nlmsg_put_extra_header(request, sizeof(*route));
	uint8_t bytes[16];
	size_t len = fw_addr_to_bytes(family, address, bytes);

	*route = (struct rtmsg){ .rtm_family = family == FW_IPV4 ? AF_INET : AF_INET6, .rtm_dst_len = (unsigned char)(len * 8) };
	mnl_attr_put(request, RTA_DST, len, bytes);
	return fw_nl_talk(nl, request, fw_route_read_message, ret_index, NULL);
}

static int ask_link(struct fw_nl *nl, uint32_t index, char ret_name[16])
{
	_Alignas(struct nlmsghdr) char buffer[FW_NL_REQUEST];
	struct nlmsghdr *request = fw_nl_message(nl, buffer, RTM_GETLINK, NLM_F_ACK);
	struct ifinfomsg *link = mnl_nlmsg_put_extra_header(request, sizeof(*link));

	*link = (struct ifinfomsg){ .ifi_family = AF_UNSPEC, .ifi_index = (int)index };
	return fw_nl_talk(nl, request, fw_link_read_message, ret_name, NULL);
}

int fw_kernel_route_interface(struct fw_kernel *kernel, enum fw_family family, struct fw_u128 address, char ret_name[16])
{
	char name[16] = "";
	uint32_t index = 0;
	int r;

	if (kernel->route_error)
		return kernel->route_error;
	r = ask_route(&kernel->route, family, address, &index);
	if (!r && index)
		r = ask_link(&kernel->route, index, name);
	if (r == -ENETUNREACH || r == -EHOSTUNREACH || r == -ENODEV || r == -EACCES || r == -EINVAL)
		return -ENOENT; /* unreachable, prohibited, blackhole */
	if (r < 0)
		return r;
	if (!name[0])
		return -ENOENT;
	memcpy(ret_name, name, sizeof(name));
	return 0;
}

static int dump_addresses(struct fw_nl *nl, struct fw_vec *members)
{
	_Alignas(struct nlmsghdr) char buffer[FW_NL_REQUEST];
	struct nlmsghdr *request = fw_nl_message(nl, buffer, RTM_GETADDR, NLM_F_DUMP);
	struct ifaddrmsg *head = mnl_nlmsg_put_extra_header(request, sizeof(*head));

	*head = (struct ifaddrmsg){ .ifa_family = AF_UNSPEC };
	return fw_nl_talk(nl, request, fw_address_read_message, members, NULL);
}

int fw_kernel_own_addresses(struct fw_vec *ret_members)
{
	size_t had = ret_members->len;
	struct fw_nl nl;
	int r;

	r = fw_nl_open(&nl, NETLINK_ROUTE);
	if (r < 0)
		return r;
	r = -EINTR;
	for (int try = 0; r == -EINTR && try < FW_KERNEL_TRIES; try++) {
		fw_kernel_truncate(ret_members, had);
		r = dump_addresses(&nl, ret_members);
	}
	fw_nl_close(&nl);
	return r == -EINTR ? -EAGAIN : r;
}
