// Grammar of names, written out by hand: validation runs on every write.
#include "kinds/names.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace kinds {

static constexpr std::size_t label_max = 63;
static constexpr std::size_t subdomain_max = 253;

static bool lower(char c) { return c >= 'a' && c <= 'z'; }
static bool digit(char c) { return c >= '0' && c <= '9'; }
static bool upper(char c) { return c >= 'A' && c <= 'Z'; }
static bool lower_or_digit(char c) { return lower(c) || digit(c); }
static bool letter_or_digit(char c) { return lower(c) || upper(c) || digit(c); }

static bool is_label(std::string_view text) {
    if (text.empty() || !lower_or_digit(text.front()) || !lower_or_digit(text.back())) return false;
    return std::ranges::all_of(text, [](char c) { return lower_or_digit(c) || c == '-'; });
}

static bool is_subdomain(std::string_view text) {
    for (std::size_t start = 0; start <= text.size();) {
        const auto dot = std::min(text.find('.', start), text.size());
        if (!is_label(text.substr(start, dot - start))) return false;
        start = dot + 1;
    }
    return true;
}

static std::string too_long(std::size_t limit) { return fmt::format("must be no more than {} characters", limit); }

Complaints dns_label(std::string_view text) {
    Complaints out;
    if (text.size() > label_max) out.push_back(too_long(label_max));
    if (!is_label(text))
        out.emplace_back(
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and "
            "end with an alphanumeric character");
    return out;
}

Complaints dns_label_1035(std::string_view text) {
    Complaints out;
    if (text.size() > label_max) out.push_back(too_long(label_max));
    if (!is_label(text) || !lower(text.front()))
        out.emplace_back(
            "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic "
            "character, and end with an alphanumeric character");
    return out;
}

Complaints dns_subdomain(std::string_view text) {
    Complaints out;
    if (text.size() > subdomain_max) out.push_back(too_long(subdomain_max));
    if (!is_subdomain(text))
        out.emplace_back(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
            "start and end with an alphanumeric character");
    return out;
}

Complaints path_segment(std::string_view text) {
    if (text == "." || text == "..") return {fmt::format("may not be '{}'", text)};
    Complaints out;
    for (const char bad : {'/', '%'})
        if (text.find(bad) != std::string_view::npos) out.push_back(fmt::format("may not contain '{}'", bad));
    return out;
}

/// Alphanumeric at both ends, with - _ . between.
static bool is_word(std::string_view text) {
    if (text.empty() || !letter_or_digit(text.front()) || !letter_or_digit(text.back())) return false;
    return std::ranges::all_of(text, [](char c) { return letter_or_digit(c) || c == '-' || c == '_' || c == '.'; });
}

Complaints qualified_name(std::string_view text) {
    Complaints out;
    auto name = text;
    if (const auto slash = text.find('/'); slash != std::string_view::npos) {
        const auto prefix = text.substr(0, slash);
        name = text.substr(slash + 1);
        if (name.find('/') != std::string_view::npos)
            return {
                "a qualified name must consist of alphanumeric characters, '-', '_' or '.', with an optional DNS "
                "subdomain prefix and '/'"};
        if (prefix.empty()) out.emplace_back("prefix part must be non-empty");
        if (!prefix.empty())
            for (const auto& why : dns_subdomain(prefix)) out.push_back("prefix part " + why);
    }
    if (name.empty())
        out.emplace_back("name part must be non-empty");
    else if (name.size() > label_max)
        out.push_back("name part " + too_long(label_max));
    if (!is_word(name))
        out.emplace_back(
            "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
            "alphanumeric character");
    return out;
}

Complaints label_value(std::string_view text) {
    Complaints out;
    if (text.size() > label_max) out.push_back(too_long(label_max));
    if (!text.empty() && !is_word(text))
        out.emplace_back(
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
            "start and end with an alphanumeric character");
    return out;
}

Complaints config_key(std::string_view text) {
    Complaints out;
    if (text.size() > subdomain_max) out.push_back(too_long(subdomain_max));
    const auto fine = [](char c) { return letter_or_digit(c) || c == '-' || c == '_' || c == '.'; };
    if (text.empty() || !std::ranges::all_of(text, fine))
        out.emplace_back("a valid config key must consist of alphanumeric characters, '-', '_' or '.'");
    if (text == ".") out.emplace_back("must not be '.'");
    if (text == "..")
        out.emplace_back("must not be '..'");
    else if (text.starts_with(".."))
        out.emplace_back("must not start with '..'");
    return out;
}

Complaints port_name(std::string_view text) {
    Complaints out;
    constexpr std::size_t name_max = 15;
    if (text.size() > name_max) out.push_back(too_long(name_max));
    if (text.empty() || !std::ranges::all_of(text, [](char c) { return lower_or_digit(c) || c == '-'; }))
        out.emplace_back("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
    if (std::ranges::none_of(text, lower)) out.emplace_back("must contain at least one letter (a-z)");
    if (text.find("--") != std::string_view::npos) out.emplace_back("must not contain consecutive hyphens");
    if (!text.empty() && (text.front() == '-' || text.back() == '-'))
        out.emplace_back("must not begin or end with a hyphen");
    return out;
}

Complaints env_name(std::string_view text) {
    Complaints out;
    const auto printable = [](char c) { return c >= ' ' && c <= '~' && c != '='; };
    if (text.empty() || !std::ranges::all_of(text, printable))
        out.emplace_back(
            "a valid environment variable name must consist only of printable ASCII characters other than '='");
    return out;
}

Complaints port_number(std::int64_t port) {
    if (port >= 1 && port <= 65535) return {};
    return {"must be between 1 and 65535, inclusive"};
}

bool is_ipv4(std::string_view text) {
    std::array<unsigned char, 4> bytes{};
    return inet_pton(AF_INET, std::string(text).c_str(), bytes.data()) == 1;
}

bool is_ipv6(std::string_view text) {
    std::array<unsigned char, 16> bytes{};
    return inet_pton(AF_INET6, std::string(text).c_str(), bytes.data()) == 1;
}

Complaints ip_address(std::string_view text) {
    if (is_ipv4(text) || is_ipv6(text)) return {};
    return {"must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"};
}

Complaints canonical_ip(std::string_view text) {
    std::array<unsigned char, 16> bytes{};
    std::array<char, INET6_ADDRSTRLEN> canonical{};
    const auto family = is_ipv4(text) ? AF_INET : AF_INET6;
    if (inet_pton(family, std::string(text).c_str(), bytes.data()) != 1) return ip_address(text);
    inet_ntop(family, bytes.data(), canonical.data(), canonical.size());
    if (text == canonical.data()) return {};
    return {fmt::format("must be in canonical form (\"{}\")", canonical.data())};
}

Complaints cidr(std::string_view text) {
    const Complaints complaint{"must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"};
    const auto slash = text.find('/');
    if (slash == std::string_view::npos) return complaint;
    const auto address = text.substr(0, slash);
    const auto bits = text.substr(slash + 1);
    if (bits.empty() || bits.size() > 3 || !std::ranges::all_of(bits, digit)) return complaint;
    const int length = std::stoi(std::string(bits));
    const int most = is_ipv4(address) ? 32 : is_ipv6(address) ? 128 : -1;
    return length <= most ? Complaints{} : complaint;
}

Complaints canonical_cidr(std::string_view text) {
    auto complaints = cidr(text);
    if (!complaints.empty()) return complaints;
    const auto slash = text.find('/');
    const std::string address(text.substr(0, slash));
    const int length = std::stoi(std::string(text.substr(slash + 1)));
    std::array<unsigned char, 16> bytes{};
    const bool v4 = is_ipv4(address);
    inet_pton(v4 ? AF_INET : AF_INET6, address.c_str(), bytes.data());
    for (int bit = length; bit < (v4 ? 32 : 128); ++bit)
        if (bytes[static_cast<std::size_t>(bit / 8)] & (0x80 >> bit % 8))
            return {"must not have bits set beyond the prefix"};
    return {};
}

void complain(Checks& checks, const Path& at, std::string_view value, const Complaints& complaints) {
    for (const auto& why : complaints) checks.invalid(at, shown(value), why);
}

}  // namespace kinds
