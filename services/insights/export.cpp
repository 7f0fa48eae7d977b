#include "insights/export.h"

#include <boost/json.hpp>

#include "fmt/format.h"
#include "insights/csv.h"
#include "kit/http/server.h"

namespace insights {
namespace {

namespace json = boost::json;

constexpr int rows_a_page = 100;
constexpr std::size_t pending_bytes_max = 256 * 1024;
constexpr std::string_view columns[] = {"id",    "brand", "name",   "model",     "year",
                                        "price", "stock", "dealer", "created_at"};

kit::http::Headers csv_headers(std::string_view name) {
    kit::http::Headers headers;
    headers.add("Content-Type", "text/csv; charset=utf-8; header=present");
    headers.add("Content-Disposition", fmt::format("attachment; filename=\"{}.csv\"", name));
    headers.add("Cache-Control", "no-store");
    return headers;
}

void append_value(std::string& line, const json::object& row, std::string_view name) {
    const auto* value = row.if_contains(name);
    if (!value || value->is_null()) return append_cell(line, "");
    if (value->is_string()) return append_cell(line, std::string_view(value->get_string()));
    if (name == "price" && value->is_number())
        return append_number_cell(line, fmt::format("{:.2f}", value->to_number<double>()));
    append_number_cell(line, json::serialize(*value));
}

/// One download on its way.
struct Download : std::enable_shared_from_this<Download> {
    Download(kit::Call call_, kit::Peer& vehicles_, Filter filter_)
        : call(std::move(call_)), vehicles(vehicles_), filter(std::move(filter_)), context(call->context()) {}

    std::optional<kit::Call> call;  ///< until the first page is here: what goes wrong before is told as a problem
    kit::Peer& vehicles;
    Filter filter;
    kit::Context context;
    std::shared_ptr<kit::http::Stream> stream;
    bool gone = false;
    std::int64_t page = 0;

    void next() {
        ++page;
        const auto path = fmt::format("/vehicles?per_page={}&page={}&sort=id{}", rows_a_page, page,
                                      filter.brand.empty() ? "" : "&brand=" + kit::http::percent_encoded(filter.brand));
        vehicles.call(kit::Context(context.trace(), std::nullopt), {.path = path},
                      [self = shared_from_this()](base::Result<kit::http::Response> answer) {
                          self->arrived(std::move(answer));
                      });
    }

    /// An error after the first page cuts the connection, so that nobody takes a part for the whole.
    void fail(const base::Error& error) {
        if (call) call->fail(error);
        stream = nullptr;
    }

    void arrived(base::Result<kit::http::Response> answer) {
        if (gone) return;
        if (!answer) return fail(answer.error());
        boost::system::error_code error;
        const auto value = json::parse(answer->body ? std::string_view(*answer->body) : std::string_view(), error);
        const auto* items = !error && value.is_object() ? value.get_object().if_contains("items") : nullptr;
        if (answer->status == 400 || answer->status == 422)  // a brand that no brand can be
            return fail(kit::invalid_fields({{"brand", "cannot be looked for"}}));
        if (answer->status != 200 || !items || !items->is_array())
            return fail({base::Code::unavailable, fmt::format("vehicles answers {}", answer->status)});
        if (!stream) begin();
        if (!stream) return;
        write(items->get_array());
        if (std::ssize(items->get_array()) < rows_a_page) return std::exchange(stream, nullptr)->end();
        if (stream->pending() < pending_bytes_max) return next();
        stream->on_drain([self = shared_from_this()] {
            self->stream->on_drain(nullptr);
            self->next();
        });
    }

    void begin() {
        stream = call->stream(200, csv_headers("vehicles"));
        call.reset();
        if (!stream) return;
        stream->on_close([weak = weak_from_this()] {
            if (const auto self = weak.lock()) self->gone = true;
        });
        std::string line;
        for (const auto column : columns) append_cell(line, column);
        end_line(line);
        stream->write(std::make_shared<const std::string>(std::move(line)));
    }

    void write(const json::array& rows) {
        std::string lines;
        for (const auto& row : rows) {
            if (!row.is_object()) continue;
            for (const auto column : columns) append_value(lines, row.get_object(), column);
            end_line(lines);
        }
        stream->write(std::make_shared<const std::string>(std::move(lines)));
    }
};

void answer_days(kit::Call call, Source& orders, const Filter& filter) {
    const auto path = fmt::format("/orders/stats?brand={}&from={}&to={}", kit::http::percent_encoded(filter.brand),
                                  day_text(filter.from_day), day_text(filter.to_day));
    orders.ask(path, [call = std::move(call)](const Known& known) mutable {
        if (!known.problem.empty())
            return call.fail({base::Code::unavailable, "orders cannot be asked: " + known.problem});
        std::string text = "day,placed,confirmed,revenue\r\n";
        const auto* days = known.value->if_contains("days");
        for (const auto& day : days && days->is_array() ? days->get_array() : json::array()) {
            if (!day.is_object()) continue;
            for (const std::string_view column : {"day", "placed", "confirmed"})
                append_value(text, day.get_object(), column);
            const auto* revenue = day.get_object().if_contains("revenue");
            append_number_cell(
                text, fmt::format("{:.2f}", revenue && revenue->is_number() ? revenue->to_number<double>() : 0));
            end_line(text);
        }
        kit::http::Response response{.status = 200, .headers = csv_headers("days")};
        response.body = std::make_shared<const std::string>(std::move(text));
        call.answer(std::move(response));
    });
}

}  // namespace

void add_export(kit::App& app, kit::Peer& vehicles, Source& orders) {
    app.routes()
        .get("/export.csv")
        .doc("The figures' rows as CSV (RFC 4180).")
        .query("table", "vehicles (of the brand) or days (of orders); without it, vehicles.",
               R"({"type":"string","enum":["vehicles","days"]})")
        .query("brand", "Only that brand.")
        .query("from", "The first day, YYYY-MM-DD; without it, the last 30. Of days only.")
        .query("to", "The last day, YYYY-MM-DD.")
        .replies_text(200, "The rows, with a header line.", "text/csv")
        .calls([&app, &vehicles, &orders](kit::Call call) {
            const auto table = call.query("table").value_or("");
            auto filter = filter_of({.brand = call.query("brand").value_or(""),
                                     .from = call.query("from").value_or(""),
                                     .to = call.query("to").value_or("")},
                                    app.loop().now());
            if (!filter) return call.fail(filter.error());
            if (!table.empty() && table != "vehicles" && table != "days")
                return call.fail(kit::invalid_fields({{"table", "must be vehicles or days"}}));
            if (table == "days") return answer_days(std::move(call), orders, *filter);
            std::make_shared<Download>(std::move(call), vehicles, std::move(*filter))->next();
        });
}

}  // namespace insights
