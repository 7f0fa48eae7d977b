// The simulated kernel under the network room: nftables transactions are carried out on a table in memory, and refused
// where the kernel would refuse them. Rule: it outlives the daemon; a daemon's death leaves a transaction that is under
// way either done or not begun.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/rng.h"
#include "network/kernel.h"
#include "object/json.h"
#include "run/loop.h"
#include "sim/faults.h"

namespace sim {

namespace json = object::json;

class Kernel final : public network::Kernel {
 public:
    Kernel(run::Loop& loop, base::Rng& rng, const Faults& faults) : loop_(loop), rng_(rng), faults_(faults) {}

    void apply(std::string nftables_json, std::move_only_function<void(base::Result<void>)> done) override;
    void forget_flows(std::vector<std::string> addresses, Flows which,
                      std::move_only_function<void(base::Result<void>)> done) override;

    /// The daemon died: nobody waits for answers any more.
    void daemon_died();
    /// Addresses that some rule leads new connections to.
    const std::set<std::string>& addresses() const { return addresses_; }
    /// "ip:port" of all that a connection to there may be led to; none: it is refused.
    std::set<std::string> backends(const std::string& ip, const std::string& protocol, std::uint16_t port) const;
    /// Addresses that stood in rules after connections to them were last forgotten.
    const std::set<std::string>& remembered() const { return remembered_; }
    /// What it refused that no fault explains: a bug in the rules. "" when nothing.
    const std::string& refused() const { return refused_; }
    std::uint64_t version() const { return version_; }

 private:
    struct Chain {
        std::vector<json::array> rules;
    };
    struct Set {
        std::map<std::string, json::value> elements;  ///< key as text -> verdict, null in sets
    };
    struct Table {
        std::map<std::string, Chain> chains;
        std::map<std::string, Set> sets;
    };
    struct Work {
        std::string transaction;  ///< "" when flows are to be forgotten
        std::vector<std::string> forget;
        std::move_only_function<void(base::Result<void>)> done;
    };

    void enqueue(Work work);
    void begin();
    base::Result<void> carry_out(const Work& work);
    base::Result<void> command(Table& table, std::string_view verb, std::string_view what, object::Ref body);
    base::Result<void> chain_command(Table& table, std::string_view verb, const std::string& name);
    base::Result<void> element_command(Table& table, std::string_view verb, object::Ref body);
    static base::Result<void> check_references(const Table& table, const json::value& value);
    static bool refers(const json::value& value, std::string_view name);
    void collect(const json::value& value, std::set<std::string>& backends) const;
    void note_addresses();

    run::Loop& loop_;
    base::Rng& rng_;
    const Faults& faults_;
    std::map<std::string, Table> tables_;
    std::set<std::string> addresses_, remembered_;
    std::string refused_;
    std::deque<Work> queue_;  ///< the first one is under way
    run::Timer working_;
    std::uint64_t version_ = 0;
};

}  // namespace sim
