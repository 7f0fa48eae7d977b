// Validation of Ingress and its class, of network policies, addresses and service ranges.
#include <string>

#include "kinds/validate.h"

namespace kinds {

static void check_backend(Checks& checks, const Path& at, Ref backend) {
    const Ref service = backend["service"];
    const Ref resource = backend["resource"];
    if (resource && service) return checks.invalid(at, "\"\"", "cannot set both resource and service backends");
    if (resource) {
        for (const auto* field : {"kind", "name"})
            if (resource[field].str().empty()) checks.required(at / "resource" / field);
        return;
    }
    if (!service) return checks.required(at, "resource or service backend is required");
    const auto name = service["name"].str();
    if (name.empty())
        checks.required(at / "service" / "name");
    else
        complain(checks, at / "service" / "name", name, dns_label(name));
    const auto port = at / "service" / "port";
    const auto port_text = service["port"]["name"].str();
    const auto number = service["port"]["number"].num();
    if (!port_text.empty() && number != 0) return checks.invalid(at, "\"\"", "cannot set both port name & port number");
    if (!port_text.empty()) return complain(checks, port / "name", port_text, port_name(port_text));
    if (number == 0) return checks.required(at, "port name or number is required");
    if (!port_number(number).empty()) checks.invalid(port / "number", shown(number), port_number(number).front());
}

static void check_path(Checks& checks, const Path& at, Ref path) {
    const auto type = path["pathType"].str();
    const auto text = path["path"].str();
    if (type.empty()) {
        checks.required(at / "pathType", "pathType must be specified");
    } else if (type == "Exact" || type == "Prefix") {
        if (!text.starts_with('/')) checks.invalid(at / "path", shown(text), "must be an absolute path");
        for (const auto* bad : {"//", "/./", "/../", "%2f", "%2F"})
            if (text.find(bad) != std::string_view::npos)
                checks.invalid(at / "path", shown(text), "must not contain '" + std::string(bad) + "'");
        for (const auto* bad : {"/..", "/."})
            if (text.ends_with(bad))
                checks.invalid(at / "path", shown(text), "cannot end with '" + std::string(bad) + "'");
    } else if (type == "ImplementationSpecific") {
        if (!text.empty() && !text.starts_with('/'))
            checks.invalid(at / "path", shown(text), "must be an absolute path");
    } else {
        checks.unsupported(at / "pathType", shown(type), {"Exact", "Prefix", "ImplementationSpecific"});
    }
    check_backend(checks, at / "backend", path["backend"]);
}

static void check_host(Checks& checks, const Path& at, std::string_view host) {
    if (host.empty()) return;
    if (ip_address(host).empty()) return checks.invalid(at, shown(host), "must be a DNS name, not an IP address");
    complain(checks, at, host, dns_subdomain(host.starts_with("*.") ? host.substr(2) : host));
}

void validate_ingress(Checks& checks, Ref object) {
    const Path at("spec");
    const Ref spec = object["spec"];
    const auto& rules = spec["rules"].items();
    if (rules.empty() && !spec["defaultBackend"])
        checks.invalid(at, "{}", "either `defaultBackend` or `rules` must be specified");
    if (spec["defaultBackend"]) check_backend(checks, at / "defaultBackend", spec["defaultBackend"]);
    for (std::size_t i = 0; i < rules.size(); ++i) {
        const auto place = (at / "rules")[i];
        check_host(checks, place / "host", Ref(rules[i])["host"].str());
        const Ref http = Ref(rules[i])["http"];
        if (!http) continue;
        const auto& paths = http["paths"].items();
        if (paths.empty()) checks.required(place / "http" / "paths");
        for (std::size_t k = 0; k < paths.size(); ++k) check_path(checks, (place / "http" / "paths")[k], paths[k]);
    }
    const auto& tls = spec["tls"].items();
    for (std::size_t i = 0; i < tls.size(); ++i) {
        const auto place = (at / "tls")[i];
        const auto& hosts = Ref(tls[i])["hosts"].items();
        for (std::size_t k = 0; k < hosts.size(); ++k) {
            const auto host = Ref(hosts[k]).str();
            complain(checks, (place / "hosts")[k], host, dns_subdomain(host.starts_with("*.") ? host.substr(2) : host));
        }
        if (const auto secret = Ref(tls[i])["secretName"].str(); !secret.empty())
            complain(checks, place / "secretName", secret, dns_subdomain(secret));
    }
    if (const auto name = spec["ingressClassName"].str(); !name.empty())
        complain(checks, at / "ingressClassName", name, dns_subdomain(name));
}

void validate_balancer_status(Checks& checks, const UpdateCheck& update) {
    const auto& items = update.updated["status"]["loadBalancer"]["ingress"].items();
    for (std::size_t i = 0; i < items.size(); ++i) {
        const auto at = Path("status.loadBalancer.ingress")[i];
        const auto ip = Ref(items[i])["ip"].str();
        const auto host = Ref(items[i])["hostname"].str();
        if (!ip.empty()) complain(checks, at / "ip", ip, ip_address(ip));
        if (host.empty()) continue;
        complain(checks, at / "hostname", host, dns_subdomain(host));
        if (ip_address(host).empty())
            checks.invalid(at / "hostname", shown(host), "must be a DNS name, not an IP address");
    }
}

void validate_ingress_class(Checks& checks, Ref object) {
    const Path at("spec");
    const Ref spec = object["spec"];
    const auto controller = spec["controller"].str();
    if (controller.empty())
        checks.required(at / "controller");
    else if (controller.find('/') == std::string_view::npos || controller.size() > 250)
        checks.invalid(at / "controller", shown(controller),
                       "must be a domain-prefixed path (such as \"acme.io/foo\")");
    const Ref parameters = spec["parameters"];
    if (!parameters) return;
    for (const auto* field : {"kind", "name"})
        if (parameters[field].str().empty()) checks.required(at / "parameters" / field);
    const auto scope = parameters["scope"].str();
    const auto ns = parameters["namespace"].str();
    if (scope == "Namespace" && ns.empty()) checks.required(at / "parameters" / "namespace");
    if (scope == "Cluster" && !ns.empty())
        checks.forbidden(at / "parameters" / "namespace", "`parameters.scope` is set to 'Cluster'");
    if (scope != "Namespace" && scope != "Cluster")
        checks.unsupported(at / "parameters" / "scope", shown(scope), {"Cluster", "Namespace"});
}

void validate_ingress_class_update(Checks& checks, const UpdateCheck& update) {
    check_immutable(checks, "spec.controller", update.updated["spec"]["controller"], update.live["spec"]["controller"]);
}

static void check_peer(Checks& checks, const Path& at, Ref peer) {
    const Ref block = peer["ipBlock"];
    const bool selected = peer["podSelector"] || peer["namespaceSelector"];
    check_label_selector(checks, at / "podSelector", peer["podSelector"]);
    check_label_selector(checks, at / "namespaceSelector", peer["namespaceSelector"]);
    if (block && selected) return checks.forbidden(at, "may not specify both ipBlock and another peer");
    if (!block && !selected) return checks.required(at, "must specify a peer");
    if (!block) return;
    const auto range = block["cidr"].str();
    if (range.empty())
        checks.required(at / "ipBlock" / "cidr");
    else
        complain(checks, at / "ipBlock" / "cidr", range, cidr(range));
    const auto& except = block["except"].items();
    for (std::size_t i = 0; i < except.size(); ++i)
        complain(checks, (at / "ipBlock" / "except")[i], Ref(except[i]).str(), cidr(Ref(except[i]).str()));
}

static void check_policy_rules(Checks& checks, const Path& at, Ref rules, std::string_view peers) {
    const auto& items = rules.items();
    for (std::size_t i = 0; i < items.size(); ++i) {
        const auto& ports = Ref(items[i])["ports"].items();
        for (std::size_t k = 0; k < ports.size(); ++k) {
            const auto place = (at[i] / "ports")[k];
            const Ref port(ports[k]);
            if (port["protocol"]) checks.one_of(place / "protocol", port["protocol"], {"TCP", "UDP", "SCTP"});
            const Ref number = port["port"];
            if (!number) continue;
            if (number.value()->is_string())
                complain(checks, place / "port", number.str(), port_name(number.str()));
            else if (!port_number(number.num()).empty())
                checks.invalid(place / "port", shown(number), port_number(number.num()).front());
            if (const Ref end = port["endPort"]; end && end.num() < number.num())
                checks.invalid(place / "endPort", shown(end), "must be greater than or equal to `port`");
        }
        const auto& others = Ref(items[i])[peers].items();
        for (std::size_t k = 0; k < others.size(); ++k) check_peer(checks, (at[i] / peers)[k], others[k]);
    }
}

void validate_network_policy(Checks& checks, Ref object) {
    const Path at("spec");
    const Ref spec = object["spec"];
    check_label_selector(checks, at / "podSelector", spec["podSelector"]);
    check_policy_rules(checks, at / "ingress", spec["ingress"], "from");
    check_policy_rules(checks, at / "egress", spec["egress"], "to");
    const auto& types = spec["policyTypes"].items();
    if (types.size() > 2)
        return checks.invalid(at / "policyTypes", shown(spec["policyTypes"]),
                              "may not specify more than two policyTypes");
    for (std::size_t i = 0; i < types.size(); ++i)
        checks.one_of((at / "policyTypes")[i], types[i], {"Egress", "Ingress"});
}

void validate_ip_address(Checks& checks, Ref object) {
    const Path at("spec.parentRef");
    const Ref parent = object["spec"]["parentRef"];
    if (!parent) return checks.required(at);
    if (const auto group = parent["group"].str(); !group.empty())
        complain(checks, at / "group", group, dns_subdomain(group));
    if (parent["resource"].str().empty())
        checks.required(at / "resource");
    else
        complain(checks, at / "resource", parent["resource"].str(), path_segment(parent["resource"].str()));
    if (parent["name"].str().empty())
        checks.required(at / "name");
    else
        complain(checks, at / "name", parent["name"].str(), path_segment(parent["name"].str()));
    if (const auto ns = parent["namespace"].str(); !ns.empty())
        complain(checks, at / "namespace", ns, path_segment(ns));
}

void validate_service_cidr(Checks& checks, Ref object) {
    const Path at("spec.cidrs");
    const auto& ranges = object["spec"]["cidrs"].items();
    if (ranges.empty()) return checks.required(at, "at least one CIDR required");
    if (ranges.size() > 2) return checks.invalid(at, shown(object["spec"]["cidrs"]), "may only hold up to 2 values");
    for (std::size_t i = 0; i < ranges.size(); ++i)
        complain(checks, at[i], Ref(ranges[i]).str(), canonical_cidr(Ref(ranges[i]).str()));
    const auto is_v6 = [](const json::value& range) { return Ref(range).str().find(':') != std::string_view::npos; };
    if (ranges.size() == 2 && is_v6(ranges[0]) == is_v6(ranges[1]))
        checks.invalid(at, shown(object["spec"]["cidrs"]), "may specify no more than one IP for each IP family");
}

}  // namespace kinds
