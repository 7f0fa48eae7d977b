// Finds kinds and messages by binary search in the generated tables.
#include "kinds/registry.h"

#include <algorithm>
#include <tuple>

#include "kinds/tables.h"

namespace kinds {
namespace {

template <class Key, class KeyOf>
const Kind* search(std::span<const std::uint16_t> order, const Key& wanted, KeyOf key_of) {
    const auto kinds = tables::kinds();
    const auto found = std::ranges::lower_bound(order, wanted, {}, [&](std::uint16_t i) { return key_of(kinds[i]); });
    return found != order.end() && key_of(kinds[*found]) == wanted ? &kinds[*found] : nullptr;
}

}  // namespace

std::span<const Kind> all() { return tables::kinds(); }

const Kind* by_resource(std::string_view group, std::string_view version, std::string_view plural) {
    return search(tables::kinds_by_resource(), std::tuple(group, version, plural),
                  [](const Kind& k) { return std::tuple(k.group, k.version, k.plural); });
}

const Kind* by_kind(std::string_view api_version, std::string_view kind) {
    const auto slash = api_version.find('/');
    const auto group = slash == std::string_view::npos ? std::string_view() : api_version.substr(0, slash);
    const auto version = slash == std::string_view::npos ? api_version : api_version.substr(slash + 1);
    return search(tables::kinds_by_kind(), std::tuple(group, version, kind),
                  [](const Kind& k) { return std::tuple(k.group, k.version, k.kind); });
}

const Message* message(std::string_view group, std::string_view name) {
    const auto all = tables::messages_by_name();
    const auto key_of = [](const Message* m) { return std::tuple(m->group, m->name); };
    const auto found = std::ranges::lower_bound(all, std::tuple(group, name), {}, key_of);
    return found != all.end() && key_of(*found) == std::tuple(group, name) ? *found : nullptr;
}

std::span<const Message* const> messages() { return tables::messages_by_name(); }

}  // namespace kinds
