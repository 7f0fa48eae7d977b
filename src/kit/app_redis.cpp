// An App's Redis.
#include <charconv>

#include "kit/app.h"

namespace kit {
namespace {

/// "redis://[user][:password@]host[:port][/...]".
base::Result<redis::RedisOptions> options_of(std::string_view url) {
    const auto wrong = [] {
        return base::fail(base::Code::invalid, "the Redis address is not like redis://[:password@]host:port");
    };
    redis::RedisOptions options;
    if (!url.starts_with("redis://")) return wrong();
    auto rest = url.substr(8);
    rest = rest.substr(0, rest.find('/'));
    if (const auto at = rest.rfind('@'); at != std::string_view::npos) {
        const auto secret = rest.substr(0, at);
        const auto colon = secret.find(':');
        auto decoded = http::percent_decode(colon == std::string_view::npos ? secret : secret.substr(colon + 1));
        if (!decoded) return wrong();
        options.password = std::move(*decoded);
        rest.remove_prefix(at + 1);
    }
    const auto colon = rest.find(':');
    options.host = rest.substr(0, colon);
    if (options.host.empty()) return wrong();
    if (colon == std::string_view::npos) return options;
    const auto port = rest.substr(colon + 1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), options.port);
    if (error != std::errc{} || end != port.data() + port.size() || options.port == 0) return wrong();
    return options;
}

}  // namespace

redis::Redis* App::redis(std::string_view url) {
    if (url.empty()) return nullptr;
    auto options = options_of(url);
    if (!options) {
        give_up(std::move(options).error());
        return nullptr;
    }
    log_->info("redis", {{"host", options->host}, {"port", options->port}});
    auto& made = own<std::unique_ptr<redis::Redis>>(redis::open(io_, *log_, std::move(*options)));
    metrics_.gauge("app_redis_waiting", "Commands that wait for Redis.",
                   [redis = made.get()] { return static_cast<double>(redis->waiting()); });
    metrics_.gauge("app_redis_up", "1 while Redis can be used.",
                   [redis = made.get()] { return redis->away() ? 0.0 : 1.0; });
    return made.get();
}

}  // namespace kit
