// Putting a world together, letting it run, and looking at it after every step.
#include "sim/world.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "kinds/registry.h"

namespace sim {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t story_max = 60;
constexpr int tries_max = 1000;

const verbs::WriteOptions as_client{.field_manager = "sim"};

bool finished(const object::Object& pod) {
    const auto phase = pod["status"]["phase"].str();
    return phase == "Succeeded" || phase == "Failed";
}

bool is_ready(const object::Object& pod) {
    for (const auto& one : pod["status"]["conditions"].items())
        if (Ref(one)["type"].str() == "Ready") return Ref(one)["status"].str() == "True";
    return false;
}

/// Whether each main container of a pod runs, or has run.
bool all_ran(const object::Object& pod) {
    const auto& containers = pod["status"]["containerStatuses"].items();
    const auto ran = [](Ref status) {
        const auto state = status["state"];
        return state["running"] || state["terminated"] || status["lastState"]["terminated"];
    };
    return containers.size() == pod["spec"]["containers"].size() && std::ranges::all_of(containers, ran);
}

}  // namespace

World::World(std::uint64_t seed, WorldOptions options)
    : options_(std::move(options)),
      loop_(seed),
      disk_(loop_, loop_.rng(), faults_),
      machine_(loop_, loop_.rng(), faults_),
      kernel_(loop_, loop_.rng(), faults_) {
    start_daemon();
    for (const auto* name : {"default", "kube-system", "kube-node-lease"})
        apply({{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", name}}}});
    until(
        "the node is ready",
        [](const World& w) {
            const auto nodes = w.list({"", "nodes"}, "");
            return !nodes.empty() && is_ready(*nodes.front());
        },
        60s);
}

World::~World() { stop_daemon(); }

void World::start_daemon() {
    store_ = std::make_unique<store::Store>(loop_, disk_.load(), &disk_);
    counts_ = {};
    api_ = verbs::make_api(*store_, loop_, base::Rng(loop_.rng().next()));
    faulty_ = std::make_unique<FaultyApi>(*api_, loop_.rng(), faults_);
    recording_ = store_->subscribe([this](const store::EventPtr& event) { note(*event); });
    services_ = std::make_unique<network::Services>(loop_, *store_, kernel_, network::Settings{});
    traffic_ = std::make_unique<Traffic>(*services_, loop_, options_.excluding);
    auto controllers = control::all({.root_ca_pem = "simulated"});
    for (auto& controller : controllers)
        for (const auto& other : options_.replaced)
            if (other.name == controller.name) controller = other;
    engine::Options options;
    options.event_delay = [this]() -> Duration {
        return loop_.rng().chance(faults_.event_delay) ? Duration(Duration(1ms) * loop_.rng().below(1000))
                                                       : Duration{0};
    };
    engine_ = std::make_unique<engine::Engine>(loop_, *faulty_, std::move(controllers), std::move(options));
    node::Settings settings;
    settings.node_name = "machine";
    settings.host_ip = "10.0.0.1";
    settings.cpu = "64";
    settings.memory = "64Gi";
    node_ = std::make_unique<node::Node>(loop_, *api_, node::Ports{machine_, machine_, machine_, *traffic_, machine_},
                                         base::Rng(loop_.rng().next()), settings);
    services_->start();
    engine_->start();
    node_->start();
}

void World::stop_daemon() {
    machine_.daemon_died();
    kernel_.daemon_died();
    node_.reset();
    engine_.reset();
    traffic_.reset();
    services_.reset();
    recording_.reset();
    faulty_.reset();
    api_.reset();
    store_.reset();
}

void World::restart() {
    story_.push_back(fmt::format("{} the daemon dies", base::rfc3339_micro(loop_.now())));
    ++restarts_;
    stop_daemon();
    disk_.crash();
    loop_.run_until(loop_.now() + Duration(1ms) * loop_.rng().below(500));
    start_daemon();
}

void World::note(const store::Event& event) {
    static constexpr std::string_view acts[] = {"added", "modified", "deleted"};
    const auto act = acts[static_cast<int>(event.type)];
    auto line = fmt::format("{} {} {} {}/{}", base::rfc3339_micro(loop_.now()), act, event.key.resource.plural,
                            event.key.ns, event.key.name);
    if (event.key.resource.plural == "pods") {
        const auto phase = (*event.object)["status"]["phase"].str();
        if (phase == "Pending" && all_ran(*event.object))
            broken_ = fmt::format("pod {} ran and is Pending", event.key.name);
        line += fmt::format(" {}{}{}", phase, is_ready(*event.object) ? " ready" : "",
                            event.object->deleting() ? " deleting" : "");
    }
    if (event.key.resource.group == "apps")
        line += fmt::format(" wants {} has {} available {}", (*event.object)["spec"]["replicas"].num(),
                            (*event.object)["status"]["replicas"].num(),
                            (*event.object)["status"]["availableReplicas"].num());
    for (const unsigned char c : line) trace_ = (trace_ ^ c) * 0x100000001b3ULL;
    for (const unsigned char c : event.object->uid()) trace_ = (trace_ ^ c) * 0x100000001b3ULL;
    if (event.key.resource.plural == "events" || event.key.resource.plural == "leases") return;
    story_.push_back(std::move(line));
    if (story_.size() > story_max) story_.pop_front();
}

std::string World::story() const {
    std::string out;
    for (const auto& line : story_) out += line + "\n";
    for (const auto& pod : pods())
        out += fmt::format("now: pod {} {}{}{}, {} faults\n", pod->name(), (*pod)["status"]["phase"].str(),
                           is_ready(*pod) ? " ready" : "", pod->deleting() ? " deleting" : "",
                           machine_.faults_of(std::string(pod->uid())));
    for (const auto& complaint : engine_->complaints()) out += "controller: " + complaint + "\n";
    return out;
}

void World::fail(const std::string& what) const {
    throw Failure(fmt::format("{} (at {}, step {})", what, base::rfc3339_micro(loop_.now()), steps_));
}

bool World::step() {
    if (restart_in_ && (*restart_in_)-- == 0) {
        restart_in_.reset();
        restart();
    }
    if (!loop_.step()) return false;
    ++steps_;
    look();
    return true;
}

void World::look() {
    const bool same = store_->revision() == seen_revision_ && machine_.version() == seen_machine_ &&
                      kernel_.version() == seen_kernel_;
    if (same) return;
    seen_revision_ = store_->revision();
    seen_machine_ = machine_.version();
    seen_kernel_ = kernel_.version();
    if (!broken_.empty()) fail("broken: " + broken_);
    if (!kernel_.refused().empty()) fail("broken: rules that a kernel refuses: " + kernel_.refused());
    no_traffic_to_the_stopped();
    for (const auto& invariant : invariants_)
        if (!invariant.holds(*this)) fail("broken: " + invariant.name);
}

/// A pod whose end has begun and that was told to stop gets no new connections, and none goes on by what connection
/// tracking remembers. (A container that is restarted for itself stays in service until its probe or its end says so.)
void World::no_traffic_to_the_stopped() const {
    for (const auto& [id, container] : machine_.containers()) {
        if (!container.told_to_stop) continue;
        const auto pod = machine_.pods().find(container.seen.pod_uid);
        if (pod == machine_.pods().end() || !kernel_.remembered().contains(pod->second.seen.ip)) continue;
        const auto& seen = pod->second.seen;
        const auto object = store_->get({{"", "pods"}, seen.ns, seen.name});
        const bool ends = !object || object->uid() != seen.uid || object->deleting() || finished(*object);
        if (!ends) continue;
        const bool led = kernel_.addresses().contains(seen.ip);
        fail(fmt::format("broken: pod {} was told to stop and still gets traffic{}", seen.name,
                         led ? "" : " of old connections"));
    }
}

void World::always(std::string name, Holds holds) { invariants_.push_back({std::move(name), std::move(holds)}); }

void World::until(const std::string& name, const Holds& holds, Duration most) {
    const auto end = loop_.now() + most;
    while (!holds(*this)) {
        if (loop_.now() > end) fail(fmt::format("not within {} s: {}", most / 1s, name));
        if (!step()) fail("nothing left to happen, and yet not: " + name);
    }
}

void World::run_for(Duration time) {
    bool over = false;
    const auto timer = loop_.after(time, [&over] { over = true; });
    while (!over && step()) {
    }
}

void World::check(const std::string& name, bool holds) {
    if (!holds) fail("not so: " + name);
}

const object::Kind& World::kind(const store::Resource& resource) const {
    for (const auto& kind : kinds::all())
        if (kind.group == resource.group && kind.plural == resource.plural) return kind;
    fail("no kind for " + resource.plural);
}

verbs::Target World::target_of(Ref object) const {
    const auto* kind = kinds::by_kind(object["apiVersion"].str(), object["kind"].str());
    if (!kind) fail("no such kind");
    const auto meta = object["metadata"];
    return {kind, kind->namespaced() ? std::string(meta["namespace"].str("default")) : std::string(),
            std::string(meta["name"].str())};
}

void World::apply(json::object object) {
    const auto target = target_of(Ref(object));
    if (store_->get(verbs::key_of(target)))
        return change(verbs::key_of(target), [&](json::object& live) { live["spec"] = object["spec"]; });
    const auto written = api_->create(target, std::move(object), as_client);
    if (!written) fail("create refused: " + written.error().message);
    disk_.sync();
}

std::shared_ptr<const bool> World::submit(json::object object) {
    const auto target = target_of(Ref(object));
    const auto written = api_->create(target, std::move(object), as_client);
    if (!written) fail("create refused: " + written.error().message);
    auto answered = std::make_shared<bool>(false);
    store_->when_durable(written->object->revision(), [answered] { *answered = true; });
    return answered;
}

void World::change(const store::Key& key, const std::function<void(json::object&)>& edit) {
    for (int i = 0; i < tries_max; ++i) {
        const auto live = store_->get(key);
        if (!live) fail("to be changed, but not there: " + key.name);
        auto copy = live->value();
        edit(copy);
        const auto written = api_->update({&kind(key.resource), key.ns, key.name}, std::move(copy), as_client);
        if (written) return disk_.sync();
        if (written.error().code != base::Code::conflict) fail("update refused: " + written.error().message);
        step();
    }
    fail("never without a conflict: " + key.name);
}

void World::remove(const store::Key& key, verbs::DeleteOptions options) {
    const auto removed = api_->remove({&kind(key.resource), key.ns, key.name}, options, {});
    if (!removed) fail("delete refused: " + removed.error().message);
    disk_.sync();
}

const World::Counts& World::counted() const {
    if (counts_.at == store_->revision()) return counts_;
    counts_ = {.at = store_->revision()};
    for (const auto& pod : pods()) {
        if (pod->deleting()) continue;
        if (!finished(*pod)) ++counts_.alive;
        if (is_ready(*pod)) ++counts_.ready;
    }
    return counts_;
}

}  // namespace sim
