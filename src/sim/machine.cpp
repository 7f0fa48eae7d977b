// Every act takes a drawn time; what a program will do is drawn when it starts.
#include "sim/machine.h"

#include <fmt/format.h>

#include <csignal>

namespace sim {

using base::Code;
using base::Result;
using node::ContainerState;
using node::Done;
using namespace std::chrono_literals;

base::Duration Machine::between(base::Duration least, base::Duration most) {
    return least + base::Duration(
                       static_cast<std::int64_t>(rng_.below(static_cast<std::uint64_t>((most - least).count()) + 1)));
}

template <class T, class Act>
void Machine::later(base::Duration delay, Done<T> done, Act act) {
    const auto number = ++next_work_;
    auto work = [this, number, daemon = daemon_, done = std::move(done), act = std::move(act)]() mutable {
        auto keep = work_.extract(number);
        ++version_;
        auto result = act();
        if (daemon == daemon_) done(std::move(result));
    };
    work_[number] = loop_.after(delay, std::move(work));
}

void Machine::daemon_died() {
    ++daemon_;
    exited_ = nullptr;
}

void Machine::set_up_pod(node::PodSetup setup, Done<node::PodNetwork> done) {
    later<node::PodNetwork>(between(2ms, 15ms), std::move(done), [this, setup]() -> Result<node::PodNetwork> {
        TRY(room());
        auto found = pods_.find(setup.uid);
        if (found == pods_.end()) {
            Pod pod{.seen = {setup.uid, setup.ns, setup.name, "", setup.labels}, .host_network = setup.host_network};
            std::set<std::string> taken;
            for (const auto& [uid, other] : pods_) taken.insert(other.seen.ip);
            for (int i = 2; pod.seen.ip.empty(); ++i)
                if (auto ip = fmt::format("10.244.{}.{}", i / 250, i % 250); !taken.contains(ip)) pod.seen.ip = ip;
            if (setup.host_network) pod.seen.ip = "10.0.0.1";
            found = pods_.emplace(setup.uid, std::move(pod)).first;
        }
        return node::PodNetwork{found->second.seen.ip};
    });
}

void Machine::tear_down_pod(std::string uid, Done<void> done) {
    later<void>(between(5ms, 30ms), std::move(done), [this, uid]() -> Result<void> {
        std::erase_if(containers_, [&](const auto& one) { return one.second.seen.pod_uid == uid; });
        pods_.erase(uid);
        runs_.erase(uid);
        return {};
    });
}

/// A program's future is drawn when it starts: when it serves, and whether it dies early.
void Machine::decide_fate(Container& container) {
    const auto now = loop_.now();
    container.serves_at = now + (rng_.chance(faults_.slow_start) ? between(2s, 8s) : between(5ms, 200ms));
    container.deaf = rng_.chance(faults_.deaf_to_term);
    if (rng_.chance(faults_.hang)) container.hangs_at = container.serves_at + between(0ms, 6s);
    if (!rng_.chance(faults_.container_crash)) return;
    container.fate = loop_.after(between(10ms, 6s), [this, id = container.seen.id] {
        const auto found = containers_.find(id);
        if (found == containers_.end()) return;
        ++faulted_[found->second.seen.pod_uid];
        end(id, 1, 0);
    });
}

void Machine::start_container(node::ContainerSetup setup, Done<node::ContainerObserved> done) {
    later<node::ContainerObserved>(between(20ms, 120ms), std::move(done), [this, setup] { return create(setup); });
}

Result<void> Machine::room() const {
    if (!faults_.disk_full) return {};
    return base::fail(Code::unavailable, "no space left on device");
}

Result<node::ContainerObserved> Machine::create(const node::ContainerSetup& setup) {
    if (!pods_.contains(setup.pod_uid)) return base::fail(Code::not_found, "no such pod on this machine");
    TRY(room());
    Container container;
    container.seen = {.id = fmt::format("c{}", ++next_id_),
                      .pod_uid = setup.pod_uid,
                      .name = setup.name,
                      .attempt = setup.attempt,
                      .state = ContainerState::running,
                      .started_at = loop_.now(),
                      .image_ref = setup.image_ref,
                      .image_id = "sha256:" + setup.image_ref,
                      .labels = setup.labels};
    decide_fate(container);
    runs_[setup.pod_uid].push_back({loop_.now(), {}});
    const auto id = container.seen.id;
    return containers_.emplace(id, std::move(container)).first->second.seen;
}

void Machine::end(const std::string& id, int exit_code, int signal) {
    const auto found = containers_.find(id);
    if (found == containers_.end() || found->second.seen.state == ContainerState::exited) return;
    ++version_;
    auto& seen = found->second.seen;
    seen.state = ContainerState::exited;
    seen.exit_code = exit_code;
    seen.signal = signal;
    seen.finished_at = loop_.now();
    if (auto& runs = runs_[seen.pod_uid]; !runs.empty()) runs.back().ended = loop_.now();
    if (exited_) {
        const auto copy = seen;
        exited_(copy);
    }
}

void Machine::signal(std::string id, int number, Done<void> done) {
    const auto found = containers_.find(id);
    if (found != containers_.end()) {
        if (before_stop) before_stop(found->second);
        found->second.told_to_stop = true;
        ++version_;
    }
    later<void>(between(1ms, 8ms), std::move(done), [this, id, number]() -> Result<void> {
        const auto found = containers_.find(id);
        if (found == containers_.end()) return base::fail(Code::not_found, "no such container");
        auto& container = found->second;
        if (number == SIGKILL)
            end(id, 137, SIGKILL);
        else if (!container.deaf)
            container.fate = loop_.after(between(1ms, 500ms), [this, id] { end(id, 0, 0); });
        return {};
    });
}

void Machine::crash_container(const std::string& pod_uid) {
    for (const auto& [id, container] : containers_) {
        if (container.seen.pod_uid != pod_uid || container.seen.state != ContainerState::running) continue;
        ++faulted_[pod_uid];
        return end(std::string(id), 137, SIGKILL);
    }
}

void Machine::remove_container(std::string id, Done<void> done) {
    later<void>(between(1ms, 10ms), std::move(done), [this, id]() -> Result<void> {
        containers_.erase(id);
        return {};
    });
}

void Machine::exec(std::string, std::vector<std::string>, base::Duration, Done<node::ExecOutput> done) {
    later<node::ExecOutput>(between(5ms, 50ms), std::move(done),
                            [] { return Result<node::ExecOutput>(node::ExecOutput{}); });
}

void Machine::update_resources(std::string, std::int64_t, std::int64_t, std::int64_t, Done<void> done) {
    later<void>(between(1ms, 5ms), std::move(done), [] { return Result<void>(); });
}

/// Programs here write nothing.
void Machine::disk_used(node::DiskQuestion question, Done<node::DiskUse> done) {
    later<node::DiskUse>(between(1ms, 20ms), std::move(done), [question = std::move(question)] {
        node::DiskUse none{std::vector<std::int64_t>(question.folders.size()),
                           std::vector<std::int64_t>(question.containers.size())};
        return Result<node::DiskUse>(std::move(none));
    });
}

void Machine::list(Done<node::Observed> done) {
    later<node::Observed>(between(1ms, 10ms), std::move(done), [this] {
        node::Observed all;
        for (const auto& [uid, pod] : pods_) all.pods.push_back(pod.seen);
        for (const auto& [id, container] : containers_) all.containers.push_back(container.seen);
        return Result<node::Observed>(std::move(all));
    });
}

static node::ImageInfo image_info(const std::string& name) {
    return {.ref = name, .id = "sha256:" + name, .names = {name}, .size_bytes = 1 << 20, .cmd = {"/app"}};
}

/// Images stand on the machine from the start, but for those that were missing once: they must be pulled.
void Machine::image(std::string name, Done<std::optional<node::ImageInfo>> done) {
    later<std::optional<node::ImageInfo>>(between(100us, 1ms), std::move(done), [this, name] {
        const bool here = !missing_.contains(name) && (!pulls_.contains(name) || pulled_.contains(name));
        return Result<std::optional<node::ImageInfo>>(here ? std::optional(image_info(name)) : std::nullopt);
    });
}

void Machine::pull(std::string name, std::string, Done<node::ImageInfo> done) {
    ++pulls_[name];
    later<node::ImageInfo>(between(50ms, 500ms), std::move(done), [this, name]() -> Result<node::ImageInfo> {
        if (missing_.contains(name)) return base::fail(Code::not_found, name + ": not found");
        TRY(room());
        pulled_.insert(name);
        return image_info(name);
    });
}

void Machine::images(Done<std::vector<node::ImageInfo>> done) {
    later<std::vector<node::ImageInfo>>(between(1ms, 5ms), std::move(done), [] {
        return Result<std::vector<node::ImageInfo>>(std::vector<node::ImageInfo>{});
    });
}

bool Machine::serving(const std::string& ip) {
    for (const auto& [uid, pod] : pods_) {
        if (pod.seen.ip != ip) continue;
        for (const auto& [id, container] : containers_) {
            if (container.seen.pod_uid != uid || container.seen.state != ContainerState::running) continue;
            if (container.serves_at > loop_.now()) continue;
            if (container.hangs_at <= loop_.now()) {
                ++faulted_[uid];
                continue;
            }
            if (!rng_.chance(faults_.failing_probe)) return true;
            ++faulted_[uid];
        }
    }
    return false;
}

void Machine::http(Http request, base::Duration, Done<HttpAnswer> done) {
    later<HttpAnswer>(between(200us, 3ms), std::move(done), [this, ip = request.host]() -> Result<HttpAnswer> {
        if (serving(ip)) return HttpAnswer{200, "ok", ""};
        return base::fail(Code::unavailable, "connection refused");
    });
}

void Machine::tcp(std::string host, int, base::Duration, Done<void> done) {
    later<void>(between(200us, 3ms), std::move(done), [this, host]() -> Result<void> {
        if (serving(host)) return {};
        return base::fail(Code::unavailable, "connection refused");
    });
}

Result<std::string> Machine::project(const std::string& pod_uid, const std::string& volume, const std::vector<File>&,
                                     Ownership) {
    TRY(room());
    return fmt::format("/sim/{}/{}", pod_uid, volume);
}

Result<std::string> Machine::empty_dir(const std::string& pod_uid, const std::string& volume, const std::string&,
                                       std::int64_t, Ownership) {
    return fmt::format("/sim/{}/{}", pod_uid, volume);
}

Result<std::string> Machine::write(const std::string& pod_uid, const std::string& name, const std::string&, int) {
    TRY(room());
    return fmt::format("/sim/{}/{}", pod_uid, name);
}

std::string Machine::log_path(const std::string& ns, const std::string& pod, const std::string& uid,
                              const std::string& container, int attempt) {
    return fmt::format("/sim/logs/{}_{}_{}/{}/{}.log", ns, pod, uid, container, attempt);
}

}  // namespace sim
