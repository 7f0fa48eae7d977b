#include "vehicles/catalogue.h"

#include <algorithm>

namespace vehicles {
namespace {

using kit::db::Parameters;
using kit::db::Rows;

Vehicle vehicle_in(const Rows& rows, std::size_t row) {
    return {.id = rows.number(row, 0),
            .name = std::string(rows.text(row, 1)),
            .brand = std::string(rows.text(row, 2)),
            .model = std::string(rows.text(row, 3)),
            .year = rows.number(row, 4),
            .price = kit::Decimal::of_hundredths(rows.number(row, 5)),
            .description = std::string(rows.text(row, 6)),
            .created_at = std::string(rows.text(row, 7)),
            .updated_at = std::string(rows.text(row, 8)),
            .revision = rows.number(row, 9)};
}

base::Error not_found(std::int64_t id) { return {base::Code::not_found, "there is no vehicle " + std::to_string(id)}; }

/// A pattern for LIKE that finds `words` anywhere; its wildcards are taken by the letter.
std::string pattern_of(std::string_view words) {
    std::string pattern = "%";
    for (const char c : words) {
        if (c == '%' || c == '_' || c == '\\') pattern += '\\';
        pattern += c;
    }
    return pattern + "%";
}

/// ORDER BY of a sort that was checked against sort_fields(); the id makes pages stable.
std::string order_of(const std::string& sort) {
    const bool down = sort.starts_with('-');
    auto field = sort.substr(down ? 1 : 0);
    const bool is_text = field == "name" || field == "brand" || field == "model";
    if (is_text) field = "lower(" + field + ")";
    const std::string way = down ? " DESC" : " ASC";
    return " ORDER BY " + field + way + ", id" + way;
}

Parameters fields_of(const Vehicle& vehicle) {
    return {vehicle.name,
            vehicle.brand,
            vehicle.model,
            std::to_string(vehicle.year),
            std::to_string(vehicle.price.hundredths()),
            vehicle.description};
}

constexpr int samples_version = 1'000'000;  ///< beyond all that change tables

/// SQL that both databases understand.
std::string sample_vehicles() {
    static constexpr std::string_view rows[] = {
        "'Family estate, one owner','Volvo','V60',2021,2895000,'Full service history, tow bar, winter tyres on "
        "alloys.'",
        "'City runabout','Fiat','500',2018,849050,'Small, cheerful, easy to park.'",
        "'Electric saloon','Tesla','Model 3',2023,3690000,'Long range, white interior.'",
        "'Weekend convertible','Mazda','MX-5',2016,1575000,'Red, new soft top, garaged.'",
        "'Work van','Ford','Transit',2019,1720000,'Shelves fitted, three seats, tow bar.'",
        "'Hot hatch','Volkswagen','Golf GTI',2020,2699099,'Manual, black, panoramic roof.'",
        "'Seven seats for seven people','Peugeot','5008',2022,2745000,'Sliding second row, automatic.'",
        "'First car','Toyota','Yaris',2015,720000,'Two keys, low insurance, just serviced.'"};
    std::string sql =
        "INSERT INTO vehicles (name, brand, model, year, price, description, created_at, updated_at) VALUES ";
    int minute = 0;
    for (const auto row : rows) {
        const auto time = "'2026-01-01T09:0" + std::to_string(minute++) + ":00.000000Z'";
        sql += (minute > 1 ? ",(" : "(") + std::string(row) + "," + time + "," + time + ")";
    }
    return sql;
}

constexpr std::string_view matching =
    " WHERE lower(name || ' ' || brand || ' ' || model || ' ' || description) LIKE lower($1) ESCAPE '\\'";

}  // namespace

const std::vector<std::string>& sort_fields() {
    static const std::vector<std::string> fields = {"id",   "name",  "brand",      "model",
                                                    "year", "price", "created_at", "updated_at"};
    return fields;
}

std::vector<kit::db::Migration> migrations(Samples samples) {
    std::vector<kit::db::Migration> all{{.version = 1,
                                         .name = "vehicles",
                                         .sqlite = R"(CREATE TABLE vehicles (
                 id INTEGER PRIMARY KEY AUTOINCREMENT,
                 name TEXT NOT NULL, brand TEXT NOT NULL, model TEXT NOT NULL, year INTEGER NOT NULL,
                 price INTEGER NOT NULL CHECK (price >= 0), -- hundredths
                 description TEXT NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
                 revision INTEGER NOT NULL DEFAULT 1);
                 CREATE INDEX vehicles_created_at ON vehicles (created_at, id))",
                                         .postgres = R"(CREATE TABLE vehicles (
                 id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                 name TEXT NOT NULL, brand TEXT NOT NULL, model TEXT NOT NULL, year INTEGER NOT NULL,
                 price BIGINT NOT NULL CHECK (price >= 0),
                 description TEXT NOT NULL, created_at TIMESTAMPTZ NOT NULL, updated_at TIMESTAMPTZ NOT NULL,
                 revision BIGINT NOT NULL DEFAULT 1);
                 COMMENT ON COLUMN vehicles.price IS 'hundredths';
                 CREATE INDEX vehicles_created_at ON vehicles (created_at, id))"}};
    const auto given = sample_vehicles();
    if (samples == Samples::some) all.push_back({samples_version, "samples", given, given});
    return all;
}

std::string Catalogue::columns() const {
    const auto time = [&](const std::string& name) {
        if (database_.dialect() == kit::db::Dialect::sqlite) return name;
        return "to_char(" + name + " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')";
    };
    return "id, name, brand, model, year, price, description, " + time("created_at") + ", " + time("updated_at") +
           ", revision";
}

std::string Catalogue::now() const { return base::rfc3339_micro(clock_.now()); }

void Catalogue::list(const Wish& wish, Answer<Listing> answer) {
    const std::string where(wish.search.empty() ? "" : matching);
    Parameters words;
    if (!wish.search.empty()) words.emplace_back(pattern_of(wish.search));
    const auto next = std::to_string(words.size() + 1);
    auto page = "SELECT " + columns() + " FROM vehicles" + where + order_of(wish.sort) + " LIMIT CAST($" + next +
                " AS BIGINT) OFFSET CAST($" + std::to_string(words.size() + 2) + " AS BIGINT)";
    auto parameters = words;
    parameters.emplace_back(std::to_string(wish.per_page));
    parameters.emplace_back(std::to_string((wish.page - 1) * wish.per_page));
    auto listed = [this, where, words, answer = std::move(answer)](base::Result<Rows> rows) mutable {
        if (!rows) return answer(std::unexpected(std::move(rows).error()));
        Listing listing;
        for (std::size_t row = 0; row < rows->size(); ++row) listing.vehicles.push_back(vehicle_in(*rows, row));
        auto counted = [listing = std::move(listing), answer = std::move(answer)](base::Result<Rows> count) mutable {
            if (!count) return answer(std::unexpected(std::move(count).error()));
            listing.total = count->number(0, 0);
            answer(std::move(listing));
        };
        database_.run("SELECT COUNT(*) FROM vehicles" + where, std::move(words), std::move(counted));
    };
    database_.run(std::move(page), std::move(parameters), std::move(listed));
}

void Catalogue::find(std::int64_t id, Answer<Vehicle> answer) {
    database_.run("SELECT " + columns() + " FROM vehicles WHERE id = $1", {std::to_string(id)},
                  [id, answer = std::move(answer)](base::Result<Rows> rows) mutable {
                      if (!rows) return answer(std::unexpected(std::move(rows).error()));
                      if (rows->empty()) return answer(std::unexpected(not_found(id)));
                      answer(vehicle_in(*rows, 0));
                  });
}

void Catalogue::add(const Vehicle& vehicle, Answer<Vehicle> answer) {
    auto parameters = fields_of(vehicle);
    parameters.emplace_back(now());
    database_.run(
        "INSERT INTO vehicles (name, brand, model, year, price, description, created_at, updated_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $7) RETURNING " +
            columns(),
        std::move(parameters), [answer = std::move(answer)](base::Result<Rows> rows) mutable {
            if (!rows) return answer(std::unexpected(std::move(rows).error()));
            answer(vehicle_in(*rows, 0));
        });
}

/// A statement for one revision touched nothing: the vehicle is gone, or somebody was faster.
template <class T>
void Catalogue::why_untouched(std::int64_t id, Answer<T> answer) {
    find(id, [id, answer = std::move(answer)](base::Result<Vehicle> current) mutable {
        if (!current) return answer(std::unexpected(std::move(current).error()));
        answer(base::fail(
            base::Code::expired,
            "vehicle " + std::to_string(id) + " has been changed meanwhile: its tag is " + etag(*current) + " now"));
    });
}

void Catalogue::change(std::int64_t id, const Vehicle& vehicle, std::optional<std::int64_t> revision,
                       Answer<Vehicle> answer) {
    auto parameters = fields_of(vehicle);
    parameters.emplace_back(now());
    parameters.emplace_back(std::to_string(id));
    std::string sql =
        "UPDATE vehicles SET name = $1, brand = $2, model = $3, year = $4, price = $5, description = $6, "
        "updated_at = $7, revision = revision + 1 WHERE id = $8";
    if (revision) {
        sql += " AND revision = $9";
        parameters.emplace_back(std::to_string(*revision));
    }
    database_.run(sql + " RETURNING " + columns(), std::move(parameters),
                  [this, id, answer = std::move(answer)](base::Result<Rows> rows) mutable {
                      if (!rows) return answer(std::unexpected(std::move(rows).error()));
                      if (rows->empty()) return why_untouched<Vehicle>(id, std::move(answer));
                      answer(vehicle_in(*rows, 0));
                  });
}

void Catalogue::remove(std::int64_t id, std::optional<std::int64_t> revision, Answer<void> answer) {
    Parameters parameters{std::to_string(id)};
    std::string sql = "DELETE FROM vehicles WHERE id = $1";
    if (revision) {
        sql += " AND revision = $2";
        parameters.emplace_back(std::to_string(*revision));
    }
    database_.run(sql + " RETURNING id", std::move(parameters),
                  [this, id, answer = std::move(answer)](base::Result<Rows> rows) mutable {
                      if (!rows) return answer(std::unexpected(std::move(rows).error()));
                      if (rows->empty()) return why_untouched<void>(id, std::move(answer));
                      answer({});
                  });
}

}  // namespace vehicles
