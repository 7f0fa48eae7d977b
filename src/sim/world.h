// A whole platform in virtual time from one seed: the real store, verbs, engine, controllers, node and service rules
// over a simulated disk, machine and kernel. Rule: one seed is one history; every change is followed by a look at every
// invariant.
//
//   world.apply(...)  like a client: answered once it is durable
//   world.until(...)  lets time pass until something holds
//   world.restart()   the daemon dies and comes back; the machine and the disk live on
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "control/controllers.h"
#include "engine/engine.h"
#include "network/services.h"
#include "node/node.h"
#include "run/virtual_loop.h"
#include "sim/disk.h"
#include "sim/faults.h"
#include "sim/faulty_api.h"
#include "sim/kernel.h"
#include "sim/machine.h"
#include "sim/traffic.h"
#include "store/store.h"
#include "verbs/api.h"

namespace sim {

namespace json = object::json;
using base::Duration;
using object::ObjectPtr;
using object::Ref;

/// A scenario did not go as it must: ends the run of its seed.
struct Failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct WorldOptions {
    Excluding excluding = Excluding::works;
    /// Puts a controller in the place of the one of that name: for scenarios that must fail.
    std::vector<engine::Controller> replaced;
};

class World {
 public:
    using Holds = std::function<bool(const World&)>;

    explicit World(std::uint64_t seed, WorldOptions options = {});
    ~World();
    World(const World&) = delete;

    /// Checked whenever something changed, from now on.
    void always(std::string name, Holds holds);
    /// Lets time pass until it holds; fails after `most`.
    void until(const std::string& name, const Holds& holds, Duration most);
    void run_for(Duration time);
    void check(const std::string& name, bool holds);

    void faults(const Faults& faults) { faults_ = faults; }
    /// Nothing fails from now on.
    void calm() { faults_ = {}; }
    /// The daemon dies now, losing what was not durable, and starts again after a moment.
    void restart();
    /// The same, that many steps of the loop from now.
    void restart_after(std::uint64_t steps) { restart_in_ = steps; }

    /// Creates, or replaces the spec of what is there.
    void apply(json::object object);
    /// Changes an object as a client would: read, change, write; again when somebody was first.
    void change(const store::Key& key, const std::function<void(json::object&)>& edit);
    void remove(const store::Key& key, verbs::DeleteOptions options = {});
    /// Creates as a client that has not got its answer yet: true once it would have it.
    std::shared_ptr<const bool> submit(json::object object);
    void kill_container_of(const object::Object& pod) { machine_.crash_container(std::string(pod.uid())); }

    ObjectPtr get(const store::Key& key) const { return store_->get(key); }
    std::vector<ObjectPtr> list(const store::Resource& resource, std::string_view ns = "default") const {
        return store_->list(resource, ns);
    }
    std::vector<ObjectPtr> pods() const { return list({"", "pods"}); }
    /// Pods that are neither finished nor told to go; of those, the ready ones.
    std::int64_t alive() const { return counted().alive; }
    std::int64_t ready() const { return counted().ready; }

    const Machine& machine() const { return machine_; }
    /// What the images of the machine's registry are, and the like: changes what the world is made of.
    Machine& machine() { return machine_; }
    const Kernel& kernel() const { return kernel_; }
    base::Time now() const { return loop_.now(); }
    base::Rng& rng() { return loop_.rng(); }
    std::uint64_t steps() const { return steps_; }
    /// How often the daemon died.
    int restarts() const { return restarts_; }
    /// A digest of everything that happened.
    std::uint64_t trace() const { return trace_; }
    /// What happened last, for the report of a failure.
    std::string story() const;
    const engine::Engine& engine() const { return *engine_; }

 private:
    struct Invariant {
        std::string name;
        Holds holds;
    };
    struct Counts {
        store::Revision at = -1;
        std::int64_t alive = 0, ready = 0;
    };
    const Counts& counted() const;
    void start_daemon();
    void stop_daemon();
    bool step();
    void look();
    void note(const store::Event& event);
    [[noreturn]] void fail(const std::string& what) const;
    void no_traffic_to_the_stopped() const;
    const object::Kind& kind(const store::Resource& resource) const;
    verbs::Target target_of(Ref object) const;

    WorldOptions options_;
    Faults faults_;
    run::VirtualLoop loop_;
    Disk disk_;
    Machine machine_;
    Kernel kernel_;
    std::unique_ptr<store::Store> store_;
    std::unique_ptr<verbs::Api> api_;
    std::unique_ptr<FaultyApi> faulty_;
    std::unique_ptr<network::Services> services_;
    std::unique_ptr<Traffic> traffic_;
    std::unique_ptr<engine::Engine> engine_;
    std::unique_ptr<node::Node> node_;
    std::unique_ptr<store::Watch> recording_;
    std::vector<Invariant> invariants_;
    std::deque<std::string> story_;
    std::uint64_t steps_ = 0, trace_ = 0xcbf29ce484222325ULL;
    std::uint64_t seen_machine_ = 0, seen_kernel_ = 0;
    store::Revision seen_revision_ = -1;
    mutable Counts counts_;  ///< of the store's revision that they name
    std::string broken_;     ///< what an event showed to be wrong; "" nothing
    std::optional<std::uint64_t> restart_in_;
    int restarts_ = 0;
};

}  // namespace sim
