#include "kit/setting.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <set>

#include "kit/setting_parts.h"

namespace kit {
namespace {

template <class Number>
base::Result<void> parse_number(std::string_view text, Number& value, std::string_view wanted) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || text.empty()) {
        return base::fail(base::Code::invalid, "'" + std::string(text) + "' is not " + std::string(wanted));
    }
    value = number;
    return {};
}

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\r");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

/// Which setting a name means; a secret's name with "-file" behind it means the file that it stands in.
struct Meant {
    const SettingEntry* entry = nullptr;
    bool in_file = false;
};

Meant meant_by(const std::vector<SettingEntry>& entries, std::string_view name) {
    auto found = std::ranges::find(entries, name, &SettingEntry::name);
    if (found != entries.end()) return {&*found, false};
    if (!name.ends_with("-file")) return {};
    found = std::ranges::find(entries, name.substr(0, name.size() - 5), &SettingEntry::name);
    return found == entries.end() || found->shown == Shown::open ? Meant{} : Meant{&*found, true};
}

/// Which entries were given a value, by any way.
using Given = std::set<const SettingEntry*>;

base::Result<void> apply(const Meant& meant, std::string_view text, const std::string& where, Given& given) {
    std::string from_file;
    if (meant.in_file) {
        auto read = secret_in_file(std::string(text));
        if (!read) return std::unexpected(std::move(read).error().in(where));
        from_file = std::move(*read);
    }
    auto done = meant.entry->set(meant.in_file ? std::string_view(from_file) : text);
    if (!done) return std::unexpected(std::move(done).error().in(where));
    given.insert(meant.entry);
    return {};
}

base::Result<void> load_file(const std::vector<SettingEntry>& entries, const std::string& path, Given& given) {
    std::ifstream file(path);
    if (!file) return base::fail(base::Code::not_found, "cannot read the settings file " + path);
    int number = 0;
    for (std::string line; std::getline(file, line);) {
        ++number;
        const auto text = trimmed(line);
        if (text.empty() || text.starts_with('#')) continue;
        const auto where = path + ":" + std::to_string(number);
        const auto sign = text.find('=');
        if (sign == std::string_view::npos) return base::fail(base::Code::invalid, where + ": expected `name = value`");
        const auto meant = meant_by(entries, trimmed(text.substr(0, sign)));
        if (!meant.entry) {
            return base::fail(base::Code::invalid, where + ": no setting is called '" +
                                                       std::string(trimmed(text.substr(0, sign))) + "'; see --help");
        }
        TRY(apply(meant, trimmed(text.substr(sign + 1)), where, given));
    }
    return {};
}

base::Result<void> load_environment(const std::vector<SettingEntry>& entries, const Environment& environment,
                                    Given& given) {
    for (const auto& entry : entries) {
        const auto name = environment_name(entry.name);
        auto found = environment.find(name);
        if (found != environment.end()) {
            TRY(apply({&entry, false}, found->second, name, given));
            continue;
        }
        found = entry.shown == Shown::secret ? environment.find(name + "_FILE") : environment.end();
        if (found != environment.end()) TRY(apply({&entry, true}, found->second, name + "_FILE", given));
    }
    return {};
}

struct Flags {
    std::vector<std::pair<std::string, std::string>> values;
    std::string file;
    CommandLine rest;
};

base::Result<Flags> read_flags(const std::vector<SettingEntry>& entries, const std::vector<std::string>& arguments) {
    Flags flags;
    for (std::size_t at = 0; at < arguments.size(); ++at) {
        const std::string_view word = arguments[at];
        if (word == "--help" || word == "-h") {
            flags.rest.help = true;
        } else if (word == "--version") {
            flags.rest.version = true;
        } else if (!word.starts_with("--")) {
            flags.rest.words.emplace_back(word);
        } else {
            const auto sign = word.find('=');
            const std::string name(word.substr(2, sign == std::string_view::npos ? sign : sign - 2));
            if (name != "config" && !meant_by(entries, name).entry) {
                return base::fail(base::Code::invalid, "there is no flag --" + name + "; see --help");
            }
            if (sign == std::string_view::npos && at + 1 == arguments.size()) {
                return base::fail(base::Code::invalid, "--" + name + " needs a value");
            }
            auto value = sign == std::string_view::npos ? arguments[++at] : std::string(word.substr(sign + 1));
            if (name == "config") flags.file = value;
            flags.values.emplace_back(name, std::move(value));
        }
    }
    return flags;
}

}  // namespace

base::Result<void> parse_setting(std::string_view text, std::string& value) {
    value = text;
    return {};
}

base::Result<void> parse_setting(std::string_view text, bool& value) {
    const bool yes = text == "true" || text == "1" || text == "yes" || text == "on";
    const bool no = text == "false" || text == "0" || text == "no" || text == "off";
    if (!yes && !no) return base::fail(base::Code::invalid, "'" + std::string(text) + "' is not true or false");
    value = yes;
    return {};
}

base::Result<void> parse_setting(std::string_view text, std::int64_t& value) {
    return parse_number(text, value, "a whole number");
}

base::Result<void> parse_setting(std::string_view text, std::uint16_t& value) {
    return parse_number(text, value, "a number from 0 to 65535");
}

base::Result<void> parse_setting(std::string_view text, std::chrono::milliseconds& value) {
    const auto unit_at = std::min(text.find_first_not_of("0123456789"), text.size());
    const auto unit = text.substr(unit_at);
    const std::int64_t scale = unit == "ms"                  ? 1
                               : unit == "s" || unit.empty() ? 1000
                               : unit == "m"                 ? 60'000
                               : unit == "h"                 ? 3'600'000
                                                             : 0;
    std::int64_t number = 0;
    const bool read = parse_number(text.substr(0, unit_at), number, "a number").has_value();
    if (!read || scale == 0 || number > 1'000'000'000) {
        return base::fail(base::Code::invalid, "'" + std::string(text) + "' is not a time like 250ms, 5s, 2m or 1h");
    }
    value = std::chrono::milliseconds(number * scale);
    return {};
}

std::string environment_name(std::string_view setting) {
    std::string name;
    for (const char c : setting) name += c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
    return name;
}

Environment process_environment() {
    Environment environment;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view line = *entry;
        const auto sign = line.find('=');
        if (sign != std::string_view::npos) environment.emplace(line.substr(0, sign), line.substr(sign + 1));
    }
    return environment;
}

base::Result<CommandLine> load_settings(const std::vector<SettingEntry>& entries,
                                        const std::vector<std::string>& arguments, const Environment& environment) {
    auto flags = TRY(read_flags(entries, arguments));
    Given given;
    if (!flags.file.empty()) TRY(load_file(entries, flags.file, given));
    TRY(load_environment(entries, environment, given));
    for (const auto& [name, value] : flags.values) {
        if (name != "config") TRY(apply(meant_by(entries, name), value, "--" + name, given));
    }
    for (const auto& entry : entries) {
        if (!entry.parts || given.contains(&entry)) continue;
        const auto made = TRY(entry.parts(environment));
        if (made) TRY(apply({&entry, false}, *made, std::string(entry.name), given));
    }
    return std::move(flags.rest);
}

std::string settings_help(std::string_view program, const std::vector<SettingEntry>& entries) {
    std::string text = "usage: " + std::string(program) + " [--name value]...\n\n";
    text +=
        "Each setting may be given as a flag, as an environment variable, or as `name = value` in the file that\n"
        "--config names. A secret may stand in a file of its own: --NAME-file or NAME_FILE names it.\n\n";
    for (const auto& entry : entries) {
        text += "  --" + std::string(entry.name) + "  (" + environment_name(entry.name) + ")\n      " +
                std::string(entry.prose);
        if (!entry.standard.empty()) {
            text += " Default: " + std::string(entry.standard) + ".";
        }
        if (entry.parts == database_parts)
            text += "\n      Or DB_HOST, with DB_PORT, DB_NAME, DB_USER and DB_PASSWORD (or DB_PASSWORD_FILE).";
        if (entry.parts == redis_parts)
            text +=
                "\n      Or REDIS_HOST and REDIS_PORT (also tcp://HOST:PORT), with REDIS_PASSWORD (or "
                "REDIS_PASSWORD_FILE).";
        text += "\n";
    }
    return text;
}

}  // namespace kit
