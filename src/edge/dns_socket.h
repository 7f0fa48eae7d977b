// DNS on the pods' gateway address, port 53, UDP and TCP: names of the cluster from the services, the rest from the
// resolvers of this machine. Answers are made on the control thread, from the state as it is.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"

namespace boost::asio {
class io_context;
}
namespace network {
class Services;
}

namespace edge {

struct DnsOptions {
    std::uint16_t port = 53;
    std::string service_cidr = "10.96.0.0/16";
    std::string resolvers = "/etc/resolv.conf";  ///< read anew for each forwarded query
};

class DnsSocket {
 public:
    /// `address` is the one that it listens on, and no other.
    DnsSocket(boost::asio::io_context& io, const network::Services& services, std::string address,
              DnsOptions options = {});
    ~DnsSocket();
    DnsSocket(const DnsSocket&) = delete;

    base::Result<void> start();

 private:
    class State;
    std::shared_ptr<State> state_;
};

}  // namespace edge
