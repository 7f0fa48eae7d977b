// Rolling updates in a world where things fail: the promises of a Deployment hold at every step.
#include "sim/objects.h"
#include "sim/rollout_guard.h"
#include "sim/scenario.h"

using namespace sim;
using namespace std::chrono_literals;

static const Faults rough{.write_conflict = 0.15,
                          .event_delay = 0.2,
                          .container_crash = 0.25,
                          .slow_start = 0.25,
                          .failing_probe = 0.02,
                          .deaf_to_term = 0.1,
                          .slow_disk = 0.1,
                          .kernel_refusal = 0.03};

SIM_TEST("a rolling update survives crashes, slow starts, conflicts, late events and a restart at any step", 200) {
    const Web web{.replicas = 3,
                  .surge = static_cast<std::int64_t>(world.rng().below(2)),
                  .unavailable = static_cast<std::int64_t>(world.rng().below(2))};
    const Web sound{.replicas = web.replicas, .surge = web.surge, .unavailable = web.surge ? web.unavailable : 1};
    begin_guarded(world, sound);
    world.faults(rough);
    world.change(deployment_key(), [](json::object& d) { set_version(d, "2"); });
    world.restart_after(world.rng().below(700));
    world.run_for(20s);
    world.calm();
    world.until(
        "version 2 stands", [&](const World& w) { return rolled_out(w, "2", sound.replicas); }, 900s);
    world.until("no orphan is left", no_orphans, 120s);
}

SIM_TEST("an undo in mid-rollout returns to the old replica set", 200) {
    begin_guarded(world, {.replicas = 3});
    const auto first = world.list({"apps", "replicasets"});
    world.faults(rough);
    world.change(deployment_key(), [](json::object& d) { set_version(d, "2"); });
    world.run_for(Duration(1ms) * world.rng().below(4000));
    world.change(deployment_key(), [](json::object& d) { set_version(d, "1"); });
    world.run_for(10s);
    world.calm();
    world.until(
        "version 1 stands", [](const World& w) { return rolled_out(w, "1", 3); }, 900s);
    world.check("it is the set of the beginning",
                (*world.get(replicaset_key(std::string(first.front()->name()))))["spec"]["replicas"].num() == 3);
    world.until("no orphan is left", no_orphans, 120s);
}

SIM_TEST("a deployment grows and shrinks in mid-rollout", 200) {
    world.apply(service({}));
    world.apply(deployment({.replicas = 4}));
    world.until(
        "all are ready", [](const World& w) { return rolled_out(w, "1", 4); }, 300s);
    world.faults(rough);
    world.change(deployment_key(), [](json::object& d) { set_version(d, "2"); });
    world.run_for(Duration(1ms) * world.rng().below(2000));
    const auto wish = static_cast<std::int64_t>(1 + world.rng().below(8));
    world.change(deployment_key(), [&](json::object& d) { d["spec"].as_object()["replicas"] = wish; });
    world.restart_after(world.rng().below(700));
    world.run_for(10s);
    world.calm();
    world.until(
        "the wish is met", [&](const World& w) { return rolled_out(w, "2", wish); }, 900s);
    world.until("no orphan is left", no_orphans, 120s);
}
