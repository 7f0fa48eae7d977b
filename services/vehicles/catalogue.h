// Where vehicles are kept: the only place with SQL. Everything runs on the loop and answers by callback.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "kit/db/database.h"
#include "run/loop.h"
#include "vehicles/vehicle.h"

namespace vehicles {

struct Wish {
    std::string search;                ///< words that name, brand, model or description hold; "" for all
    std::string sort = "-created_at";  ///< a field; '-' in front for the other way round
    std::int64_t page = 1;
    std::int64_t per_page = 20;
};

struct Listing {
    std::vector<Vehicle> vehicles;
    std::int64_t total = 0;
};

/// What may stand in Wish::sort without its '-'.
const std::vector<std::string>& sort_fields();

enum class Samples : std::uint8_t { none, some };
/// With Samples::some a catalogue gets a few vehicles, once.
std::vector<kit::db::Migration> migrations(Samples samples = Samples::none);

template <class T>
using Answer = std::move_only_function<void(base::Result<T>)>;

class Catalogue {
 public:
    Catalogue(kit::db::Database& database, const run::Clock& clock) : database_(database), clock_(clock) {}

    void list(const Wish& wish, Answer<Listing> answer);
    void find(std::int64_t id, Answer<Vehicle> answer);
    void add(const Vehicle& vehicle, Answer<Vehicle> answer);
    /// With `revision`: only if that is still the newest, else Code::expired.
    void change(std::int64_t id, const Vehicle& vehicle, std::optional<std::int64_t> revision, Answer<Vehicle> answer);
    void remove(std::int64_t id, std::optional<std::int64_t> revision, Answer<void> answer);

 private:
    std::string columns() const;
    std::string now() const;
    template <class T>
    void why_untouched(std::int64_t id, Answer<T> answer);

    kit::db::Database& database_;
    const run::Clock& clock_;
};

}  // namespace vehicles
