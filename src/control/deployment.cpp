// Deployment: from one pod template to the next without falling below what must be available or rising above what may
// stand. Rule: every pass reads the sets as they are and does one stage; upstream's stages in upstream's order:
//
//   claim sets -> note the pause -> paused or rescaled: scale -> Recreate | RollingUpdate -> clean up -> status
#include <fmt/format.h>

#include <algorithm>

#include "control/controllers.h"
#include "control/deployment_status.h"

namespace control {

namespace {

constexpr OwnerKind owner_kind{"apps/v1", "Deployment"};
constexpr std::size_t history_chars_max = 2000;

/// One pass over one Deployment.
class Rollout {
 public:
    Rollout(const Pass& pass, Sets sets) : pass_(pass), d_(*pass.object), wish_(d_), sets_(std::move(sets)) {
        std::ranges::sort(sets_, [](const Set& a, const Set& b) { return older(a.object, b.object); });
        newest_ = find_newest();
    }
    Plan plan();

 private:
    enum class Make : std::uint8_t { no, yes };
    /// Next is false when the pass ends here.
    enum class Next : std::uint8_t { go_on, stop };

    const Set* find_newest() const;
    Sets old_sets() const;
    std::int64_t next_revision() const;
    bool note_pause();
    bool rescaled() const;
    Next sync_newest(Make make);
    Next adjust_newest();
    Next make_newest();
    void set_annotations(json::object& annotations, std::int64_t revision, const Object* existing) const;
    void scale_all();
    void recreate();
    void rolling();
    bool grow_newest();
    bool shrink_old();
    bool old_pods_left() const;
    void scale(const Set& set, std::int64_t size);
    void clean_up();
    void write_status(json::object status);
    void finish();
    Situation situation() const { return {d_, wish_, sets_, newest_, pass_.now}; }

    const Pass& pass_;
    const Object& d_;
    Wish wish_;
    Sets sets_;
    const Set* newest_ = nullptr;
    Plan plan_;
};

const Set* Rollout::find_newest() const {
    for (const auto& set : sets_)
        if (same_template((*set.object)["spec"]["template"], d_["spec"]["template"])) return &set;
    return nullptr;
}

Sets Rollout::old_sets() const {
    Sets out;
    for (const auto& set : sets_)
        if (&set != newest_) out.push_back(set);
    return out;
}

std::int64_t Rollout::next_revision() const {
    std::int64_t most = 0;
    for (const auto& set : sets_)
        if (&set != newest_) most = std::max(most, annotation_number(*set.object, revision_annotation).value_or(0));
    return most + 1;
}

/// Progress is not judged while paused; true when that had to be written down.
bool Rollout::note_pause() {
    if (!wish_.has_deadline()) return false;
    const auto progress = condition(Ref(d_.value()), "Progressing");
    const auto reason = progress["reason"].str();
    if (reason == "ProgressDeadlineExceeded") return false;
    const bool noted = reason == "DeploymentPaused";
    if (wish_.paused == noted) return false;
    auto status = d_["status"].members();
    if (wish_.paused)
        set_condition(status, {"Progressing", "Unknown", "DeploymentPaused", "Deployment is paused"}, pass_.now);
    else
        set_condition(status, {"Progressing", "Unknown", "DeploymentResumed", "Deployment is resumed"}, pass_.now);
    write_status(std::move(status));
    return true;
}

bool Rollout::rescaled() const {
    return std::ranges::any_of(sets_, [&](const Set& set) {
        if (set.wanted == 0) return false;
        const auto desired = annotation_number(*set.object, desired_annotation);
        return desired && *desired != wish_.replicas;
    });
}

void Rollout::set_annotations(json::object& annotations, std::int64_t revision, const Object* existing) const {
    static constexpr std::string_view kept_back[] = {"kubectl.kubernetes.io/last-applied-configuration",
                                                     revision_annotation,
                                                     history_annotation,
                                                     desired_annotation,
                                                     max_annotation,
                                                     "deprecated.deployment.rollback.to"};
    for (const auto& [name, value] : d_.meta()["annotations"].members())
        if (std::ranges::find(kept_back, std::string_view(name)) == std::end(kept_back)) annotations[name] = value;
    constexpr std::int64_t none = -1;
    const auto had = existing ? annotation_number(*existing, revision_annotation).value_or(none) : none;
    if (had < revision) annotations[revision_annotation] = std::to_string(revision);
    if (had != none && had < revision) {
        std::string history(existing->meta()["annotations"][history_annotation].str());
        history += (history.empty() ? "" : ",") + std::to_string(had);
        while (history.size() > history_chars_max && history.find(',') != std::string::npos)
            history.erase(0, history.find(',') + 1);
        annotations[history_annotation] = history;
    }
    if (existing) return;
    annotations[desired_annotation] = std::to_string(wish_.replicas);
    annotations[max_annotation] = std::to_string(wish_.most());
}

/// The newest set's annotations and the Deployment's own revision follow the number of changes.
Rollout::Next Rollout::adjust_newest() {
    const auto& newest = *newest_->object;
    json::object annotations = newest.meta()["annotations"].members();
    set_annotations(annotations, next_revision(), &newest);
    const auto min_ready_s = d_["spec"]["minReadySeconds"].num();
    const bool patient = newest["spec"]["minReadySeconds"].num() == min_ready_s;
    if (!patient || annotations != newest.meta()["annotations"].members()) {
        auto set = newest.value();
        if (!annotations.empty()) object::child(set, "metadata")["annotations"] = std::move(annotations);
        if (!patient) object::child(set, "spec")["minReadySeconds"] = min_ready_s;
        plan_.update(replicasets(), std::move(set));
        return Next::stop;
    }
    const auto revision = newest.meta()["annotations"][revision_annotation].str();
    const bool numbered = d_.meta()["annotations"][revision_annotation].str() == revision;
    const bool progressing = !wish_.has_deadline() || condition(Ref(d_.value()), "Progressing");
    if (numbered && progressing) return Next::go_on;
    auto copy = d_.value();
    if (!numbered) object::child(object::child(copy, "metadata"), "annotations")[revision_annotation] = revision;
    if (!progressing)
        set_condition(
            object::child(copy, "status"),
            {"Progressing", "True", "FoundNewReplicaSet", fmt::format("Found new replica set \"{}\"", newest.name())},
            pass_.now);
    plan_.update_status(deployments(), std::move(copy));
    return Next::stop;
}

Rollout::Next Rollout::make_newest() {
    const auto collisions = d_["status"]["collisionCount"].num();
    const auto hash = template_hash(d_["spec"]["template"], collisions);
    const auto name = std::string(d_.name()) + "-" + hash;
    auto copy = d_.value();
    auto& status = object::child(copy, "status");
    if (pass_.view.get({replicasets(), std::string(d_.ns()), name})) {
        // Somebody else's: another hash, at the next pass.
        status["collisionCount"] = collisions + 1;
        plan_.update_status(deployments(), std::move(copy));
        return Next::stop;
    }
    json::object spec{{"selector", *d_["spec"]["selector"].value()}, {"template", *d_["spec"]["template"].value()}};
    if (const auto min_ready_s = d_["spec"]["minReadySeconds"].num()) spec["minReadySeconds"] = min_ready_s;
    object::child(object::child(spec, "selector"), "matchLabels")[hash_label] = hash;
    auto& labels = object::child(object::child(object::child(spec, "template"), "metadata"), "labels");
    labels[hash_label] = hash;
    Set fresh(
        std::make_shared<const Object>(json::object{{"metadata", {{"name", name}}}, {"spec", {{"replicas", 0}}}}));
    const auto size = new_set_size(wish_, sets_, fresh);
    spec["replicas"] = size;
    json::object meta{{"name", name}, {"namespace", d_.ns()}, {"labels", labels}};
    const auto revision = next_revision();
    set_annotations(object::child(meta, "annotations"), revision, nullptr);
    meta["ownerReferences"] = json::array{owner_reference(d_, owner_kind)};
    plan_.create({.resource = replicasets(),
                  .ns = std::string(d_.ns()),
                  .body = {{"metadata", std::move(meta)}, {"spec", std::move(spec)}}});
    if (size > 0)
        plan_.note({.about = pass_.object,
                    .resource = deployments(),
                    .reason = "ScalingReplicaSet",
                    .message = fmt::format("Scaled up replica set {} from 0 to {}", name, size),
                    .component = "deployment-controller"});
    object::child(object::child(copy, "metadata"), "annotations")[revision_annotation] = std::to_string(revision);
    if (wish_.has_deadline())
        set_condition(
            status,
            {"Progressing", "True", "NewReplicaSetCreated", fmt::format("Created new replica set \"{}\"", name)},
            pass_.now);
    plan_.update_status(deployments(), std::move(copy));
    return Next::stop;
}

Rollout::Next Rollout::sync_newest(Make make) {
    if (newest_) return adjust_newest();
    return make == Make::yes ? make_newest() : Next::go_on;
}

void Rollout::scale(const Set& set, std::int64_t size) {
    auto copy = set.object->value();
    object::child(copy, "spec")["replicas"] = size;
    auto& annotations = object::child(object::child(copy, "metadata"), "annotations");
    annotations[desired_annotation] = std::to_string(wish_.replicas);
    annotations[max_annotation] = std::to_string(wish_.most());
    if (copy == set.object->value()) return;
    plan_.update(replicasets(), std::move(copy));
    if (size == set.wanted) return;
    plan_.note({.about = pass_.object,
                .resource = deployments(),
                .reason = "ScalingReplicaSet",
                .message = fmt::format("Scaled {} replica set {} from {} to {}", size > set.wanted ? "up" : "down",
                                       set.object->name(), set.wanted, size),
                .component = "deployment-controller"});
}

/// A changed wish, outside the course of a rollout.
void Rollout::scale_all() {
    Sets active;
    std::ranges::copy_if(sets_, std::back_inserter(active), [](const Set& set) { return set.wanted > 0; });
    const Set* only = active.size() == 1 ? &active.front() : nullptr;
    if (active.empty()) only = newest_ ? newest_ : sets_.empty() ? nullptr : &sets_.back();
    if (only) {
        if (only->wanted != wish_.replicas) scale(*only, wish_.replicas);
        return;
    }
    if (newest_ && newest_->wanted == wish_.replicas && newest_->available == wish_.replicas &&
        annotation_number(*newest_->object, desired_annotation) == wish_.replicas) {
        for (const auto& set : old_sets())
            if (set.wanted > 0) scale(set, 0);
        return;
    }
    if (!wish_.rolling) return;
    const auto sizes = proportional_sizes(wish_, d_["status"]["replicas"].num(), active);
    for (std::size_t i = 0; i < active.size(); ++i) scale(active[i], sizes[i]);
}

bool Rollout::old_pods_left() const {
    for (const auto& set : old_sets())
        for (const auto& pod : pass_.view.owned_by(pods(), set.object->uid()))
            if (!pod_finished(Ref(pod->value()))) return true;
    return false;
}

void Rollout::recreate() {
    if (sync_newest(Make::no) == Next::stop) return;
    bool shrunk = false;
    for (const auto& set : old_sets())
        if (set.wanted > 0) {
            scale(set, 0);
            shrunk = true;
        }
    if (shrunk || old_pods_left()) return finish();
    if (sync_newest(Make::yes) == Next::stop) return;
    if (newest_->wanted != wish_.replicas) scale(*newest_, wish_.replicas);
    if (complete(wish_, d_["status"], d_.meta()["generation"].num())) clean_up();
    finish();
}

bool Rollout::grow_newest() {
    if (newest_->wanted == wish_.replicas) return false;
    const auto size = newest_->wanted > wish_.replicas ? wish_.replicas : new_set_size(wish_, sets_, *newest_);
    if (size == newest_->wanted) return false;
    scale(*newest_, size);
    return true;
}

/// Old pods that do not serve anyway go first; then as many as the newest set has made up for.
bool Rollout::shrink_old() {
    auto old = old_sets();
    if (wanted_sum(old) == 0) return false;
    const auto unserving_new = newest_->wanted - newest_->serving;
    auto may_go = wanted_sum(sets_) - wish_.least() - unserving_new;
    if (may_go <= 0) return false;
    std::vector<std::int64_t> sizes;
    for (const auto& set : old) {
        const auto unhealthy = std::max<std::int64_t>(0, set.wanted - set.serving);
        const auto gone = std::min(may_go, unhealthy);
        sizes.push_back(set.wanted - gone);
        may_go -= gone;
    }
    std::int64_t available = 0;
    for (const auto& set : sets_) available += set.serving;
    auto spare = available - wish_.least();
    for (std::size_t i = 0; i < old.size() && spare > 0; ++i) {
        const auto gone = std::min(spare, sizes[i]);
        sizes[i] -= gone;
        spare -= gone;
    }
    bool changed = false;
    for (std::size_t i = 0; i < old.size(); ++i) {
        if (sizes[i] == old[i].wanted) continue;
        scale(old[i], sizes[i]);
        changed = true;
    }
    return changed;
}

void Rollout::rolling() {
    if (sync_newest(Make::yes) == Next::stop) return;
    if (!grow_newest() && !shrink_old() && complete(wish_, d_["status"], d_.meta()["generation"].num())) clean_up();
    finish();
}

/// Old sets beyond the history limit go, the lowest revision first, once nothing of them stands.
void Rollout::clean_up() {
    if (wish_.history == no_deadline) return;
    auto old = old_sets();
    std::erase_if(old, [](const Set& set) { return set.object->deleting(); });
    const auto surplus = std::ssize(old) - wish_.history;
    if (surplus <= 0) return;
    std::ranges::stable_sort(
        old, {}, [](const Set& set) { return annotation_number(*set.object, revision_annotation).value_or(0); });
    for (std::ptrdiff_t i = 0; i < surplus; ++i) {
        const auto& set = old[static_cast<std::size_t>(i)];
        const bool seen = set.object->meta()["generation"].num() <= (*set.object)["status"]["observedGeneration"].num();
        if (set.full != 0 || set.wanted != 0 || !seen) continue;
        plan_.remove({.resource = replicasets(),
                      .ns = std::string(d_.ns()),
                      .name = std::string(set.object->name()),
                      .options = {.precondition_uid = std::string(set.object->uid())}});
    }
}

void Rollout::write_status(json::object status) {
    if (d_["status"].members() == status) return;
    auto copy = d_.value();
    copy["status"] = std::move(status);
    plan_.update_status(deployments(), std::move(copy));
}

void Rollout::finish() {
    auto status = rollout_status(situation());
    if (const auto left = deadline_left(situation(), Ref(status))) plan_.again_in(*left);
    write_status(std::move(status));
}

Plan Rollout::plan() {
    if (d_.deleting()) {
        write_status(counted_status(situation()));
        return std::move(plan_);
    }
    if (note_pause()) return std::move(plan_);
    if (wish_.paused || rescaled()) {
        if (sync_newest(Make::no) == Next::stop) return std::move(plan_);
        scale_all();
        if (wish_.paused) clean_up();
        write_status(rollout_status(situation()));
        return std::move(plan_);
    }
    wish_.rolling ? rolling() : recreate();
    return std::move(plan_);
}

/// Counts a set's pods as they are, not as its status last said.
void count_pods(Set& set, const Pass& pass) {
    const auto min_ready_s = (*set.object)["spec"]["minReadySeconds"].num();
    std::int64_t available = 0;
    for (const auto& pod : pass.view.owned_by(pods(), set.object->uid())) {
        if (!pod_active(*pod)) continue;
        ++set.standing;
        available += pod_available(Ref(pod->value()), min_ready_s, pass.now);
    }
    set.serving = std::min({set.wanted, set.available, available});
}

Result<Plan> reconcile(const Pass& pass) {
    Plan plan;
    if (!pass.object) return plan;
    const auto& d = *pass.object;
    const auto selector = TRY(object::LabelSelector::from_json(d["spec"]["selector"]));
    if (selector.selects_everything()) {
        plan.note({.about = pass.object,
                   .resource = deployments(),
                   .level = engine::Level::warning,
                   .reason = "SelectingAll",
                   .message = "This deployment is selecting all pods. A non-empty selector is required.",
                   .component = "deployment-controller"});
        return plan;
    }
    auto claims = claim({.owner = d, .kind = owner_kind, .selector = selector},
                        pass.view.owned_by(replicasets(), d.uid()), pass.view.list(replicasets(), d.ns()));
    if (!claims.changed.empty()) {
        for (auto& set : claims.changed) plan.update(replicasets(), std::move(set));
        plan.again_in(Duration{0});
        return plan;
    }
    Sets sets;
    for (auto& object : claims.owned) {
        sets.emplace_back(std::move(object));
        count_pods(sets.back(), pass);
    }
    return Rollout(pass, std::move(sets)).plan();
}

/// A ReplicaSet without a controller may be wanted by any Deployment of its namespace.
void wake_adopters(const store::Event& event, const engine::View& view, engine::Keys& keys) {
    const auto& set = *event.object;
    if (event.type == store::EventType::deleted || set.deleting() || engine::controller_of(set)) return;
    for (const auto& deployment : view.list(deployments(), event.key.ns)) {
        const auto selector = object::LabelSelector::from_json((*deployment)["spec"]["selector"]);
        if (selector && selector->matches(set.meta()["labels"]))
            keys.push_back({deployments(), event.key.ns, std::string(deployment->name())});
    }
}

/// Recreate waits for the last old pod to be gone.
void wake_at_pods_end(const store::Event& event, const engine::View& view, engine::Keys& keys) {
    const bool ended = event.type == store::EventType::deleted || pod_finished(Ref(event.object->value()));
    const auto owner = engine::controller_of(*event.object);
    if (!ended || owner["kind"].str() != "ReplicaSet") return;
    const auto set = view.get({replicasets(), event.key.ns, std::string(owner["name"].str())});
    if (!set) return;
    const auto above = engine::controller_of(*set);
    if (above["kind"].str() == "Deployment")
        keys.push_back({deployments(), event.key.ns, std::string(above["name"].str())});
}

}  // namespace

engine::Controller deployment_controller() {
    return {.name = "deployment",
            .watches = {engine::watch(deployments()),
                        engine::watch_owned(replicasets(), deployments(), "Deployment"),
                        {replicasets(), wake_adopters},
                        {pods(), wake_at_pods_end}},
            .reconcile = reconcile};
}

}  // namespace control
