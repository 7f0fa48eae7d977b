// Amounts of resources by name.
#include "kinds/resources.h"

#include <algorithm>

namespace kinds {

using base::Quantity;

Quantity amount_of(object::Ref quantity) {
    if (quantity.str().empty()) return Quantity::of(quantity.num());
    const auto parsed = Quantity::parse(quantity.str());
    return parsed ? *parsed : Quantity();
}

Quantity& ResourceList::at(std::string_view name) {
    for (auto& [known, amount] : amounts_)
        if (known == name) return amount;
    return amounts_.emplace_back(std::string(name), Quantity()).second;
}

void ResourceList::add(std::string_view name, Quantity amount) { at(name) += amount; }
void ResourceList::raise(std::string_view name, Quantity amount) {
    auto& held = at(name);
    held = std::max(held, amount);
}

Quantity ResourceList::get(std::string_view name) const {
    for (const auto& [known, amount] : amounts_)
        if (known == name) return amount;
    return {};
}

bool ResourceList::operator==(const ResourceList& other) const {
    if (amounts_.size() != other.amounts_.size()) return false;
    return std::ranges::all_of(
        amounts_, [&](const auto& entry) { return std::ranges::find(other.amounts_, entry) != other.amounts_.end(); });
}

}  // namespace kinds
