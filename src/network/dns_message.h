// DNS messages (RFC 1035): the parts that a resolver of local names reads and writes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace network {

enum class DnsType : std::uint16_t {
    a = 1,
    ns = 2,
    cname = 5,
    soa = 6,
    ptr = 12,
    txt = 16,
    aaaa = 28,
    srv = 33,
    opt = 41,
    any = 255
};
enum class DnsCode : std::uint8_t { ok = 0, format = 1, failure = 2, no_such_name = 3, not_implemented = 4 };

struct DnsQuestion {
    std::uint16_t id = 0;
    bool recursion_wanted = false;
    std::string name;  ///< lower case, dots between labels, none at the end
    DnsType type = DnsType::a;
    std::string wire;              ///< the question section as it came
    std::size_t answer_max = 512;  ///< what the asker takes by UDP
    bool extended = false;         ///< it sent an OPT record
};

struct DnsRecord {
    std::string name;
    DnsType type = DnsType::a;
    std::uint32_t ttl = 0;
    std::string data;  ///< as on the wire, names in it uncompressed
};

struct DnsParts {
    DnsCode code = DnsCode::ok;
    std::vector<DnsRecord> answers, authority, additional;
    bool truncated = false;
};

/// A name in wire form. Labels are as given.
std::string wire_name(std::string_view name);
std::string wire_number(std::uint32_t value, int bytes);
/// The name at `at`, with pointers followed; moves `at` behind it. Nothing when it is broken.
std::optional<std::string> read_name(std::string_view message, std::size_t& at);

/// Nothing when the bytes are no query of one question.
std::optional<DnsQuestion> read_question(std::string_view message);
std::string write_answer(const DnsQuestion& question, const DnsParts& parts);
std::string write_query(std::uint16_t id, std::string_view name, DnsType type);
/// The records of the answer section whose data can stand alone (addresses and aliases).
std::vector<DnsRecord> read_answers(std::string_view message);

}  // namespace network
