// Rule: integers, and upstream's rounding; a set counts with what it wants or with what stands, whichever is safe.
#include "control/deployment_math.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

namespace control {

std::int64_t share(Ref int_or_percent, std::int64_t total, Round round) {
    const auto text = int_or_percent.str();
    if (text.empty()) return int_or_percent.num();
    std::int64_t percent = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), percent);
    if (error != std::errc{}) return 0;
    if (end == text.data() + text.size()) return percent;
    return round == Round::up ? (percent * total + 99) / 100 : percent * total / 100;
}

Wish::Wish(const Object& deployment) {
    const auto spec = deployment["spec"];
    replicas = spec["replicas"].num(1);
    rolling = spec["strategy"]["type"].str("RollingUpdate") == "RollingUpdate";
    paused = spec["paused"].flag();
    deadline_s = spec["progressDeadlineSeconds"].num(no_deadline);
    history = spec["revisionHistoryLimit"].num(no_deadline);
    if (!rolling || replicas == 0) {
        if (rolling) bounds.surge = share(spec["strategy"]["rollingUpdate"]["maxSurge"], 0, Round::up);
        return;
    }
    const auto update = spec["strategy"]["rollingUpdate"];
    bounds.surge = share(update["maxSurge"], replicas, Round::up);
    bounds.unavailable = std::min(replicas, share(update["maxUnavailable"], replicas, Round::down));
    if (bounds.surge == 0 && bounds.unavailable == 0) bounds.unavailable = 1;
}

Set::Set(ObjectPtr object_) : object(std::move(object_)) {
    const auto status = (*object)["status"];
    wanted = (*object)["spec"]["replicas"].num(1);
    full = status["replicas"].num();
    ready = status["readyReplicas"].num();
    available = status["availableReplicas"].num();
    terminating = status["terminatingReplicas"].num();
}

std::int64_t wanted_sum(const Sets& sets) {
    return std::accumulate(sets.begin(), sets.end(), std::int64_t{0},
                           [](std::int64_t sum, const Set& set) { return sum + set.wanted; });
}

std::int64_t new_set_size(const Wish& wish, const Sets& all, const Set& newest) {
    if (!wish.rolling) return wish.replicas;
    auto room = wish.most();
    for (const auto& set : all) room -= std::max(set.wanted, set.standing);
    if (room <= 0) return newest.wanted;
    return newest.wanted + std::min(room, wish.replicas - newest.wanted);
}

/// By how much a set changes when the whole changes by `to_add`, of which `added` is given out already.
static std::int64_t part_of(const Wish& wish, std::int64_t status_replicas, const Set& set,
                            std::pair<std::int64_t, std::int64_t> to_add_and_added) {
    const auto [to_add, added] = to_add_and_added;
    if (set.wanted == 0 || to_add == 0 || to_add == added) return 0;
    std::int64_t fraction = -set.wanted;
    if (wish.replicas != 0) {
        auto whole = annotation_number(*set.object, max_annotation).value_or(status_replicas);
        if (whole == 0) return 0;
        fraction = std::llround(static_cast<double>(set.wanted) * static_cast<double>(wish.most()) /
                                static_cast<double>(whole)) -
                   set.wanted;
    }
    const auto left = to_add - added;
    return to_add > 0 ? std::min(fraction, left) : std::max(fraction, left);
}

std::vector<std::int64_t> proportional_sizes(const Wish& wish, std::int64_t status_replicas, const Sets& sets) {
    const auto allowed = wish.replicas > 0 ? wish.most() : 0;
    const auto to_add = allowed - wanted_sum(sets);
    std::vector<std::size_t> order(sets.size());
    std::iota(order.begin(), order.end(), 0);
    // The largest first; among equals the newest grows first and the oldest shrinks first.
    std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
        if (sets[a].wanted != sets[b].wanted) return sets[a].wanted > sets[b].wanted;
        return to_add > 0 ? older(sets[b].object, sets[a].object) : older(sets[a].object, sets[b].object);
    });
    std::vector<std::int64_t> sizes(sets.size());
    std::int64_t added = 0;
    for (const auto i : order) {
        const auto part = to_add == 0 ? 0 : part_of(wish, status_replicas, sets[i], {to_add, added});
        sizes[i] = sets[i].wanted + part;
        added += part;
    }
    if (!order.empty() && to_add != 0)
        sizes[order.front()] = std::max<std::int64_t>(0, sizes[order.front()] + to_add - added);
    return sizes;
}

static json::object without_hash(Ref pod_template) {
    auto copy = pod_template.members();
    auto* meta = copy.contains("metadata") ? copy["metadata"].if_object() : nullptr;
    if (!meta) return copy;
    if (auto* labels = meta->contains("labels") ? (*meta)["labels"].if_object() : nullptr) {
        labels->erase(hash_label);
        if (labels->empty()) meta->erase("labels");
    }
    return copy;
}

bool same_template(Ref a, Ref b) { return without_hash(a) == without_hash(b); }

std::string template_hash(Ref pod_template, std::int64_t collisions) {
    static constexpr std::string_view letters = "bcdfghjklmnpqrstvwxz2456789";
    auto hash = stable_hash(without_hash(pod_template));
    if (collisions > 0) hash = (hash ^ static_cast<std::uint64_t>(collisions)) * 0x9e3779b97f4a7c15ULL;
    auto digits = std::to_string(static_cast<std::uint32_t>(hash >> 32));
    for (auto& digit : digits) digit = letters[static_cast<unsigned char>(digit) % letters.size()];
    return digits;
}

}  // namespace control
