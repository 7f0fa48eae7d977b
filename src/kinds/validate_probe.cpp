// Validation of probes and lifecycle hooks.
#include "kinds/validate_pod.h"

namespace kinds {

static void check_port_or_name(Checks& checks, const Path& at, Ref port) {
    if (port.value() && port.value()->is_string()) return complain(checks, at, port.str(), port_name(port.str()));
    if (!port_number(port.num()).empty()) checks.invalid(at, shown(port.num()), port_number(port.num()).front());
}

static void check_http_get(Checks& checks, const Path& at, Ref http) {
    if (http["path"].str().empty()) checks.required(at / "path");
    check_port_or_name(checks, at / "port", http["port"]);
    checks.one_of(at / "scheme", http["scheme"], {"HTTP", "HTTPS"});
    for (const auto& header : http["httpHeaders"].items()) {
        const auto name = Ref(header)["name"].str();
        const auto fine = name.find_first_of(" \t:/()<>@,;\\\"[]?={}") == std::string_view::npos && !name.empty();
        if (!fine)
            checks.invalid(at / "httpHeaders", shown(name), "a valid HTTP header must consist of token characters");
    }
}

/// Exactly one way to act, each as it must be.
static void check_handler(Checks& checks, const Path& at, Ref handler, Ref grace) {
    bool seen = false;
    for (const auto* kind : {"exec", "httpGet", "tcpSocket", "grpc", "sleep"}) {
        const Ref action = handler[kind];
        if (!action) continue;
        const std::string_view name(kind);
        if (seen) {
            checks.forbidden(at / name, "may not specify more than 1 handler type");
            continue;
        }
        seen = true;
        if (name == "exec" && action["command"].size() == 0) checks.required(at / name / "command");
        if (name == "httpGet") check_http_get(checks, at / name, action);
        if (name == "tcpSocket") check_port_or_name(checks, at / name / "port", action["port"]);
        if (name == "grpc") check_port_or_name(checks, at / name / "port", action["port"]);
        const auto seconds = action["seconds"].num();
        if (name == "sleep" && (seconds < 0 || seconds > grace.num(seconds)))
            checks.invalid(at / name, shown(seconds),
                           "must be non-negative and less than terminationGracePeriodSeconds");
    }
    if (!seen) checks.required(at, "must specify a handler type");
}

static void check_probe(Checks& checks, const Path& at, Ref probe) {
    check_handler(checks, at, probe, {});
    for (const auto* field :
         {"initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"})
        check_not_negative(checks, at / field, probe[field].num());
    if (const Ref grace = probe["terminationGracePeriodSeconds"]; grace && grace.num() <= 0)
        checks.invalid(at / "terminationGracePeriodSeconds", shown(grace), "must be greater than 0");
}

void check_probes(Checks& checks, const Path& at, Ref container, Ref spec) {
    for (const auto* hook : {"postStart", "preStop"})
        if (const Ref handler = container["lifecycle"][hook])
            check_handler(checks, at / "lifecycle" / hook, handler, spec["terminationGracePeriodSeconds"]);
    for (const auto* name : {"livenessProbe", "readinessProbe", "startupProbe"}) {
        const Ref probe = container[name];
        if (!probe) continue;
        check_probe(checks, at / name, probe);
        const bool readiness = std::string_view(name) == "readinessProbe";
        if (!readiness && probe["successThreshold"].num() != 1)
            checks.invalid(at / name / "successThreshold", shown(probe["successThreshold"]), "must be 1");
        if (readiness && probe["terminationGracePeriodSeconds"])
            checks.invalid(at / name / "terminationGracePeriodSeconds", shown(probe["terminationGracePeriodSeconds"]),
                           "must not be set for readinessProbes");
    }
}

}  // namespace kinds
