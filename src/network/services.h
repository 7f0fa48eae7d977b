// Services and their endpoints in the store, kept as packet rules in the kernel and as names for DNS.
//
//   store event -> service is marked -> end of the loop's turn: its rules are made anew -> one transaction
//
// Rules it keeps: one transaction is under way at a time, and what changes meanwhile goes into the next one. An address
// that was excluded stays out until it is forgotten, whatever slices say. Rules stay when this ends: pods go on
// serving.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "network/kernel.h"
#include "network/rule_set.h"
#include "network/zone.h"
#include "run/loop.h"
#include "store/store.h"

namespace network {

struct Settings {
    std::string table = "slipway";  ///< of this platform alone
    std::string bridge = "slipway0";
    std::string pod_cidr = "10.244.0.0/24";
    std::string service_cidr = "10.96.0.0/16";
    std::function<void(std::string_view)> complain = {};  ///< told when the kernel refuses something
};

class Services {
 public:
    Services(run::Loop& loop, store::Store& store, Kernel& kernel, Settings settings);
    ~Services();
    Services(const Services&) = delete;

    /// Reads what stands in the store, replaces the table by it, and follows from there.
    void start();
    /// Whether the first replacement is in the kernel; changes to true once.
    bool ready() const { return ready_; }
    void on_ready(run::Callback then);

    /// Takes the pod out of every chain. `done` runs when that is in the kernel and no connection tracking entry that
    /// is past its connection leads there any more. `ip` is "" for a pod on the host's network.
    void exclude(const std::string& pod_uid, const std::string& ip, std::move_only_function<void()> done);
    /// The pod is gone: deletes every tracking entry that is left; its address may come again.
    void forget(const std::string& pod_uid, const std::string& ip);

    const Zone& zone() const { return zone_; }

 private:
    using Done = std::move_only_function<void()>;
    struct Excluded {
        std::string ip;
        bool gone = false;  ///< forgotten, but still named by a slice
    };
    struct Leaving {
        std::string ip;
        Done done;
    };

    void leave_out_the_ending();
    void on_event(const store::Event& event);
    void note_slice(const store::Key& key, const object::ObjectPtr& slice);
    void note_pod(const object::Object& pod);
    void remake_host_ports(const ServiceName& name);
    void mark(const ServiceName& service);
    void mark_users_of(const std::string& pod_uid, const std::string& ip);
    void schedule();
    void flush();
    void remake(const ServiceName& service);
    void note_users(const ServiceName& service, const std::vector<Endpoint>& endpoints);
    bool is_excluded(const Endpoint& endpoint) const;
    void drop_gone(const std::string& pod_uid);
    void apply(std::string transaction);
    void applied(base::Result<void> result, std::vector<Leaving> leaving);
    void forget_past_flows(std::vector<Leaving> leaving);
    void retry();
    void complain(std::string_view what, const base::Error& error) const;

    run::Loop& loop_;
    store::Store& store_;
    Kernel& kernel_;
    Settings settings_;
    RuleSet rules_;
    Zone zone_;

    std::map<ServiceName, std::map<std::string, object::ObjectPtr>> slices_;
    std::map<store::Key, ServiceName> slice_owners_;
    std::map<std::string, std::set<ServiceName>> users_of_ip_, users_of_pod_;
    std::map<ServiceName, std::vector<Endpoint>> used_;
    std::map<std::string, Excluded> excluded_;  ///< by pod uid

    std::set<ServiceName> marked_;
    std::vector<Leaving> leaving_;
    std::vector<run::Callback> when_ready_;
    bool scheduled_ = false, in_flight_ = false, retrying_ = false, ready_ = false;
    bool replace_ = true;  ///< the kernel's table is not known to be what was last sent
    run::Timer retry_;
    std::unique_ptr<store::Watch> watch_;
    std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace network
