// Messages by libmnl; every change is acknowledged by the kernel before the call returns.
#include "edge/pod/netlink.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

namespace edge {
namespace {

/// One message under construction.
class Request {
 public:
    Request(std::uint16_t type, std::uint16_t flags) : header_(mnl_nlmsg_put_header(buffer_.data())) {
        header_->nlmsg_type = type;
        header_->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
    }
    ifinfomsg* link(int index = 0) {
        auto* info = static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(header_, sizeof(ifinfomsg)));
        info->ifi_family = AF_UNSPEC;
        info->ifi_index = index;
        return info;
    }
    nlmsghdr* header() { return header_; }
    nlattr* nest(std::uint16_t type) { return mnl_attr_nest_start(header_, type); }
    void end(nlattr* nested) { mnl_attr_nest_end(header_, nested); }
    void text(std::uint16_t type, const std::string& value) { mnl_attr_put_strz(header_, type, value.c_str()); }
    void number(std::uint16_t type, std::uint32_t value) { mnl_attr_put_u32(header_, type, value); }
    void address(std::uint16_t type, std::uint32_t value) { mnl_attr_put_u32(header_, type, htonl(value)); }

 private:
    alignas(nlmsghdr) std::array<char, 4096> buffer_{};
    nlmsghdr* header_;
};

base::Error netlink_error(int error, const char* what) {
    const auto code = error == EEXIST   ? base::Code::already_exists
                      : error == ENODEV ? base::Code::not_found
                                        : base::Code::internal;
    return {code, std::string(what) + ": " + std::strerror(error)};
}

int first_address(const nlmsghdr* header, void* found) {
    const auto* info = static_cast<const ifaddrmsg*>(mnl_nlmsg_get_payload(header));
    if (info->ifa_scope != RT_SCOPE_UNIVERSE || *static_cast<std::uint32_t*>(found) != 0) return MNL_CB_OK;
    const auto* end = mnl_nlmsg_get_payload_tail(header);
    const auto* attribute = static_cast<const nlattr*>(mnl_nlmsg_get_payload_offset(header, sizeof(*info)));
    for (; mnl_attr_ok(attribute, static_cast<const char*>(end) - reinterpret_cast<const char*>(attribute));
         attribute = mnl_attr_next(attribute)) {
        if (mnl_attr_get_type(attribute) == IFA_LOCAL) {
            *static_cast<std::uint32_t*>(found) = ntohl(mnl_attr_get_u32(attribute));
        }
    }
    return MNL_CB_OK;
}

}  // namespace

base::Result<Netlink> Netlink::open() {
    auto* socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
    if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0) {
        const int error = errno;
        if (socket) mnl_socket_close(socket);
        return std::unexpected(netlink_error(error, "netlink"));
    }
    return Netlink(socket);
}

Netlink::Netlink(Netlink&& other) noexcept
    : socket_(std::exchange(other.socket_, nullptr)), sequence_(other.sequence_) {}
Netlink::~Netlink() {
    if (socket_) mnl_socket_close(socket_);
}

base::Result<void> Netlink::ask(nlmsghdr* message, const char* what) {
    message->nlmsg_seq = ++sequence_;
    if (mnl_socket_sendto(socket_, message, message->nlmsg_len) < 0) return std::unexpected(netlink_error(errno, what));
    std::array<char, 16384> answer{};
    for (;;) {
        const auto size = mnl_socket_recvfrom(socket_, answer.data(), answer.size());
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return std::unexpected(netlink_error(errno, what));
        const int more = mnl_cb_run(answer.data(), static_cast<std::size_t>(size), sequence_,
                                    mnl_socket_get_portid(socket_), nullptr, nullptr);
        if (more < 0) return std::unexpected(netlink_error(errno, what));
        if (more == MNL_CB_STOP) return {};
    }
}

base::Result<int> Netlink::index_of(const std::string& link) {
    Request request(RTM_GETLINK, 0);
    request.link();
    request.text(IFLA_IFNAME, link);
    auto* message = request.header();
    message->nlmsg_seq = ++sequence_;
    if (mnl_socket_sendto(socket_, message, message->nlmsg_len) < 0)
        return std::unexpected(netlink_error(errno, "netlink"));
    int index = 0;
    std::array<char, 16384> answer{};
    const auto take = [](const nlmsghdr* header, void* data) {
        *static_cast<int*>(data) = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(header))->ifi_index;
        return MNL_CB_OK;
    };
    for (int more = MNL_CB_OK; more > MNL_CB_STOP;) {
        const auto size = mnl_socket_recvfrom(socket_, answer.data(), answer.size());
        if (size < 0) return std::unexpected(netlink_error(errno, "netlink"));
        more = mnl_cb_run(answer.data(), static_cast<std::size_t>(size), sequence_, mnl_socket_get_portid(socket_),
                          take, &index);
        if (more < 0 && errno == ENODEV) return 0;
        if (more < 0) return std::unexpected(netlink_error(errno, link.c_str()));
    }
    return index;
}

base::Result<void> Netlink::add_bridge(const std::string& name) {
    Request request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
    auto* info = request.link();
    info->ifi_flags = info->ifi_change = IFF_UP;
    request.text(IFLA_IFNAME, name);
    // an address of its own: a bridge without one takes its lowest port's and changes it as pods come and go, while
    // running pods go on sending to the old one until their ARP entry ends
    constexpr std::array<unsigned char, 6> mac{0x0a, 0x58, 0, 0, 0, 1};
    mnl_attr_put(request.header(), IFLA_ADDRESS, mac.size(), mac.data());
    auto* details = request.nest(IFLA_LINKINFO);
    request.text(IFLA_INFO_KIND, "bridge");
    request.end(details);
    return ask(request.header(), "making the bridge");
}

base::Result<void> Netlink::add_veth(const VethPair& pair) {
    Request request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
    auto* info = request.link();
    info->ifi_flags = info->ifi_change = IFF_UP;
    request.text(IFLA_IFNAME, pair.host_name);
    request.number(IFLA_MTU, static_cast<std::uint32_t>(pair.mtu));
    request.number(IFLA_MASTER, static_cast<std::uint32_t>(pair.master));
    auto* details = request.nest(IFLA_LINKINFO);
    request.text(IFLA_INFO_KIND, "veth");
    auto* data = request.nest(IFLA_INFO_DATA);
    auto* peer = request.nest(VETH_INFO_PEER);
    request.link();  // not up yet: the ends are not tied together at that moment
    request.text(IFLA_IFNAME, pair.peer_name);
    request.number(IFLA_MTU, static_cast<std::uint32_t>(pair.mtu));
    request.number(IFLA_NET_NS_FD, static_cast<std::uint32_t>(pair.peer_netns));
    const auto ip = htonl(pair.peer_address);
    std::array<unsigned char, 6> mac{0x0a, 0x58};
    std::memcpy(mac.data() + 2, &ip, 4);
    mnl_attr_put(request.header(), IFLA_ADDRESS, mac.size(), mac.data());
    request.end(peer);
    request.end(data);
    request.end(details);
    return ask(request.header(), "making the pod's link");
}

base::Result<void> Netlink::set_hairpin(int index) {
    Request request(RTM_SETLINK, 0);
    request.link(index)->ifi_family = AF_BRIDGE;
    auto* port = request.nest(IFLA_PROTINFO | NLA_F_NESTED);
    mnl_attr_put_u8(request.header(), IFLA_BRPORT_MODE, 1);
    request.end(port);
    return ask(request.header(), "setting hairpin mode");
}

base::Result<void> Netlink::set_up(int index) {
    Request request(RTM_NEWLINK, 0);
    auto* info = request.link(index);
    info->ifi_flags = info->ifi_change = IFF_UP;
    return ask(request.header(), "setting a link up");
}

base::Result<void> Netlink::delete_link(int index) {
    Request request(RTM_DELLINK, 0);
    request.link(index);
    return ask(request.header(), "deleting a link");
}

base::Result<void> Netlink::add_address(int index, std::uint32_t address, int prefix) {
    Request request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE);
    auto* info = static_cast<ifaddrmsg*>(mnl_nlmsg_put_extra_header(request.header(), sizeof(ifaddrmsg)));
    info->ifa_family = AF_INET;
    info->ifa_prefixlen = static_cast<unsigned char>(prefix);
    info->ifa_index = static_cast<std::uint32_t>(index);
    request.address(IFA_LOCAL, address);
    request.address(IFA_ADDRESS, address);
    return ask(request.header(), "adding an address");
}

base::Result<void> Netlink::add_route(int index, const Route& route) {
    Request request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE);
    auto* info = static_cast<rtmsg*>(mnl_nlmsg_put_extra_header(request.header(), sizeof(rtmsg)));
    info->rtm_family = AF_INET;
    info->rtm_dst_len = static_cast<unsigned char>(route.prefix);
    info->rtm_table = RT_TABLE_MAIN;
    info->rtm_protocol = RTPROT_STATIC;
    info->rtm_scope = route.gateway ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
    info->rtm_type = RTN_UNICAST;
    if (route.prefix > 0) request.address(RTA_DST, route.destination);
    if (route.gateway) request.address(RTA_GATEWAY, route.gateway);
    if (route.source) request.address(RTA_PREFSRC, route.source);
    request.number(RTA_OIF, static_cast<std::uint32_t>(index));
    return ask(request.header(), "adding a route");
}

base::Result<std::uint32_t> Netlink::host_address() {
    Request request(RTM_GETADDR, NLM_F_DUMP);
    auto* info = static_cast<ifaddrmsg*>(mnl_nlmsg_put_extra_header(request.header(), sizeof(ifaddrmsg)));
    info->ifa_family = AF_INET;
    auto* message = request.header();
    message->nlmsg_seq = ++sequence_;
    if (mnl_socket_sendto(socket_, message, message->nlmsg_len) < 0)
        return std::unexpected(netlink_error(errno, "netlink"));
    std::uint32_t found = 0;
    std::array<char, 32768> answer{};
    for (int more = MNL_CB_OK; more > MNL_CB_STOP;) {
        const auto size = mnl_socket_recvfrom(socket_, answer.data(), answer.size());
        if (size < 0) return std::unexpected(netlink_error(errno, "netlink"));
        more = mnl_cb_run(answer.data(), static_cast<std::size_t>(size), sequence_, mnl_socket_get_portid(socket_),
                          first_address, &found);
        if (more < 0) return std::unexpected(netlink_error(errno, "netlink"));
    }
    return found ? found : 0x7f000001;
}

}  // namespace edge
