#include "vehicles/exchange_api.h"

#include "kit/auth/identity.h"
#include "vehicles/csv.h"
#include "vehicles/import.h"

namespace vehicles {
namespace {

using kit::Call;
using kit::auth::Role;

constexpr std::size_t import_bytes_max = 100 * 1024 * 1024;
constexpr std::int64_t export_page = 100;
constexpr std::size_t export_pending_max = 256 * 1024;

std::optional<ImportLines::Form> form_of(const Call& call) {
    const auto type = call.request().headers.get("Content-Type");
    if (type.starts_with("text/csv")) return ImportLines::Form::csv;
    if (type.starts_with("application/x-ndjson") || type.starts_with("application/jsonl")) {
        return ImportLines::Form::json_lines;
    }
    return std::nullopt;
}

void import(const ExchangeParts& parts, Call call) {
    const auto form = form_of(call);
    if (!form) {
        return call.fail({base::Code::unsupported_media_type,
                          "an import must be text/csv (with a header row) or application/x-ndjson"});
    }
    const auto import = std::make_shared<Import>(parts.database, parts.clock, parts.changes, actor_of(call), *form);
    call.body();  // a request without one has an empty one
    auto body = call.request().stream;
    import->read(std::move(body), [call = std::move(call)](base::Result<ImportReport> report) mutable {
        report ? call.answer(kit::json_response(200, json_of(*report))) : call.fail(report.error());
});
}  // namespace

void append_csv(std::string& out, const Vehicle& vehicle) {
    out += std::to_string(vehicle.id);
    for (const auto& text :
         {vehicle.reference, vehicle.name, vehicle.brand, vehicle.model, std::to_string(vehicle.year),
          vehicle.price.text(), vehicle.description, vehicle.dealer_id, vehicle.dealer,
          std::string(stock_name(vehicle.stock)), vehicle.created_at, vehicle.updated_at}) {
        out += ',';
        append_csv_cell(out, text);
    }
    out += "\r\n";
}

/// Writes page after page as the client takes them.
struct Export : std::enable_shared_from_this<Export> {
    Catalogue& catalogue;
    Wish wish;
    std::shared_ptr<kit::http::Stream> stream;
    std::int64_t after = 0;
    bool gone = false;
    bool waits = false;  ///< for the client to take what is written

    Export(Catalogue& from, Wish what, std::shared_ptr<kit::http::Stream> to)
        : catalogue(from), wish(std::move(what)), stream(std::move(to)) {}

    void begin() {
        stream->on_close([self = shared_from_this()] {
            self->gone = true;
            self->stream.reset();
        });
        stream->on_drain([self = shared_from_this()] {
            if (std::exchange(self->waits, false)) self->next();
        });
        stream->write(std::make_shared<const std::string>(
            "id,reference,name,brand,model,year,price,description,dealer_id,dealer,stock,created_at,updated_at\r\n"));
        next();
    }

    void next() {
        catalogue.after(wish, after, export_page, [self = shared_from_this()](base::Result<Listing> listing) {
            if (self->gone) return;
            if (!listing) return self->stream.reset();  // cut: the client sees that it is not whole
            self->write(listing->vehicles);
        });
    }

    void write(const std::vector<Vehicle>& vehicles) {
        std::string text;
        for (const auto& vehicle : vehicles) append_csv(text, vehicle);
        if (!text.empty()) stream->write(std::make_shared<const std::string>(std::move(text)));
        if (std::ssize(vehicles) < export_page) {
            stream->end();
            stream.reset();
            return;
        }
        after = vehicles.back().id;
        if (stream->pending() < export_pending_max) return next();
        waits = true;
    }
};

void export_csv(const ExchangeParts& parts, Call call) {
    auto wish = wish_of(call);
    if (!wish) return call.fail(wish.error());
    kit::http::Headers headers;
    headers.add("Content-Type", "text/csv; charset=utf-8");
    headers.add("Content-Disposition", "attachment; filename=\"vehicles.csv\"");
    if (auto stream = call.stream(200, std::move(headers))) {
        std::make_shared<Export>(parts.catalogue, std::move(*wish), std::move(stream))->begin();
    }
}

constexpr auto report_schema = R"({"type":"object","required":["added","changed","kept","failed","lines"],"properties":{
    "added":{"type":"integer"},"changed":{"type":"integer"},"kept":{"type":"integer"},"failed":{"type":"integer"},
    "lines_left_out":{"type":"integer"},"lines":{"type":"array","items":{"type":"object","required":["line","status"],
    "properties":{"line":{"type":"integer"},"status":{"type":"string","enum":["added","changed","kept","failed"]},
    "id":{"type":"integer"},"problems":{"type":"array","items":{"type":"object","properties":{
    "field":{"type":"string"},"message":{"type":"string"}}}}}}}}})";

}  // namespace vehicles

void add_exchange_routes(kit::Router& routes, ExchangeParts parts, Rights rights) {
    auto in = routes.post("/vehicles/import");
    in.doc(
          "Adds many vehicles, or changes those whose reference the dealer has used before; the same again is "
          "harmless.")
        .takes_stream({.bytes_max = import_bytes_max, .types = {"text/csv", "application/x-ndjson"}})
        .replies(200, "What became of the lines; the first thousand are told, failed ones before others.",
                 report_schema);
    if (rights == Rights::by_role) in.needs({Role::dealer, Role::admin});
    in.calls([parts](Call call) { import(parts, std::move(call)); });
    routes.get("/vehicles/export.csv")
        .doc("All vehicles, or those that the list's filters leave, as CSV that an import takes.")
        .knows()
        .query("q", "Words that name, brand, model or description hold.")
        .query("stock", "Only those in this state.", R"({"type":"string","enum":["available","reserved","sold"]})")
        .query("brand", "Only this brand.")
        .query("dealer", "Only of this dealer, by id or name; me: who asks.")
        .replies_text(200, "CSV, with a header row.", "text/csv")
        .calls([parts](Call call) { export_csv(parts, std::move(call)); });
}

}  // namespace vehicles
