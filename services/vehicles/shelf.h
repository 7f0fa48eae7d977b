// Vehicles ready to be answered, as text: by id and the list's first pages from the cache where there is one, the rest
// from the database. A text that holds a reservation counts only until that lapses.
#pragma once

#include <string>

#include "kit/redis/cache.h"
#include "vehicles/catalogue.h"

namespace vehicles {

class Shelf {
 public:
    /// `cache` may be null.
    Shelf(Catalogue& catalogue, kit::redis::Cache* cache, const run::Clock& clock)
        : catalogue_(catalogue), cache_(cache), clock_(clock) {}

    struct Shown {
        std::string tag;  ///< the entity tag of a vehicle
        std::string json;
    };
    void vehicle(std::int64_t id, Answer<Shown> answer);
    void page(const Wish& wish, Answer<Shown> answer);

 private:
    template <class Fetch>
    void look(const std::string& key, Fetch fetch, Answer<Shown> answer);

    Catalogue& catalogue_;
    kit::redis::Cache* cache_;
    const run::Clock& clock_;
};

}  // namespace vehicles
