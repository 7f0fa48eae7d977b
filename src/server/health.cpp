#include "server/health.h"

#include <fmt/format.h>

#include <algorithm>

#include "server/answer.h"

namespace server {

namespace {

constexpr std::string_view plain_text = "text/plain; charset=utf-8";

struct Check {
    std::string name;
    bool good = true;
};

/// The server lives as long as it answers; it is ready once every part says so.
std::vector<Check> checks_of(Core& core, std::string_view probe) {
    std::vector<Check> checks{{"ping"}, {"log"}, {"store"}};
    if (probe != "readyz" || !core.ports.unready) return checks;
    for (auto& name : core.ports.unready()) checks.push_back({std::move(name), false});
    return checks;
}

std::string report(const std::vector<Check>& checks, std::string_view probe, const std::vector<std::string>& excluded) {
    std::string out;
    bool good = true;
    for (const auto& check : checks) {
        if (std::ranges::find(excluded, check.name) != excluded.end()) {
            out += fmt::format("[+]{} excluded: ok\n", check.name);
            continue;
        }
        out += check.good ? fmt::format("[+]{} ok\n", check.name)
                          : fmt::format("[-]{} failed: reason withheld\n", check.name);
        good = good && check.good;
    }
    return out + fmt::format("{} check {}\n", probe, good ? "passed" : "failed");
}

}  // namespace

void show_health(Core& core, Call call) {
    auto path = std::string_view(call.request.path).substr(1);
    while (path.ends_with('/')) path.remove_suffix(1);
    const auto slash = path.find('/');
    const std::string probe(path.substr(0, slash));
    auto checks = checks_of(core, probe);
    if (slash != path.npos) {
        const auto wanted = path.substr(slash + 1);
        std::erase_if(checks, [&](const Check& check) { return check.name != wanted; });
        if (checks.empty()) return send_text(std::move(call), 404, "404 page not found\n", plain_text);
    }
    const auto excluded = call.query.all("exclude");
    const bool good = std::ranges::all_of(checks, [&](const Check& check) {
        return check.good || std::ranges::find(excluded, check.name) != excluded.end();
    });
    const bool verbose = call.query.has("verbose") || !good;
    send_text(std::move(call), good ? 200 : 500, verbose ? report(checks, probe, excluded) : "ok", plain_text);
}

void show_version(Core& core, Call call) {
    const json::object version{{"major", "1"},
                               {"minor", "36"},
                               {"emulationMajor", "1"},
                               {"emulationMinor", "36"},
                               {"minCompatibilityMajor", "1"},
                               {"minCompatibilityMinor", "35"},
                               {"gitVersion", "v1.36.2"},
                               {"gitCommit", ""},
                               {"gitTreeState", "clean"},
                               {"buildDate", core.settings.build_date},
                               {"goVersion", ""},
                               {"compiler", "gcc"},
                               {"platform", "linux/amd64"}};
    send_json(std::move(call), 200, version);
}

void show_paths(Core& core, Call call) {
    auto paths = core.discovery.paths();
    for (const auto* path : {"/.well-known/openid-configuration", "/healthz", "/healthz/log", "/healthz/ping", "/livez",
                             "/livez/log", "/livez/ping", "/openapi/v2", "/openapi/v3", "/openid/v1/jwks", "/readyz",
                             "/readyz/log", "/readyz/ping", "/version"})
        paths.emplace_back(path);
    std::ranges::sort(paths);
    json::array out;
    for (const auto& path : paths) out.emplace_back(path);
    send_json(std::move(call), 200, {{"paths", std::move(out)}});
}

void show_openid_configuration(Core& core, Call call) {
    const auto& issuer = core.settings.issuer;
    send_json(std::move(call), 200,
              {{"issuer", issuer},
               {"jwks_uri", issuer + "/openid/v1/jwks"},
               {"response_types_supported", json::array{"id_token"}},
               {"subject_types_supported", json::array{"public"}},
               {"id_token_signing_alg_values_supported", json::array{core.tokens.algorithm()}}});
}

void show_key_set(Core& core, Call call) {
    auto text = json::serialize(core.tokens.key_set());
    send_text(std::move(call), 200, std::move(text), "application/jwk-set+json");
}

}  // namespace server
