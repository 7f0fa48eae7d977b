// Terms count pods by labels and namespace; nodes with the same value of the term's topology key are one place.
#include "control/pod_affinity.h"

#include <algorithm>
#include <map>
#include <string>

#include "object/selector.h"

namespace control {

namespace {

constexpr auto required = "requiredDuringSchedulingIgnoredDuringExecution";

Ref terms_of(Ref pod, std::string_view kind) { return pod["spec"]["affinity"][kind][required]; }

/// Pods that take part: bound to a node and not at their end.
template <class Seen>
void each_neighbour(const engine::View& view, const Seen& seen) {
    for (const auto& node : view.list(nodes()))
        for (const auto& other : view.pods_on(node->name()))
            if (!pod_finished(Ref(other->value()))) seen(*other, *node);
}

bool same_place(Ref term, const Object& a, const Object& b) {
    const auto key = term["topologyKey"].str();
    const Ref here = a.meta()["labels"][key];
    const Ref there = b.meta()["labels"][key];
    return !here.missing() && !there.missing() && here.str() == there.str();
}

bool in_namespace(Ref term, std::string_view owner_ns, std::string_view ns, const engine::View& view) {
    const Ref selector = term["namespaceSelector"];
    if (term["namespaces"].size() == 0 && !selector) return ns == owner_ns;
    for (const auto& name : term["namespaces"].items())
        if (Ref(name).str() == ns) return true;
    const auto chosen = object::LabelSelector::from_json(selector);
    const auto space = view.get({{"", "namespaces"}, "", std::string(ns)});
    return chosen && space && chosen->matches(space->meta()["labels"]);
}

/// Whether a term of a pod in `owner_ns` means that other pod.
bool means(Ref term, std::string_view owner_ns, Ref other, const engine::View& view) {
    const auto selector = object::LabelSelector::from_json(term["labelSelector"]);
    if (!selector || !selector->matches(other["metadata"]["labels"])) return false;
    return in_namespace(term, owner_ns, other["metadata"]["namespace"].str(), view);
}

/// A term is met by a pod in the same place; the first of a group that wants its own kind meets it by itself.
bool affinity_holds(Ref pod, const Object& node, const engine::View& view) {
    const auto ns = pod["metadata"]["namespace"].str();
    const auto& terms = terms_of(pod, "podAffinity").items();
    bool any_meant = false;
    std::vector<bool> met(terms.size(), false);
    each_neighbour(view, [&](const Object& other, const Object& its_node) {
        const Ref neighbour(other.value());
        const bool all =
            std::ranges::all_of(terms, [&](const json::value& term) { return means(Ref(term), ns, neighbour, view); });
        if (!all) return;
        any_meant = true;
        for (std::size_t i = 0; i < terms.size(); ++i)
            if (same_place(Ref(terms[i]), node, its_node)) met[i] = true;
    });
    if (std::ranges::all_of(met, [](bool one) { return one; })) return true;
    const bool itself =
        std::ranges::all_of(terms, [&](const json::value& term) { return means(Ref(term), ns, pod, view); });
    const bool placed = std::ranges::all_of(terms, [&](const json::value& term) {
        return !node.meta()["labels"][Ref(term)["topologyKey"].str()].missing();
    });
    return !any_meant && itself && placed;
}

bool anti_affinity_holds(Ref pod, const Object& node, const engine::View& view) {
    const auto ns = pod["metadata"]["namespace"].str();
    const auto& terms = terms_of(pod, "podAntiAffinity").items();
    if (terms.empty()) return true;
    bool holds = true;
    each_neighbour(view, [&](const Object& other, const Object& its_node) {
        for (const auto& term : terms)
            holds &= !(same_place(Ref(term), node, its_node) && means(Ref(term), ns, Ref(other.value()), view));
    });
    return holds;
}

bool neighbours_agree(Ref pod, const Object& node, const engine::View& view) {
    bool agree = true;
    each_neighbour(view, [&](const Object& other, const Object& its_node) {
        for (const auto& term : terms_of(Ref(other.value()), "podAntiAffinity").items())
            agree &= !(same_place(Ref(term), node, its_node) && means(Ref(term), other.ns(), pod, view));
    });
    return agree;
}

/// Counts of matching pods by place; every place has one, also when it is 0.
std::map<std::string, std::int64_t> spread_of(Ref pod, Ref constraint, const object::LabelSelector& selector,
                                              const engine::View& view) {
    std::map<std::string, std::int64_t> counts;
    const auto key = constraint["topologyKey"].str();
    for (const auto& node : view.list(nodes()))
        if (const Ref place = node->meta()["labels"][key]; !place.missing())
            counts.try_emplace(std::string(place.str()), 0);
    each_neighbour(view, [&](const Object& other, const Object& its_node) {
        const Ref place = its_node.meta()["labels"][key];
        const bool counted = !place.missing() && !other.deleting() &&
                             other.ns() == pod["metadata"]["namespace"].str() &&
                             selector.matches(other.meta()["labels"]);
        if (counted) ++counts[std::string(place.str())];
    });
    return counts;
}

NeighbourRefusal spread_refusal(Ref pod, const Object& node, const engine::View& view) {
    for (const auto& item : pod["spec"]["topologySpreadConstraints"].items()) {
        const Ref constraint(item);
        if (constraint["whenUnsatisfiable"].str() != "DoNotSchedule") continue;
        const Ref place = node.meta()["labels"][constraint["topologyKey"].str()];
        if (place.missing())
            return {"node(s) didn't match pod topology spread constraints (missing required label)", true};
        const auto selector = object::LabelSelector::from_json(constraint["labelSelector"]);
        if (!selector) continue;
        const auto counts = spread_of(pod, constraint, *selector, view);
        const auto least = std::ranges::min_element(counts, {}, [](const auto& entry) { return entry.second; });
        const bool enough = std::ssize(counts) >= constraint["minDomains"].num(1);
        const auto itself = selector->matches(pod["metadata"]["labels"]) ? 1 : 0;
        const auto skew = counts.at(std::string(place.str())) + itself - (enough ? least->second : 0);
        if (skew > constraint["maxSkew"].num()) return {"node(s) didn't match pod topology spread constraints", false};
    }
    return {};
}

}  // namespace

NeighbourRefusal neighbour_refusal(Ref pod, const Object& node, const engine::View& view) {
    if (const auto no = spread_refusal(pod, node, view); !no.reason.empty()) return no;
    if (!terms_of(pod, "podAffinity").items().empty() && !affinity_holds(pod, node, view))
        return {"node(s) didn't match pod affinity rules", true};
    if (!anti_affinity_holds(pod, node, view)) return {"node(s) didn't match pod anti-affinity rules", false};
    if (!neighbours_agree(pod, node, view)) return {"node(s) didn't satisfy existing pods anti-affinity rules", false};
    return {};
}

bool wants_neighbours(Ref pod) {
    return !terms_of(pod, "podAffinity").items().empty() || pod["spec"]["topologySpreadConstraints"].size() > 0;
}

}  // namespace control
