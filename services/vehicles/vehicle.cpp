#include "vehicles/vehicle.h"

#include <algorithm>
#include <charconv>

#include "kit/json_text.h"

namespace vehicles {
namespace {

constexpr std::string_view stock_names[] = {"available", "reserved", "sold"};

void append_number(std::string& out, std::int64_t number) {
    char digits[20];
    out.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

void append_price(std::string& out, std::int64_t hundredths) {
    append_number(out, hundredths / 100);  // never below zero: the table checks it
    const auto cents = hundredths % 100;
    const char digits[] = {'.', static_cast<char>('0' + cents / 10), static_cast<char>('0' + cents % 10)};
    out.append(digits, sizeof digits);
}

void append_or_null(std::string& out, std::string_view text) {
    if (text.empty()) {
        out += "null";
    } else {
        kit::append_json_string(out, text);
    }
}

constexpr std::size_t second_size = 19;  ///< of "2026-01-01T09:00:00"

void append_time_text(std::string& out, std::string_view printed) {
    if (printed.size() < second_size || printed.ends_with('Z')) {
        out += printed;
        return;
    }
    const auto begin = out.size();
    out += printed.substr(0, second_size);
    out[begin + 10] = 'T';
    out += '.';
    const auto fraction = printed.size() > second_size ? printed.substr(second_size + 1) : std::string_view();
    out += fraction;
    out.append(6 - std::min<std::size_t>(fraction.size(), 6), '0');
    out += 'Z';
}

/// Times are digits and a few signs: nothing to escape.
void append_time(std::string& out, std::string_view time) {
    out += '"';
    append_time_text(out, time);
    out += '"';
}

}  // namespace

std::string time_text(std::string_view printed) {
    std::string text;
    append_time_text(text, printed);
    return text;
}

std::string_view stock_name(Stock stock) { return stock_names[static_cast<std::size_t>(stock)]; }

std::optional<Stock> stock_named(std::string_view name) {
    for (const auto stock : {Stock::available, Stock::reserved, Stock::sold}) {
        if (stock_name(stock) == name) return stock;
    }
    return std::nullopt;
}

Vehicle settled(Vehicle vehicle, std::string_view now) {
    if (vehicle.stock != Stock::reserved || vehicle.reserved_until > now) return vehicle;
    vehicle.stock = Stock::available;
    vehicle.updated_at = std::move(vehicle.reserved_until);
    vehicle.reserved_until.clear();
    vehicle.order_id.clear();
    ++vehicle.revision;
    return vehicle;
}

const kit::Shape& vehicle_shape() {
    using kit::Decimal;
    using kit::DecimalField;
    using kit::Need;
    using kit::NumberField;
    using kit::TextField;
    static const kit::Shape shape(
        "VehicleInput",
        {{"name", "What it is offered as.", Need::required, TextField{1, 120}},
         {"brand", "Who made it.", Need::required, TextField{1, 60}},
         {"model", "The maker's name for it.", Need::required, TextField{1, 60}},
         {"year", "The year it was built.", Need::required, NumberField{1886, 2100}},
         {"price", "What it costs, exact to the hundredth.", Need::required,
          DecimalField{Decimal(), Decimal::of_hundredths(99'999'999'99)}},
         {"description", "What a buyer should know.", Need::optional, TextField{0, 4000}},
         {"dealer_id", "Whose it is, by user id; a dealer's own whatever this says.", Need::optional, TextField{0, 64}},
         {"dealer", "What its dealer is called; the dealer's own name whatever this says.", Need::optional,
          TextField{0, 120}},
         {"reference", "The dealer's own number of it: imports with the same one change it.", Need::optional,
          TextField{0, 80}}},
        {"id", "stock", "reserved_until", "created_at", "updated_at"});
    return shape;
}

std::string vehicle_schema() {
    return R"({"type":"object","required":["id","name","brand","model","year","price","description","dealer_id",
        "dealer","reference","stock","created_at","updated_at"],"properties":{"id":{"type":"integer"},
        "name":{"type":"string"},"brand":{"type":"string"},"model":{"type":"string"},"year":{"type":"integer"},
        "price":{"type":"number","multipleOf":0.01},"description":{"type":"string"},
        "dealer_id":{"type":["string","null"]},"dealer":{"type":["string","null"]},
        "reference":{"type":["string","null"]},"stock":{"type":"string","enum":["available","reserved","sold"]},
        "reserved_until":{"type":"string","format":"date-time","description":"Only while it is reserved."},
        "created_at":{"type":"string","format":"date-time"},"updated_at":{"type":"string","format":"date-time"}}})";
}

Vehicle vehicle_of(const kit::Values& values, Vehicle base) {
    base.name = values.text("name");
    base.brand = values.text("brand");
    base.model = values.text("model");
    base.year = values.number("year");
    base.price = values.decimal("price");
    base.description = values.text("description");
    if (values.has("dealer_id")) base.dealer_id = values.text("dealer_id");
    if (values.has("dealer")) base.dealer = values.text("dealer");
    if (values.has("reference")) base.reference = values.text("reference");
    return base;
}

VehicleView view_of(const Vehicle& vehicle) {
    return {.id = vehicle.id,
            .year = vehicle.year,
            .price = vehicle.price.hundredths(),
            .revision = vehicle.revision,
            .name = vehicle.name,
            .brand = vehicle.brand,
            .model = vehicle.model,
            .description = vehicle.description,
            .dealer_id = vehicle.dealer_id,
            .dealer = vehicle.dealer,
            .reference = vehicle.reference,
            .stock = stock_name(vehicle.stock),
            .reserved_until = vehicle.reserved_until,
            .created_at = vehicle.created_at,
            .updated_at = vehicle.updated_at};
}

void append_json(std::string& out, const VehicleView& vehicle) {
    const auto text = [&](std::string_view key, std::string_view value) {
        out += key;
        kit::append_json_string(out, value);
    };
    append_number(out += R"({"id":)", vehicle.id);
    text(R"(,"name":)", vehicle.name);
    text(R"(,"brand":)", vehicle.brand);
    text(R"(,"model":)", vehicle.model);
    append_number(out += R"(,"year":)", vehicle.year);
    append_price(out += R"(,"price":)", vehicle.price);
    text(R"(,"description":)", vehicle.description);
    append_or_null(out += R"(,"dealer_id":)", vehicle.dealer_id);
    append_or_null(out += R"(,"dealer":)", vehicle.dealer);
    append_or_null(out += R"(,"reference":)", vehicle.reference);
    out += R"(,"stock":")";
    out += vehicle.stock;
    out += '"';
    if (!vehicle.reserved_until.empty()) append_time(out += R"(,"reserved_until":)", vehicle.reserved_until);
    append_time(out += R"(,"created_at":)", vehicle.created_at);
    append_time(out += R"(,"updated_at":)", vehicle.updated_at);
    out += '}';
}

std::string etag(std::int64_t id, std::int64_t revision) {
    std::string tag = "\"";
    append_number(tag, id);
    append_number(tag += '-', revision);
    return tag += '"';
}

}  // namespace vehicles
