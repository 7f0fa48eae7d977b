// Links, addresses and routes through one rtnetlink socket. The socket belongs to the network namespace that its
// thread was in when it was made. Blocking (microseconds to a millisecond a call): for edge threads.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"

struct mnl_socket;
struct nlmsghdr;

namespace edge {

struct VethPair {
    std::string host_name;
    int master = 0;  ///< index of the bridge
    std::string peer_name;
    std::uint32_t peer_address = 0;  ///< the peer's MAC is 0a:58 and this
    int peer_netns = -1;             ///< descriptor of the namespace that gets the peer
    int mtu = 1500;
};

class Netlink {
 public:
    static base::Result<Netlink> open();
    Netlink(Netlink&&) noexcept;
    ~Netlink();

    /// Nothing (0) when there is no such link.
    base::Result<int> index_of(const std::string& link);
    base::Result<void> add_bridge(const std::string& name);
    /// Both ends in one message: the host's up and in the bridge, the peer in its namespace (and down).
    base::Result<void> add_veth(const VethPair& pair);
    /// A port of a bridge sends back what came in by it: a pod may reach itself through its service.
    base::Result<void> set_hairpin(int index);
    base::Result<void> set_up(int index);
    base::Result<void> delete_link(int index);
    /// Already there is fine.
    base::Result<void> add_address(int index, std::uint32_t address, int prefix);
    struct Route {
        std::uint32_t destination = 0;
        int prefix = 0;  ///< 0: the default route
        std::uint32_t gateway = 0, source = 0;
    };
    base::Result<void> add_route(int index, const Route& route);
    /// The first global IPv4 address of any link that is up, else 127.0.0.1.
    base::Result<std::uint32_t> host_address();

 private:
    explicit Netlink(mnl_socket* socket) : socket_(socket) {}
    base::Result<void> ask(nlmsghdr* message, const char* what);

    mnl_socket* socket_;
    std::uint32_t sequence_ = 0;
};

}  // namespace edge
