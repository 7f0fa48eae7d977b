// Accounts as admins see them: the list, one of them, and who may do what.
#include <fmt/format.h>

#include "auth/desk.h"
#include "kit/web/entity_tag.h"
#include "kit/web/paging.h"

namespace auth {
namespace {

using kit::Call;

constexpr std::size_t search_max = 200;

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
    wish.paging = kit::paging_of(call, problems);
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
        std::vector<std::string> items(listing->items.size());
        for (std::size_t at = 0; at < items.size(); ++at) append_json(items[at], listing->items[at]);
        call.answer(kit::page_of_items(items, listing->total, wish.paging));
    });
}

void show(Parts& parts, Call call) {
    const std::string id(call.path("id"));
    if (!kit::auth::is_uuid(id)) return call.fail({base::Code::not_found, "there is no such user"});
    parts.accounts.find(id, shows(std::move(call)));
}

void set_roles(Parts& parts, Call call) {
    const std::string id(call.path("id"));
    if (!kit::auth::is_uuid(id)) return call.fail({base::Code::not_found, "there is no such user"});
    const auto values = body_of(call, roles_shape());
    if (!values) return;
    const auto revision = kit::revision_wanted(call, id, "user");
    if (!revision) return call.fail(revision.error());
    const auto roles = roles_of(values->text("roles"));
    parts.app.log().info("roles are changed",
                         {{"user", id}, {"by", call.identity()->user}, {"roles", values->text("roles")}});
    parts.accounts.set_roles(id, roles, *revision, shows(std::move(call)));
}

}  // namespace

void add_user_routes(Parts& parts) {
    auto& routes = parts.app.routes();
    auto all = routes.get("/users");
    kit::paged(all)
        .doc("Lists accounts: a page of them.")
        .needs({Role::admin})
        .query("q", "Part of the name or of what they log in by.", R"({"type":"string","maxLength":200})")
        .query("role", "Only who has it.", R"({"type":"string","enum":["buyer","dealer","admin"]})")
        .query("wants", "Only who asks for it.", R"({"type":"string","enum":["dealer"]})")
        .replies(200, "A page of accounts.", kit::page_schema(user_schema()))
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
