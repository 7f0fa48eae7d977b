// metadata: names by kind, labels, annotations, owners, finalizers, and what may never change.
#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "kinds/validate.h"

namespace kinds {

static constexpr std::size_t annotations_bytes_max = 256 << 10;

static Complaints name_complaints(NameRule rule, std::string_view name) {
    switch (rule) {
        case NameRule::subdomain:
            return dns_subdomain(name);
        case NameRule::label:
        case NameRule::service:
            return dns_label(name);
        case NameRule::label_1035:
            return dns_label_1035(name);
        case NameRule::path_segment:
            return path_segment(name);
        case NameRule::ip_address:
            return canonical_ip(name);
    }
    return {};
}

void check_name(Checks& checks, const Path& at, NameRule rule, std::string_view name) {
    complain(checks, at, name, name_complaints(rule, name));
}

/// A generated name goes on after its prefix, so a dash or dot at its end is fine.
void check_name_prefix(Checks& checks, const Path& at, NameRule rule, std::string_view prefix) {
    if (rule == NameRule::ip_address) return;
    std::string name(prefix);
    if (name.size() > 1 && name.back() == '-') name.back() = 'a';
    complain(checks, at, prefix, name_complaints(rule, name));
}

void check_labels(Checks& checks, const Path& at, Ref labels) {
    for (const auto& label : labels.members()) {
        complain(checks, at, label.key(), qualified_name(label.key()));
        complain(checks, at, Ref(label.value()).str(), label_value(Ref(label.value()).str()));
    }
}

void check_annotations(Checks& checks, const Path& at, Ref annotations) {
    std::size_t bytes = 0;
    for (const auto& annotation : annotations.members()) {
        std::string key(annotation.key());
        std::ranges::transform(key, key.begin(), [](unsigned char c) { return std::tolower(c); });
        complain(checks, at, annotation.key(), qualified_name(key));
        bytes += key.size() + Ref(annotation.value()).str().size();
    }
    if (bytes > annotations_bytes_max) checks.too_long(at, annotations_bytes_max);
}

static void check_owner(Checks& checks, const Path& at, Ref owner) {
    const auto api_version = owner["apiVersion"].str();
    const auto version = api_version.substr(api_version.find('/') + 1);
    if (version.empty()) checks.invalid(at / "apiVersion", shown(version), "version must not be empty");
    for (const auto* field : {"kind", "name", "uid"})
        if (owner[field].str().empty()) checks.invalid(at / field, shown(""), "must not be empty");
    if (api_version == "v1" && owner["kind"].str() == "Event")
        checks.invalid(at, shown(owner), "v1, Kind=Event is disallowed from being an owner");
}

static void check_owners(Checks& checks, const Path& at, Ref owners) {
    std::size_t controllers = 0;
    for (const auto& item : owners.items()) {
        check_owner(checks, at, item);
        if (Ref(item)["controller"].flag() && ++controllers == 2)
            checks.invalid(at, shown(owners), "Only one reference can have Controller set to true");
    }
}

static bool standard_finalizer(std::string_view name) {
    return name == "kubernetes" || name == "orphan" || name == "foregroundDeletion";
}

static void check_finalizers(Checks& checks, const Path& at, Ref finalizers) {
    bool orphan = false;
    bool foreground = false;
    for (const auto& item : finalizers.items()) {
        complain(checks, at, Ref(item).str(), qualified_name(Ref(item).str()));
        orphan |= Ref(item).str() == "orphan";
        foreground |= Ref(item).str() == "foregroundDeletion";
    }
    if (orphan && foreground)
        checks.invalid(at, shown(finalizers), "finalizer orphan and foregroundDeletion cannot be both set");
}

/// Built-in kinds also want finalizers that say whose they are.
static void check_own_finalizers(Checks& checks, const Path& at, Ref finalizers) {
    const auto& items = finalizers.items();
    for (std::size_t i = 0; i < items.size(); ++i) {
        const auto name = Ref(items[i]).str();
        if (name.find('/') == std::string_view::npos && !standard_finalizer(name))
            checks.invalid(at[i], shown(name), "name is neither a standard finalizer name nor is it fully qualified");
    }
}

static void check_namespace(Checks& checks, const Path& at, const object::Kind& kind, std::string_view ns) {
    if (!kind.namespaced()) {
        if (!ns.empty()) checks.forbidden(at, "not allowed on this type");
    } else if (ns.empty()) {
        checks.required(at);
    } else {
        complain(checks, at, ns, dns_label(ns));
    }
}

void check_metadata(Checks& checks, const object::Kind& kind, NameRule named, Ref object) {
    const Path at("metadata");
    const Ref metadata = object["metadata"];
    const auto name = metadata["name"].str();
    if (const auto prefix = metadata["generateName"].str(); !prefix.empty())
        check_name_prefix(checks, at / "generateName", named, prefix);
    if (name.empty())
        checks.required(at / "name", "name or generateName is required");
    else
        check_name(checks, at / "name", named, name);
    check_namespace(checks, at / "namespace", kind, metadata["namespace"].str());
    check_not_negative(checks, at / "generation", metadata["generation"].num());
    check_labels(checks, at / "labels", metadata["labels"]);
    check_annotations(checks, at / "annotations", metadata["annotations"]);
    check_owners(checks, at / "ownerReferences", metadata["ownerReferences"]);
    check_finalizers(checks, at / "finalizers", metadata["finalizers"]);
    if (find_rule(kind) && named != NameRule::path_segment)
        check_own_finalizers(checks, at / "finalizers", metadata["finalizers"]);
}

static void check_no_new_finalizers(Checks& checks, const Path& at, Ref updated, Ref live) {
    const auto& old = live.items();
    std::string added;
    for (const auto& item : updated.items())
        if (std::ranges::find(old, item) == old.end())
            added += fmt::format("{}\"{}\"", added.empty() ? "" : ", ", Ref(item).str());
    if (added.empty()) return;
    checks.forbidden(at,
                     "no new finalizers can be added if the object is being deleted, found new finalizers " + added);
}

void check_metadata_update(Checks& checks, Ref updated, Ref live) {
    const Path at("metadata");
    const Ref now = updated["metadata"];
    const Ref before = live["metadata"];
    if (before["deletionTimestamp"])
        check_no_new_finalizers(checks, at / "finalizers", now["finalizers"], before["finalizers"]);
    for (const auto* field :
         {"name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"})
        check_immutable(checks, at / field, now[field], before[field]);
    check_labels(checks, at / "labels", now["labels"]);
    check_annotations(checks, at / "annotations", now["annotations"]);
    check_owners(checks, at / "ownerReferences", now["ownerReferences"]);
}

}  // namespace kinds
