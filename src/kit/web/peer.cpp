// Calls to another service: tries, their budget, the breaker.
#include "kit/web/peer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <utility>

namespace kit {
namespace {

constexpr run::Duration first_wait = std::chrono::milliseconds(50);
constexpr run::Duration longest_wait = std::chrono::seconds(1);
constexpr std::uint64_t retries_always = 10;  ///< a window, so that a quiet caller may repeat, too

/// Calls and retries of the last ten seconds, a second a slot.
class Budget {
 public:
    explicit Budget(double share) : share_(share) {}
    void count_call(run::Time now) { ++slot(now).calls; }
    bool take_retry(run::Time now) {
        auto& here = slot(now);
        std::uint64_t calls = 0;
        std::uint64_t retries = 0;
        for (const auto& one : slots_) {
            if (here.second - one.second >= std::ssize(slots_)) continue;
            calls += one.calls;
            retries += one.retries;
        }
        const auto allowed = static_cast<std::uint64_t>(share_ * static_cast<double>(calls));
        if (retries >= std::max(allowed, retries_always)) return false;
        ++here.retries;
        return true;
    }

 private:
    struct Slot {
        std::int64_t second = 0;
        std::uint64_t calls = 0;
        std::uint64_t retries = 0;
    };
    Slot& slot(run::Time now) {
        const auto second = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
        auto& found = slots_[static_cast<std::size_t>(second) % slots_.size()];
        if (found.second != second) found = {.second = second};
        return found;
    }
    double share_;
    std::array<Slot, 10> slots_;
};

/// Closed until so many calls in a row went wrong; then open for a while; then one call shows which it is.
class Breaker {
 public:
    Breaker(int failures_max, run::Duration open_for) : failures_max_(failures_max), open_for_(open_for) {}
    bool lets_through(run::Time now) {
        if (failures_ < failures_max_) return true;
        if (now < open_until_) return false;
        open_until_ = now + open_for_;  // the next one only after this one has had its time
        return true;
    }
    void note(bool good, run::Time now) {
        if (good) {
            failures_ = 0;
            return;
        }
        if (++failures_ < failures_max_) return;
        failures_ = failures_max_;
        open_until_ = now + open_for_;
    }
    bool open() const { return failures_ >= failures_max_; }

 private:
    int failures_max_;
    run::Duration open_for_;
    int failures_ = 0;
    run::Time open_until_;
};

bool repeats(const PeerCall& call) {
    if (call.repeat != Repeat::by_method) return call.repeat == Repeat::safe;
    static constexpr std::string_view idempotent[] = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"};
    return std::ranges::find(idempotent, call.method) != std::end(idempotent);
}

/// It did not answer, or what stands before it answered that it does not.
bool is_failure(const base::Result<http::Response>& answer) {
    if (!answer) return answer.error().code == base::Code::unavailable || answer.error().code == base::Code::timeout;
    return answer->status == 502 || answer->status == 503 || answer->status == 504;
}

std::string_view word(base::Code code) {
    switch (code) {
        case base::Code::timeout:
            return "timeout";
        case base::Code::unavailable:
            return "unavailable";
        case base::Code::too_large:
            return "too_large";
        default:
            return "invalid";
    }
}

}  // namespace

struct Peer::State : std::enable_shared_from_this<Peer::State> {
    State(http::Client& client_, run::Loop& loop_, Metrics& metrics_, PeerOptions options_)
        : client(client_),
          loop(loop_),
          metrics(metrics_),
          options(std::move(options_)),
          budget(options.retry_budget),
          breaker(options.breaker_failures, options.breaker_open),
          rng(static_cast<std::uint64_t>(loop.now().time_since_epoch().count())),  // replicas start at other moments
          latency(metrics.histogram("app_peer_latency_seconds", "How long other services took to answer, each try.",
                                    label("peer", options.name))) {
        while (options.base.ends_with('/')) options.base.pop_back();
    }

    struct Job {
        Context context;
        PeerCall call;
        http::Answered answered;
        int tries = 0;
        run::Time began;
        run::Timer wait;
    };
    using JobPtr = std::shared_ptr<Job>;

    void attempt(const JobPtr& job) {
        const auto now = loop.now();
        if (job->context.over(now)) return tell(job, error(base::Code::timeout, "there is no time left to ask it"));
        if (!breaker.lets_through(now)) {
            return tell(job, error(base::Code::unavailable, "it did not answer lately and is left alone for a moment"));
        }
        ++job->tries;
        job->began = now;
        client.send(request_of(*job, now), [weak = weak_from_this(), job](base::Result<http::Response> answer) {
            if (const auto self = weak.lock()) self->take(job, std::move(answer));
        });
    }

    http::Outgoing request_of(const Job& job, run::Time now) const {
        const auto& call = job.call;
        http::Outgoing request{
            .method = call.method, .url = options.base + call.path, .headers = call.headers, .body = call.body};
        request.timeout = job.context.left(now, options.timeout);
        auto& headers = request.headers;
        if (!call.body.empty() && !headers.has("Content-Type")) headers.add("Content-Type", "application/json");
        if (!options.bearer.empty() && !headers.has("Authorization")) {
            headers.add("Authorization", fmt::format("Bearer {}", options.bearer));
        }
        if (!job.context.trace().id.empty()) headers.set("traceparent", job.context.trace().traceparent());
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(request.timeout).count();
        headers.set(time_left_header, fmt::to_string(std::max<std::int64_t>(left, 1)));
        return request;
    }

    void take(const JobPtr& job, base::Result<http::Response> answer) {
        const auto now = loop.now();
        const bool failed = is_failure(answer);
        // A call that was given little time says little about who was to answer it.
        const bool hurried =
            !answer && answer.error().code == base::Code::timeout && now - job->began < options.timeout;
        if (!hurried) breaker.note(!failed, now);
        latency.observe(std::chrono::duration<double>(now - job->began).count());
        count(answer);
        if (failed && repeat_later(job, now)) return;
        if (!answer) answer = std::unexpected(std::move(answer).error().in(options.name));
        tell(job, std::move(answer));
    }

    /// False when this was the last try.
    bool repeat_later(const JobPtr& job, run::Time now) {
        if (!repeats(job->call) || job->tries >= options.tries || breaker.open()) return false;
        const auto most = std::min(longest_wait, first_wait * (1 << std::min(job->tries - 1, 10)));
        const auto wait =
            most / 2 +
            run::Duration(static_cast<run::Duration::rep>(rng.below(static_cast<std::uint64_t>(most.count() / 2 + 1))));
        if (job->context.left(now, longest_wait * 2) <= wait || !budget.take_retry(now)) return false;
        job->wait = loop.after(wait, [weak = weak_from_this(), job] {
            const auto self = weak.lock();
            const auto kept = job;
            kept->wait.cancel();
            if (self) self->attempt(kept);
        });
        return true;
    }

    void tell(const JobPtr& job, base::Result<http::Response> answer) {
        auto answered = std::exchange(job->answered, nullptr);
        if (answered) answered(std::move(answer));
    }

    base::Result<http::Response> error(base::Code code, std::string_view why) {
        ++counter(code == base::Code::timeout ? "timeout" : "breaker").value;
        return base::fail(code, fmt::format("{}: {}", options.name, why));
    }

    void count(const base::Result<http::Response>& answer) {
        ++counter(answer ? fmt::to_string(answer->status) : std::string(word(answer.error().code))).value;
    }
    Counter& counter(const std::string& status) {
        auto found = counters.find(status);
        if (found == counters.end()) {
            auto& made = metrics.counter("app_peer_requests_total", "Calls of other services, each try.",
                                         fmt::format("{},{}", label("peer", options.name), label("status", status)));
            found = counters.emplace(status, &made).first;
        }
        return *found->second;
    }

    http::Client& client;
    run::Loop& loop;
    Metrics& metrics;
    PeerOptions options;
    Budget budget;
    Breaker breaker;
    base::Rng rng;
    Histogram& latency;
    std::map<std::string, Counter*> counters;  ///< by status
};

Peer::Peer(http::Client& client, run::Loop& loop, Metrics& metrics, PeerOptions options)
    : state_(std::make_shared<State>(client, loop, metrics, std::move(options))) {
    metrics.gauge(
        "app_peer_breaker_open", "1 while another service is left alone because it does not answer.",
        [weak = std::weak_ptr(state_)] {
            const auto state = weak.lock();
            return state && state->breaker.open() ? 1.0 : 0.0;
        },
        label("peer", state_->options.name));
}

Peer::~Peer() = default;

void Peer::call(const Context& context, PeerCall call, http::Answered answered) {
    auto job = std::make_shared<State::Job>();
    job->context = context;
    job->call = std::move(call);
    job->answered = std::move(answered);
    state_->budget.count_call(state_->loop.now());
    state_->loop.post([state = std::weak_ptr(state_), job = std::move(job)] {
        if (const auto self = state.lock()) self->attempt(job);
    });
}

std::optional<std::string> Peer::away() const {
    if (!state_->breaker.open()) return std::nullopt;
    return fmt::format("{} does not answer", state_->options.name);
}

const PeerOptions& Peer::options() const { return state_->options; }

}  // namespace kit
