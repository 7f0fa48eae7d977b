#include "vehicles/tables.h"

#include "kit/db/outbox.h"

namespace vehicles {
namespace {

constexpr int samples_version = 1'000'000;  ///< beyond all that change tables

constexpr std::string_view fields[] = {"name",        "brand",          "model",      "year",       "price",
                                       "description", "dealer_id",      "dealer",     "reference",  "stock",
                                       "order_id",    "reserved_until", "created_at", "updated_at", "revision"};

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

kit::db::Migration the_table() {
    return {.version = 1,
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
                 CREATE INDEX vehicles_created_at ON vehicles (created_at, id))"};
}

/// Who offers a vehicle and whether it can be bought. SQLite, which has one writer, counts its rows as they come and
/// go, so that a page need not count them.
kit::db::Migration stock_and_dealers() {
    const std::string columns = R"(
        ALTER TABLE vehicles ADD COLUMN dealer_id TEXT NOT NULL DEFAULT '';
        ALTER TABLE vehicles ADD COLUMN dealer TEXT NOT NULL DEFAULT '';
        ALTER TABLE vehicles ADD COLUMN reference TEXT NOT NULL DEFAULT '';
        ALTER TABLE vehicles ADD COLUMN stock TEXT NOT NULL DEFAULT 'available'
            CHECK (stock IN ('available', 'reserved', 'sold'));
        ALTER TABLE vehicles ADD COLUMN order_id TEXT NOT NULL DEFAULT '';)";
    const std::string indexes = R"(
        CREATE UNIQUE INDEX vehicles_reference ON vehicles (dealer_id, reference) WHERE reference <> '';
        CREATE INDEX vehicles_reserved_until ON vehicles (reserved_until) WHERE stock = 'reserved';
        CREATE INDEX vehicles_brand ON vehicles (lower(brand), id);
        CREATE INDEX vehicles_price ON vehicles (price, id);
        CREATE INDEX vehicles_year ON vehicles (year, id);
        CREATE INDEX vehicles_dealer ON vehicles (dealer_id, created_at, id) WHERE dealer_id <> '';)";
    return {.version = 2,
            .name = "stock and dealers",
            .sqlite = columns + "ALTER TABLE vehicles ADD COLUMN reserved_until TEXT;" + indexes + R"(
                 CREATE TABLE vehicle_count (n INTEGER NOT NULL);
                 INSERT INTO vehicle_count SELECT COUNT(*) FROM vehicles;
                 CREATE TRIGGER vehicles_come AFTER INSERT ON vehicles BEGIN UPDATE vehicle_count SET n = n + 1; END;
                 CREATE TRIGGER vehicles_go AFTER DELETE ON vehicles BEGIN UPDATE vehicle_count SET n = n - 1; END)",
            .postgres = columns + "ALTER TABLE vehicles ADD COLUMN reserved_until TIMESTAMPTZ;" + indexes};
}

}  // namespace

std::vector<kit::db::Migration> migrations(Samples samples) {
    std::vector<kit::db::Migration> all{the_table(), stock_and_dealers(), kit::db::Outbox::migration(3)};
    const auto given = sample_vehicles();
    if (samples == Samples::some) all.push_back({samples_version, "samples", given, given});
    return all;
}

std::string columns_of(kit::db::Dialect dialect) {
    std::string text = "id";
    for (const auto field : fields) {
        const bool time = field.ends_with("_at") || field.ends_with("_until");
        text += ", ";
        text += field;
        // Without a zone its text depends on no setting, and it is cheaper than to_char(): time_text() does the rest.
        if (time && dialect == kit::db::Dialect::postgres) text += " AT TIME ZONE 'UTC'";
    }
    return text;
}

VehicleView view_in(const kit::db::Rows& rows, std::size_t row) {
    return {.id = rows.number(row, 0),
            .year = rows.number(row, 4),
            .price = rows.number(row, 5),
            .revision = rows.number(row, 15),
            .name = rows.text(row, 1),
            .brand = rows.text(row, 2),
            .model = rows.text(row, 3),
            .description = rows.text(row, 6),
            .dealer_id = rows.text(row, 7),
            .dealer = rows.text(row, 8),
            .reference = rows.text(row, 9),
            .stock = rows.text(row, 10),
            .reserved_until = rows.text(row, 12),
            .created_at = rows.text(row, 13),
            .updated_at = rows.text(row, 14)};
}

Vehicle vehicle_in(const kit::db::Rows& rows, std::size_t row) {
    const auto text = [&](std::size_t column) { return std::string(rows.text(row, column)); };
    return {.id = rows.number(row, 0),
            .name = text(1),
            .brand = text(2),
            .model = text(3),
            .year = rows.number(row, 4),
            .price = kit::Decimal::of_hundredths(rows.number(row, 5)),
            .description = text(6),
            .dealer_id = text(7),
            .dealer = text(8),
            .reference = text(9),
            .stock = stock_named(rows.text(row, 10)).value_or(Stock::available),
            .order_id = text(11),
            .reserved_until = time_text(rows.text(row, 12)),
            .created_at = time_text(rows.text(row, 13)),
            .updated_at = time_text(rows.text(row, 14)),
            .revision = rows.number(row, 15)};
}

std::string insert_sql() {
    std::string names, values;
    int number = 0;
    for (const auto field : fields) {
        if (number > 0) names += ", ", values += ", ";
        names += field;
        values += '$';
        values += std::to_string(++number);
    }
    return "INSERT INTO vehicles (" + names + ") VALUES (" + values + ")";
}

std::string update_sql() {
    std::string sql = "UPDATE vehicles SET ";
    int number = 0;
    for (const auto field : fields) {
        if (number > 0) sql += ", ";
        sql += field;
        sql += " = $";
        sql += std::to_string(++number);
    }
    sql += " WHERE id = $";
    return sql += std::to_string(number + 1);
}

kit::db::Parameters parameters_of(const Vehicle& vehicle) {
    kit::db::Parameter until;
    if (!vehicle.reserved_until.empty()) until = vehicle.reserved_until;
    return {vehicle.name,
            vehicle.brand,
            vehicle.model,
            std::to_string(vehicle.year),
            std::to_string(vehicle.price.hundredths()),
            vehicle.description,
            vehicle.dealer_id,
            vehicle.dealer,
            vehicle.reference,
            std::string(stock_name(vehicle.stock)),
            vehicle.order_id,
            until,
            vehicle.created_at,
            vehicle.updated_at,
            std::to_string(vehicle.revision)};
}

}  // namespace vehicles
