// Validation of Endpoints and EndpointSlices.
#include <set>
#include <string>

#include "kinds/validate.h"

namespace kinds {

static constexpr std::size_t endpoints_max = 1000;
static constexpr std::size_t addresses_max = 100;
static constexpr std::size_t ports_max = 20'000;

/// Addresses that say nothing to anybody else: loopback, link local, unspecified, multicast.
static void check_reachable(Checks& checks, const Path& at, std::string_view address) {
    const bool special = address == "0.0.0.0" || address == "::" || address.starts_with("127.") || address == "::1" ||
                         address.starts_with("169.254.") || address.starts_with("fe80:") ||
                         address.starts_with("224.0.0.") || address.starts_with("ff02:");
    if (special) checks.invalid(at, shown(address), "may not be unspecified, loopback, link-local or multicast");
}

static void check_addresses(Checks& checks, const Path& at, Ref addresses) {
    const auto& items = addresses.items();
    for (std::size_t i = 0; i < items.size(); ++i) {
        const Ref address(items[i]);
        complain(checks, at[i] / "ip", address["ip"].str(), ip_address(address["ip"].str()));
        check_reachable(checks, at[i] / "ip", address["ip"].str());
        if (const auto host = address["hostname"].str(); !host.empty())
            complain(checks, at[i] / "hostname", host, dns_label(host));
        if (const auto node = address["nodeName"].str(); !node.empty())
            complain(checks, at[i] / "nodeName", node, dns_subdomain(node));
    }
}

static void check_protocol(Checks& checks, const Path& at, Ref protocol) {
    if (protocol.str().empty()) return checks.required(at);
    checks.one_of(at, protocol, {"TCP", "UDP", "SCTP"});
}

void validate_endpoints(Checks& checks, Ref object) {
    const auto& subsets = object["subsets"].items();
    for (std::size_t i = 0; i < subsets.size(); ++i) {
        const Ref subset(subsets[i]);
        const auto at = Path("subsets")[i];
        if (subset["addresses"].size() + subset["notReadyAddresses"].size() == 0)
            checks.required(at, "must specify `addresses` or `notReadyAddresses`");
        for (const auto* kind : {"addresses", "notReadyAddresses"}) check_addresses(checks, at / kind, subset[kind]);
        const auto& ports = subset["ports"].items();
        for (std::size_t k = 0; k < ports.size(); ++k) {
            const Ref port(ports[k]);
            const auto place = (at / "ports")[k];
            const auto name = port["name"].str();
            if (name.empty() && ports.size() > 1)
                checks.required(place / "name");
            else if (!name.empty())
                complain(checks, place / "name", name, dns_label(name));
            if (const auto number = port["port"].num(); !port_number(number).empty())
                checks.invalid(place / "port", shown(number), port_number(number).front());
            check_protocol(checks, place / "protocol", port["protocol"]);
        }
    }
}

static void check_slice_address(Checks& checks, const Path& at, std::string_view type, std::string_view address) {
    if (type == "IPv4" && !is_ipv4(address)) checks.invalid(at, shown(address), "must be a valid IPv4 address");
    if (type == "IPv6" && !is_ipv6(address)) checks.invalid(at, shown(address), "must be a valid IPv6 address");
    if (type == "FQDN") complain(checks, at, address, dns_subdomain(address));
    if (type == "IPv4" || type == "IPv6") check_reachable(checks, at, address);
}

/// Names of where an endpoint's traffic should come from: few, each once, each as `name_rule` wants it.
static void check_hints(Checks& checks, const Path& at, Ref hints, Complaints (*name_rule)(std::string_view)) {
    constexpr std::size_t hints_max = 8;
    const auto& items = hints.items();
    if (items.size() > hints_max) return checks.too_many(at, items.size(), hints_max);
    std::set<std::string_view> seen;
    for (std::size_t i = 0; i < items.size(); ++i) {
        const auto name = Ref(items[i])["name"].str();
        if (!seen.insert(name).second) checks.duplicate(at[i] / "name", shown(name));
        complain(checks, at[i] / "name", name, name_rule(name));
    }
}

static void check_slice_endpoints(Checks& checks, Ref slice) {
    const auto& endpoints = slice["endpoints"].items();
    if (endpoints.size() > endpoints_max) return checks.too_many("endpoints", endpoints.size(), endpoints_max);
    for (std::size_t i = 0; i < endpoints.size(); ++i) {
        const Ref endpoint(endpoints[i]);
        const auto at = Path("endpoints")[i];
        const auto& addresses = endpoint["addresses"].items();
        if (addresses.empty()) checks.required(at / "addresses", "must contain at least 1 address");
        if (addresses.size() > addresses_max) checks.too_many(at / "addresses", addresses.size(), addresses_max);
        for (std::size_t k = 0; k < addresses.size(); ++k)
            check_slice_address(checks, (at / "addresses")[k], slice["addressType"].str(), Ref(addresses[k]).str());
        if (const auto node = endpoint["nodeName"].str(); !node.empty())
            complain(checks, at / "nodeName", node, dns_subdomain(node));
        if (const auto host = endpoint["hostname"].str(); !host.empty())
            complain(checks, at / "hostname", host, dns_label(host));
        check_hints(checks, at / "hints" / "forZones", endpoint["hints"]["forZones"], label_value);
        check_hints(checks, at / "hints" / "forNodes", endpoint["hints"]["forNodes"], dns_subdomain);
    }
}

static void check_slice_ports(Checks& checks, Ref slice) {
    std::set<std::string> names;
    const auto& ports = slice["ports"].items();
    if (ports.size() > ports_max) return checks.too_many("ports", ports.size(), ports_max);
    for (std::size_t i = 0; i < ports.size(); ++i) {
        const Ref port(ports[i]);
        const auto at = Path("ports")[i];
        const auto name = port["name"].str();
        if (!name.empty()) complain(checks, at / "name", name, dns_label(name));
        if (!names.emplace(name).second) checks.duplicate(at / "name", shown(name));
        check_protocol(checks, at / "protocol", port["protocol"]);
        if (const auto app = port["appProtocol"].str(); !app.empty())
            complain(checks, at / "appProtocol", app, qualified_name(app));
    }
}

static void check_address_type(Checks& checks, Ref slice) {
    if (slice["addressType"].str().empty()) return checks.required("addressType");
    checks.one_of("addressType", slice["addressType"], {"IPv4", "IPv6", "FQDN"});
}

void validate_endpoint_slice(Checks& checks, Ref object) {
    check_address_type(checks, object);
    check_slice_endpoints(checks, object);
    check_slice_ports(checks, object);
}

void validate_endpoint_slice_update(Checks& checks, const UpdateCheck& update) {
    check_address_type(checks, update.updated);
    // What did not change was accepted before, whatever its type is called now.
    if (!equal(update.updated["endpoints"], update.live["endpoints"])) check_slice_endpoints(checks, update.updated);
    check_slice_ports(checks, update.updated);
    check_immutable(checks, "addressType", update.updated["addressType"], update.live["addressType"]);
}

}  // namespace kinds
