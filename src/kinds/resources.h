// base::Quantitys of resources as numbers, for rules that compare and sum them.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/quantity.h"
#include "object/json.h"

namespace kinds {

/// The quantity's amount; 0 for what is no quantity.
base::Quantity amount_of(object::Ref quantity);

/// Sums by resource name, in order of first mention.
class ResourceList {
 public:
    void add(std::string_view name, base::Quantity amount);
    /// Keeps the greater amount.
    void raise(std::string_view name, base::Quantity amount);
    base::Quantity get(std::string_view name) const;
    bool empty() const { return amounts_.empty(); }
    const std::vector<std::pair<std::string, base::Quantity>>& amounts() const { return amounts_; }
    /// The same names with the same amounts.
    bool operator==(const ResourceList& other) const;

 private:
    base::Quantity& at(std::string_view name);
    std::vector<std::pair<std::string, base::Quantity>> amounts_;
};

}  // namespace kinds
