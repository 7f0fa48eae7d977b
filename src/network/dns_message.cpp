// Reading never goes beyond the message, pointers lead backwards only, and names have their limit.
#include "network/dns_message.h"

#include <algorithm>
#include <cctype>

namespace network {
namespace {

constexpr std::size_t header_bytes = 12, name_max = 255, label_max = 63;
constexpr std::uint16_t class_in = 1;
constexpr std::size_t udp_answer_max = 1232;  ///< fits every path without fragments

std::uint32_t number(std::string_view message, std::size_t at, int bytes) {
    std::uint32_t out = 0;
    for (int i = 0; i < bytes; ++i)
        out = out << 8 | static_cast<unsigned char>(message[at + static_cast<std::size_t>(i)]);
    return out;
}

std::uint16_t short_at(std::string_view message, std::size_t at) {
    return static_cast<std::uint16_t>(number(message, at, 2));
}

std::string record_wire(const DnsRecord& record) {
    return wire_name(record.name) + wire_number(static_cast<std::uint16_t>(record.type), 2) + wire_number(class_in, 2) +
           wire_number(record.ttl, 4) + wire_number(static_cast<std::uint32_t>(record.data.size()), 2) + record.data;
}

/// The UDP size of an OPT record behind the question, 0 when there is none. Clients send nothing else there.
std::size_t opt_size(std::string_view message, std::size_t at) {
    constexpr std::size_t opt_bytes = 11;
    if (short_at(message, 10) == 0 || message.size() < at + opt_bytes || message[at] != 0) return 0;
    return short_at(message, at + 1) == static_cast<std::uint16_t>(DnsType::opt) ? short_at(message, at + 3) : 0;
}

}  // namespace

std::string wire_number(std::uint32_t value, int bytes) {
    std::string out;
    for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i) & 255);
    return out;
}

std::string wire_name(std::string_view name) {
    std::string out;
    while (!name.empty()) {
        const auto dot = std::min(name.find('.'), name.size());
        const auto label = name.substr(0, std::min(dot, label_max));
        if (!label.empty()) (out += static_cast<char>(label.size())) += label;
        name.remove_prefix(std::min(dot + 1, name.size()));
    }
    return out + '\0';
}

std::optional<std::string> read_name(std::string_view message, std::size_t& at) {
    std::string out;
    std::size_t here = at, limit = message.size();
    bool jumped = false;
    for (;;) {
        if (here >= message.size()) return {};
        const auto length = static_cast<unsigned char>(message[here]);
        if (length >= 0xc0) {
            if (here + 1 >= message.size()) return {};
            const std::size_t target = short_at(message, here) & 0x3fff;
            if (!jumped) at = here + 2;
            jumped = true;
            if (target >= here || target >= limit) return {};
            limit = here = target;
            continue;
        }
        if (length > label_max || here + 1 + length > message.size()) return {};
        if (length == 0) break;
        if (!out.empty()) out += '.';
        out += message.substr(here + 1, length);
        if (out.size() > name_max) return {};
        here += 1u + length;
    }
    if (!jumped) at = here + 1;
    return out;
}

std::optional<DnsQuestion> read_question(std::string_view message) {
    constexpr unsigned char answer_bit = 0x80;
    if (message.size() < header_bytes || (static_cast<unsigned char>(message[2]) & answer_bit) != 0) return {};
    if (short_at(message, 4) != 1) return {};
    std::size_t at = header_bytes;
    auto name = read_name(message, at);
    if (!name || at + 4 > message.size()) return {};
    DnsQuestion out{.id = short_at(message, 0),
                    .recursion_wanted = (message[2] & 1) != 0,
                    .name = std::move(*name),
                    .type = static_cast<DnsType>(short_at(message, at)),
                    .wire = std::string(message.substr(header_bytes, at + 4 - header_bytes))};
    std::ranges::transform(out.name, out.name.begin(), [](unsigned char c) { return std::tolower(c); });
    if (const auto size = opt_size(message, at + 4)) {
        out.extended = true;
        out.answer_max = std::clamp(size, out.answer_max, udp_answer_max);
    }
    return out;
}

std::string write_answer(const DnsQuestion& question, const DnsParts& parts) {
    constexpr unsigned authoritative = 0x8400, recursion_available = 0x0080, truncated = 0x0200, recursion = 0x0100;
    unsigned flags = authoritative | recursion_available | static_cast<unsigned>(parts.code);
    if (question.recursion_wanted) flags |= recursion;
    if (parts.truncated) flags |= truncated;
    std::string out =
        wire_number(question.id, 2) + wire_number(flags, 2) + wire_number(question.wire.empty() ? 0 : 1, 2);
    out += wire_number(static_cast<std::uint32_t>(parts.answers.size()), 2);
    out += wire_number(static_cast<std::uint32_t>(parts.authority.size()), 2);
    out += wire_number(static_cast<std::uint32_t>(parts.additional.size() + (question.extended ? 1 : 0)), 2);
    out += question.wire;
    for (const auto* section : {&parts.answers, &parts.authority, &parts.additional})
        for (const auto& record : *section) out += record_wire(record);
    if (question.extended)
        (out += '\0')
            .append(wire_number(static_cast<std::uint16_t>(DnsType::opt), 2) + wire_number(udp_answer_max, 2) +
                    wire_number(0, 4) + wire_number(0, 2));
    return out;
}

std::string write_query(std::uint16_t id, std::string_view name, DnsType type) {
    constexpr unsigned recursion = 0x0100;
    return wire_number(id, 2) + wire_number(recursion, 2) + wire_number(1, 2) + wire_number(0, 4) + wire_number(0, 2) +
           wire_name(name) + wire_number(static_cast<std::uint16_t>(type), 2) + wire_number(class_in, 2);
}

std::vector<DnsRecord> read_answers(std::string_view message) {
    std::vector<DnsRecord> out;
    if (message.size() < header_bytes) return out;
    std::size_t at = header_bytes;
    for (int i = 0; i < short_at(message, 4); ++i) {
        if (!read_name(message, at) || at + 4 > message.size()) return out;
        at += 4;
    }
    for (int i = 0; i < short_at(message, 6); ++i) {
        constexpr std::size_t fixed_bytes = 10;
        auto name = read_name(message, at);
        if (!name || at + fixed_bytes > message.size()) return out;
        DnsRecord record{.name = std::move(*name),
                         .type = static_cast<DnsType>(short_at(message, at)),
                         .ttl = number(message, at + 4, 4)};
        const std::size_t size = short_at(message, at + 8);
        at += fixed_bytes;
        if (at + size > message.size()) return out;
        if (record.type == DnsType::cname) {
            auto inside = at;
            const auto target = read_name(message, inside);
            if (!target) return out;
            record.data = wire_name(*target);
        } else {
            record.data = std::string(message.substr(at, size));
        }
        at += size;
        if (record.type == DnsType::cname || record.type == DnsType::a || record.type == DnsType::aaaa)
            out.push_back(std::move(record));
    }
    return out;
}

}  // namespace network
