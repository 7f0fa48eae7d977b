// Server-side apply: a configuration is laid over the object, what its manager gave up and nobody else owns is taken
// out, and what others own and it would change is a conflict. The rules are those of upstream's structured merge.
#include <fmt/format.h>

#include <algorithm>

#include "object/apply_merge.h"
#include "object/managed.h"
#include "object/managed_entries.h"
#include "object/managed_walk.h"

namespace object {

namespace {

constexpr std::string_view last_applied = "kubectl.kubernetes.io/last-applied-configuration";
constexpr std::size_t annotations_bytes_max = 256 * 1024;

struct Conflict {
    const Owner* owner = nullptr;
    FieldSet fields;
};
using Conflicts = std::vector<Conflict>;

std::string shown(const Owner& owner) {
    auto text = fmt::format("{:?}", owner.manager);
    if (!owner.subresource.empty()) text += fmt::format(" with subresource {:?}", owner.subresource);
    if (owner.operation == Operation::update) text += fmt::format(" using {}", owner.api_version);
    return text;
}

base::Error conflict_error(Conflicts conflicts) {
    std::ranges::stable_sort(conflicts, {}, [](const Conflict& c) { return shown(*c.owner); });
    base::Details details;
    std::string lines;
    for (const auto& conflict : conflicts) {
        const auto who = shown(*conflict.owner);
        if (!lines.empty()) lines += '\n';
        lines += fmt::format("conflicts with {}:", who);
        conflict.fields.each_path([&](const std::string& path) {
            details.causes.push_back({"FieldManagerConflict", fmt::format("conflict with {}", who), path});
            lines += fmt::format("\n- {}", path);
        });
    }
    const auto count = details.causes.size();
    auto message = count == 1 ? fmt::format("Apply failed with 1 conflict: {}: {}", details.causes[0].message,
                                            details.causes[0].field)
                              : fmt::format("Apply failed with {} conflicts: {}", count, lines);
    return {base::Code::conflict, std::move(message), std::move(details)};
}

void forget_owners(json::object& object) {
    auto* meta = object.if_contains("metadata");
    if (meta && meta->is_object()) meta->get_object().stable_erase("managedFields");
}

/// A set that names places inside what the schema holds to be one leaf now owns the leaf: custom resources'
/// definitions change.
void fit_to_schema(const Spot& spot, FieldSet& set) {
    for (const auto& [step, below] : FieldSet::Children(set.children())) {
        const auto inner = step[0] == 'f' ? spot.member(std::string_view(step).substr(2)) : spot.item();
        auto& grown = set.grow(step);
        if (inner.typed() && inner.form(nullptr) == Nature::leaf) {
            grown = FieldSet();
            grown.set_member(true);
        } else {
            fit_to_schema(inner, grown);
        }
    }
}

/// One apply of one configuration, run again with force when kubectl takes over what it once wrote by itself.
class Applying {
 public:
    Applying(const Message& message, const json::object* live, const json::object& intent, const Manager& manager)
        : root_(message),
          message_(message),
          intent_(intent),
          manager_(manager),
          self_(owner_of(manager, Operation::apply)) {
        if (!live) return;
        live_ = *live;
        owners_ = read_owners(Ref(*live)["metadata"]["managedFields"]).value_or(Owners());
        forget_owners(*live_);
        for (auto& owner : owners_) fit_to_schema(root_, owner.fields);
        former_ = owners_;
        if (owners_.empty()) own_what_came_before();
    }

    /// The merged object without managedFields, before canonical form and defaults.
    base::Result<json::object> run(Force force) {
        auto own = TRY(named_places(root_, intent_, Duplicates::refused));
        auto* known = find_owner(owners_, self_);
        const auto last = known ? known->fields : FieldSet();
        if (known) self_.time = known->time;

        auto merged = live_ ? TRY(merge_places(root_, *live_, intent_)) : json::value(intent_);
        auto given_up = last;
        given_up.subtract(own);
        if (!given_up.empty()) merged = TRY(prune(merged, own, last));

        if (live_) {
            const auto difference = compare_objects(message_, *live_, merged.as_object());
            auto conflicts = find_conflicts(difference.changed);
            if (force == Force::no && may_take_over()) forgive_own_past(conflicts);
            if (force == Force::no && !conflicts.empty()) return std::unexpected(conflict_error(std::move(conflicts)));
            take_places(owners_, difference.changed, difference.removed, known);
        }
        strip_unowned(own);
        claim(std::move(own), live_ && merged == *live_);
        return std::move(merged.as_object());
    }

    bool unchanged() const { return unchanged_; }
    const std::optional<json::object>& live() const { return live_; }
    const Owners& owners() const { return owners_; }
    /// The entries to store with `result`: when nothing but times differs, the old ones.
    const Owners& owners_for(const json::object& result) const {
        return live_ && result == *live_ && same_but_times(owners_, former_) ? former_ : owners_;
    }

 private:
    void own_what_came_before() {
        auto before = manager_;
        before.name = "before-first-apply";
        auto owner = owner_of(before, Operation::update);
        owner.fields = compare_objects(message_, zero_object(message_), *live_).changed;
        if (!owner.fields.empty()) owners_.push_back(std::move(owner));
    }

    /// `merged` without what was owned by the last apply, is not in this one, and is nobody else's.
    base::Result<json::value> prune(const json::value& merged, const FieldSet& own, const FieldSet& last) const {
        auto managed = own;
        for (const auto& owner : owners_) {
            if (!owner.same_as(self_)) managed.unite(owner.fields);
        }
        managed = with_named_fields(root_, managed);
        const auto last_named = with_named_fields(root_, last);
        const auto all = with_named_fields(root_, TRY(named_places(root_, merged, Duplicates::allowed)));

        const auto bare = object_or_empty(without_places(root_, merged, last_named));
        auto kept = with_named_fields(root_, TRY(named_places(root_, bare, Duplicates::allowed)));
        kept.unite(managed);
        auto unowned = all;
        unowned.subtract(kept);
        const auto pruned = object_or_empty(without_places(root_, merged, unowned));

        auto gone = all;
        gone.subtract(with_named_fields(root_, TRY(named_places(root_, pruned, Duplicates::allowed))));
        return object_or_empty(without_places(root_, merged, gone.intersection(last_named)));
    }

    static json::value object_or_empty(json::value value) {
        return value.is_object() ? std::move(value) : json::value(json::object());
    }

    Conflicts find_conflicts(const FieldSet& changed) const {
        Conflicts conflicts;
        for (const auto& owner : owners_) {
            if (owner.same_as(self_)) continue;
            auto both = owner.fields.intersection(changed);
            if (!both.empty()) conflicts.push_back({&owner, std::move(both)});
        }
        return conflicts;
    }

    bool may_take_over() const {
        return manager_.name == "kubectl" && Ref(*live_)["metadata"]["annotations"][last_applied];
    }

    /// What client-side apply recorded as its own and nobody changed since is no conflict for kubectl.
    void forgive_own_past(Conflicts& conflicts) const {
        boost::system::error_code broken;
        const auto text = Ref(*live_)["metadata"]["annotations"][last_applied].str();
        const auto past = json::parse(json::string_view(text.data(), text.size()), broken);
        if (broken || Ref(past)["apiVersion"].str() != manager_.api_version) return;
        auto allowed = named_places(root_, past, Duplicates::allowed);
        if (!allowed) return;
        const auto since = compare_objects(message_, past.as_object(), *live_);
        allowed->subtract(since.changed);
        allowed->subtract(since.removed);
        for (auto& conflict : conflicts) conflict.fields.subtract(*allowed);
        std::erase_if(conflicts, [](const Conflict& c) { return c.fields.empty(); });
    }

    /// Makes `own` what this manager owns. Its time is kept only when neither object nor ownership changed.
    void claim(FieldSet own, bool unchanged) {
        unchanged_ = unchanged;
        self_.fields = std::move(own);
        if (auto* known = find_owner(owners_, self_)) {
            *known = self_;
        } else {
            owners_.push_back(self_);
        }
        tidy_owners(owners_);
        if (unchanged && owners_ == former_) return;
        if (auto* known = find_owner(owners_, self_)) known->time = base::rfc3339(manager_.time);
        tidy_owners(owners_);
    }

    Spot root_;
    const Message& message_;
    const json::object& intent_;
    const Manager& manager_;
    Owner self_;
    std::optional<json::object> live_;
    Owners owners_, former_;
    bool unchanged_ = false;
};

std::string sorted_text(const json::value& value);

std::string sorted_text(const json::object& object) {
    std::vector<std::string_view> keys;
    for (const auto& [key, value] : object) keys.push_back(key);
    std::ranges::sort(keys);
    std::string out = "{";
    for (const auto key : keys) {
        if (out.size() > 1) out += ',';
        out += json::serialize(json::string_view(key.data(), key.size())) + ":" + sorted_text(object.at(key));
    }
    return out + "}";
}

std::string sorted_text(const json::value& value) {
    if (const auto* object = value.if_object()) return sorted_text(*object);
    const auto* array = value.if_array();
    if (!array) return json::serialize(value);
    std::string out = "[";
    for (const auto& item : *array) {
        if (out.size() > 1) out += ',';
        out += sorted_text(item);
    }
    return out + "]";
}

/// kubectl's client-side apply finds its annotation kept true by its server-side apply.
void renew_last_applied(json::object& object, const json::object& intent) {
    if (!Ref(object)["metadata"]["annotations"][last_applied]) return;
    auto config = intent;
    forget_owners(config);
    if (auto* meta = config.if_contains("metadata"); meta && meta->is_object()) {
        auto* annotations = meta->get_object().if_contains("annotations");
        if (annotations && annotations->is_object()) annotations->get_object().stable_erase(last_applied);
    }
    auto& annotations = child(child(object, "metadata"), "annotations");
    annotations[last_applied] = sorted_text(config) + "\n";
    std::size_t bytes = 0;
    for (const auto& [key, value] : annotations) bytes += key.size() + Ref(value).str().size();
    if (bytes > annotations_bytes_max) annotations.stable_erase(last_applied);
}

}  // namespace

base::Result<json::object> apply(const Message& message, const json::object* live, const json::object& intent,
                                 const Manager& manager, Force force,
                                 const std::function<base::Result<json::object>(json::object)>& finish) {
    if (Ref(intent)["metadata"]["managedFields"]) {
        return base::fail(base::Code::bad_request, "metadata.managedFields must be nil");
    }
    Applying applying(message, live, intent, manager);
    auto merged = TRY(applying.run(force));
    auto result = applying.unchanged() ? *applying.live() : TRY(finish(std::move(merged)));
    if (manager.name == "kubectl") renew_last_applied(result, intent);
    const auto& owners = applying.owners_for(result);
    forget_owners(result);
    store_owners(result, owners);
    return result;
}

}  // namespace object
