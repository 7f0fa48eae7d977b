#include "vehicles/requests.h"

#include <algorithm>

#include "kit/auth/identity.h"
#include "kit/web/frames.h"
#include "kit/web/paging.h"
#include "kit/whole.h"

namespace vehicles {
namespace {

using kit::Call;

constexpr std::size_t words_max = 200;

using Problems = std::vector<kit::FieldProblem>;

std::string words_in(const Call& call, std::string_view name, Problems& problems) {
    auto words = call.query(name).value_or("");
    if (!kit::is_utf8(words)) {
        problems.push_back({std::string(name), "must be UTF-8"});
    } else if (words.size() > words_max) {
        problems.push_back({std::string(name), "must have at most " + std::to_string(words_max) + " characters"});
    } else if (words.find('\0') != std::string::npos) {
        problems.push_back({std::string(name), "must not hold the NUL character"});
    }
    return words;
}

std::optional<kit::Decimal> price_in(const Call& call, std::string_view name, Problems& problems) {
    const auto text = call.query(name);
    if (!text || text->empty()) return std::nullopt;
    const auto price = kit::Decimal::parse(*text);
    if (price && *price >= kit::Decimal()) return price;
    problems.push_back({std::string(name), "must be a price, with at most two digits after the point"});
    return std::nullopt;
}

void sort_in(const Call& call, Wish& wish, Problems& problems) {
    auto sort = call.query("sort");
    if (!sort || sort->empty()) return;
    const auto field = sort->substr(sort->starts_with('-') ? 1 : 0);
    if (std::ranges::find(sort_fields(), field) == sort_fields().end()) {
        problems.push_back({"sort", "must be a field like price, or -price for the other way round"});
    } else {
        wish.sort = std::move(*sort);
    }
}

/// "me" stands for the dealer who asks.
std::string dealer_in(const Call& call, Problems& problems) {
    auto dealer = words_in(call, "dealer", problems);
    if (dealer != "me") return dealer;
    if (const auto* identity = call.identity()) return identity->user;
    problems.push_back({"dealer", "can be \"me\" only for somebody who is logged in"});
    return {};
}

}  // namespace

base::Result<Wish> wish_of(const Call& call) {
    Wish wish;
    if (call.request().target.find('?') == std::string::npos) return wish;
    Problems problems;
    wish.search = words_in(call, "q", problems);
    sort_in(call, wish, problems);
    const auto paging = kit::paging_of(call, problems);
    wish.page = paging.page;
    wish.per_page = paging.per_page;
    if (const auto stock = call.query("stock"); stock && !stock->empty()) {
        wish.stock = stock_named(*stock);
        if (!wish.stock) problems.push_back({"stock", "must be available, reserved or sold"});
    }
    wish.brand = words_in(call, "brand", problems);
    wish.price_min = price_in(call, "price_min", problems);
    wish.price_max = price_in(call, "price_max", problems);
    wish.year_min = kit::number_in(call, "year_min", 9999, problems);
    wish.year_max = kit::number_in(call, "year_max", 9999, problems);
    wish.dealer = dealer_in(call, problems);
    if (!problems.empty()) return std::unexpected(kit::invalid_fields(std::move(problems)));
    return wish;
}

base::Result<std::int64_t> id_of(const Call& call) {
    const auto id = kit::whole(call.path("id"));
    if (!id) return base::fail(base::Code::not_found, "there is no vehicle " + std::string(call.path("id")));
    return *id;
}

Actor actor_of(const Call& call) {
    Actor actor;
    actor.traceparent = call.context().trace().traceparent();
    const auto* identity = call.identity();
    if (!identity) return actor;
    const bool admin = identity->has(kit::auth::Role::admin);
    if (!admin && !identity->has(kit::auth::Role::dealer)) return actor;
    actor.kind = admin ? Actor::Kind::admin : Actor::Kind::dealer;
    actor.id = identity->user;
    actor.name = identity->name;
    return actor;
}

base::Result<void> must_be_json(const Call& call) {
    const auto type = call.request().headers.get("Content-Type");
    if (type.starts_with("application/json") ||
        (type.starts_with("application/") && type.find("+json") != std::string_view::npos)) {
        return {};
    }
    return base::fail(base::Code::unsupported_media_type, "the body must be JSON: send Content-Type: application/json");
}

}  // namespace vehicles
