#include "vehicles/changes.h"

#include <fmt/format.h>

#include <algorithm>

#include "kit/auth/secrets.h"
#include "kit/web/events.h"

namespace vehicles {
namespace {

constexpr std::int64_t kept_pages = 3;
constexpr std::int64_t kept_sizes[] = {20, 24};  ///< pages of the interface and of the storefront

std::string page_key(std::int64_t per_page, std::int64_t page) { return fmt::format("page:{}:{}", per_page, page); }

}  // namespace

std::string cache_key(std::int64_t id) { return fmt::format("vehicle:{}", id); }

std::string cache_key(const Wish& wish) {
    const bool kept = wish.all() && wish.sort == Wish{}.sort && wish.page <= kept_pages &&
                      std::ranges::find(kept_sizes, wish.per_page) != std::end(kept_sizes);
    return kept ? page_key(wish.per_page, wish.page) : std::string();
}

void Changes::record(kit::db::Session& session, Change change, const Vehicle& vehicle, const std::string& traceparent,
                     kit::db::Done done) {
    if (!outbox_) return done({});
    static constexpr const char* types[] = {"vehicle.added", "vehicle.changed", "vehicle.removed"};
    std::string data;
    append_json(data, vehicle);
    const auto now = clock_.now();
    outbox_->add(session,
                 kit::make_event(kit::auth::time_uuid(now),
                                 {.type = types[static_cast<std::size_t>(change)],
                                  .source = "vehicles",
                                  .subject = fmt::format("vehicle/{}", vehicle.id),
                                  .traceparent = traceparent,
                                  .data = std::move(data)},
                                 now),
                 std::move(done));
}

void Changes::record(kit::db::Session& session, const Import& import, kit::db::Done done) {
    if (!outbox_) return done({});
    const auto now = clock_.now();
    outbox_->add(session,
                 kit::make_event(kit::auth::time_uuid(now),
                                 {.type = "vehicles.imported",
                                  .source = "vehicles",
                                  .subject = fmt::format("dealer/{}", import.dealer_id),
                                  .user_id = import.dealer_id,
                                  .traceparent = import.traceparent,
                                  .data = fmt::format(R"({{"added":{},"changed":{},"failed":{}}})", import.added,
                                                      import.changed, import.failed)},
                                 now),
                 std::move(done));
}

void Changes::committed(const std::vector<std::int64_t>& ids, run::Callback done) {
    if (outbox_) outbox_->wake();
    if (!cache_) return done();
    std::vector<std::string> keys;
    for (const auto id : ids) keys.push_back(cache_key(id));
    for (const auto size : kept_sizes) {
        for (std::int64_t page = 1; page <= kept_pages; ++page) keys.push_back(page_key(size, page));
    }
    cache_->invalidate(std::move(keys), [done = std::move(done)](bool) mutable { done(); });
}

}  // namespace vehicles
