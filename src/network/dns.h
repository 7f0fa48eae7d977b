// DNS answers as values: query bytes in, answer bytes out, by the Kubernetes DNS specification (1.1.0) for services.
// What is no name of the cluster is for others to answer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "network/zone.h"

namespace network {

enum class Transport : std::uint8_t { udp, tcp };

struct DnsReply {
    /// ignore: no query at all; forward: ask the machine's own resolvers with the same bytes;
    /// follow: `bytes` is an answer with an alias to a name outside the cluster, which `query` asks for: add what it
    /// brings by with_followed().
    enum class What : std::uint8_t { answer, ignore, forward, follow };
    What what = What::answer;
    std::string bytes;
    std::string query;
};

DnsReply answer_dns(const Zone& zone, std::string_view query, Transport transport, std::string_view service_cidr);

/// The alias answer, completed by the records of the answer to its query.
std::string with_followed(std::string_view alias_answer, std::string_view followed);

/// The refusal to a query that nobody could answer: SERVFAIL.
std::string dns_failure(std::string_view query);

}  // namespace network
