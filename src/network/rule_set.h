// The packet rules as a value: what each service contributes, and the transaction that leads the kernel from what it
// was given last to what is wanted now. Work is in proportion to what changed. Pure: it makes libnftables JSON.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace network {

struct ServiceName {
    std::string ns, name;
    auto operator<=>(const ServiceName&) const = default;
};

struct Backend {
    std::string ip;
    std::uint16_t port = 0;
    auto operator<=>(const Backend&) const = default;
};

enum class Balance : std::uint8_t {
    random,     ///< each connection for itself
    by_client,  ///< a client's address decides, and the client keeps its backend until it was away for a while
};

/// One port of a service: where it is met and where it leads.
struct PortRule {
    std::string protocol;  ///< tcp | udp | sctp
    std::uint16_t port = 0;
    std::uint16_t node_port = 0;         ///< 0: none
    std::string cluster_ip;              ///< "" none
    std::vector<std::string> addresses;  ///< external ones
    std::vector<Backend> backends;
    Balance balance = Balance::random;
    std::int64_t affinity_s = 10800;  ///< by_client: that long after its last connection a client may be led elsewhere
};

struct RuleSettings {
    std::string table = "slipway";
    std::string bridge = "slipway0";
    std::string pod_cidr = "10.244.0.0/24";
    std::string service_cidr = "10.96.0.0/16";
};

class Transaction;

class RuleSet {
 public:
    explicit RuleSet(RuleSettings settings) : settings_(std::move(settings)) {}

    /// What the service contributes from now on; nothing takes it out.
    void put(const ServiceName& service, const std::vector<PortRule>& ports);
    /// One transaction that puts everything in place of whatever our table held; changes() goes on from there.
    std::string everything();
    /// One transaction from the last one to what is wanted now; "" when that is the same.
    std::string changes();

 private:
    struct Element {
        std::string set;  ///< name of a set or map of the table
        std::string key;  ///< as JSON text
        auto operator<=>(const Element&) const = default;
    };
    struct Part {
        std::map<std::string, std::string> chains;  ///< name -> its rules' expressions as JSON text
        std::map<std::string, std::int64_t> sets;   ///< of clients: name -> seconds that they are remembered
        std::map<Element, std::string> elements;    ///< -> chain it leads to, "" for sets
    };

    static Part part_of(const ServiceName& service, const std::vector<PortRule>& ports);
    static void keep_clients(Part& part, const std::string& chain, const PortRule& rule);
    bool change_chains(Transaction& out, std::vector<std::string>& gone);
    bool change_elements(Transaction& out);
    std::map<std::string, std::int64_t> wanted_sets() const;
    std::string wanted_chain(const std::string& name) const;
    /// The first claim counts where two services claim the same address and port.
    const std::string* wanted_element(const Element& element) const;

    RuleSettings settings_;
    std::map<ServiceName, Part> parts_;
    std::map<std::string, ServiceName> chain_owners_;
    std::map<Element, std::map<ServiceName, std::string>> claims_;
    std::map<std::string, std::string> sent_chains_;
    std::map<std::string, std::int64_t> sent_sets_;
    std::map<Element, std::string> sent_elements_;
    std::set<std::string> changed_chains_;
    std::set<Element> changed_elements_;
};

/// Which backend each of the buckets of client addresses leads to (rendezvous hashing).
std::vector<std::size_t> bucket_backends(const std::vector<Backend>& backends);

}  // namespace network
