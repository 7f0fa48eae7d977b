// Settings: each declared once, as a struct member with its name, prose and default. Its flag (--database-url), its
// environment variable (DATABASE_URL), its line in a file (database-url = ...) and the help text derive from that.
// A flag wins over the environment, that over the file, that over the default. A secret may stand in a file of its own,
// which --NAME-file, NAME_FILE or a line `NAME-file = ...` names.
#pragma once

#include <boost/pfr/core.hpp>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace kit {

base::Result<void> parse_setting(std::string_view text, std::string& value);
base::Result<void> parse_setting(std::string_view text, bool& value);
base::Result<void> parse_setting(std::string_view text, std::int64_t& value);
base::Result<void> parse_setting(std::string_view text, std::uint16_t& value);
/// "250ms", "5s", "2m", "1h"; a bare number is seconds.
base::Result<void> parse_setting(std::string_view text, std::chrono::milliseconds& value);

using Environment = std::map<std::string, std::string, std::less<>>;
Environment process_environment();

/// Where a database is. Given nowhere, it is made of DB_HOST, DB_PORT, DB_NAME, DB_USER and DB_PASSWORD (or
/// DB_PASSWORD_FILE) when DB_HOST is there. Never shown.
struct DatabaseUrl {
    std::string text;
    operator std::string_view() const { return text; }
};
/// Where Redis is; "" is none. Given nowhere, it is made of REDIS_HOST, REDIS_PORT and REDIS_PASSWORD (or
/// REDIS_PASSWORD_FILE); a REDIS_PORT like tcp://10.0.0.1:6379, as Kubernetes sets it for a Service called redis, says
/// the host too. Never shown.
struct RedisUrl {
    std::string text;
    operator std::string_view() const { return text; }
};
/// Never shown.
struct Secret {
    std::string text;
    operator std::string_view() const { return text; }
    bool empty() const { return text.empty(); }
};
base::Result<void> parse_setting(std::string_view text, DatabaseUrl& value);
base::Result<void> parse_setting(std::string_view text, RedisUrl& value);
base::Result<void> parse_setting(std::string_view text, Secret& value);

template <class T>
concept SecretSetting = std::same_as<T, DatabaseUrl> || std::same_as<T, RedisUrl> || std::same_as<T, Secret>;

/// What other variables make of a setting that was given nowhere; nothing: its default stands.
using Parts = base::Result<std::optional<std::string>> (*)(const Environment&);
base::Result<std::optional<std::string>> database_parts(const Environment& environment);
base::Result<std::optional<std::string>> redis_parts(const Environment& environment);
template <class T>
constexpr Parts parts_of = nullptr;
template <>
inline constexpr Parts parts_of<DatabaseUrl> = database_parts;
template <>
inline constexpr Parts parts_of<RedisUrl> = redis_parts;

enum class Shown : std::uint8_t { open, secret };

template <class T>
class Setting {
 public:
    Setting(std::string_view name, std::string_view prose, std::string_view standard, Shown shown = Shown::open)
        : name_(name), prose_(prose), standard_(standard), shown_(SecretSetting<T> ? Shown::secret : shown) {
        base::check(parse_setting(standard, value_).has_value(), "a setting's default is a value of its type");
    }
    const T& get() const { return value_; }
    operator const T&() const { return value_; }
    const T& operator*() const { return value_; }
    const T* operator->() const { return &value_; }
    base::Result<void> set(std::string_view text) { return parse_setting(text, value_); }
    std::string_view name() const { return name_; }
    std::string_view prose() const { return prose_; }
    std::string_view standard() const { return standard_; }
    Shown shown() const { return shown_; }

 private:
    std::string_view name_, prose_, standard_;
    Shown shown_;
    T value_{};
};

/// A setting without its type.
struct SettingEntry {
    std::string_view name, prose, standard;
    Shown shown;
    std::function<base::Result<void>(std::string_view)> set;
    Parts parts = nullptr;
};

template <class T>
constexpr Parts parts_for(const Setting<T>&) {
    return parts_of<T>;
}

template <class Struct>
std::vector<SettingEntry> setting_entries(Struct& settings) {
    std::vector<SettingEntry> entries;
    boost::pfr::for_each_field(settings, [&](auto& one) {
        entries.push_back({one.name(), one.prose(), one.standard(), one.shown(),
                           [&one](std::string_view text) { return one.set(text); }, parts_for(one)});
    });
    return entries;
}

struct CommandLine {
    bool help = false;
    bool version = false;
    std::vector<std::string> words;  ///< what is no flag
};

/// Fills the entries. An Error names the flag, variable or line and what it should hold.
base::Result<CommandLine> load_settings(const std::vector<SettingEntry>& entries,
                                        const std::vector<std::string>& arguments, const Environment& environment);
std::string settings_help(std::string_view program, const std::vector<SettingEntry>& entries);
/// "database-url" -> "DATABASE_URL".
std::string environment_name(std::string_view setting);

}  // namespace kit
