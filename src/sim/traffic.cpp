// Rules are written whole, some time after slices change; an exclusion takes its time as well.
#include "sim/traffic.h"

#include "object/json.h"

namespace sim {

using object::Ref;
using namespace std::chrono_literals;

Traffic::Traffic(run::Loop& loop, base::Rng& rng, store::Store& store, Rules& rules, Excluding excluding)
    : loop_(loop), rng_(rng), store_(store), rules_(rules), excluding_(excluding) {
    watch_ = store_.subscribe([this](const store::EventPtr& event) {
        if (event->key.resource.plural == "endpointslices" && !write_)
            write_ = loop_.after(soon(), [this] {
                write_.cancel();
                write_rules();
            });
    });
    write_ = loop_.after(soon(), [this] {
        write_.cancel();
        write_rules();
    });
}

base::Duration Traffic::soon() { return base::Duration(100us) * (1 + rng_.below(200)); }

/// A pod that is being deleted gets nothing new, whatever its slice still says.
void Traffic::write_rules() {
    std::set<std::string> addresses, leaving;
    for (const auto& [uid, ip] : excluded_) leaving.insert(ip);
    for (const auto& slice : store_.list({"discovery.k8s.io", "endpointslices"}))
        for (const auto& endpoint : (*slice)["endpoints"].items()) {
            const Ref e(endpoint);
            const auto target = e["targetRef"];
            const auto pod =
                store_.get({{"", "pods"}, std::string(target["namespace"].str()), std::string(target["name"].str())});
            if (!e["conditions"]["ready"].flag() || !pod || pod->deleting() || pod->uid() != target["uid"].str())
                continue;
            const auto ip = std::string(e["addresses"][std::size_t{0}].str());
            if (!leaving.contains(ip)) addresses.insert(ip);
        }
    rules_.addresses = std::move(addresses);
}

void Traffic::exclude(const std::string& pod_uid, const std::string& ip, std::move_only_function<void()> done) {
    const auto number = ++next_;
    answers_[number] = loop_.after(soon(), [this, number, pod_uid, ip, done = std::move(done)]() mutable {
        const auto keep = answers_.extract(number);
        if (excluding_ == Excluding::works) {
            excluded_[pod_uid] = ip;
            rules_.addresses.erase(ip);
        }
        done();
    });
}

void Traffic::forget(const std::string& pod_uid, const std::string&) { excluded_.erase(pod_uid); }

}  // namespace sim
