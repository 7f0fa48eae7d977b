// Measures by the runtime, judges by the spec.
#include "node/storage_watch.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/quantity.h"
#include "engine/pod_use.h"

namespace node {
namespace {

constexpr Duration interval = std::chrono::seconds(10);

Ref storage_limit(Ref container) { return container["resources"]["limits"]["ephemeral-storage"]; }
Ref size_limit(Ref volume) { return volume["emptyDir"]["sizeLimit"]; }
std::int64_t bytes(Ref quantity) { return engine::quantity_whole(quantity); }

std::int64_t sum(const std::map<std::string, std::int64_t>& parts) {
    std::int64_t all = 0;
    for (const auto& [name, size] : parts) all += size;
    return all;
}

}  // namespace

bool has_storage_limits(const PodView& pod) {
    const auto limited = [](const ContainerView& c) { return bytes(storage_limit(c.spec)) > 0; };
    const auto sized = [](const json::value& volume) { return bytes(size_limit(Ref(volume))) > 0; };
    return std::ranges::any_of(pod.containers, limited) || std::ranges::any_of(pod.spec["volumes"].items(), sized);
}

std::string storage_excess(const PodView& pod, const StorageUse& use) {
    for (const Ref volume : pod.spec["volumes"].items()) {
        const auto limit = size_limit(volume);
        const auto used = use.volumes.find(std::string(volume["name"].str()));
        if (bytes(limit) > 0 && used != use.volumes.end() && used->second > bytes(limit))
            return fmt::format("Usage of EmptyDir volume \"{}\" exceeds the limit \"{}\". ", used->first, limit.str());
    }
    std::int64_t allowed = 0;
    for (const auto& c : pod.containers)
        if (c.role == Role::main || c.role == Role::sidecar) allowed += bytes(storage_limit(c.spec));
    std::int64_t taken = sum(use.containers);
    for (const Ref volume : pod.spec["volumes"].items()) {
        const auto used = use.volumes.find(std::string(volume["name"].str()));
        if (used != use.volumes.end() && volume["emptyDir"]["medium"].str() != "Memory") taken += used->second;
    }
    if (allowed > 0 && taken > allowed)
        return fmt::format("Pod ephemeral local storage usage exceeds the total limit of containers {}. ",
                           base::Quantity::of(allowed, base::Quantity::Format::binary).text());
    for (const auto& c : pod.containers) {
        const auto limit = storage_limit(c.spec);
        const auto used = use.containers.find(c.name);
        if (bytes(limit) > 0 && used != use.containers.end() && used->second > bytes(limit))
            return fmt::format("Container {} exceeded its local ephemeral storage limit \"{}\". ", c.name, limit.str());
    }
    return "";
}

void StorageWatch::start() {
    if (running_ || !has_storage_limits(*subject_().pod)) return;
    running_ = std::make_shared<char>();
    timer_ = context_.loop.after(interval, [this] { measure(); });
}

void StorageWatch::stop() {
    running_.reset();
    timer_.cancel();
}

void StorageWatch::measure() {
    const auto subject = subject_();
    DiskQuestion question;
    std::vector<std::string> volumes, containers;
    for (const Ref volume : subject.pod->spec["volumes"].items()) {
        const std::string name(volume["name"].str());
        const auto mounted = subject.volumes->find(name);
        if (!volume["emptyDir"] || mounted == subject.volumes->end()) continue;
        volumes.push_back(name);
        question.folders.push_back(mounted->second.host_path);
    }
    for (const auto& c : subject.pod->containers) {
        const auto& facts = subject.state->facts(c.name);
        if (!facts.live() || facts.id.empty()) continue;
        containers.push_back(c.name);
        question.containers.push_back(facts.id);
        question.folders.push_back(facts.log_path.substr(0, facts.log_path.rfind('/')));
    }
    context_.ports.runtime.disk_used(
        std::move(question), [this, alive = std::weak_ptr(running_), volumes = std::move(volumes),
                              containers = std::move(containers)](base::Result<DiskUse> answer) {
            if (alive.expired()) return;
            timer_ = context_.loop.after(interval, [this] { measure(); });
            if (!answer) return;  // measured again
            StorageUse use;
            for (std::size_t i = 0; i < volumes.size(); ++i) use.volumes[volumes[i]] = answer->folders[i];
            for (std::size_t i = 0; i < containers.size(); ++i)
                use.containers[containers[i]] = answer->containers[i] + answer->folders[volumes.size() + i];
            if (auto message = storage_excess(*subject_().pod, use); !message.empty()) exceeded_(std::move(message));
        });
}

}  // namespace node
