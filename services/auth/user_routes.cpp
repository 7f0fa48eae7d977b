// Accounts as admins see them: the list, one of them, and who may do what.
#include <fmt/format.h>

#include <charconv>

#include "auth/desk.h"

namespace auth {
namespace {

using kit::Call;

constexpr std::int64_t page_max = 1'000'000;
constexpr std::int64_t per_page_max = 100;
constexpr std::size_t search_max = 200;

std::optional<std::int64_t> whole(std::string_view text) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

void number_in(const Call& call, std::string_view name, std::int64_t most, std::int64_t& value,
               std::vector<kit::FieldProblem>& problems) {
    const auto text = call.query(name);
    if (!text || text->empty()) return;
    const auto number = whole(*text);
    if (number && *number >= 1 && *number <= most) {
        value = *number;
    } else {
        problems.push_back({std::string(name), fmt::format("must be a whole number from 1 to {}", most)});
    }
}

base::Result<UserWish> wish_of(const Call& call) {
    UserWish wish{.search = call.query("q").value_or(""), .role = call.query("role").value_or("")};
    std::vector<kit::FieldProblem> problems;
    if (wish.search.size() > search_max || wish.search.find('\0') != std::string::npos)
        problems.push_back({"q", fmt::format("must have at most {} characters", search_max)});
    if (!wish.role.empty() && roles_of(wish.role).size() != 1)
        problems.push_back({"role", "must be buyer, dealer or admin"});
    const auto wants = call.query("wants").value_or("");
    if (!wants.empty() && wants != "dealer") problems.push_back({"wants", "can only be dealer"});
    wish.wants_dealer = wants == "dealer";
    number_in(call, "page", page_max, wish.page, problems);
    number_in(call, "per_page", per_page_max, wish.per_page, problems);
    if (!problems.empty()) return std::unexpected(kit::invalid_fields(std::move(problems)));
    return wish;
}

Answer<User> shows(Call call) {
    return [call = std::move(call)](base::Result<User> user) mutable {
        if (!user) return call.fail(user.error());
        call.answer(user_response(*user));
    };
}

void list(Parts& parts, Call call) {
    const auto wish = wish_of(call);
    if (!wish) return call.fail(wish.error());
    parts.accounts.list(*wish, [wish = *wish, call = std::move(call)](base::Result<UserListing> listing) mutable {
        if (!listing) return call.fail(listing.error());
        std::string text;
        kit::JsonText json(text);
        json.open('{').key("items").open('[');
        for (const auto& user : listing->users) {
            json.raw("");
            append_json(text, user);
        }
        json.close(']').field("total", listing->total).field("page", wish.page).field("per_page", wish.per_page);
        json.field("pages", (listing->total + wish.per_page - 1) / wish.per_page).close('}');
        call.answer(kit::json_response(200, std::move(text)));
    });
}

void show(Parts& parts, Call call) {
    const std::string id(call.path("id"));
    if (!kit::auth::is_uuid(id)) return call.fail({base::Code::not_found, "there is no such user"});
    parts.accounts.find(id, shows(std::move(call)));
}

/// The revision that If-Match asks for: none when it is absent or "*"; an Error when it cannot match.
base::Result<std::optional<std::int64_t>> revision_wanted(const Call& call, const std::string& id) {
    const auto tag = call.request().headers.get("If-Match");
    if (tag.empty() || tag == "*") return std::nullopt;
    const auto front = fmt::format("\"{}-", id);
    if (tag.starts_with(front) && tag.ends_with('"')) {
        if (const auto revision = whole(tag.substr(front.size(), tag.size() - front.size() - 1))) return revision;
    }
    return base::fail(base::Code::expired, "If-Match is no tag of this user's present state");
}

void set_roles(Parts& parts, Call call) {
    const std::string id(call.path("id"));
    if (!kit::auth::is_uuid(id)) return call.fail({base::Code::not_found, "there is no such user"});
    const auto values = body_of(call, roles_shape());
    if (!values) return;
    const auto revision = revision_wanted(call, id);
    if (!revision) return call.fail(revision.error());
    const auto roles = roles_of(values->text("roles"));
    parts.app.log().info("roles are changed",
                         {{"user", id}, {"by", call.identity()->user}, {"roles", values->text("roles")}});
    parts.accounts.set_roles(id, roles, *revision, shows(std::move(call)));
}

std::string listing_schema() {
    return fmt::format(R"({{"type":"object","required":["items","total","page","per_page","pages"],"properties":{{
        "items":{{"type":"array","items":{}}},"total":{{"type":"integer"}},"page":{{"type":"integer"}},
        "per_page":{{"type":"integer"}},"pages":{{"type":"integer"}}}}}})",
                       user_schema());
}

}  // namespace

void add_user_routes(Parts& parts) {
    auto& routes = parts.app.routes();
    routes.get("/users")
        .doc("Lists accounts: a page of them.")
        .needs({Role::admin})
        .query("q", "Part of the name or of what they log in by.", R"({"type":"string","maxLength":200})")
        .query("role", "Only who has it.", R"({"type":"string","enum":["buyer","dealer","admin"]})")
        .query("wants", "Only who asks for it.", R"({"type":"string","enum":["dealer"]})")
        .query("page", "The page, from 1.", R"({"type":"integer","minimum":1,"maximum":1000000,"default":1})")
        .query("per_page", "Accounts on a page.", R"({"type":"integer","minimum":1,"maximum":100,"default":20})")
        .replies(200, "A page of accounts.", listing_schema())
        .calls([&parts](Call call) { list(parts, std::move(call)); });
    routes.get("/users/{id}")
        .doc("Shows an account.")
        .needs({Role::admin, Role::service})
        .replies(200, "The account.", user_schema())
        .calls([&parts](Call call) { show(parts, std::move(call)); });
    routes.put("/users/{id}/roles")
        .doc("Says what an account may do; with If-Match only in the state that it names. The last admin stays one.")
        .needs({Role::admin})
        .takes(roles_shape())
        .replies(200, "The account as it is now.", user_schema())
        .calls([&parts](Call call) { set_roles(parts, std::move(call)); });
}

}  // namespace auth
