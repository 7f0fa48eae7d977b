#include "vehicles/catalogue.h"

#include <memory>

namespace vehicles {
namespace {

using kit::db::Done;
using kit::db::Parameters;
using kit::db::Rows;
using kit::db::Session;

constexpr int sweep_max = 100;  ///< reservations that one sweep frees

base::Error not_found(std::int64_t id) { return {base::Code::not_found, "there is no vehicle " + std::to_string(id)}; }

std::string sweep_sql(kit::db::Dialect dialect) {
    std::string sql =
        "UPDATE vehicles SET stock = 'available', order_id = '', updated_at = reserved_until, reserved_until = NULL, "
        "revision = revision + 1 WHERE id IN (SELECT id FROM vehicles WHERE stock = 'reserved' AND "
        "reserved_until <= $1 ORDER BY reserved_until LIMIT ";
    sql += std::to_string(sweep_max);
    if (dialect == kit::db::Dialect::postgres) sql += " FOR UPDATE SKIP LOCKED";  // another replica has those
    return sql += ") RETURNING ";
}

/// A clear text for what the index of references refuses.
base::Error explained(base::Error error) {
    if (error.code != base::Code::already_exists) return error;
    return {base::Code::already_exists, "another vehicle of this dealer has that reference"};
}

/// An answer that passes what went wrong on and nothing else.
Answer<Vehicle> without_value(Answer<void> answer) {
    return [answer = std::move(answer)](base::Result<Vehicle> result) mutable {
        if (!result) return answer(std::unexpected(std::move(result).error()));
        answer({});
    };
}

}  // namespace

Catalogue::Catalogue(kit::db::Database& database, const run::Clock& clock, Changes& changes)
    : database_(database),
      clock_(clock),
      changes_(changes),
      columns_(columns_of(database.dialect())),
      find_sql_("SELECT " + columns_ + " FROM vehicles WHERE id = $1"),
      lock_sql_(find_sql_ + (database.dialect() == kit::db::Dialect::postgres ? " FOR UPDATE" : "")),
      insert_sql_(insert_sql() + " RETURNING id"),
      update_sql_(update_sql()),
      sweep_sql_(sweep_sql(database.dialect()) + columns_),
      all_sql_(database.dialect() == kit::db::Dialect::sqlite ? "(SELECT n FROM vehicle_count)"
                                                              : "(SELECT COUNT(*) FROM vehicles)") {}

std::string Catalogue::now() const { return base::rfc3339_micro(clock_.now()); }

void Catalogue::list(const Wish& wish, Answer<Listing> answer) {
    const auto time = now();
    auto where = where_of(wish, time);
    const auto count = wish.all() ? all_sql_ : "(SELECT COUNT(*) FROM vehicles" + where.sql + ")";
    const auto places = where.parameters.size();
    auto parameters = where.parameters;
    parameters.emplace_back(std::to_string(wish.per_page));
    parameters.emplace_back(std::to_string((wish.page - 1) * wish.per_page));
    std::string sql = "SELECT " + columns_ + ", " + count + " FROM vehicles" + where.sql + order_of(wish.sort);
    sql += " LIMIT CAST($" + std::to_string(places + 1) + " AS BIGINT)";
    sql += " OFFSET CAST($" + std::to_string(places + 2) + " AS BIGINT)";
    auto listed = [this, time, count, where = std::move(where.parameters), first = wish.page == 1,
                   answer = std::move(answer)](base::Result<Rows> rows) mutable {
        if (!rows) return answer(std::unexpected(std::move(rows).error()));
        Listing listing;
        listing.vehicles.reserve(rows->size());
        for (std::size_t row = 0; row < rows->size(); ++row) {
            listing.vehicles.push_back(settled(vehicle_in(*rows, row), time));
        }
        if (!rows->empty()) listing.total = rows->number(0, vehicle_columns);
        if (!rows->empty() || first) return answer(std::move(listing));
        // Beyond the last page no row tells the total.
        database_.run("SELECT " + count, std::move(where),
                      [answer = std::move(answer)](base::Result<Rows> all) mutable {
                          if (!all) return answer(std::unexpected(std::move(all).error()));
                          answer(Listing{.vehicles = {}, .total = all->number(0, 0)});
                      });
    };
    database_.run(std::move(sql), std::move(parameters), std::move(listed));
}

void Catalogue::find(std::int64_t id, Answer<Vehicle> answer) {
    database_.run(find_sql_, {std::to_string(id)},
                  [this, id, answer = std::move(answer)](base::Result<Rows> rows) mutable {
                      if (!rows) return answer(std::unexpected(std::move(rows).error()));
                      if (rows->empty()) return answer(std::unexpected(not_found(id)));
                      auto vehicle = vehicle_in(*rows, 0);
                      if (vehicle.stock == Stock::reserved) vehicle = settled(std::move(vehicle), now());
                      answer(std::move(vehicle));
                  });
}

void Catalogue::add(Vehicle vehicle, const Actor& actor, Answer<Vehicle> answer) {
    vehicle = owned_by(std::move(vehicle), actor);
    vehicle.created_at = vehicle.updated_at = now();
    const auto added = std::make_shared<Vehicle>(std::move(vehicle));
    auto work = [this, added](Session& session, Done done) {
        session.run(insert_sql_, parameters_of(*added),
                    [this, added, &session, done = std::move(done)](base::Result<Rows> rows) mutable {
                        if (!rows) return done(std::unexpected(explained(std::move(rows).error())));
                        added->id = rows->number(0, 0);
                        changes_.record(session, Change::added, *added, std::move(done));
                    });
    };
    auto worked = [this, added, answer = std::move(answer)](base::Result<void> result) mutable {
        if (!result) return answer(std::unexpected(std::move(result).error()));
        changes_.committed({added->id}, [added, answer = std::move(answer)]() mutable { answer(std::move(*added)); });
    };
    database_.transact(std::move(work), std::move(worked));
}

void Catalogue::carry_out(Session& session, const Decision& decision, Done done) {
    const bool removes = decision.act == Decision::Act::remove;
    Parameters parameters;
    if (!removes) parameters = parameters_of(decision.vehicle);
    parameters.emplace_back(std::to_string(decision.vehicle.id));
    session.run(
        removes ? "DELETE FROM vehicles WHERE id = $1" : update_sql_, std::move(parameters),
        [this, &session, removes, vehicle = decision.vehicle, done = std::move(done)](base::Result<Rows> rows) mutable {
            if (!rows) return done(std::unexpected(explained(std::move(rows).error())));
            changes_.record(session, removes ? Change::removed : Change::changed, vehicle, std::move(done));
        });
}

void Catalogue::alter(std::int64_t id, Decide decide, Answer<Vehicle> answer) {
    const auto decision = std::make_shared<Decision>();
    auto work = [this, id, decision, decide = std::move(decide)](Session& session, Done done) mutable {
        auto locked = [this, id, decision, &session, decide = std::move(decide),
                       done = std::move(done)](base::Result<Rows> rows) mutable {
            if (!rows) return done(std::unexpected(std::move(rows).error()));
            if (rows->empty()) return done(std::unexpected(not_found(id)));
            const auto time = now();
            auto decided = decide(settled(vehicle_in(*rows, 0), time), time);
            if (!decided) return done(std::unexpected(std::move(decided).error()));
            *decision = std::move(*decided);
            if (decision->act == Decision::Act::keep) return done({});
            carry_out(session, *decision, std::move(done));
        };
        session.run(lock_sql_, {std::to_string(id)}, std::move(locked));
    };
    auto worked = [this, id, decision, answer = std::move(answer)](base::Result<void> result) mutable {
        if (!result) return answer(std::unexpected(std::move(result).error()));
        if (decision->act == Decision::Act::keep) return answer(std::move(decision->vehicle));
        changes_.committed({id},
                           [decision, answer = std::move(answer)]() mutable { answer(std::move(decision->vehicle)); });
    };
    database_.transact(std::move(work), std::move(worked));
}

/// Somebody who has seen another revision is told so before anything else.
static base::Result<void> is_newest(const Vehicle& vehicle, const Catalogue::Target& target) {
    if (!target.revision || *target.revision == vehicle.revision) return {};
    return base::fail(base::Code::expired, "vehicle " + std::to_string(vehicle.id) +
                                               " has been changed meanwhile: its tag is " + etag(vehicle) + " now");
}

void Catalogue::change(Target target, kit::Values values, Answer<Vehicle> answer) {
    const auto id = target.id;
    auto decide = [target = std::move(target), values = std::move(values)](
                      const Vehicle& current, std::string_view time) -> base::Result<Decision> {
        TRY(is_newest(current, target));
        return edit(current, vehicle_of(values, current), target.actor, time);
    };
    alter(id, std::move(decide), std::move(answer));
}

void Catalogue::remove(Target target, Answer<void> answer) {
    const auto id = target.id;
    auto decide = [target = std::move(target)](Vehicle current, std::string_view) -> base::Result<Decision> {
        TRY(is_newest(current, target));
        return discard(std::move(current), target.actor);
    };
    alter(id, std::move(decide), without_value(std::move(answer)));
}

void Catalogue::reserve(std::int64_t id, std::string order, std::string until, Answer<Vehicle> answer) {
    auto decide = [order = std::move(order), until = std::move(until)](Vehicle current, std::string_view time) {
        return vehicles::reserve(std::move(current), order, until, time);
    };
    alter(id, std::move(decide), std::move(answer));
}

void Catalogue::sell(std::int64_t id, std::string order, Answer<Vehicle> answer) {
    auto decide = [order = std::move(order)](Vehicle current, std::string_view time) {
        return vehicles::sell(std::move(current), order, time);
    };
    alter(id, std::move(decide), std::move(answer));
}

/// What is given back of a vehicle that is gone is given back already.
static Answer<Vehicle> gone_is_well(Answer<void> answer) {
    return without_value([answer = std::move(answer)](base::Result<void> result) mutable {
        if (!result && result.error().code == base::Code::not_found) return answer({});
        answer(std::move(result));
    });
}

void Catalogue::release(std::int64_t id, std::string order, Answer<void> answer) {
    auto decide = [order = std::move(order)](Vehicle current, std::string_view time) {
        return vehicles::release(std::move(current), order, time);
    };
    alter(id, std::move(decide), gone_is_well(std::move(answer)));
}

void Catalogue::take_back(std::int64_t id, std::string order, Answer<void> answer) {
    auto decide = [order = std::move(order)](Vehicle current, std::string_view time) {
        return vehicles::take_back(std::move(current), order, time);
    };
    alter(id, std::move(decide), gone_is_well(std::move(answer)));
}

void Catalogue::sweep(run::Callback done) {
    // Looking first costs a read of a small index; a transaction would keep other writers of SQLite waiting.
    database_.run("SELECT 1 FROM vehicles WHERE stock = 'reserved' AND reserved_until <= $1 LIMIT 1", {now()},
                  [this, done = std::move(done)](base::Result<Rows> rows) mutable {
                      if (!rows || rows->empty()) return done();
                      free_lapsed(std::move(done));
                  });
}

void Catalogue::free_lapsed(run::Callback done) {
    const auto freed = std::make_shared<std::vector<Vehicle>>();
    auto work = [this, freed](Session& session, Done worked) {
        session.run(sweep_sql_, {now()},
                    [this, freed, &session, worked = std::move(worked)](base::Result<Rows> rows) mutable {
                        if (!rows) return worked(std::unexpected(std::move(rows).error()));
                        for (std::size_t row = 0; row < rows->size(); ++row) freed->push_back(vehicle_in(*rows, row));
                        record_all(session, freed, 0, std::move(worked));
                    });
    };
    database_.transact(std::move(work), [this, freed, done = std::move(done)](base::Result<void> result) mutable {
        if (!result || freed->empty()) return done();  // what went wrong is tried again by the next sweep
        std::vector<std::int64_t> ids;
        for (const auto& vehicle : *freed) ids.push_back(vehicle.id);
        changes_.committed(std::move(ids), std::move(done));
    });
}

void Catalogue::record_all(Session& session, std::shared_ptr<std::vector<Vehicle>> changed, std::size_t at, Done done) {
    if (at == changed->size()) return done({});
    const auto& vehicle = (*changed)[at];
    changes_.record(session, Change::changed, vehicle,
                    [this, &session, changed = std::move(changed), at,
                     done = std::move(done)](base::Result<void> recorded) mutable {
                        if (!recorded) return done(std::move(recorded));
                        record_all(session, std::move(changed), at + 1, std::move(done));
                    });
}

}  // namespace vehicles
