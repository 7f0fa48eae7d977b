#include "documents/api.h"

#include <algorithm>

#include "base/time.h"
#include "documents/body.h"
#include "kit/auth/identity.h"
#include "kit/auth/secrets.h"
#include "kit/json_text.h"
#include "kit/problem.h"
#include "kit/web/paging.h"

namespace documents {
namespace {

using kit::Call;

constexpr std::int64_t limit_max = 100;
constexpr const char* document_schema =
    R"({"type":"object","required":["id","created_at","data"],"properties":{"id":{"type":"string","format":"uuid"},
    "created_at":{"type":"string","format":"date-time"},"data":{"type":"object"}}})";

void write(kit::JsonText& json, const Document& document) {
    json.open('{').field("id", document.id).field("created_at", document.created_at);
    json.key("data").raw(document.json).close('}');
}

kit::http::Response response_of(int status, const Document& document) {
    std::string text;
    kit::JsonText json(text);
    write(json, document);
    return kit::json_response(status, std::move(text));
}

bool is_id(std::string_view text) {
    if (text.size() != 36) return false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        const bool dash = at == 8 || at == 13 || at == 18 || at == 23;
        const bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        if (dash ? c != '-' : !digit) return false;
    }
    return true;
}

/// Version 7 UUIDs (RFC 9562, 5.7 and 6.2): they begin with the time and, within a millisecond, count.
class Ids {
 public:
    std::string next(run::Time now) {
        const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
        last_ = std::max(static_cast<std::uint64_t>(ms) << 12, last_ + 1);
        auto id = kit::auth::random_uuid();
        static constexpr char digits[] = "0123456789abcdef";
        std::size_t at = 0;
        for (int shift = 56; shift >= 0; shift -= 4, ++at) {
            if (at == 8 || at == 13) ++at;  // dashes
            if (at == 14) id[at++] = '7';
            id[at] = digits[(last_ >> shift) & 15];
        }
        return id;
    }

 private:
    std::uint64_t last_ = 0;  ///< 48 bits of time, 12 of counting
};

struct Page {
    std::int64_t limit = 20;
    std::string before;
};

base::Result<Page> page_of(const Call& call) {
    Page page;
    std::vector<kit::FieldProblem> problems;
    page.limit = kit::number_in(call, "limit", limit_max, problems).value_or(page.limit);
    page.before = call.query("before").value_or("");
    if (!page.before.empty() && !is_id(page.before)) problems.push_back({"before", "must be `next` of a page"});
    if (!problems.empty()) return std::unexpected(kit::invalid_fields(std::move(problems)));
    return page;
}

void greet(kit::App& app, Call call) {
    std::string text;
    kit::JsonText json(text);
    json.open('{').field("message", "Documents of Slipway").field("service", "documents");
    json.field("version", app.version()).field("timestamp", base::rfc3339_micro(app.loop().now())).close('}');
    auto response = kit::json_response(200, std::move(text));
    response.headers.add("Cache-Control", "no-store");
    call.answer(std::move(response));
}

void add(DocumentStore& store, run::Time now, Ids& ids, Call call) {
    auto body = checked_body(call.request().body);
    if (!body) return call.fail(body.error());
    Document document{.id = ids.next(now),
                      .user = call.identity()->user,
                      .created_at = base::rfc3339_micro(now),
                      .json = std::move(*body)};
    auto copy = document;
    store.add(std::move(copy),
              [call = std::move(call), document = std::move(document)](base::Result<void> kept) mutable {
                  if (!kept) return call.fail(kept.error());
                  auto response = response_of(201, document);
                  response.headers.add("Location", "/data/" + document.id);
                  call.answer(std::move(response));
              });
}

void list(DocumentStore& store, Call call) {
    const auto page = page_of(call);
    if (!page) return call.fail(page.error());
    const auto user = call.identity()->user;
    store.list(user, page->before, page->limit + 1,
               [call = std::move(call), limit = page->limit](base::Result<std::vector<Document>> found) mutable {
                   if (!found) return call.fail(found.error());
                   const bool more = std::ssize(*found) > limit;
                   if (more) found->pop_back();
                   std::string text;
                   kit::JsonText json(text);
                   json.open('{').key("data").open('[');
                   for (const auto& document : *found) write(json, document);
                   json.close(']');
                   if (more) json.field("next", found->back().id);
                   json.close('}');
                   call.answer(kit::json_response(200, std::move(text)));
               });
}

/// The id in the path; "" when it is none, which nothing has.
std::string id_in(const Call& call) { return is_id(call.path("id")) ? std::string(call.path("id")) : std::string(); }

void show(DocumentStore& store, Call call) {
    const auto id = id_in(call);
    if (id.empty()) return call.fail(no_such(std::string(call.path("id"))));
    const auto user = call.identity()->user;
    store.find(user, id, [call = std::move(call)](base::Result<Document> found) mutable {
        if (!found) return call.fail(found.error());
        call.answer(response_of(200, *found));
    });
}

void remove(DocumentStore& store, Call call) {
    const auto id = id_in(call);
    if (id.empty()) return call.fail(no_such(std::string(call.path("id"))));
    const auto user = call.identity()->user;
    store.remove(user, id, [call = std::move(call)](base::Result<void> removed) mutable {
        if (!removed) return call.fail(removed.error());
        call.answer({.status = 204});
    });
}

std::string page_schema() {
    std::string text = R"({"type":"object","required":["data"],"properties":{"data":{"type":"array","items":)";
    text += document_schema;
    return text += R"(},"next":{"type":"string","format":"uuid"}}})";
}

}  // namespace

void add_routes(kit::App& app, DocumentStore& store) {
    auto& routes = app.routes();
    auto& ids = app.own<Ids>();
    routes.get("/")
        .doc("Greets, with the time here.")
        .replies(200, "A message and the time.",
                 R"({"type":"object","required":["message","timestamp"],"properties":{"message":{"type":"string"},
                 "service":{"type":"string"},"version":{"type":"string"},
                 "timestamp":{"type":"string","format":"date-time"}}})")
        .calls([&app](Call call) { greet(app, std::move(call)); });
    routes.post("/data")
        .doc(
            "Keeps a JSON object: at most 64 KiB, nested at most 20 deep, names without '.' and not with '$' in front.")
        .needs_login()
        .replies(201, "What is kept; its address is in Location.", document_schema)
        .replies(400, "It is no JSON object.")
        .replies(413, "It is too large.")
        .replies(503, "The store is away.")
        .calls([&](Call call) { add(store, app.loop().now(), ids, std::move(call)); });
    routes.get("/data")
        .doc("Lists your documents, newest first.")
        .needs_login()
        .query("limit", "How many at most.", R"({"type":"integer","minimum":1,"maximum":100,"default":20})")
        .query("before", "Only those older than this one: `next` of the page before.",
               R"({"type":"string","format":"uuid"})")
        .replies(200, "A page; `next` is there when there are more.", page_schema())
        .replies(503, "The store is away.")
        .calls([&](Call call) { list(store, std::move(call)); });
    routes.get("/data/{id}")
        .doc("Shows one of your documents.")
        .needs_login()
        .replies(200, "The document.", document_schema)
        .replies(404, "You have none with this id.")
        .calls([&](Call call) { show(store, std::move(call)); });
    routes.del("/data/{id}")
        .doc("Removes one of your documents.")
        .needs_login()
        .replies(204, "It is gone.")
        .replies(404, "You have none with this id.")
        .calls([&](Call call) { remove(store, std::move(call)); });
}

}  // namespace documents
