// Addresses of stores that are given in parts: a host, a port, a name and a password, each a variable of its own.
#include "kit/setting_parts.h"

#include <charconv>
#include <fstream>

#include "kit/http/server.h"
#include "kit/setting.h"

namespace kit {
namespace {

constexpr std::size_t secret_bytes_max = 64 * 1024;

using Part = base::Result<std::optional<std::string>>;

std::optional<std::string> find(const Environment& environment, std::string_view name) {
    const auto found = environment.find(name);
    if (found == environment.end() || found->second.empty()) return std::nullopt;
    return found->second;
}

Part password(const Environment& environment, const std::string& name) {
    if (auto value = find(environment, name)) return value;
    const auto file = find(environment, name + "_FILE");
    if (!file) return std::nullopt;
    auto read = secret_in_file(*file);
    if (!read) return std::unexpected(std::move(read).error().in(name + "_FILE"));
    return std::move(*read);
}

struct Place {
    std::optional<std::string> host;
    std::string port;
};

/// `NAME_PORT` is a number, or "tcp://10.0.0.1:6379".
base::Result<Place> place(const Environment& environment, const std::string& prefix, std::string_view standard_port) {
    Place place{.host = find(environment, prefix + "_HOST"), .port = std::string(standard_port)};
    const auto given = find(environment, prefix + "_PORT");
    if (!given) return place;
    std::string_view port = *given;
    if (port.starts_with("tcp://")) {
        port.remove_prefix(6);
        const auto colon = port.rfind(':');
        if (!place.host) place.host = std::string(port.substr(0, colon));
        port = colon == std::string_view::npos ? std::string_view{} : port.substr(colon + 1);
    }
    std::uint16_t number = 0;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
    if (error != std::errc{} || end != port.data() + port.size() || number == 0) {
        return base::fail(base::Code::invalid,
                          prefix + "_PORT: '" + *given + "' is neither a port nor like tcp://10.0.0.1:6379");
    }
    place.port = std::string(port);
    return place;
}

}  // namespace

base::Result<std::string> secret_in_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return base::fail(base::Code::not_found, "cannot read the file " + path);
    std::string text(secret_bytes_max + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (text.size() > secret_bytes_max) return base::fail(base::Code::too_large, path + " is too large for a secret");
    if (text.ends_with('\n')) text.pop_back();
    if (text.ends_with('\r')) text.pop_back();
    return text;
}

Part database_parts(const Environment& environment) {
    if (!find(environment, "DB_HOST")) return std::nullopt;
    const auto at = TRY(place(environment, "DB", "5432"));
    const auto secret = TRY(password(environment, "DB_PASSWORD"));
    const auto user = find(environment, "DB_USER").value_or("postgres");
    std::string url = "postgres://" + http::percent_encoded(user);
    if (secret) url += ":" + http::percent_encoded(*secret);
    url += "@" + http::percent_encoded(*at.host) + ":" + at.port + "/";
    return url + http::percent_encoded(find(environment, "DB_NAME").value_or(user));
}

Part redis_parts(const Environment& environment) {
    const auto at = TRY(place(environment, "REDIS", "6379"));
    if (!at.host) return std::nullopt;
    const auto secret = TRY(password(environment, "REDIS_PASSWORD"));
    std::string url = "redis://";
    if (secret) url += ":" + http::percent_encoded(*secret) + "@";
    return url + *at.host + ":" + at.port;
}

base::Result<void> parse_setting(std::string_view text, DatabaseUrl& value) {
    value.text = text;
    return {};
}

base::Result<void> parse_setting(std::string_view text, RedisUrl& value) {
    if (!text.empty() && !text.starts_with("redis://")) {
        return base::fail(base::Code::invalid, "a Redis address is like redis://[:password@]host:port, or empty");
    }
    value.text = text;
    return {};
}

base::Result<void> parse_setting(std::string_view text, Secret& value) {
    value.text = text;
    return {};
}

}  // namespace kit
