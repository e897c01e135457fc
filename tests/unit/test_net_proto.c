/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Protocols and ICMP types by name and number, spot-checked against the constants of libc, and the tables against themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>

#include "net/proto.h"

static void test_protocols(void **state)
{
	static const struct {
		const char *name;
		int number;
		bool has_ports;
	} rows[] = {
		{ "tcp", IPPROTO_TCP, true },	  { "udp", IPPROTO_UDP, true },	    { "sctp", IPPROTO_SCTP, true },   { "dccp", IPPROTO_DCCP, true },
		{ "udplite", IPPROTO_UDPLITE, true }, { "icmp", IPPROTO_ICMP, false }, { "icmpv6", IPPROTO_ICMPV6, false }, { "gre", IPPROTO_GRE, false },
		{ "ipv6-icmp", IPPROTO_ICMPV6, false }, { "esp", IPPROTO_ESP, false }, { "ah", IPPROTO_AH, false },    { "igmp", IPPROTO_IGMP, false },
		{ "pim", IPPROTO_PIM, false },	  { "ipip", IPPROTO_IPIP, false },  { "ipv6", IPPROTO_IPV6, false },  { "ospf", 89, false },
		{ "vrrp", 112, false },		  { "TCP", IPPROTO_TCP, true },	    { "IPv6-Icmp", IPPROTO_ICMPV6, false },
	};

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(rows); i++) {
		const struct fw_proto *proto = fw_proto_by_name(fw_str_from(rows[i].name));
		if (!proto)
			fail_msg("%s is not known", rows[i].name);
		assert_int_equal(proto->number, rows[i].number);
		assert_int_equal(proto->has_ports, rows[i].has_ports);
	}
	assert_null(fw_proto_by_name(FW_STR("")));
	assert_null(fw_proto_by_name(FW_STR("tc")));
	assert_null(fw_proto_by_name(FW_STR("tcpx")));
	assert_null(fw_proto_by_name(FW_STR("6")));
	assert_null(fw_proto_by_number(255));
	assert_string_equal(fw_proto_by_number(IPPROTO_ICMPV6)->name, "icmpv6"); /* not the alias */
	assert_string_equal(fw_proto_by_number(IPPROTO_TCP)->name, "tcp");
}

static void test_protocol_table(void **state)
{
	size_t len = 0, with_ports = 0;
	const struct fw_proto *table = fw_proto_table(&len);

	(void)state;
	assert_true(len > 20);
	for (size_t i = 0; i < len; i++) {
		assert_ptr_equal(fw_proto_by_name(fw_str_from(table[i].name)), &table[i]); /* no name twice */
		const struct fw_proto *by_number = fw_proto_by_number(table[i].number);
		assert_int_equal(by_number->number, table[i].number);
		assert_int_equal(by_number->has_ports, table[i].has_ports);
		with_ports += table[i].has_ports;
	}
	assert_int_equal(with_ports, 5);
}

static void test_icmp_types(void **state)
{
	static const struct {
		uint8_t proto;
		const char *name;
		int type;
	} rows[] = {
		{ 1, "echo-request", ICMP_ECHO },
		{ 1, "echo-reply", ICMP_ECHOREPLY },
		{ 1, "destination-unreachable", ICMP_DEST_UNREACH },
		{ 1, "time-exceeded", ICMP_TIME_EXCEEDED },
		{ 1, "parameter-problem", ICMP_PARAMETERPROB },
		{ 1, "redirect", ICMP_REDIRECT },
		{ 58, "echo-request", ICMP6_ECHO_REQUEST },
		{ 58, "echo-reply", ICMP6_ECHO_REPLY },
		{ 58, "destination-unreachable", ICMP6_DST_UNREACH },
		{ 58, "packet-too-big", ICMP6_PACKET_TOO_BIG },
		{ 58, "time-exceeded", ICMP6_TIME_EXCEEDED },
		{ 58, "parameter-problem", ICMP6_PARAM_PROB },
		{ 58, "mld-listener-query", MLD_LISTENER_QUERY },
		{ 58, "mld-listener-report", MLD_LISTENER_REPORT },
		{ 58, "mld-listener-done", MLD_LISTENER_REDUCTION },
		{ 58, "nd-router-solicit", ND_ROUTER_SOLICIT },
		{ 58, "nd-router-advert", ND_ROUTER_ADVERT },
		{ 58, "nd-neighbor-solicit", ND_NEIGHBOR_SOLICIT },
		{ 58, "nd-neighbor-advert", ND_NEIGHBOR_ADVERT },
		{ 58, "nd-redirect", ND_REDIRECT },
		{ 58, "ND-Redirect", ND_REDIRECT },
	};

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(rows); i++) {
		const struct fw_icmp_type *type = fw_icmp_type_by_name(rows[i].proto, fw_str_from(rows[i].name));
		if (!type)
			fail_msg("%s is not known", rows[i].name);
		assert_int_equal(type->type, rows[i].type);
		assert_int_equal(type->proto, rows[i].proto);
	}
	assert_null(fw_icmp_type_by_name(1, FW_STR("packet-too-big"))); /* of the other family */
	assert_null(fw_icmp_type_by_name(58, FW_STR("timestamp-request")));
	assert_null(fw_icmp_type_by_name(6, FW_STR("echo-request")));
	assert_null(fw_icmp_type_by_number(1, 255));
	assert_null(fw_icmp_type_by_number(58, 8));
	assert_string_equal(fw_icmp_type_by_number(58, 133)->name, "nd-router-solicit"); /* not the alias */
}

static void test_icmp_table(void **state)
{
	size_t len = 0;
	const struct fw_icmp_type *table = fw_icmp_type_table(&len);

	(void)state;
	assert_true(len > 20);
	for (size_t i = 0; i < len; i++) {
		assert_true(table[i].proto == 1 || table[i].proto == 58);
		assert_ptr_equal(fw_icmp_type_by_name(table[i].proto, fw_str_from(table[i].name)), &table[i]);
		assert_int_equal(fw_icmp_type_by_number(table[i].proto, table[i].type)->type, table[i].type);
	}
}

static void test_port_ranges(void **state)
{
	(void)state;
	assert_string_equal(fw_port_range_name(0), "system");
	assert_string_equal(fw_port_range_name(1023), "system");
	assert_string_equal(fw_port_range_name(1024), "user");
	assert_string_equal(fw_port_range_name(49151), "user");
	assert_string_equal(fw_port_range_name(49152), "dynamic");
	assert_string_equal(fw_port_range_name(65535), "dynamic");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_protocols),  cmocka_unit_test(test_protocol_table), cmocka_unit_test(test_icmp_types),
		cmocka_unit_test(test_icmp_table), cmocka_unit_test(test_port_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
