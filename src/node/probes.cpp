// Paces probes, judges their answers by thresholds and tells only what changed.
#include "node/probes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "node/events.h"

namespace node {
namespace {

using std::chrono::seconds;
/// An exec costs a process start: it is not repeated more often than this.
constexpr Duration exec_retry_first = std::chrono::milliseconds(100);
constexpr std::array names{"startupProbe", "livenessProbe", "readinessProbe"};
constexpr std::array titles{"Startup", "Liveness", "Readiness"};

Duration period_of(Ref probe) { return seconds(std::max<std::int64_t>(probe["periodSeconds"].num(10), 1)); }
Duration timeout_of(Ref probe) { return seconds(std::max<std::int64_t>(probe["timeoutSeconds"].num(1), 1)); }

/// Requests in a row that a redirection may cause.
constexpr int redirects_max = 10;

bool is_redirection(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

}  // namespace

std::optional<Prober::Http> redirected(const Prober::Http& from, std::string_view location) {
    if (location.empty()) return std::nullopt;
    auto next = from;
    std::string_view rest = location.substr(0, location.find('#'));
    for (const std::string_view scheme : {"http", "https"}) {
        if (!rest.starts_with(std::string(scheme) + "://")) continue;
        next.scheme = scheme;
        rest.remove_prefix(scheme.size() + 1);
        break;
    }
    if (rest.starts_with("//")) {
        rest.remove_prefix(2);
        const auto authority = rest.substr(0, rest.find_first_of("/?"));
        rest.remove_prefix(authority.size());
        const auto colon = authority.rfind(':');
        const bool has_port = colon != authority.npos && authority.find(']', colon) == authority.npos;
        const auto host = authority.substr(0, has_port ? colon : authority.npos);
        const std::string digits(has_port ? authority.substr(colon + 1) : "");
        if (host != from.host || digits.size() > 5) return std::nullopt;
        next.port = !digits.empty() ? std::atoi(digits.c_str()) : next.scheme == "https" ? 443 : 80;
        next.path = rest.starts_with('/') ? rest : "/" + std::string(rest);
    } else if (rest.starts_with('/')) {
        next.path = rest;
    } else {
        const auto base = from.path.substr(0, from.path.find('?'));
        next.path = base.substr(0, base.rfind('/') + 1) + std::string(rest);
    }
    return next;
}

struct Probes::Worker {
    ProbeKind kind;
    Target target;
    const ContainerView* container;
    Ref spec;
    bool passes = false, settled = false;  ///< settled: succeeded once, so the period alone sets the pace
    int successes = 0, failures = 0;
    Duration quick{};
    Time next_count{};  ///< failures before this do not count
    run::Timer timer;
    bool stopped = false;
};

int port_of(Ref port, Ref container) {
    if (const auto name = port.str(); !name.empty()) {
        for (const Ref p : container["ports"].items())
            if (p["name"].str() == name) return static_cast<int>(p["containerPort"].num());
        int number = 0;
        for (const char c : name) {
            if (c < '0' || c > '9' || number > 65535) return 0;
            number = number * 10 + (c - '0');
        }
        return number;
    }
    return static_cast<int>(port.num());
}

Prober::Http http_request(Ref get, Ref container, const std::string& ip) {
    Prober::Http request;
    request.scheme = get["scheme"].str("HTTP") == "HTTPS" ? "https" : "http";
    request.host = get["host"].str(ip);
    request.path = get["path"].str("/");
    if (!request.path.starts_with('/')) request.path.insert(0, 1, '/');
    request.port = port_of(get["port"], container);
    for (const Ref header : get["httpHeaders"].items())
        request.headers.emplace_back(header["name"].str(), header["value"].str());
    return request;
}

void Probes::start(ProbeKind kind, const Target& target, Taken as) {
    auto worker = std::make_shared<Worker>();
    worker->kind = kind;
    worker->target = target;
    worker->container = target.pod->find(target.container);
    worker->spec = worker->container->spec[names[static_cast<std::size_t>(kind)]];
    worker->passes = worker->settled = as == Taken::passing;
    worker->quick = worker->spec["exec"] ? exec_retry_first : context_.settings.probe_retry_first;
    const auto initial = seconds(worker->spec["initialDelaySeconds"].num());
    if (initial > Duration{} || kind == ProbeKind::liveness) worker->settled = true;
    auto first = kind == ProbeKind::liveness ? std::max<Duration>(initial, seconds(1)) : Duration(initial);
    // Pods that start together shall not all be probed in the same instant for ever.
    if (first > Duration{}) first += std::chrono::milliseconds(context_.rng.below(100));
    worker->next_count = context_.loop.now() + (worker->settled ? first : period_of(worker->spec));
    stop(target.container, kind);
    workers_[{target.container, kind}] = worker;
    if (first == Duration{})
        ask(worker);
    else
        schedule(worker, first);
}

void Probes::stop(const std::string& container) {
    for (const auto kind : {ProbeKind::startup, ProbeKind::liveness, ProbeKind::readiness}) stop(container, kind);
}

void Probes::stop(const std::string& container, ProbeKind kind) {
    const auto found = workers_.find({container, kind});
    if (found == workers_.end()) return;
    found->second->stopped = true;
    found->second->timer.cancel();
    workers_.erase(found);
}

void Probes::schedule(const WorkerPtr& worker, Duration delay) {
    worker->timer = context_.loop.after(delay, [this, weak = std::weak_ptr(worker)] {
        if (const auto alive = weak.lock()) ask(alive);
    });
}

void Probes::ask_http(const WorkerPtr& worker, Prober::Http request, int redirects, Answered done) {
    context_.ports.prober.http(
        request, timeout_of(worker->spec),
        [this, weak = std::weak_ptr(worker), request, redirects,
         done = std::move(done)](base::Result<Prober::HttpAnswer> answer) mutable {
            const auto worker = weak.lock();
            if (!worker || worker->stopped) return;
            if (!answer) return done({false, answer.error().message});
            if (is_redirection(answer->status)) {
                if (auto next = redirected(request, answer->location)) {
                    if (redirects == redirects_max) return done({false, "stopped after 10 redirects"});
                    return ask_http(worker, std::move(*next), redirects + 1, std::move(done));
                }
            }
            const bool well = answer->status >= 200 && answer->status < 400;
            if (well && answer->status >= 300)
                context_.events.say(*worker->target.pod, worker->container, EventKind::warning, "ProbeWarning",
                                    fmt::format("{} probe warning: Probe terminated redirects, Response body: {}",
                                                titles[static_cast<std::size_t>(worker->kind)], answer->body));
            done({well, well ? "" : fmt::format("HTTP probe failed with statuscode: {}", answer->status)});
        });
}

void Probes::ask(const WorkerPtr& worker) {
    auto done = [this, weak = std::weak_ptr(worker)](Verdict verdict) {
        if (const auto alive = weak.lock(); alive && !alive->stopped) judge(alive, std::move(verdict));
    };
    const auto spec = worker->spec;
    if (const auto get = spec["httpGet"])
        return ask_http(worker, http_request(get, worker->container->spec, worker->target.ip), 0, std::move(done));
    if (const auto exec = spec["exec"]) {
        std::vector<std::string> argv;
        for (const Ref word : exec["command"].items()) argv.emplace_back(word.str());
        return context_.ports.runtime.exec(
            worker->target.container_id, std::move(argv), timeout_of(spec),
            [done = std::move(done), limit = timeout_of(spec)](base::Result<ExecOutput> output) mutable {
                if (!output) return done({false, output.error().message});
                if (output->timed_out)
                    return done({false, fmt::format("command timed out after {}s",
                                                    std::chrono::floor<seconds>(limit).count())});
                done({output->exit_code == 0, std::move(output->output)});
            });
    }
    auto answered = [done = std::move(done)](base::Result<void> result) mutable {
        done({result.has_value(), result ? "" : result.error().message});
    };
    if (const auto grpc = spec["grpc"])
        return context_.ports.prober.grpc(
            {worker->target.ip, std::string(grpc["service"].str()), static_cast<int>(grpc["port"].num())},
            timeout_of(spec), std::move(answered));
    const auto socket = spec["tcpSocket"];
    context_.ports.prober.tcp(std::string(socket["host"].str(worker->target.ip)),
                              port_of(socket["port"], worker->container->spec), timeout_of(spec), std::move(answered));
}

void Probes::judge(const WorkerPtr& worker, Verdict verdict) {
    auto& w = *worker;
    const auto now = context_.loop.now();
    const auto period = period_of(w.spec);
    const auto index = static_cast<std::size_t>(w.kind);
    bool counted = true;
    if (verdict.well) {
        w.failures = 0;
        ++w.successes;
        w.settled = true;
    } else if (now < w.next_count) {
        counted = false;
    } else {
        w.successes = 0;
        ++w.failures;
        w.next_count = now + period;
        context_.events.say(*w.target.pod, w.container, EventKind::warning, "Unhealthy",
                            fmt::format("{} probe failed: {}", titles[index], verdict.message));
    }
    auto delay = period;
    if (!w.settled) {
        delay = std::min({w.quick, period, std::max<Duration>(w.next_count - now, std::chrono::milliseconds(1))});
        w.quick = w.quick * 3 / 2;
    }
    schedule(worker, delay);
    if (!counted) return;

    const auto needed = verdict.well ? w.spec["successThreshold"].num(1) : w.spec["failureThreshold"].num(3);
    const auto count = verdict.well ? w.successes : w.failures;
    const bool decided = count >= needed;
    if (!decided || (verdict.well && w.passes)) return;
    const bool repeats = w.passes == verdict.well && w.kind == ProbeKind::readiness;
    w.passes = verdict.well;
    if (repeats) return;
    const auto grace = w.spec["terminationGracePeriodSeconds"];
    news_({w.target.container, w.kind, verdict.well, grace ? grace.num() : -1});
}

}  // namespace node
