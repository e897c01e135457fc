/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile/field.c - the table of packet fields: how each is named, loaded and laid out. Addresses and ICMP types are loaded without a
 * look at the family and protocol: whoever tests them tests those before. */
#include <linux/netfilter/nf_tables.h>

#include "compile/plan.h"

static const struct fw_field_info fields[FW_FIELDS] = {
	[FW_FIELD_FAMILY] = { "family", FW_RS_KEY_PROTO, 1, FW_RS_META, { NFT_META_NFPROTO, 0 }, false, false, false },
	[FW_FIELD_PROTO] = { "protocol", FW_RS_KEY_PROTO, 1, FW_RS_META, { NFT_META_L4PROTO, 0 }, false, false, false },
	[FW_FIELD_SPORT] = { "source-port", FW_RS_KEY_SERVICE, 2, FW_RS_PAYLOAD, { NFT_PAYLOAD_TRANSPORT_HEADER, 0 }, false, false, false },
	[FW_FIELD_DPORT] = { "port", FW_RS_KEY_SERVICE, 2, FW_RS_PAYLOAD, { NFT_PAYLOAD_TRANSPORT_HEADER, 2 }, false, false, false },
	[FW_FIELD_TCP_FLAGS] = { "tcp-flags", FW_RS_KEY_PROTO, 1, FW_RS_PAYLOAD, { NFT_PAYLOAD_TRANSPORT_HEADER, 13 }, false, false, false },
	[FW_FIELD_ICMP_TYPE] = { "icmp-type", FW_RS_KEY_ICMP_TYPE, 1, FW_RS_PAYLOAD, { NFT_PAYLOAD_TRANSPORT_HEADER, 0 }, false, false, true },
	[FW_FIELD_ICMPV6_TYPE] = { "icmpv6-type", FW_RS_KEY_ICMPV6_TYPE, 1, FW_RS_PAYLOAD, { NFT_PAYLOAD_TRANSPORT_HEADER, 0 }, false, false, true },
	[FW_FIELD_SADDR4] = { "from4", FW_RS_KEY_IPV4, 4, FW_RS_PAYLOAD, { NFT_PAYLOAD_NETWORK_HEADER, 12 }, false, false, true },
	[FW_FIELD_DADDR4] = { "to4", FW_RS_KEY_IPV4, 4, FW_RS_PAYLOAD, { NFT_PAYLOAD_NETWORK_HEADER, 16 }, false, false, true },
	[FW_FIELD_SADDR4_HEAD] = { "from4-head", FW_RS_KEY_PROTO, 1, FW_RS_PAYLOAD, { NFT_PAYLOAD_NETWORK_HEADER, 12 }, false, false, false },
	[FW_FIELD_DADDR4_HEAD] = { "to4-head", FW_RS_KEY_PROTO, 1, FW_RS_PAYLOAD, { NFT_PAYLOAD_NETWORK_HEADER, 16 }, false, false, false },
	[FW_FIELD_SADDR6] = { "from6", FW_RS_KEY_IPV6, 16, FW_RS_PAYLOAD, { NFT_PAYLOAD_NETWORK_HEADER, 8 }, false, false, true },
	[FW_FIELD_DADDR6] = { "to6", FW_RS_KEY_IPV6, 16, FW_RS_PAYLOAD, { NFT_PAYLOAD_NETWORK_HEADER, 24 }, false, false, true },
	[FW_FIELD_HOPLIMIT6] = { "hop-limit", FW_RS_KEY_PROTO, 1, FW_RS_PAYLOAD, { NFT_PAYLOAD_NETWORK_HEADER, 7 }, false, false, true },
	[FW_FIELD_DADDR_TYPE] = { "to-type", FW_RS_KEY_MARK, 4, FW_RS_FIB, { NFTA_FIB_F_DADDR, NFT_FIB_RESULT_ADDRTYPE }, true, false, true },
	[FW_FIELD_IIFNAME] = { "arriving", FW_RS_KEY_IFNAME, 16, FW_RS_META, { NFT_META_IIFNAME, 0 }, false, true, false },
	[FW_FIELD_OIFNAME] = { "leaving", FW_RS_KEY_IFNAME, 16, FW_RS_META, { NFT_META_OIFNAME, 0 }, false, true, false },
	[FW_FIELD_IIF] = { "arriving-number", FW_RS_KEY_MARK, 4, FW_RS_META, { NFT_META_IIF, 0 }, true, false, false },
	[FW_FIELD_OIF] = { "leaving-number", FW_RS_KEY_MARK, 4, FW_RS_META, { NFT_META_OIF, 0 }, true, false, false },
	[FW_FIELD_CT_STATE] = { "state", FW_RS_KEY_MARK, 4, FW_RS_CT, { NFT_CT_STATE, 0 }, true, false, false },
	[FW_FIELD_CT_STATUS] = { "status", FW_RS_KEY_MARK, 4, FW_RS_CT, { NFT_CT_STATUS, 0 }, true, false, false },
	[FW_FIELD_CT_HELPER] = { "helper", FW_RS_KEY_IFNAME, 16, FW_RS_CT, { NFT_CT_HELPER, 0 }, false, true, false },
	[FW_FIELD_SKUID] = { "user", FW_RS_KEY_UID, 4, FW_RS_META, { NFT_META_SKUID, 0 }, true, false, false },
	[FW_FIELD_SKGID] = { "group", FW_RS_KEY_GID, 4, FW_RS_META, { NFT_META_SKGID, 0 }, true, false, false },
	[FW_FIELD_TIME] = { "time", FW_RS_KEY_TIME, 8, FW_RS_META, { NFT_META_TIME_NS, 0 }, true, false, false },
};

const struct fw_field_info *fw_field_info(enum fw_field field)
{
	return &fields[field];
}
