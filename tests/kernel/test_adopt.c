/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Open connections, conntrack entries for them, routes, own addresses, namespaces: on real sockets over the loopback interface. */
#include "live.h"

#include <arpa/inet.h>
#include <sched.h>
#include <sys/socket.h>

/* A listener, a connection to it, and its accepted end. */
struct pair {
	int listener, client, server;
	uint16_t client_port, server_port;
};

static int setup(void **state)
{
	live_must("ip link set lo up");
	return live_setup(state);
}
#define ADOPT_TEST(name) cmocka_unit_test_setup_teardown(name, setup, live_teardown)

static uint16_t port_of(int fd)
{
	struct sockaddr_in6 address;
	socklen_t size = sizeof(address);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	return ntohs(address.sin6_port); /* at the same place in both families */
}

static struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static struct pair connect_pair(void)
{
	struct sockaddr_in any = loopback(0), server;
	struct pair pair = { .listener = socket(AF_INET, SOCK_STREAM, 0), .client = socket(AF_INET, SOCK_STREAM, 0) };

	assert_int_equal(bind(pair.listener, (struct sockaddr *)&any, sizeof(any)), 0);
	assert_int_equal(listen(pair.listener, 5), 0);
	pair.server_port = port_of(pair.listener);
	server = loopback(pair.server_port);
	assert_int_equal(connect(pair.client, (struct sockaddr *)&server, sizeof(server)), 0);
	pair.server = accept(pair.listener, NULL, NULL);
	assert_true(pair.server >= 0);
	pair.client_port = port_of(pair.client);
	return pair;
}

static void close_pair(struct pair *pair)
{
	close(pair->client);
	close(pair->server);
	close(pair->listener);
}

static struct fw_vec sockets_of(struct live *live)
{
	struct fw_vec sockets;

	fw_vec_init(&sockets, live->arena, sizeof(struct fw_socket));
	assert_int_equal(fw_kernel_sockets(live->kernel, &sockets), 0);
	return sockets;
}

static const struct fw_socket *find(const struct fw_vec *sockets, uint8_t proto, uint16_t local, uint16_t remote)
{
	for (size_t i = 0; i < sockets->len; i++) {
		const struct fw_socket *socket = fw_vec_at(sockets, i);

		if (socket->proto == proto && socket->local_port == local && socket->remote_port == remote)
			return socket;
	}
	return NULL;
}

static void test_tcp_sockets(void **state)
{
	struct pair pair = connect_pair();
	struct fw_vec sockets = sockets_of(*state);
	const struct fw_socket *client = find(&sockets, IPPROTO_TCP, pair.client_port, pair.server_port);
	const struct fw_socket *server = find(&sockets, IPPROTO_TCP, pair.server_port, pair.client_port);

	assert_int_equal(sockets.len, 2); /* not the listener */
	assert_non_null(client);
	assert_non_null(server);
	assert_false(client->accepted);
	assert_true(server->accepted);
	assert_int_equal(client->family, FW_IPV4);
	assert_int_equal(client->remote.lo, INADDR_LOOPBACK);
	assert_int_equal(client->uid, getuid());
	close_pair(&pair);
}

static void test_mapped_addresses(void **state)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6 };
	struct sockaddr_in server;
	int listener = socket(AF_INET6, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0), accepted;
	const struct fw_socket *socket;
	struct fw_vec sockets;

	assert_int_equal(bind(listener, (struct sockaddr *)&any, sizeof(any)), 0);
	assert_int_equal(listen(listener, 5), 0);
	server = loopback(port_of(listener));
	assert_int_equal(connect(client, (struct sockaddr *)&server, sizeof(server)), 0);
	accepted = accept(listener, NULL, NULL);
	sockets = sockets_of(*state);
	socket = find(&sockets, IPPROTO_TCP, ntohs(server.sin_port), port_of(client));
	assert_non_null(socket);
	assert_int_equal(socket->family, FW_IPV4);
	assert_int_equal(socket->local.lo, INADDR_LOOPBACK);
	assert_int_equal(socket->local.hi, 0);
	assert_true(socket->accepted);
	close(accepted);
	close(client);
	close(listener);
}

static void test_udp_sockets(void **state)
{
	struct sockaddr_in6 there = { .sin6_family = AF_INET6, .sin6_port = htons(5353), .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int connected = socket(AF_INET6, SOCK_DGRAM, 0), unconnected = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in any = loopback(0);
	const struct fw_socket *found;
	struct fw_vec sockets;

	assert_int_equal(bind(unconnected, (struct sockaddr *)&any, sizeof(any)), 0);
	assert_int_equal(connect(connected, (struct sockaddr *)&there, sizeof(there)), 0);
	sockets = sockets_of(*state);
	assert_int_equal(sockets.len, 1);
	found = find(&sockets, IPPROTO_UDP, port_of(connected), 5353);
	assert_non_null(found);
	assert_int_equal(found->family, FW_IPV6);
	assert_int_equal(found->remote.lo, 1);
	close(connected);
	close(unconnected);
}

/* A connection of before the rules: tracked in the direction in which it was opened, it is established and not new, from both sides. */
static void test_track(void **state)
{
	struct live *live = *state;
	struct pair pair = connect_pair();
	struct fw_vec sockets = sockets_of(live);
	const struct fw_socket *server = find(&sockets, IPPROTO_TCP, pair.server_port, pair.client_port);
	struct fw_ruleset *rs = live_ruleset(live);
	char line[128], byte;

	assert_int_equal(fw_kernel_track(live->kernel, server), 0);
	assert_int_equal(fw_kernel_track(live->kernel, server), -EEXIST);
	assert_int_equal(fw_kernel_track(live->kernel, find(&sockets, IPPROTO_TCP, pair.client_port, pair.server_port)), -EEXIST);
	(void)snprintf(line, sizeof(line), "sport=%u dport=%u", pair.client_port, pair.server_port);
	live_expect_line(live_output(live, "conntrack -L 2>/dev/null"), line);
	live_expect_line(live_output(live, "conntrack -L 2>/dev/null"), "ESTABLISHED");
	live_expect_line(live_output(live, "conntrack -L 2>/dev/null"), "[ASSURED]");

	live_base(rs, "input", NF_INET_LOCAL_IN, 0)->policy_drop = true;
	LIVE_RULE(rs, "input", { .kind = FW_RS_CT, .ct = { .key = NFT_CT_STATE, .dreg = NFT_REG_1 } },
		  { .kind = FW_RS_BITWISE,
		    .bitwise = { .sreg = NFT_REG_1, .dreg = NFT_REG_1, .mask = LIVE_BYTES(2, 0, 0, 0), .xor_bits = LIVE_BYTES(0, 0, 0, 0) } },
		  { .kind = FW_RS_CMP, .cmp = { .op = NFT_CMP_NEQ, .sreg = NFT_REG_1, .data = LIVE_BYTES(0, 0, 0, 0) } }, LIVE_VERDICT(NF_ACCEPT));
	live_apply(live, rs);
	assert_int_equal(send(pair.client, "x", 1, 0), 1);
	assert_int_equal(recv(pair.server, &byte, 1, 0), 1);
	assert_int_equal(send(pair.server, "y", 1, 0), 1);
	assert_int_equal(recv(pair.client, &byte, 1, 0), 1);
	close_pair(&pair);
	live_must("conntrack -F >/dev/null 2>&1");
}

static void test_track_udp6(void **state)
{
	struct fw_socket flow = { .family = FW_IPV6, .proto = IPPROTO_UDP, .local = { .lo = 1 }, .remote = { .lo = 1 }, .local_port = 4000, .remote_port = 53 };
	struct live *live = *state;

	assert_int_equal(fw_kernel_track(live->kernel, &flow), 0);
	live_expect_line(live_output(live, "conntrack -L -f ipv6 2>/dev/null"), "src=::1 dst=::1 sport=4000 dport=53");
	live_must("conntrack -F >/dev/null 2>&1");
}

static void test_routes(void **state)
{
	struct live *live = *state;
	struct fw_u128 near = { .lo = 0xc6336405 }, far = { .lo = 0xcb007105 }, near6 = { .hi = 0x20010db800000000, .lo = 5 };
	char name[16] = "";

	live_must("ip link add veth-a type veth peer name veth-b && ip addr add 198.51.100.1/24 dev veth-a && ip addr add 2001:db8::1/64 dev veth-a nodad && "
		  "ip link set veth-a up && ip link set veth-b up");
	assert_int_equal(fw_kernel_route_interface(live->kernel, FW_IPV4, near, name), 0);
	assert_string_equal(name, "veth-a");
	assert_int_equal(fw_kernel_route_interface(live->kernel, FW_IPV6, near6, name), 0);
	assert_string_equal(name, "veth-a");
	assert_int_equal(fw_kernel_route_interface(live->kernel, FW_IPV4, (struct fw_u128){ .lo = INADDR_LOOPBACK }, name), 0);
	assert_string_equal(name, "lo");
	assert_int_equal(fw_kernel_route_interface(live->kernel, FW_IPV4, far, name), -ENOENT);
	live_must("ip route add unreachable 203.0.113.0/24 && ip route add blackhole 198.18.0.0/15");
	assert_int_equal(fw_kernel_route_interface(live->kernel, FW_IPV4, far, name), -ENOENT);
	assert_int_equal(fw_kernel_route_interface(live->kernel, FW_IPV4, (struct fw_u128){ .lo = 0xc6120001 }, name), -ENOENT);
}

static bool is_member(const struct fw_vec *members, enum fw_family family, uint64_t hi, uint64_t lo)
{
	for (size_t i = 0; i < members->len; i++) {
		const struct fw_member *member = fw_vec_at(members, i);

		if (member->family == family && member->address.hi == hi && member->address.lo == lo)
			return member->length == fw_family_bits(family);
	}
	return false;
}

static void test_own_addresses(void **state)
{
	struct live *live = *state;
	struct fw_vec members;

	fw_vec_init(&members, live->arena, sizeof(struct fw_member));
	live_must("ip addr add 198.51.100.9 peer 198.51.100.10 dev lo");
	assert_int_equal(fw_kernel_own_addresses(&members), 0);
	assert_true(is_member(&members, FW_IPV4, 0, INADDR_LOOPBACK));
	assert_true(is_member(&members, FW_IPV6, 0, 1));
	assert_true(is_member(&members, FW_IPV4, 0, 0xc6336409));
	assert_false(is_member(&members, FW_IPV4, 0, 0xc633640a)); /* the peer's */
}

static void test_namespaces(void **state)
{
	uint64_t dev, inode, other_dev, other_inode;

	(void)state;
	assert_int_equal(fw_netns_identity(&dev, &inode), 0);
	assert_int_equal(fw_netns_is_root(), 0);
	assert_int_equal(fw_netns_enter("no-such-namespace"), -ENOENT);
	assert_int_equal(fw_netns_enter(""), -ENOENT);
	assert_true(fw_netns_enter("/proc/self/ns/mnt") < 0);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	assert_int_equal(fw_netns_identity(&other_dev, &other_inode), 0);
	assert_true(dev != other_dev || inode != other_inode);
	assert_int_equal(fw_netns_enter("/proc/thread-self/ns/net"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ADOPT_TEST(test_tcp_sockets), ADOPT_TEST(test_mapped_addresses), ADOPT_TEST(test_udp_sockets),
		ADOPT_TEST(test_track),	      ADOPT_TEST(test_track_udp6),	 ADOPT_TEST(test_routes),
		ADOPT_TEST(test_own_addresses), ADOPT_TEST(test_namespaces),
	};

	live_refuse_root();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
