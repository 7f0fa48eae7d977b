#include "vehicles/catalogue.h"

#include <memory>

#include "kit/json_text.h"

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

std::string limit_sql(std::size_t places) {
    return " LIMIT CAST($" + std::to_string(places + 1) + " AS BIGINT) OFFSET CAST($" + std::to_string(places + 2) +
           " AS BIGINT)";
}

constexpr std::size_t until_column = 12;

/// A row as it stands at `time`; its entity tag.
std::string append_row(Text& text, const Rows& rows, std::size_t row, std::string_view time) {
    const auto view = view_in(rows, row);
    if (view.reserved_until.empty()) {
        append_json(text.json, view);
        return etag(view.id, view.revision);
    }
    const auto vehicle = settled(vehicle_in(rows, row), time);
    const auto& until = vehicle.reserved_until;
    if (!until.empty() && (text.until.empty() || until < text.until)) text.until = until;
    append_json(text.json, vehicle);
    return etag(vehicle);
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
                                                              : "(SELECT COUNT(*) FROM vehicles)"),
      first_sql_("SELECT " + columns_ + ", " + all_sql_ + " FROM vehicles" + order_of(Wish{}.sort) + limit_sql(0)) {}

std::string Catalogue::now() const { return base::rfc3339_micro(clock_.now()); }

void Catalogue::search(const Wish& wish, Answer<Found> answer) {
    auto time = now();
    Query where;
    std::string count = all_sql_, sql;
    const bool all = wish.all();
    if (all && wish.sort == Wish{}.sort) {
        sql = first_sql_;
    } else {
        where = where_of(wish, time);
        if (!all) count = "(SELECT COUNT(*) FROM vehicles" + where.sql + ")";
        sql = "SELECT " + columns_ + ", " + count + " FROM vehicles" + where.sql + order_of(wish.sort) +
              limit_sql(where.parameters.size());
    }
    auto parameters = where.parameters;
    parameters.emplace_back(std::to_string(wish.per_page));
    parameters.emplace_back(std::to_string((wish.page - 1) * wish.per_page));
    auto listed = [this, time = std::move(time), count = std::move(count), where = std::move(where.parameters),
                   first = wish.page == 1, answer = std::move(answer)](base::Result<Rows> rows) mutable {
        if (!rows) return answer(std::unexpected(std::move(rows).error()));
        Found found{.rows = std::move(*rows), .total = 0, .time = std::move(time)};
        if (!found.rows.empty()) found.total = found.rows.number(0, vehicle_columns);
        if (!found.rows.empty() || first) return answer(std::move(found));
        // Beyond the last page no row tells the total.
        auto counted = [found = std::move(found), answer = std::move(answer)](base::Result<Rows> counts) mutable {
            if (!counts) return answer(std::unexpected(std::move(counts).error()));
            found.total = counts->number(0, 0);
            answer(std::move(found));
        };
        database_.run("SELECT " + count, std::move(where), std::move(counted));
    };
    database_.run(std::move(sql), std::move(parameters), std::move(listed));
}

void Catalogue::list(const Wish& wish, Answer<Listing> answer) {
    search(wish, [answer = std::move(answer)](base::Result<Found> found) mutable {
        if (!found) return answer(std::unexpected(std::move(found).error()));
        Listing listing;
        listing.total = found->total;
        listing.vehicles.reserve(found->rows.size());
        for (std::size_t row = 0; row < found->rows.size(); ++row) {
            listing.vehicles.push_back(settled(vehicle_in(found->rows, row), found->time));
        }
        answer(std::move(listing));
    });
}

void Catalogue::after(const Wish& wish, std::int64_t id, std::int64_t count, Answer<Listing> answer) {
    auto time = now();
    auto where = where_of(wish, time);
    auto sql = "SELECT " + columns_ + " FROM vehicles" + where.sql + (where.sql.empty() ? " WHERE" : " AND");
    where.parameters.emplace_back(std::to_string(id));
    sql += " id > CAST($" + std::to_string(where.parameters.size()) + " AS BIGINT) ORDER BY id LIMIT ";
    sql += std::to_string(count);
    database_.run(std::move(sql), std::move(where.parameters),
                  [time = std::move(time), answer = std::move(answer)](base::Result<Rows> rows) mutable {
                      if (!rows) return answer(std::unexpected(std::move(rows).error()));
                      Listing listing;
                      for (std::size_t row = 0; row < rows->size(); ++row) {
                          listing.vehicles.push_back(settled(vehicle_in(*rows, row), time));
                      }
                      answer(std::move(listing));
                  });
}

void Catalogue::text(const Wish& wish, Answer<Text> answer) {
    auto found = [page = wish.page, per_page = wish.per_page,
                  answer = std::move(answer)](base::Result<Found> result) mutable {
        if (!result) return answer(std::unexpected(std::move(result).error()));
        const auto& rows = result->rows;
        Text text;
        text.json.reserve(128 + rows.size() * 512);
        text.json += R"({"items":[)";
        for (std::size_t row = 0; row < rows.size(); ++row) {
            if (row > 0) text.json += ',';
            append_row(text, rows, row, result->time);
        }
        text.json += ']';
        kit::JsonText json(text.json);
        json.raw("").field("total", result->total).field("page", page).field("per_page", per_page);
        json.field("pages", (result->total + per_page - 1) / per_page).close('}');
        answer(std::move(text));
    };
    search(wish, std::move(found));
}

void Catalogue::text(std::int64_t id, Answer<Text> answer) {
    database_.run(find_sql_, {std::to_string(id)},
                  [this, id, answer = std::move(answer)](base::Result<Rows> rows) mutable {
                      if (!rows) return answer(std::unexpected(std::move(rows).error()));
                      if (rows->empty()) return answer(std::unexpected(not_found(id)));
                      Text text;
                      text.json.reserve(512);
                      const bool reserved = !rows->text(0, until_column).empty();
                      text.tag = append_row(text, *rows, 0, reserved ? now() : std::string());
                      answer(std::move(text));
                  });
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
    auto work = [this, added, trace = actor.traceparent](Session& session, Done done) {
        session.run(insert_sql_, parameters_of(*added),
                    [this, added, trace, &session, done = std::move(done)](base::Result<Rows> rows) mutable {
                        if (!rows) return done(std::unexpected(explained(std::move(rows).error())));
                        added->id = rows->number(0, 0);
                        changes_.record(session, Change::added, *added, trace, std::move(done));
                    });
    };
    auto worked = [this, added, answer = std::move(answer)](base::Result<void> result) mutable {
        if (!result) return answer(std::unexpected(std::move(result).error()));
        changes_.committed({added->id}, [added, answer = std::move(answer)]() mutable { answer(std::move(*added)); });
    };
    database_.transact(std::move(work), std::move(worked));
}

void Catalogue::carry_out(Session& session, const Decision& decision, const std::string& traceparent, Done done) {
    const bool removes = decision.act == Decision::Act::remove;
    Parameters parameters;
    if (!removes) parameters = parameters_of(decision.vehicle);
    parameters.emplace_back(std::to_string(decision.vehicle.id));
    session.run(removes ? "DELETE FROM vehicles WHERE id = $1" : update_sql_, std::move(parameters),
                [this, &session, removes, vehicle = decision.vehicle, traceparent,
                 done = std::move(done)](base::Result<Rows> rows) mutable {
                    if (!rows) return done(std::unexpected(explained(std::move(rows).error())));
                    changes_.record(session, removes ? Change::removed : Change::changed, vehicle, traceparent,
                                    std::move(done));
                });
}

/// One vehicle's change on its way.
struct Catalogue::Alteration {
    std::int64_t id = 0;
    std::string traceparent;
    Decide decide;
    Decision decision;
};

void Catalogue::alter(std::int64_t id, std::string traceparent, Decide decide, Answer<Vehicle> answer) {
    const auto one = std::make_shared<Alteration>(id, std::move(traceparent), std::move(decide), Decision{});
    auto worked = [this, one, answer = std::move(answer)](base::Result<void> result) mutable {
        if (!result) return answer(std::unexpected(std::move(result).error()));
        if (one->decision.act == Decision::Act::keep) return answer(std::move(one->decision.vehicle));
        changes_.committed({one->id},
                           [one, answer = std::move(answer)]() mutable { answer(std::move(one->decision.vehicle)); });
    };
    auto work = [this, one](Session& session, Done done) { lock(one, session, std::move(done)); };
    database_.transact(std::move(work), std::move(worked));
}

void Catalogue::lock(const std::shared_ptr<Alteration>& one, Session& session, Done done) {
    auto locked = [this, one, &session, done = std::move(done)](base::Result<Rows> rows) mutable {
        if (!rows) return done(std::unexpected(std::move(rows).error()));
        if (rows->empty()) return done(std::unexpected(not_found(one->id)));
        const auto time = now();
        auto decided = one->decide(settled(vehicle_in(*rows, 0), time), time);
        if (!decided) return done(std::unexpected(std::move(decided).error()));
        one->decision = std::move(*decided);
        if (one->decision.act == Decision::Act::keep) return done({});
        carry_out(session, one->decision, one->traceparent, std::move(done));
    };
    session.run(lock_sql_, {std::to_string(one->id)}, std::move(locked));
}

/// Somebody who has seen another revision is told so before anything else.
static base::Result<void> is_newest(const Vehicle& vehicle, const Catalogue::Target& target) {
    if (!target.revision || *target.revision == vehicle.revision) return {};
    return base::fail(base::Code::expired, "vehicle " + std::to_string(vehicle.id) +
                                               " has been changed meanwhile: its tag is " + etag(vehicle) + " now");
}

void Catalogue::change(Target target, kit::Values values, Answer<Vehicle> answer) {
    const auto id = target.id;
    auto trace = target.actor.traceparent;
    auto decide = [target = std::move(target), values = std::move(values)](
                      const Vehicle& current, std::string_view time) -> base::Result<Decision> {
        TRY(is_newest(current, target));
        return edit(current, vehicle_of(values, current), target.actor, time);
    };
    alter(id, std::move(trace), std::move(decide), std::move(answer));
}

void Catalogue::remove(Target target, Answer<void> answer) {
    const auto id = target.id;
    auto trace = target.actor.traceparent;
    auto decide = [target = std::move(target)](Vehicle current, std::string_view) -> base::Result<Decision> {
        TRY(is_newest(current, target));
        return discard(std::move(current), target.actor);
    };
    alter(id, std::move(trace), std::move(decide), without_value(std::move(answer)));
}

void Catalogue::reserve(Claim claim, Answer<Vehicle> answer) {
    auto decide = [order = std::move(claim.order), until = std::move(claim.until)](Vehicle current,
                                                                                   std::string_view time) {
        return vehicles::reserve(std::move(current), order, until, time);
    };
    alter(claim.id, std::move(claim.traceparent), std::move(decide), std::move(answer));
}

void Catalogue::sell(Claim claim, Answer<Vehicle> answer) {
    auto decide = [order = std::move(claim.order)](Vehicle current, std::string_view time) {
        return vehicles::sell(std::move(current), order, time);
    };
    alter(claim.id, std::move(claim.traceparent), std::move(decide), std::move(answer));
}

/// What is given back of a vehicle that is gone is given back already.
static Answer<Vehicle> gone_is_well(Answer<void> answer) {
    return without_value([answer = std::move(answer)](base::Result<void> result) mutable {
        if (!result && result.error().code == base::Code::not_found) return answer({});
        answer(std::move(result));
    });
}

void Catalogue::release(Claim claim, Answer<void> answer) {
    auto decide = [order = std::move(claim.order)](Vehicle current, std::string_view time) {
        return vehicles::release(std::move(current), order, time);
    };
    alter(claim.id, std::move(claim.traceparent), std::move(decide), gone_is_well(std::move(answer)));
}

void Catalogue::take_back(Claim claim, Answer<void> answer) {
    auto decide = [order = std::move(claim.order)](Vehicle current, std::string_view time) {
        return vehicles::take_back(std::move(current), order, time);
    };
    alter(claim.id, std::move(claim.traceparent), std::move(decide), gone_is_well(std::move(answer)));
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
    changes_.record(session, Change::changed, vehicle, "",
                    [this, &session, changed = std::move(changed), at,
                     done = std::move(done)](base::Result<void> recorded) mutable {
                        if (!recorded) return done(std::move(recorded));
                        record_all(session, std::move(changed), at + 1, std::move(done));
                    });
}

}  // namespace vehicles
