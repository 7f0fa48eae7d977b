// An event is one object with two faces, core's and events.k8s.io's: the older names are stored.
#include "kinds/convert.h"

#include <array>

#include "kinds/registry.h"
#include "object/decode.h"

namespace kinds {

using object::Ref;

namespace {

constexpr std::string_view events_group = "events.k8s.io";

struct Renamed {
    std::string_view core, newer;
};
constexpr std::array event_names{Renamed{"involvedObject", "regarding"},
                                 Renamed{"message", "note"},
                                 Renamed{"source", "deprecatedSource"},
                                 Renamed{"firstTimestamp", "deprecatedFirstTimestamp"},
                                 Renamed{"lastTimestamp", "deprecatedLastTimestamp"},
                                 Renamed{"count", "deprecatedCount"},
                                 Renamed{"reportingComponent", "reportingController"}};

bool is_event(const object::Kind& kind) {
    return kind.kind == "Event" && (kind.group.empty() || kind.group == events_group);
}

void rename(json::object& object, std::string_view from, std::string_view to) {
    auto* found = object.if_contains(from);
    if (!found) return;
    auto value = std::move(*found);
    object.erase(from);
    object[to] = std::move(value);
}

/// Renames members, and says what the form always says, as null or empty where nothing is known.
void convert_event(const object::Kind& kind, json::object& object) {
    for (const auto& [core, newer] : event_names)
        if (kind.group.empty())
            rename(object, newer, core);
        else
            rename(object, core, newer);
    auto copy = object;
    if (auto shaped = object::shape(*kind.message, std::move(copy), object::Gated::keep))
        object = std::move(shaped->object);
}

}  // namespace

const object::Kind& stored_as(const object::Kind& kind) {
    if (kind.group != events_group || kind.kind != "Event") return kind;
    const auto* core = by_kind("v1", "Event");
    return core ? *core : kind;
}

json::object converted(const object::Kind& kind, json::object object) {
    const auto version = kind.api_version();
    if (Ref(object)["apiVersion"].str() == version && Ref(object)["kind"].str() == kind.kind) return object;
    object["kind"] = kind.kind;
    object["apiVersion"] = version;
    if (is_event(kind)) convert_event(kind, object);
    return object;
}

object::ObjectPtr as_kind(const object::Kind& kind, const object::ObjectPtr& object) {
    if ((*object)["apiVersion"].str() == kind.api_version() && (*object)["kind"].str() == kind.kind) return object;
    return std::make_shared<const object::Object>(converted(kind, object->value()));
}

}  // namespace kinds
