// Dumps the entries (the kernel picks those with the wanted answer address, where it can), then deletes each by its
// reply tuple in few large messages. Never by the original one: a client may have opened the same port anew meanwhile,
// the kernel may have given that entry the old one's memory and so its id, and a young connection to another backend
// would be lost.
#include "edge/conntrack.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <memory>

#include "edge/fd.h"

namespace edge {
namespace {

using base::Result;

/// From the kernel's enum ip_conntrack filter flags, which no header of 6.1 exports: compare the source address.
constexpr std::uint32_t filter_ip_src = 1u << 0;
constexpr std::size_t batch_bytes = 32 * 1024;
constexpr std::size_t filtered_dumps_max = 3;

struct CloseSocket {
    void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
};
using Socket = std::unique_ptr<mnl_socket, CloseSocket>;

nlmsghdr* put_header(void* buffer, std::uint16_t type, std::uint16_t flags) {
    auto* header = mnl_nlmsg_put_header(buffer);
    header->nlmsg_type = static_cast<std::uint16_t>(NFNL_SUBSYS_CTNETLINK << 8 | type);
    header->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    auto* family = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(nfgenmsg)));
    family->nfgen_family = AF_INET;
    family->version = NFNETLINK_V0;
    family->res_id = 0;
    return header;
}

using Attributes = std::array<const nlattr*, CTA_MAX + 1>;

/// Calls `visit` for each attribute between two places; the macros of libmnl are C.
template <class Visit>
void each_attribute(const void* from, std::size_t size, Visit visit) {
    const auto* end = static_cast<const char*>(from) + size;
    for (const auto* at = static_cast<const nlattr*>(from);
         mnl_attr_ok(at, static_cast<int>(end - reinterpret_cast<const char*>(at))); at = mnl_attr_next(at))
        visit(*at);
}

const nlattr* find(const nlattr* nest, std::uint16_t wanted) {
    const nlattr* found = nullptr;
    each_attribute(mnl_attr_get_payload(nest), mnl_attr_get_payload_len(nest), [&](const nlattr& each) {
        if (mnl_attr_get_type(&each) == wanted) found = &each;
    });
    return found;
}

/// What is needed of an entry to delete it: whole attributes, as the kernel sent them.
struct Entry {
    std::string tuple;
    std::uint32_t id = 0;
};

struct Search {
    std::vector<std::uint32_t> addresses;  ///< network order; sorted
    FlowFilter which = FlowFilter::all;
    std::vector<Entry> found;
};

bool is_over(const Attributes& entry, std::uint8_t protocol) {
    if (protocol == IPPROTO_UDP) return true;
    if (protocol != IPPROTO_TCP || !entry[CTA_PROTOINFO]) return false;
    const auto* tcp = find(entry[CTA_PROTOINFO], CTA_PROTOINFO_TCP);
    const auto* state = tcp ? find(tcp, CTA_PROTOINFO_TCP_STATE) : nullptr;
    if (!state) return false;
    const auto value = mnl_attr_get_u8(state);
    return value == TCP_CONNTRACK_LAST_ACK || value == TCP_CONNTRACK_TIME_WAIT || value == TCP_CONNTRACK_CLOSE;
}

int on_entry(const nlmsghdr* header, void* data) {
    auto& search = *static_cast<Search*>(data);
    Attributes entry{};
    const auto size = mnl_nlmsg_get_payload_len(header) - MNL_ALIGN(sizeof(nfgenmsg));
    each_attribute(mnl_nlmsg_get_payload_offset(header, sizeof(nfgenmsg)), size, [&](const nlattr& each) {
        const auto type = mnl_attr_get_type(&each);
        if (type <= CTA_MAX) entry[type] = &each;
    });
    if (!entry[CTA_TUPLE_ORIG] || !entry[CTA_TUPLE_REPLY]) return MNL_CB_OK;
    const auto* ip = find(entry[CTA_TUPLE_REPLY], CTA_TUPLE_IP);
    const auto* source = ip ? find(ip, CTA_IP_V4_SRC) : nullptr;
    if (!source || !std::ranges::binary_search(search.addresses, mnl_attr_get_u32(source))) return MNL_CB_OK;
    const auto* proto = find(entry[CTA_TUPLE_ORIG], CTA_TUPLE_PROTO);
    const auto* number = proto ? find(proto, CTA_PROTO_NUM) : nullptr;
    if (!number) return MNL_CB_OK;
    if (search.which == FlowFilter::past && !is_over(entry, mnl_attr_get_u8(number))) return MNL_CB_OK;
    const auto* tuple = entry[CTA_TUPLE_REPLY];
    search.found.push_back({.tuple = std::string(reinterpret_cast<const char*>(tuple), MNL_ALIGN(tuple->nla_len)),
                            .id = entry[CTA_ID] ? mnl_attr_get_u32(entry[CTA_ID]) : 0});
    return MNL_CB_OK;
}

/// `filter`: the one address that the kernel is to pick the entries of; null lists all.
Result<void> dump(mnl_socket* socket, Search& search, const std::uint32_t* filter) {
    std::array<char, 512> request{};
    const auto sequence = static_cast<std::uint32_t>(time(nullptr));
    auto* header = put_header(request.data(), IPCTNL_MSG_CT_GET, NLM_F_DUMP);
    header->nlmsg_seq = sequence;
    if (filter) {
        auto* reply = mnl_attr_nest_start(header, CTA_TUPLE_REPLY);
        auto* ip = mnl_attr_nest_start(header, CTA_TUPLE_IP);
        mnl_attr_put_u32(header, CTA_IP_V4_SRC, *filter);
        mnl_attr_put_u32(header, CTA_IP_V4_DST, 0);
        mnl_attr_nest_end(header, ip);
        mnl_attr_nest_end(header, reply);
        auto* flags = mnl_attr_nest_start(header, CTA_FILTER);
        mnl_attr_put_u32(header, CTA_FILTER_ORIG_FLAGS, 0);
        mnl_attr_put_u32(header, CTA_FILTER_REPLY_FLAGS, filter_ip_src);
        mnl_attr_nest_end(header, flags);
    }
    if (mnl_socket_sendto(socket, header, header->nlmsg_len) < 0) return fail_errno("conntrack: send");
    std::vector<char> buffer(batch_bytes);
    for (;;) {
        const auto got = mnl_socket_recvfrom(socket, buffer.data(), buffer.size());
        if (got < 0) return fail_errno("conntrack: receive");
        const auto more = mnl_cb_run(buffer.data(), static_cast<std::size_t>(got), sequence,
                                     mnl_socket_get_portid(socket), on_entry, &search);
        if (more < 0) return fail_errno("conntrack: list");
        if (more == 0) return {};
    }
}

/// One message after the other in one buffer; an entry that went by itself meanwhile is as good as deleted.
Result<void> remove(mnl_socket* socket, const std::vector<Entry>& entries) {
    std::vector<char> buffer(batch_bytes + 1024);
    std::size_t used = 0;
    const auto send = [&]() -> Result<void> {
        if (used > 0 && mnl_socket_sendto(socket, buffer.data(), used) < 0) return fail_errno("conntrack: delete");
        used = 0;
        return {};
    };
    for (const auto& entry : entries) {
        auto* header = put_header(buffer.data() + used, IPCTNL_MSG_CT_DELETE, 0);
        auto* tail = static_cast<char*>(mnl_nlmsg_get_payload_tail(header));
        std::memcpy(tail, entry.tuple.data(), entry.tuple.size());
        header->nlmsg_len += static_cast<std::uint32_t>(entry.tuple.size());
        if (entry.id != 0) mnl_attr_put_u32(header, CTA_ID, entry.id);
        used += header->nlmsg_len;
        if (used >= batch_bytes) TRY(send());
    }
    return send();
}

}  // namespace

Result<void> delete_flows(const std::vector<std::string>& addresses, FlowFilter which) {
    Socket listing(mnl_socket_open(NETLINK_NETFILTER)), deleting(mnl_socket_open(NETLINK_NETFILTER));
    if (!listing || !deleting) return fail_errno("conntrack: open");
    if (mnl_socket_bind(listing.get(), 0, MNL_SOCKET_AUTOPID) < 0 ||
        mnl_socket_bind(deleting.get(), 0, MNL_SOCKET_AUTOPID) < 0)
        return fail_errno("conntrack: bind");
    Search search{.addresses = {}, .which = which, .found = {}};
    for (const auto& address : addresses) {
        std::uint32_t number = 0;
        if (inet_pton(AF_INET, address.c_str(), &number) == 1) search.addresses.push_back(number);
    }
    std::ranges::sort(search.addresses);
    // Each dump walks the kernel's whole table, filtered or not: for more than a few addresses one dump of all is less.
    bool listed = search.addresses.size() <= filtered_dumps_max;
    for (std::size_t at = 0; listed && at < search.addresses.size(); ++at)
        listed = dump(listing.get(), search, &search.addresses[at]).has_value();
    if (!listed) {  // many, or a kernel that cannot filter
        search.found.clear();
        TRY(dump(listing.get(), search, nullptr));
    }
    return remove(deleting.get(), search.found);
}

}  // namespace edge
