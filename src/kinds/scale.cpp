// Scales made from objects and written back to them.
#include "kinds/scale.h"

#include "kinds/causes.h"
#include "kinds/rule.h"
#include "object/selector.h"

namespace kinds {

static std::string selector_of(Ref object) {
    const Ref selector = object["spec"]["selector"];
    // A ReplicationController's selector is a plain map.
    if (object["kind"].str() == "ReplicationController") return object::LabelSelector::from_map(selector).text();
    const auto parsed = object::LabelSelector::from_json(selector);
    return selector && parsed ? parsed->text() : "";
}

json::object scale_of(const json::object& object) {
    const Ref root(object);
    json::object metadata;
    for (const auto* key : {"name", "namespace", "uid", "resourceVersion", "creationTimestamp"})
        if (const Ref value = root["metadata"][key]) metadata[key] = *value.value();
    json::object spec;
    if (const auto replicas = root["spec"]["replicas"].num(); replicas != 0) spec["replicas"] = replicas;
    json::object status{{"replicas", root["status"]["replicas"].num()}};
    if (auto selector = selector_of(root); !selector.empty()) status["selector"] = selector;
    return {{"kind", "Scale"},
            {"apiVersion", "autoscaling/v1"},
            {"metadata", std::move(metadata)},
            {"spec", std::move(spec)},
            {"status", std::move(status)}};
}

Causes validate_scale(const json::object& scale, const json::object& object) {
    Checks checks;
    const Ref wish(scale);
    const auto name = wish["metadata"]["name"].str();
    if (!name.empty() && name != Ref(object)["metadata"]["name"].str())
        checks.invalid("metadata.name", shown(name), "must match the scaled object");
    if (const auto replicas = wish["spec"]["replicas"].num(); replicas < 0)
        checks.invalid("spec.replicas", shown(replicas), "must be greater than or equal to 0");
    return checks.take();
}

json::object with_scale(json::object object, const json::object& scale) {
    child(object, "spec")["replicas"] = Ref(scale)["spec"]["replicas"].num();
    return object;
}

}  // namespace kinds
