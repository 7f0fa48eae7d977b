// A full disk: the journal cannot write and containers cannot be made. What was answered is kept, what was not is not
// claimed, and all goes on when there is room.
#include <fmt/format.h>

#include "sim/objects.h"
#include "sim/rollout_guard.h"
#include "sim/scenario.h"

using namespace sim;
using namespace std::chrono_literals;

static store::Key map_key(int number) { return {{"", "configmaps"}, "default", fmt::format("n{}", number)}; }

static json::object map_of(int number) {
    return {{"apiVersion", "v1"},
            {"kind", "ConfigMap"},
            {"metadata", {{"name", map_key(number).name}}},
            {"data", {{"number", std::to_string(number)}}}};
}

SIM_TEST("what was answered outlives a full disk and a crash; what was not is not seen again", 200) {
    std::vector<std::shared_ptr<const bool>> answers;
    const auto submit = [&] {
        answers.push_back(world.submit(map_of(static_cast<int>(answers.size()))));
        world.run_for(Duration(100us) * world.rng().below(100));
    };
    world.always("answers come in order", [&](const World&) {
        return std::ranges::is_sorted(answers, std::greater{}, [](const auto& answer) { return *answer; });
    });
    world.faults({.slow_disk = 0.3});
    for (auto left = 1 + world.rng().below(10); left > 0; --left) submit();
    world.faults({.disk_full = true});
    for (auto left = 1 + world.rng().below(10); left > 0; --left) submit();
    world.run_for(Duration(1ms) * world.rng().below(5000));
    const bool crashes = world.rng().below(2) == 0;
    world.check("the last has no answer", !*answers.back());
    if (crashes) world.restart();
    const auto all_is_as_answered = [&](const World& w) {
        for (int i = 0; i < std::ssize(answers); ++i) {
            const auto map = w.get(map_key(i));
            if (static_cast<bool>(map) != *answers[static_cast<std::size_t>(i)]) return false;
            if (map && (*map)["data"]["number"].str() != std::to_string(i)) return false;
        }
        return true;
    };
    if (crashes) world.check("seen is what was answered", all_is_as_answered(world));
    world.calm();
    world.until("all that stands is answered", all_is_as_answered, 5s);
    world.check("without a crash nothing is lost", crashes || *answers.back());
    world.apply(deployment({.replicas = 1}));
    world.until(
        "it goes on", [](const World& w) { return rolled_out(w, "1", 1); }, 60s);
}

SIM_TEST("a rolling update waits for room on the disk and loses nothing that serves", 200) {
    const Web web{.replicas = 3, .surge = static_cast<std::int64_t>(world.rng().below(2)), .unavailable = 1};
    begin_guarded(world, web);
    const auto update = [&] { world.change(deployment_key(), [](json::object& d) { set_version(d, "2"); }); };
    world.faults({.write_conflict = 0.1, .event_delay = 0.2, .slow_start = 0.1, .slow_disk = 0.2});
    update();
    world.run_for(Duration(1ms) * world.rng().below(1500));
    world.faults({.write_conflict = 0.1, .event_delay = 0.2, .disk_full = true});
    if (world.rng().below(2)) world.restart_after(world.rng().below(400));
    world.run_for(1s + Duration(1ms) * world.rng().below(40'000));
    world.calm();
    update();  // a client that got no answer asks again
    world.until(
        "version 2 stands", [](const World& w) { return rolled_out(w, "2", 3); }, 400s);
    world.until("no orphan is left", no_orphans, 120s);
}

SIM_TEST("containers that crash while the disk is full run again when there is room", 200) {
    world.apply(service({}));
    world.apply(deployment({.replicas = 3}));
    world.until(
        "all are ready", [](const World& w) { return rolled_out(w, "1", 3); }, 300s);
    world.faults({.disk_full = true});
    const auto pods = world.pods();
    for (auto crashes = 1 + world.rng().below(3); crashes > 0; --crashes) {
        world.kill_container_of(*pods[crashes - 1]);
        world.run_for(Duration(1ms) * world.rng().below(15'000));
    }
    world.check("what crashed does not run", world.ready() < 3);
    for (const auto& pod : world.pods()) {
        const auto why = (*pod)["status"]["containerStatuses"][std::size_t{0}]["state"]["waiting"]["reason"].str();
        world.check("it says why: " + std::string(why), why.empty() || why == "CreateContainerError" ||
                                                            why == "CreateContainerConfigError" ||
                                                            why == "CrashLoopBackOff");
    }
    world.calm();
    world.until(
        "all run again", [](const World& w) { return rolled_out(w, "1", 3); }, 60s);
    world.check("in the same pods",
                std::ranges::equal(pods, world.pods(), {}, &object::Object::uid, &object::Object::uid));
}
