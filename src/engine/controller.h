// A controller as a value: what wakes it, and how it thinks. Rule: reconcile is a pure function of its Pass.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/plan.h"
#include "engine/view.h"

namespace engine {

struct Pass {
    const store::Key& key;
    ObjectPtr object;  ///< null when it is gone
    const View& view;
    base::Time now;
    base::Time started;  ///< when this engine began: what is older may be unknown rather than stale
    /// What the last plan for this key stumbled over, until one goes through.
    const std::optional<base::Error>& failure;
};

using Keys = std::vector<store::Key>;

struct Watch {
    Resource resource;  ///< an empty plural: every resource
    /// Appends the keys to be reconciled after an event.
    std::function<void(const store::Event& event, const View& view, Keys& keys)> wakes;
};

struct Controller {
    std::string name;
    std::vector<Watch> watches;
    std::function<base::Result<Plan>(const Pass& pass)> reconcile;
    std::string manager = "kube-controller-manager";  ///< field manager of its writes
};

/// Wakes the changed object itself.
Watch watch(Resource resource);
/// Wakes the controlling owner, when it is of `owner`; both owners when the reference moved.
Watch watch_owned(Resource resource, Resource owner, std::string_view owner_kind);

}  // namespace engine
