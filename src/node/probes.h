// Startup, liveness and readiness probes of one pod's containers.
// Until a startup or readiness probe first succeeds it is tried again quickly (10, 15, 22 ms ... up to its period), so
// a pod is Ready as soon as it can be; failures count at most once a period, as thresholds are meant.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "node/context.h"

namespace node {

/// What a container is taken for until its probe says otherwise.
enum class Taken : std::uint8_t { failing, passing };
enum class ProbeKind : std::uint8_t { startup, liveness, readiness };

struct ProbeNews {
    std::string container;
    ProbeKind kind = ProbeKind::readiness;
    bool passes = false;        ///< what the thresholds say now
    std::int64_t grace_s = -1;  ///< terminationGracePeriodSeconds of the probe; -1: the pod's
};

class Probes {
 public:
    using News = std::function<void(const ProbeNews&)>;
    Probes(Context& context, News news) : context_(context), news_(std::move(news)) {}

    struct Target {
        std::shared_ptr<const PodView> pod;
        std::string container, container_id, ip;
    };
    void start(ProbeKind kind, const Target& target, Taken as);
    void stop(const std::string& container);
    void stop(const std::string& container, ProbeKind kind);
    bool runs(const std::string& container, ProbeKind kind) const { return workers_.contains({container, kind}); }

 private:
    struct Worker;
    using WorkerPtr = std::shared_ptr<Worker>;
    struct Verdict {
        bool well = false;
        std::string message;
    };
    void schedule(const WorkerPtr& worker, Duration delay);
    void ask(const WorkerPtr& worker);
    using Answered = std::move_only_function<void(Verdict)>;
    /// `redirects`: how many led to this request.
    void ask_http(const WorkerPtr& worker, Prober::Http request, int redirects, Answered done);
    void judge(const WorkerPtr& worker, Verdict verdict);

    Context& context_;
    News news_;
    std::map<std::pair<std::string, ProbeKind>, WorkerPtr> workers_;
};

/// A port by number or by the name of one of the container's ports; 0 when there is none such.
int port_of(Ref port, Ref container);
/// The request that an httpGet action means.
Prober::Http http_request(Ref get, Ref container, const std::string& ip);
/// What a redirection of that request means, as long as it stays on the same host; nothing when it leads elsewhere.
std::optional<Prober::Http> redirected(const Prober::Http& from, std::string_view location);

}  // namespace node
