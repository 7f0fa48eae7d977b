// Follows the store and drives the kernel; the state diagram is in the header.
#include "network/services.h"

#include <utility>

#include "network/host_ports.h"

namespace network {
namespace {

using object::Ref;

const store::Resource services_resource{"", "services"};
const store::Resource pods_resource{"", "pods"};
const store::Resource slices_resource{"discovery.k8s.io", "endpointslices"};
constexpr std::string_view owner_label = "kubernetes.io/service-name";
constexpr auto retry_after = std::chrono::seconds(1);

RuleSettings rule_settings(const Settings& settings) {
    return {settings.table, settings.bridge, settings.pod_cidr, settings.service_cidr};
}

}  // namespace

Services::Services(run::Loop& loop, store::Store& store, Kernel& kernel, Settings settings)
    : loop_(loop), store_(store), kernel_(kernel), settings_(std::move(settings)), rules_(rule_settings(settings_)) {}

Services::~Services() = default;

void Services::start() {
    watch_ = store_.subscribe([this](const store::EventPtr& event) { on_event(*event); });
    leave_out_the_ending();
    for (const auto& slice : store_.list(slices_resource))
        note_slice({slices_resource, std::string(slice->ns()), std::string(slice->name())}, slice);
    for (const auto& service : store_.list(services_resource))
        mark({std::string(service->ns()), std::string(service->name())});
    for (const auto& pod : store_.list(pods_resource)) note_pod(*pod);
    schedule();  // also with no service at all: what matches none is refused
}

/// An earlier daemon may have told these pods to stop already: what slices then said of it may not have become durable.
void Services::leave_out_the_ending() {
    for (const auto& slice : store_.list(slices_resource))
        for (const Ref endpoint : (*slice)["endpoints"].items()) {
            const auto target = endpoint["targetRef"];
            if (target["kind"].str() != "Pod" || target["name"].str().empty()) continue;
            const std::string uid(target["uid"].str());
            const auto pod =
                store_.get({{"", "pods"}, std::string(target["namespace"].str()), std::string(target["name"].str())});
            const bool stands = pod && pod->uid() == uid;
            if (stands && !pod->deleting()) continue;
            excluded_[uid] = {.ip = std::string(endpoint["addresses"][std::size_t{0}].str()), .gone = !stands};
        }
}

void Services::on_ready(run::Callback then) {
    if (ready_) return loop_.post(std::move(then));
    when_ready_.push_back(std::move(then));
}

void Services::on_event(const store::Event& event) {
    if (event.key.resource == services_resource) return mark({event.key.ns, event.key.name});
    if (event.key.resource == pods_resource) return note_pod(*event.object);
    if (event.key.resource != slices_resource) return;
    note_slice(event.key, event.type == store::EventType::deleted ? nullptr : event.object);
}

void Services::note_slice(const store::Key& key, const object::ObjectPtr& slice) {
    if (const auto old = slice_owners_.find(key); old != slice_owners_.end()) {
        auto& of_service = slices_[old->second];
        of_service.erase(key.name);
        if (of_service.empty()) slices_.erase(old->second);
        mark(old->second);
        slice_owners_.erase(old);
    }
    if (!slice) return;
    const auto owner = slice->meta()["labels"][owner_label].str();
    if (owner.empty()) return;
    const ServiceName service{key.ns, std::string(owner)};
    slices_[service][key.name] = slice;
    slice_owners_[key] = service;
    mark(service);
}

void Services::note_pod(const object::Object& pod) {
    if (has_host_ports(pod)) mark(host_ports_name(pod.ns(), pod.name()));
}

/// A name of host_ports_name().
void Services::remake_host_ports(const ServiceName& name) {
    const auto pod = store_.get({pods_resource, name.ns, name.name.substr(name.name.find('/') + 1)});
    auto rules = pod ? host_port_rules(*pod) : std::vector<PortRule>();
    const std::string uid(pod ? pod->uid() : "");
    if (excluded_.contains(uid)) rules.clear();
    std::vector<Endpoint> used;
    if (!rules.empty()) used.push_back({.ip = rules.front().backends.front().ip, .pod_uid = uid});
    note_users(name, used);
    rules_.put(name, rules);
}

void Services::mark(const ServiceName& service) {
    marked_.insert(service);
    schedule();
}

void Services::mark_users_of(const std::string& pod_uid, const std::string& ip) {
    const auto mark_all = [this](const auto& index, const std::string& key) {
        if (const auto users = index.find(key); users != index.end())
            for (const auto& service : users->second) mark(service);
    };
    mark_all(users_of_pod_, pod_uid);
    mark_all(users_of_ip_, ip);
}

void Services::schedule() {
    if (scheduled_ || in_flight_ || retrying_) return;
    scheduled_ = true;
    loop_.post([this, alive = std::weak_ptr(alive_)] {
        if (alive.expired()) return;
        scheduled_ = false;
        flush();
    });
}

bool Services::is_excluded(const Endpoint& endpoint) const {
    if (!endpoint.pod_uid.empty()) return excluded_.contains(endpoint.pod_uid);
    for (const auto& [uid, excluded] : excluded_)
        if (excluded.ip == endpoint.ip) return true;
    return false;
}

void Services::note_users(const ServiceName& service, const std::vector<Endpoint>& endpoints) {
    const auto drop = [&](auto& index, const std::string& key) {
        const auto at = index.find(key);
        if (at == index.end()) return;
        at->second.erase(service);
        if (at->second.empty()) index.erase(at);
    };
    const auto before = std::exchange(used_[service], endpoints);
    for (const auto& endpoint : before) {
        drop(users_of_ip_, endpoint.ip);
        drop(users_of_pod_, endpoint.pod_uid);
    }
    for (const auto& endpoint : endpoints) {
        users_of_ip_[endpoint.ip].insert(service);
        if (!endpoint.pod_uid.empty()) users_of_pod_[endpoint.pod_uid].insert(service);
    }
    if (endpoints.empty()) used_.erase(service);
    for (const auto& endpoint : before) drop_gone(endpoint.pod_uid);
}

/// A forgotten pod that no slice names any more needs no watching over.
void Services::drop_gone(const std::string& pod_uid) {
    const auto at = excluded_.find(pod_uid);
    if (at != excluded_.end() && at->second.gone && !users_of_pod_.contains(pod_uid)) excluded_.erase(at);
}

void Services::remake(const ServiceName& service) {
    if (service.name.find('/') != service.name.npos) return remake_host_ports(service);
    const auto object = store_.get({services_resource, service.ns, service.name});
    const auto slices = slices_.find(service);
    auto endpoints = slices == slices_.end() ? std::vector<Endpoint>() : endpoints_of(slices->second);
    note_users(service, endpoints);
    std::erase_if(endpoints, [&](const Endpoint& e) { return is_excluded(e); });
    if (!object) {
        rules_.put(service, {});
        return zone_.put(service, {});
    }
    rules_.put(service, port_rules(*object, endpoints));
    zone_.put(service, zone_service(*object, endpoints));
}

void Services::flush() {
    for (const auto& service : std::exchange(marked_, {})) remake(service);
    auto transaction = replace_ ? rules_.everything() : rules_.changes();
    replace_ = false;
    if (!transaction.empty()) return apply(std::move(transaction));
    if (!leaving_.empty()) forget_past_flows(std::exchange(leaving_, {}));
}

void Services::apply(std::string transaction) {
    in_flight_ = true;
    kernel_.apply(std::move(transaction),
                  [this, alive = std::weak_ptr(alive_), leaving = std::exchange(leaving_, {})](auto result) mutable {
                      if (!alive.expired()) applied(std::move(result), std::move(leaving));
                  });
}

void Services::applied(base::Result<void> result, std::vector<Leaving> leaving) {
    in_flight_ = false;
    if (!result) {
        complain("the kernel refused the service rules", result.error());
        for (auto& each : leaving_) leaving.push_back(std::move(each));
        leaving_ = std::move(leaving);
        return retry();
    }
    if (!leaving.empty()) forget_past_flows(std::move(leaving));
    if (!ready_) {
        ready_ = true;
        for (auto& then : std::exchange(when_ready_, {})) then();
    }
    if (!marked_.empty() || !leaving_.empty()) schedule();
}

/// Whatever the table holds now, the next transaction replaces it.
void Services::retry() {
    replace_ = true;
    retrying_ = true;
    retry_ = loop_.after(retry_after, [this] {
        retrying_ = false;
        schedule();
    });
}

void Services::forget_past_flows(std::vector<Leaving> leaving) {
    std::vector<std::string> addresses;
    for (const auto& each : leaving)
        if (!each.ip.empty()) addresses.push_back(each.ip);
    if (addresses.empty()) {
        for (auto& each : leaving) each.done();
        return;
    }
    kernel_.forget_flows(
        std::move(addresses), Kernel::Flows::not_established,
        [this, alive = std::weak_ptr(alive_), leaving = std::move(leaving)](base::Result<void> result) mutable {
            if (alive.expired()) return;
            if (!result) complain("connection tracking entries could not be deleted", result.error());
            for (auto& each : leaving) each.done();
        });
}

void Services::exclude(const std::string& pod_uid, const std::string& ip, std::move_only_function<void()> done) {
    excluded_[pod_uid] = {.ip = ip};
    leaving_.push_back({ip, std::move(done)});
    mark_users_of(pod_uid, ip);
    schedule();
}

void Services::forget(const std::string& pod_uid, const std::string& ip) {
    if (const auto at = excluded_.find(pod_uid); at != excluded_.end()) at->second.gone = true;
    drop_gone(pod_uid);
    mark_users_of(pod_uid, ip);
    if (ip.empty()) return;
    kernel_.forget_flows({ip}, Kernel::Flows::all, [this, alive = std::weak_ptr(alive_)](base::Result<void> result) {
        if (!alive.expired() && !result) complain("connection tracking entries could not be deleted", result.error());
    });
}

void Services::complain(std::string_view what, const base::Error& error) const {
    if (settings_.complain) settings_.complain(std::string(what) + ": " + error.message);
}

}  // namespace network
