// The simulation itself: one seed is one history, and a bug that is put in is found.
#include "sim/scenario.h"

#include <gtest/gtest.h>

#include "sim/objects.h"
#include "sim/rollout_guard.h"

namespace sim {
namespace {

using namespace std::chrono_literals;

bool stands(const World& world, const std::string& version) {
    const auto status = (*world.get(deployment_key()))["status"];
    if (status["updatedReplicas"].num() != 3 || status["replicas"].num() != 3 || world.ready() != 3) return false;
    for (const auto& pod : world.pods())
        if (pod->deleting() || pod->meta()["labels"]["version"].str() != version) return false;
    return true;
}

const Scenario update{
    "update", 1, [](World& world) {
        world.apply(service({}));
        world.apply(deployment({}));
        world.until(
            "all are ready", [](const World& w) { return stands(w, "1"); }, 300s);
        guard(world, {.least_ready = 3, .most_alive = 4});
        world.faults({.write_conflict = 0.2, .event_delay = 0.2, .container_crash = 0.1, .slow_start = 0.2});
        world.change(deployment_key(), [](json::object& d) { set_version(d, "2"); });
        world.restart_after(world.rng().below(600));
        world.run_for(10s);
        world.calm();
        world.until(
            "version 2 stands", [](const World& w) { return stands(w, "2"); }, 900s);
    }};

/// How the scenario fails within some seeds; "" when it never does.
std::string first_failure(const WorldOptions& options) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed)
        if (const auto played = play(update, seed, options); !played.failure.empty()) return played.failure;
    return "";
}

/// A controller with its plans changed on the way out.
engine::Controller broken(engine::Controller controller, std::function<void(engine::Plan&)> breakage) {
    controller.reconcile = [sound = controller.reconcile, breakage](const engine::Pass& pass) {
        auto plan = sound(pass);
        if (plan) breakage(*plan);
        return plan;
    };
    return controller;
}

TEST(Simulation, OneSeedIsOneHistory) {
    for (const std::uint64_t seed : {1, 2, 3}) {
        const auto first = play(update, seed), again = play(update, seed);
        EXPECT_EQ(first.failure, "");
        EXPECT_EQ(first.trace, again.trace);
        EXPECT_EQ(first.last_number, again.last_number);
        EXPECT_EQ(first.steps, again.steps);
    }
    EXPECT_NE(play(update, 1).trace, play(update, 2).trace);
}

TEST(Simulation, FindsTrafficToAPodThatWasToldToStop) {
    EXPECT_NE(first_failure({.excluding = Excluding::skipped}).find("still gets traffic"), std::string::npos);
}

TEST(Simulation, FindsOnePodTooMany) {
    const auto twice = [](engine::Plan& plan) {
        const auto steps = plan.steps();
        for (const auto& step : steps)
            if (const auto* create = std::get_if<engine::Create>(&step)) return plan.create(*create);
    };
    EXPECT_NE(first_failure({.replaced = {broken(control::replicaset_controller(), twice)}}), "");
}

TEST(Simulation, FindsAReadyPodTakenTooEarly) {
    const auto greedy = [](engine::Plan& plan) {
        for (auto& step : plan.steps()) {
            auto* update = std::get_if<engine::Update>(&step);
            if (!update || update->resource.plural != "replicasets") continue;
            auto& replicas = update->body["spec"].as_object()["replicas"];
            if (Ref(replicas).num() == 2) replicas = 1;
        }
    };
    EXPECT_NE(first_failure({.replaced = {broken(control::deployment_controller(), greedy)}}).find("enough ready"),
              std::string::npos);
}

TEST(Simulation, AWrongStatusDoesNotBreakThePromise) {
    // Counts every pod as available as soon as it stands.
    const auto lies = [](engine::Plan& plan) {
        for (auto& step : plan.steps())
            if (auto* update = std::get_if<engine::Update>(&step); update && update->subresource == "status") {
                auto& status = update->body["status"].as_object();
                status["readyReplicas"] = status["availableReplicas"] = status["replicas"];
            }
    };
    // The deployment controller counts the pods itself: a late or wrong status must not be enough to break the promise.
    EXPECT_EQ(first_failure({.replaced = {broken(control::replicaset_controller(), lies)}}).find("enough ready"),
              std::string::npos);
}

}  // namespace
}  // namespace sim
