// The two ways in which most controllers are woken.
#include "engine/controller.h"

namespace engine {

Watch watch(Resource resource) {
    return {std::move(resource), [](const store::Event& event, const View&, Keys& keys) { keys.push_back(event.key); }};
}

Watch watch_owned(Resource resource, Resource owner, std::string_view owner_kind) {
    auto wakes = [owner = std::move(owner), kind = std::string(owner_kind)](const store::Event& event, const View&,
                                                                            Keys& keys) {
        for (const auto* state : {event.object.get(), event.previous.get()}) {
            if (!state) continue;
            const auto reference = controller_of(*state);
            if (reference["kind"].str() == kind)
                keys.push_back({owner, event.key.ns, std::string(reference["name"].str())});
        }
    };
    return {std::move(resource), std::move(wakes)};
}

}  // namespace engine
