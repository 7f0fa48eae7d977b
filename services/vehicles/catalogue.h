// Where vehicles are kept. Everything runs on the loop and answers by callback. Each change is one transaction: the
// row is read and locked, a pure decision (stock.h) says what becomes of it, the row and its event are written.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kit/db/database.h"
#include "run/loop.h"
#include "vehicles/changes.h"
#include "vehicles/stock.h"
#include "vehicles/tables.h"
#include "vehicles/vehicle.h"
#include "vehicles/wish.h"

namespace vehicles {

struct Listing {
    std::vector<Vehicle> vehicles;
    std::int64_t total = 0;
};

/// JSON with what those who keep it must know.
struct Text {
    std::string json;
    std::string tag;    ///< a vehicle's entity tag
    std::string until;  ///< when the first reservation in it lapses; "": none does
};

template <class T>
using Answer = std::move_only_function<void(base::Result<T>)>;

class Catalogue {
 public:
    Catalogue(kit::db::Database& database, const run::Clock& clock, Changes& changes);

    void list(const Wish& wish, Answer<Listing> answer);
    void find(std::int64_t id, Answer<Vehicle> answer);
    /// At most `count` of those that the wish leaves, after `id` and by id; without the total.
    void after(const Wish& wish, std::int64_t id, std::int64_t count, Answer<Listing> answer);
    /// The same as JSON, made where the rows lie.
    void text(const Wish& wish, Answer<Text> answer);
    void text(std::int64_t id, Answer<Text> answer);

    void add(Vehicle vehicle, const Actor& actor, Answer<Vehicle> answer);
    /// What a client wants of one vehicle: with `revision` only if that is still the newest, else Code::expired.
    struct Target {
        std::int64_t id = 0;
        std::optional<std::int64_t> revision;
        Actor actor;
    };
    void change(Target target, kit::Values values, Answer<Vehicle> answer);
    void remove(Target target, Answer<void> answer);

    /// For orders (docs/guide/services.md). `until` is RFC 3339 with microseconds, UTC.
    struct Claim {
        std::int64_t id = 0;
        std::string order;
        std::string until;
        std::string traceparent;
    };
    void reserve(Claim claim, Answer<Vehicle> answer);
    void release(Claim claim, Answer<void> answer);
    void sell(Claim claim, Answer<Vehicle> answer);
    void take_back(Claim claim, Answer<void> answer);
    /// Makes reservations available whose time is over, a bounded number at a time; replicas may do it together.
    void sweep(run::Callback done);

    std::string now() const;

 private:
    using Decide = std::move_only_function<base::Result<Decision>(Vehicle current, std::string_view now)>;
    struct Alteration;
    /// One vehicle's change from lock to commit; answers after what others kept of it is forgotten.
    void alter(std::int64_t id, std::string traceparent, Decide decide, Answer<Vehicle> answer);
    void lock(const std::shared_ptr<Alteration>& one, kit::db::Session& session, kit::db::Done done);
    void carry_out(kit::db::Session& session, const Decision& decision, const std::string& traceparent,
                   kit::db::Done done);
    /// The rows of a page, with the total as the last column, and the total.
    struct Found {
        kit::db::Rows rows;
        std::int64_t total = 0;
        std::string time;  ///< as of when
    };
    void search(const Wish& wish, Answer<Found> answer);
    void free_lapsed(run::Callback done);
    void record_all(kit::db::Session& session, std::shared_ptr<std::vector<Vehicle>> changed, std::size_t at,
                    kit::db::Done done);

    kit::db::Database& database_;
    const run::Clock& clock_;
    Changes& changes_;
    const std::string columns_, find_sql_, lock_sql_, insert_sql_, update_sql_, sweep_sql_, all_sql_, first_sql_;
};

}  // namespace vehicles
