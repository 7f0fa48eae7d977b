// What must come right again by itself: replica sets, namespaces, garbage.
#include "sim/objects.h"
#include "sim/scenario.h"

using namespace sim;
using namespace std::chrono_literals;

SIM_TEST("a replica set heals when pods die and the store pushes back", 200) {
    world.apply(replicaset({.replicas = 3}));
    world.until(
        "3 pods are ready", [](const World& w) { return w.ready() == 3; }, 60s);
    world.always("never one pod too many", [](const World& w) { return w.alive() <= 3; });
    world.faults({.write_conflict = 0.2, .event_delay = 0.3, .container_crash = 0.1});
    world.kill_container_of(*world.pods().front());
    const auto victim = world.pods().back();
    world.remove({{"", "pods"}, "default", std::string(victim->name())});
    world.restart_after(world.rng().below(500));
    world.run_for(5s);
    world.calm();
    world.until(
        "3 pods are ready again",
        [&](const World& w) {
            return w.ready() == 3 && !w.get({{"", "pods"}, "default", std::string(victim->name())});
        },
        400s);
}

SIM_TEST("a replica set follows its wish up and down", 200) {
    world.apply(replicaset({.replicas = 1}));
    for (const std::int64_t wish : {6, 2, 5, 0}) {
        world.faults({.write_conflict = 0.2, .event_delay = 0.3});
        world.change(replicaset_key(), [&](json::object& set) { set["spec"].as_object()["replicas"] = wish; });
        world.until(
            "the wish is met",
            [&](const World& w) {
                return w.ready() == wish && std::ssize(w.pods()) == wish &&
                       (*w.get(replicaset_key()))["status"]["replicas"].num() == wish;
            },
            120s);
    }
    world.until(
        "nothing is left on the machine", [](const World& w) { return w.machine().pods().empty(); }, 60s);
}

SIM_TEST("a deleted namespace ends empty, whatever was in it", 200) {
    world.apply({{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", "shop"}}}});
    for (auto object : {deployment({.replicas = 2}), service({})}) {
        object::child(object, "metadata")["namespace"] = "shop";
        world.apply(std::move(object));
    }
    const store::Key ns{{"", "namespaces"}, "", "shop"};
    world.run_for(Duration(1ms) * world.rng().below(3000));
    world.faults({.write_conflict = 0.2, .event_delay = 0.3, .container_crash = 0.2, .deaf_to_term = 0.2});
    world.remove(ns);
    world.restart_after(world.rng().below(1000));
    world.until(
        "the namespace is gone", [&](const World& w) { return !w.get(ns); }, 300s);
    for (const auto* plural : {"pods", "services", "endpoints", "configmaps", "serviceaccounts", "events"})
        world.check("nothing is left of it", world.list({"", plural}, "shop").empty());
    for (const auto* plural : {"deployments", "replicasets"})
        world.check("nothing is left of it", world.list({"apps", plural}, "shop").empty());
    world.until(
        "nothing runs for it", [](const World& w) { return w.machine().pods().empty(); }, 60s);
}

SIM_TEST("what a deployment owned goes with it, in the background and in the foreground", 200) {
    const auto how = world.rng().below(2) ? verbs::Propagation::foreground : verbs::Propagation::background;
    world.apply(deployment({.replicas = 3}));
    world.run_for(Duration(1ms) * world.rng().below(2000));
    world.faults({.write_conflict = 0.2, .event_delay = 0.3});
    if (how == verbs::Propagation::foreground)
        world.always("the owner outlives what it owns", [](const World& w) {
            return w.get(deployment_key()) || (w.list({"apps", "replicasets"}).empty() && w.pods().empty());
        });
    world.remove(deployment_key(), {.propagation = how});
    world.restart_after(world.rng().below(500));
    world.until(
        "all is gone",
        [](const World& w) {
            return !w.get(deployment_key()) && w.list({"apps", "replicasets"}).empty() && w.pods().empty() &&
                   w.machine().pods().empty();
        },
        300s);
}

SIM_TEST("orphans stay and are adopted again", 200) {
    world.apply(replicaset({.replicas = 2}));
    world.until(
        "2 pods are ready", [](const World& w) { return w.ready() == 2; }, 60s);
    std::set<std::string> before;
    for (const auto& pod : world.pods()) before.insert(std::string(pod->uid()));
    world.faults({.write_conflict = 0.2, .event_delay = 0.3});
    world.remove(replicaset_key(), {.propagation = verbs::Propagation::orphan});
    world.until(
        "the set is gone", [](const World& w) { return !w.get(replicaset_key()); }, 60s);
    for (const auto& pod : world.pods()) world.check("no owner is named", pod->meta()["ownerReferences"].size() == 0);
    world.apply(replicaset({.replicas = 2}));
    world.until(
        "it has its pods",
        [](const World& w) { return (*w.get(replicaset_key()))["status"]["readyReplicas"].num() == 2; }, 60s);
    for (const auto& pod : world.pods())
        world.check("they are the same pods", before.contains(std::string(pod->uid())));
}
