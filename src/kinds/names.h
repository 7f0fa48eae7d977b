// What names, keys and values may look like (RFC 1123/1035 labels and subdomains, qualified names, label values, ...).
// Each rule gives the complaints about a text, none when it is fine.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kinds/causes.h"

namespace kinds {

using Complaints = std::vector<std::string>;

Complaints dns_label(std::string_view text);
Complaints dns_label_1035(std::string_view text);
Complaints dns_subdomain(std::string_view text);
/// A name that may stand in a URL's path: no '/', no '%', not "." or "..".
Complaints path_segment(std::string_view text);
/// "prefix.example.com/name" or "name".
Complaints qualified_name(std::string_view text);
Complaints label_value(std::string_view text);
Complaints config_key(std::string_view text);
Complaints port_name(std::string_view text);
Complaints env_name(std::string_view text);
/// A port number.
Complaints port_number(std::int64_t port);
Complaints ip_address(std::string_view text);
/// An address in its one canonical form, as object names need it.
Complaints canonical_ip(std::string_view text);
Complaints cidr(std::string_view text);
/// A range whose address has no bits beyond its prefix.
Complaints canonical_cidr(std::string_view text);
bool is_ipv4(std::string_view text);
bool is_ipv6(std::string_view text);

/// Says each complaint as an invalid value at that place.
void complain(Checks& checks, const Path& at, std::string_view value, const Complaints& complaints);

}  // namespace kinds
