// What controllers write at settled states, compared with what a real Kubernetes 1.36 writes there (times aside).
#include <fmt/format.h>

#include <algorithm>

#include "sim/objects.h"
#include "sim/scenario.h"

using namespace sim;
using namespace std::chrono_literals;

/// A copy without times and messages; conditions as a set, in order of type.
static json::value plain(const json::value& value) {
    if (const auto* array = value.if_array()) {
        std::vector<json::value> items;
        for (const auto& item : *array) items.push_back(plain(item));
        if (!items.empty() && Ref(items.front())["type"])
            std::ranges::sort(items, {}, [](const json::value& v) { return std::string(Ref(v)["type"].str()); });
        return json::array(items.begin(), items.end());
    }
    const auto* object = value.if_object();
    if (!object) return value;
    json::object out;
    for (const auto& [name, member] : *object) {
        const std::string_view n(name);
        if (n == "message" || n.ends_with("Time")) continue;
        out[n] = plain(member);
    }
    return out;
}

static bool is(Ref actual, std::string_view expected) {
    return actual.value() && plain(*actual.value()) == plain(json::parse(expected));
}

static void expect(World& world, const std::string& what, Ref actual, std::string_view expected) {
    if (is(actual, expected)) return;
    world.check(what + ": " + (actual.value() ? json::serialize(plain(*actual.value())) : "nothing"), false);
}

/// Pods that nobody schedules.
static json::object waiting(Web web) {
    auto object = deployment(web);
    object["spec"].as_object()["template"].as_object()["spec"].as_object()["schedulerName"] = "none";
    return object;
}

static void edit(World& world, std::string_view path_value) {
    const auto patch = json::parse(path_value).as_object();
    world.change(deployment_key(), [&](json::object& d) {
        for (const auto& [name, value] : patch) {
            auto& spec = object::child(d, "spec");
            if (value.is_null())
                spec.erase(name);
            else
                spec[name] = value;
        }
    });
}

SIM_TEST("a paused deployment scales its old set and makes no new one", 200) {
    world.apply(waiting({.replicas = 1}));
    world.until(
        "updated", [](const World& w) { return (*w.get(deployment_key()))["status"]["updatedReplicas"].num() == 1; },
        9s);
    edit(world, R"({"paused": true})");
    world.run_for(2s);
    expect(world, "paused", (*world.get(deployment_key()))["status"], R"({"observedGeneration": 2, "replicas": 1,
        "updatedReplicas": 1, "unavailableReplicas": 1, "terminatingReplicas": 0, "conditions": [
        {"type": "Progressing", "status": "Unknown", "reason": "DeploymentPaused"},
        {"type": "Available", "status": "False", "reason": "MinimumReplicasUnavailable"}]})");
    world.change(deployment_key(), [](json::object& d) {
        set_version(d, "2");
        d["spec"].as_object()["replicas"] = 2;
    });
    world.run_for(2s);
    const auto d = world.get(deployment_key());
    expect(world, "scaled", (*d)["status"], R"({"observedGeneration": 3, "replicas": 2, "unavailableReplicas": 2,
        "terminatingReplicas": 0, "conditions": [
        {"type": "Progressing", "status": "Unknown", "reason": "DeploymentPaused"},
        {"type": "Available", "status": "False", "reason": "MinimumReplicasUnavailable"}]})");
    expect(world, "revision", d->meta()["annotations"], R"({"deployment.kubernetes.io/revision": "1"})");
    world.check("one set", world.list({"apps", "replicasets"}).size() == 1);
    edit(world, R"({"paused": null})");
    world.run_for(2s);
    world.check("resumed: two sets", world.list({"apps", "replicasets"}).size() == 2);
}

SIM_TEST("recreate waits until the old pods are gone", 200) {
    auto object = waiting({.replicas = 2});
    object["spec"].as_object()["strategy"] = json::parse(R"({"type": "Recreate"})");
    auto& meta = object["spec"].as_object()["template"].as_object()["metadata"].as_object();
    meta["finalizers"] = json::array{"example.test/hold"};
    world.apply(object);
    world.run_for(2s);
    const auto old_pods = world.pods();
    world.change(deployment_key(), [](json::object& d) {
        set_version(d, "2");
        d["spec"].as_object()["template"].as_object()["metadata"].as_object().erase("finalizers");
    });
    world.run_for(2s);
    expect(world, "waiting", (*world.get(deployment_key()))["status"], R"({"observedGeneration": 2,
        "terminatingReplicas": 2, "conditions": [
        {"type": "Available", "status": "False", "reason": "MinimumReplicasUnavailable"},
        {"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated"}]})");
    expect(world, "the set", (*world.list({"apps", "replicasets"}).front())["status"],
           R"({"replicas": 0, "terminatingReplicas": 2, "observedGeneration": 2})");
    for (const auto& pod : old_pods)
        world.change({{"", "pods"}, "default", std::string(pod->name())},
                     [](json::object& p) { p["metadata"].as_object().erase("finalizers"); });
    world.until(
        "two new pods",
        [](const World& w) {
            return w.pods().size() == 2 && w.pods().front()->meta()["labels"]["version"].str() == "2";
        },
        9s);
}

SIM_TEST("a rollout that stands still exceeds its deadline", 200) {
    auto object = deployment({.replicas = 1});
    object["spec"].as_object()["progressDeadlineSeconds"] = 2;
    world.faults({.failing_probe = 1});
    world.apply(object);
    world.until(
        "exceeded",
        [](const World& w) {
            return is((*w.get(deployment_key()))["status"],
                      R"({"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1,
            "unavailableReplicas": 1, "terminatingReplicas": 0, "conditions": [
            {"type": "Available", "status": "False", "reason": "MinimumReplicasUnavailable"},
            {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]})");
        },
        10s);
    world.calm();
    world.until(
        "complete",
        [](const World& w) {
            return is((*w.get(deployment_key()))["status"],
                      R"({"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1,
            "readyReplicas": 1, "availableReplicas": 1, "terminatingReplicas": 0, "conditions": [
            {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable"},
            {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}]})");
        },
        30s);
}

SIM_TEST("a deployment adopts an orphan set, and lets one go whose label changed", 200) {
    auto orphan = replicaset({.name = "web", .replicas = 1});
    orphan["metadata"].as_object()["labels"] = json::parse(R"({"app": "web"})");
    orphan["spec"].as_object()["template"].as_object()["spec"].as_object()["schedulerName"] = "none";
    world.apply(orphan);
    world.run_for(1s);
    world.apply(waiting({.replicas = 2}));
    world.run_for(2s);
    const auto sets = world.list({"apps", "replicasets"});
    world.check("no other set", sets.size() == 1);
    expect(world, "annotations", sets.front()->meta()["annotations"],
           R"({"deployment.kubernetes.io/desired-replicas": "2",
        "deployment.kubernetes.io/max-replicas": "3", "deployment.kubernetes.io/revision": "1"})");
    world.check("owned", sets.front()->meta()["ownerReferences"].size() == 1);
    world.change(replicaset_key(),
                 [](json::object& set) { set["metadata"].as_object()["labels"].as_object()["app"] = "other"; });
    world.run_for(2s);
    world.check("released", world.get(replicaset_key())->meta()["ownerReferences"].size() == 0);
}

SIM_TEST("an undo takes the old set with a new revision; history is kept within its limit", 200) {
    auto object = waiting({.replicas = 0});
    object["spec"].as_object()["revisionHistoryLimit"] = 2;
    world.apply(object);
    for (const auto* version : {"2", "1", "3", "4", "5"}) {
        world.run_for(2s);
        world.change(deployment_key(), [&](json::object& d) { set_version(d, version); });
    }
    world.run_for(2s);
    const auto sets = world.list({"apps", "replicasets"});
    world.check("the newest and two old ones: " + std::to_string(sets.size()), sets.size() == 3);
    expect(world, "revision", world.get(deployment_key())->meta()["annotations"],
           R"({"deployment.kubernetes.io/revision": "6"})");
    world.change(deployment_key(), [&](json::object& d) { set_version(d, "3"); });
    world.run_for(2s);
    for (const auto& set : world.list({"apps", "replicasets"}))
        if (set->meta()["labels"]["version"].str() == "3")
            expect(world, "history", set->meta()["annotations"], R"({"deployment.kubernetes.io/desired-replicas": "0",
                "deployment.kubernetes.io/max-replicas": "1", "deployment.kubernetes.io/revision": "7",
                "deployment.kubernetes.io/revision-history": "4"})");
    world.check("generation", world.get(deployment_key())->meta()["generation"].num() == 7);
}

SIM_TEST("a service has an empty slice, then its pods, then an empty one again", 200) {
    world.apply(service({}));
    world.run_for(1s);
    const store::Resource slices{"discovery.k8s.io", "endpointslices"};
    const auto empty = world.list(slices).front();
    world.check("null lists: " + json::serialize((*empty)["endpoints"].missing() ? json::value("missing")
                                                                                 : *(*empty)["endpoints"].value()),
                !(*empty)["endpoints"] && !(*empty)["ports"] && !(*empty)["endpoints"].missing());
    world.check("no subsets", !(*world.get({{"", "endpoints"}, "default", "web"}))["subsets"]);
    world.apply(deployment({.replicas = 2}));
    world.until(
        "both serve",
        [&](const World& w) {
            const auto endpoints = w.get({{"", "endpoints"}, "default", "web"});
            const auto subset = (*endpoints)["subsets"][std::size_t{0}];
            const auto slice = w.list(slices).front();
            return subset["addresses"].size() == 2 && subset["ports"].size() == 1 &&
                   (*slice)["endpoints"].size() == 2 &&
                   (*slice)["endpoints"][std::size_t{0}]["conditions"]["ready"].flag() &&
                   w.kernel().addresses().size() == 2;
        },
        30s);
    edit(world, R"({"replicas": 0})");
    world.until(
        "none",
        [&](const World& w) {
            const auto all = w.list(slices);
            return w.pods().empty() && all.size() == 1 && (*all.front())["endpoints"].size() == 0 &&
                   w.kernel().addresses().empty();
        },
        30s);
}

SIM_TEST("pods that keep apart share no node", 200) {
    auto object = deployment({.replicas = 2});
    auto& spec = object["spec"].as_object()["template"].as_object()["spec"].as_object();
    spec["affinity"] = json::parse(R"({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution":
        [{"topologyKey": "host", "labelSelector": {}}]}})");
    world.change({{"", "nodes"}, "", "machine"},
                 [](json::object& node) { object::child(object::child(node, "metadata"), "labels")["host"] = "a"; });
    world.always("never both", [](const World& w) { return w.ready() <= 1; });
    world.apply(object);
    world.until(
        "one runs", [](const World& w) { return w.ready() == 1; }, 30s);
    world.run_for(1s);
    const auto pods = world.pods();
    const auto waiting =
        std::ranges::find_if(pods, [](const auto& pod) { return (*pod)["spec"]["nodeName"].str().empty(); });
    world.check("the other waits", waiting != pods.end());
    const auto place = [&](const std::string& value) {
        world.change({{"", "nodes"}, "", "machine"}, [&](json::object& node) {
            object::child(object::child(node, "metadata"), "labels")["host"] = value;
        });
    };
    place("b");
    world.run_for(1s);
    world.check("one node is one place", world.ready() == 1);
}

SIM_TEST("a pod that fits nowhere says why, and goes when there is room", 200) {
    auto object = deployment({.replicas = 1});
    auto& spec = object["spec"].as_object()["template"].as_object()["spec"].as_object();
    spec["nodeSelector"] = json::parse(R"({"disk": "fast"})");
    world.apply(object);
    world.run_for(1s);
    expect(world, "unschedulable", (*world.pods().front())["status"], R"({"phase": "Pending", "qosClass": "BestEffort",
        "conditions": [{"type": "PodScheduled", "observedGeneration": 1, "status": "False", "reason": "Unschedulable"}]})");
    world.change({{"", "nodes"}, "", "machine"},
                 [](json::object& node) { object::child(object::child(node, "metadata"), "labels")["disk"] = "fast"; });
    world.until(
        "it runs", [](const World& w) { return w.ready() == 1; }, 30s);
}

SIM_TEST("every namespace has its account and certificate, also after they are taken away", 200) {
    world.apply({{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", "shop"}}}});
    const store::Key account{{"", "serviceaccounts"}, "shop", "default"},
        map{{"", "configmaps"}, "shop", "kube-root-ca.crt"};
    const auto both = [&](const World& w) { return w.get(account) && w.get(map); };
    world.until("both", both, 5s);
    world.remove(account);
    world.remove(map);
    world.until("both again", both, 5s);
    world.change(map, [](json::object& m) { m["data"].as_object()["more"] = "x"; });
    world.until(
        "put right", [&](const World& w) { return (*w.get(map))["data"].size() == 1; }, 5s);
}

SIM_TEST("up to a hundred replicas stand, for no more work than they are worth", 200) {
    const auto root = static_cast<std::int64_t>(1 + world.rng().below(10));
    const auto wish = root * root;
    world.apply(deployment({.replicas = wish, .probed = false}));
    world.until(
        "all stand", [&](const World& w) { return w.ready() == wish; }, 120s);
    const auto passes = world.engine().passes();
    world.check(fmt::format("{} passes for {} replicas", passes, wish),
                passes < 300 + 60 * static_cast<std::uint64_t>(wish));
}

SIM_TEST("endpoints written by hand are mirrored until they ask not to be", 200) {
    world.apply(
        json::parse(R"({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "default"},
        "spec": {"ports": [{"name": "web", "port": 80}]}})")
            .as_object());
    world.apply(
        json::parse(R"({"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "s", "namespace": "default"},
        "subsets": [{"addresses": [{"ip": "192.0.2.7"}], "notReadyAddresses": [{"ip": "192.0.2.9"}],
                     "ports": [{"name": "web", "port": 8080}]}]})")
            .as_object());
    world.run_for(1s);
    const store::Resource slices{"discovery.k8s.io", "endpointslices"};
    expect(world, "mirrored", (*world.list(slices).front())["endpoints"], R"([
        {"addresses": ["192.0.2.7"], "conditions": {"ready": true}},
        {"addresses": ["192.0.2.9"], "conditions": {"ready": false}}])");
    world.change({{"", "endpoints"}, "default", "s"}, [](json::object& e) {
        object::child(object::child(e, "metadata"), "labels")["endpointslice.kubernetes.io/skip-mirror"] = "true";
    });
    world.until(
        "no longer", [&](const World& w) { return w.list(slices).empty(); }, 5s);
}

SIM_TEST("an event goes an hour after it was last seen", 200) {
    const auto ago = [&](base::Duration time) { return base::rfc3339_micro(world.now() - time); };
    const auto say = [&](std::string_view name, json::object times) {
        auto event = json::parse(R"({"apiVersion": "v1", "kind": "Event", "metadata": {"namespace": "default"},
            "involvedObject": {"kind": "Pod", "name": "p", "namespace": "default"}, "reason": "Said", "type": "Normal",
            "action": "Say", "reportingComponent": "sim", "reportingInstance": "sim-1"})")
                         .as_object();
        event["metadata"].as_object()["name"] = name;
        for (auto& [field, value] : times) event[field] = value;
        world.apply(std::move(event));
    };
    say("old", {{"eventTime", ago(2h)}});
    say("ending", {{"eventTime", ago(1h - 10s)}});
    say("repeated", {{"eventTime", ago(2h)}, {"series", {{"count", 2}, {"lastObservedTime", ago(50min)}}}});
    say("timeless", {});
    const auto stands = [&](std::string name) {
        return static_cast<bool>(world.get({{"", "events"}, "default", std::move(name)}));
    };
    world.run_for(1s);
    world.check("the old one is gone", !stands("old") && stands("ending"));
    world.run_for(10s);
    world.check("so is the one whose hour is over", !stands("ending"));
    world.check("the others stay", stands("repeated") && stands("timeless"));
}
