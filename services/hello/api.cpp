#include "hello/api.h"

#include "kit/json_text.h"
#include "kit/web/html.h"
#include "kit/web/paging.h"
#include "kit/web/shape.h"

namespace hello {
namespace {

using kit::Call;

constexpr std::int64_t limit_max = 1000;
constexpr std::string_view page_policy =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
constexpr const char* page_style =
    ":root{color-scheme:light dark}body{font:1.1rem/1.6 system-ui,sans-serif;max-width:40rem;margin:15vh "
    "auto;padding:0 1rem}dt{opacity:.75}dd{margin:0 0 .5rem}";

/// A problem whose text also stands where clients of the demo application look for it: in `error`.
void fail(Call& call, const base::Error& error) {
    const auto problem = kit::problem_of(error);
    auto response = kit::problem_response(problem);
    std::string text;
    kit::JsonText(text).open('{').field("error", problem.detail);
    text += ',';
    text += std::string_view(*response.body).substr(1);
    response.body = std::make_shared<const std::string>(std::move(text));
    call.answer(std::move(response));
}

const kit::Shape& pair_shape() {
    static const kit::Shape shape(
        "Pair",
        {{"key", "Its name.", kit::Need::required, kit::TextField{.length_min = 1, .length_max = 200}},
         {"value", "What is kept under it.", kit::Need::required,
          kit::TextField{.length_max = 10'000, .numbers = kit::Numbers::taken_as_text, .spaces = kit::Spaces::kept}}});
    return shape;
}

void write(kit::JsonText& json, const Pair& pair) {
    json.open('{').field("key", pair.key).field("value", pair.value).close('}');
}

base::Result<std::int64_t> limit_of(const Call& call) {
    std::vector<kit::FieldProblem> problems;
    const auto limit = kit::number_in(call, "limit", limit_max, problems).value_or(100);
    if (!problems.empty()) return std::unexpected(kit::invalid_fields(std::move(problems)));
    return limit;
}

void list(Pairs& pairs, Call call) {
    const auto limit = limit_of(call);
    if (!limit) return fail(call, limit.error());
    const auto after = call.query("after").value_or("");
    pairs.list(after, *limit + 1,
               [call = std::move(call), limit = *limit](base::Result<std::vector<Pair>> found) mutable {
                   if (!found) return fail(call, found.error());
                   const bool more = std::ssize(*found) > limit;
                   if (more) found->pop_back();
                   std::string text;
                   kit::JsonText json(text);
                   json.open('{').key("data").open('[');
                   for (const auto& pair : *found) write(json, pair);
                   json.close(']');
                   if (more) json.field("next", found->back().key);
                   json.close('}');
                   call.answer(kit::json_response(200, std::move(text)));
               });
}

void put(Pairs& pairs, Call call) {
    const auto values = pair_shape().read_json(call.request().body);
    if (!values) return fail(call, values.error());
    const Pair pair{values->text("key"), values->text("value")};
    pairs.put(pair, [call = std::move(call), pair](base::Result<void> kept) mutable {
        if (!kept) return fail(call, kept.error());
        std::string text;
        kit::JsonText json(text);
        json.open('{').field("status", "success").key("data");
        write(json, pair);
        json.close('}');
        call.answer(kit::json_response(201, std::move(text)));
    });
}

void visit(Visitors& visitors, Call call) {
    visitors.count([call = std::move(call)](base::Result<std::int64_t> count) mutable {
        if (!count) return fail(call, count.error());
        std::string text;
        kit::JsonText(text).open('{').field("visitors", *count).close('}');
        call.answer(kit::json_response(200, std::move(text)));
    });
}

std::shared_ptr<const std::string> greeting_json(std::string_view version, std::string_view host) {
    auto text = std::make_shared<std::string>();
    kit::JsonText json(*text);
    json.open('{').field("message", "Hello from Slipway").field("service", "hello");
    json.field("version", version).field("hostname", host).close('}');
    return text;
}

std::shared_ptr<const std::string> greeting_page(std::string_view version, std::string_view host) {
    auto page = std::make_shared<std::string>(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" "
        "content=\"width=device-width\"><title>Hello</title><link rel=\"stylesheet\" "
        "href=\"/style.css\"><main><h1>Hello from Slipway</h1><dl><dt>Version</dt><dd>");
    kit::append_escaped(*page, version);
    *page += "</dd><dt>Host</dt><dd>";
    kit::append_escaped(*page, host);
    *page += "</dd></dl></main></html>\n";
    return page;
}

kit::http::Response fixed(std::string_view type, std::shared_ptr<const std::string> body) {
    kit::http::Response response;
    response.headers.add("Content-Type", type);
    response.headers.add("Vary", "Accept");
    response.body = std::move(body);
    return response;
}

constexpr const char* pair_schema =
    R"({"type":"object","required":["key","value"],"properties":{"key":{"type":"string"},"value":{"type":"string"}}})";

std::string with_pair(std::string_view front, std::string_view back) {
    std::string text(front);
    text += pair_schema;
    text += back;
    return text;
}

}  // namespace

void add_routes(kit::App& app, Pairs& pairs, Visitors& visitors, std::string host) {
    auto& routes = app.routes();
    const auto json = greeting_json(app.version(), host);
    const auto page = greeting_page(app.version(), host);
    routes.get("/")
        .doc("Greets: with a page when a browser asks.")
        .replies(200, "The greeting, the version and the host that answers.",
                 R"({"type":"object","required":["message","service","version","hostname"],"properties":{
                 "message":{"type":"string"},"service":{"type":"string"},"version":{"type":"string"},
                 "hostname":{"type":"string"}}})")
        .calls([json, page](Call call) {
            if (!call.wants_page()) return call.answer(fixed("application/json", json));
            auto response = fixed("text/html; charset=utf-8", page);
            response.headers.add("Content-Security-Policy", page_policy);
            call.answer(std::move(response));
        });
    routes.get("/style.css").unlisted().quiet().calls([](Call call) {
        call.answer(kit::text_response(200, page_style, "text/css; charset=utf-8"));
    });
    routes.get("/api/visitors")
        .doc("Counts one visitor more.")
        .replies(200, "The number of visitors.",
                 R"({"type":"object","required":["visitors"],"properties":{"visitors":{"type":"integer"}}})")
        .replies(503, "The store is away.")
        .calls([&visitors](Call call) { visit(visitors, std::move(call)); });
    routes.get("/api/data")
        .doc("Lists pairs by their keys.")
        .query("limit", "How many at most.", R"({"type":"integer","minimum":1,"maximum":1000,"default":100})")
        .query("after", "Only keys behind this one: `next` of the answer before.")
        .replies(200, "Pairs; `next` is there when there are more.",
                 with_pair(R"({"type":"object","required":["data"],"properties":{"data":{"type":"array","items":)",
                           R"(},"next":{"type":"string"}}})"))
        .replies(503, "The store is away.")
        .calls([&pairs](Call call) { list(pairs, std::move(call)); });
    routes.post("/api/data")
        .doc("Keeps a pair; a key that is there gets the new value.")
        .takes(pair_shape())
        .replies(201, "What is kept now.",
                 with_pair(R"({"type":"object","required":["status","data"],"properties":{"status":{"const":"success"},
                 "data":)",
                           "}}"))
        .replies(503, "The store is away.")
        .calls([&pairs](Call call) { put(pairs, std::move(call)); });
}

}  // namespace hello
