// Images that are not to be had: asked for with back-off, told in the pod's status, and never a reason to lose what
// serves.
#include <fmt/format.h>

#include "sim/objects.h"
#include "sim/rollout_guard.h"
#include "sim/scenario.h"

using namespace sim;
using namespace std::chrono_literals;

static std::string image(const std::string& version) { return "docker.io/library/app:" + version; }

static std::string_view waits_for(const object::Object& pod) {
    return pod["status"]["containerStatuses"][std::size_t{0}]["state"]["waiting"]["reason"].str();
}

/// How often one pod may have asked in that time: 10 s, 20 s ... 300 s apart.
static int pulls_within(base::Duration time) {
    int pulls = 1;
    for (base::Duration wait = 10s; time >= wait; wait = std::min<base::Duration>(wait * 2, 300s)) {
        time -= wait;
        ++pulls;
    }
    return pulls;
}

SIM_TEST("a pod of a missing image says so, asks with back-off, and runs once the image is there", 200) {
    world.machine().lose_image(image("1"));
    world.faults({.write_conflict = 0.1, .event_delay = 0.2});
    world.apply(deployment({.replicas = 1}));
    const auto begun = world.now();
    world.always("it asks no more often than the back-off lets it",
                 [begun](const World& w) { return w.machine().pulls_of(image("1")) <= pulls_within(w.now() - begun); });
    world.always("it waits for its image and says why", [](const World& w) {
        for (const auto& pod : w.pods()) {
            const auto why = waits_for(*pod);
            const bool pending = (*pod)["status"]["phase"].str() == "Pending";
            const bool said =
                why.empty() || why == "ContainerCreating" || why == "ErrImagePull" || why == "ImagePullBackOff";
            if (!said || (!pending && w.machine().runs_of(std::string(pod->uid())).empty())) return false;
        }
        return true;
    });
    for (const std::string_view reason : {"ErrImagePull", "ImagePullBackOff"})
        world.until(
            std::string(reason),
            [&](const World& w) { return !w.pods().empty() && waits_for(*w.pods().front()) == reason; }, 10s);
    world.run_for(Duration(1ms) * world.rng().below(400'000));
    world.check("nobody waits for ever", world.machine().pulls_of(image("1")) + 1 >= pulls_within(world.now() - begun));
    world.machine().find_image(image("1"));
    const auto asked = world.machine().pulls_of(image("1"));
    world.until(
        "it runs", [](const World& w) { return rolled_out(w, "1", 1); }, 310s);
    world.check("asked once more", world.machine().pulls_of(image("1")) <= asked + 1);
}

SIM_TEST("a rolling update to a missing image keeps the old pods serving", 200) {
    const Web web{.replicas = 3, .surge = 1, .unavailable = static_cast<std::int64_t>(world.rng().below(2))};
    begin_guarded(world, web);
    world.machine().lose_image(image("2"));
    world.faults({.write_conflict = 0.1, .event_delay = 0.2, .kernel_refusal = 0.03});
    world.change(deployment_key(), [](json::object& d) { set_version(d, "2"); });
    world.restart_after(world.rng().below(900));
    world.run_for(5s + Duration(1ms) * world.rng().below(60'000));
    world.check("it stands still", world.ready() == web.replicas - web.unavailable);
    const bool undone = world.rng().below(2) == 0;
    if (undone)
        world.change(deployment_key(), [](json::object& d) { set_version(d, "1"); });
    else
        world.machine().find_image(image("2"));
    world.until(
        "it comes to its end", [&](const World& w) { return rolled_out(w, undone ? "1" : "2", 3); }, 400s);
    world.until("no orphan is left", no_orphans, 120s);
}
