// What a reconciler wants done: a list of writes that the engine carries out in order. A plan is dropped at the first
// write that fails and thought anew, so each part must be right whatever happened to the parts before it.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/time.h"
#include "object/json.h"
#include "store/store.h"
#include "verbs/api.h"

namespace engine {

namespace json = object::json;
using object::ObjectPtr;
using store::Resource;

enum class Level : std::uint8_t { normal, warning };

/// An Event about an object, as `kubectl describe` shows it. The same again raises a count instead of being written
/// anew.
struct Note {
    ObjectPtr about;
    Resource resource;  ///< of what it is about
    Level level = Level::normal;
    std::string reason, message;
    std::string component;
    std::string action;  ///< set: written as events.k8s.io writers do (eventTime, no source)
};

/// Notes to be taken once it is known how a write went: text is the prefix before the object's name or the error.
struct Told {
    ObjectPtr about;
    Resource resource;
    std::string component;
    std::string done_reason, done_text;
    std::string failed_reason, failed_text;
};

struct Create {
    Resource resource;
    std::string ns;
    json::object body;
    std::optional<Told> told;
    std::string subresource, name;  ///< e.g. a pod's "binding"
};
/// `body` is a whole object with the resourceVersion that it was computed from; a conflict drops the plan.
struct Update {
    Resource resource;
    json::object body;
    std::string subresource;
};
struct Remove {
    Resource resource;
    std::string ns, name;
    verbs::DeleteOptions options;
    std::optional<Told> told;
};

class Plan {
 public:
    using Step = std::variant<Create, Update, Remove, Note>;

    void create(Create step) { steps_.emplace_back(std::move(step)); }
    void update(Resource resource, json::object body, std::string subresource = {}) {
        steps_.emplace_back(Update{std::move(resource), std::move(body), std::move(subresource)});
    }
    void update_status(Resource resource, json::object body) { update(std::move(resource), std::move(body), "status"); }
    void remove(Remove step) { steps_.emplace_back(std::move(step)); }
    void note(Note note) { steps_.emplace_back(std::move(note)); }
    /// Comes back that late even if nothing changes; the soonest wish counts.
    void again_in(base::Duration delay) { again_ = again_ ? std::min(*again_, delay) : delay; }

    std::vector<Step>& steps() { return steps_; }
    const std::vector<Step>& steps() const { return steps_; }
    std::optional<base::Duration> again() const { return again_; }

 private:
    std::vector<Step> steps_;
    std::optional<base::Duration> again_;
};

}  // namespace engine
