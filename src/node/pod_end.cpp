// How containers come to their end: hooks, signals, exits, what probes say, and what an earlier daemon left running.
#include <csignal>

#include "node/encoding.h"
#include "node/events.h"
#include "node/log_lines.h"
#include "node/pod_worker.h"

namespace node {
namespace {

using std::chrono::seconds;

constexpr std::size_t message_max = 4096, log_message_max = 2048;
constexpr std::size_t log_lines_max = 80;

int signal_number(std::string_view name) {
    static const std::map<std::string_view, int> known{
        {"HUP", SIGHUP},   {"INT", SIGINT},   {"QUIT", SIGQUIT}, {"KILL", SIGKILL},   {"USR1", SIGUSR1},
        {"USR2", SIGUSR2}, {"TERM", SIGTERM}, {"STOP", SIGSTOP}, {"WINCH", SIGWINCH}, {"ABRT", SIGABRT},
        {"PIPE", SIGPIPE}, {"ALRM", SIGALRM}, {"PWR", SIGPWR},   {"CONT", SIGCONT},   {"TSTP", SIGTSTP}};
    if (name.starts_with("SIG")) name.remove_prefix(3);
    if (const auto found = known.find(name); found != known.end()) return found->second;
    if (name.starts_with("RTMIN+")) {
        int offset = 0;
        for (const char c : name.substr(6)) offset = c >= '0' && c <= '9' ? offset * 10 + (c - '0') : 99;
        if (offset <= SIGRTMAX - SIGRTMIN) return SIGRTMIN + offset;
    }
    int number = 0;
    for (const char c : name) number = c >= '0' && c <= '9' && number < 100 ? number * 10 + (c - '0') : 100;
    return number > 0 && number <= 64 ? number : SIGTERM;
}

Ended ended_from(Ref terminated) {
    Ended ended;
    ended.exit_code = static_cast<int>(terminated["exitCode"].num());
    ended.signal = static_cast<int>(terminated["signal"].num());
    ended.reason = terminated["reason"].str();
    ended.message = terminated["message"].str();
    ended.started_at = base::parse_rfc3339(terminated["startedAt"].str()).value_or(Time{});
    ended.finished_at = base::parse_rfc3339(terminated["finishedAt"].str()).value_or(Time{});
    ended.id = terminated["containerID"].str();
    if (const auto at = ended.id.find("://"); at != ended.id.npos) ended.id.erase(0, at + 3);
    return ended;
}

}  // namespace

int PodWorker::stop_signal(const ContainerView& container) const {
    if (const auto own = container.spec["lifecycle"]["stopSignal"].str(); !own.empty()) return signal_number(own);
    const auto found = stop_signals_.find(container.name);
    return found == stop_signals_.end() || found->second.empty() ? SIGTERM : signal_number(found->second);
}

void PodWorker::begin_stop(const Action& action) {
    auto& facts = state_.containers[action.container];
    const auto* container = view_->find(action.container);
    if (!facts.live() || facts.stop || !container) return;
    Stopping stop;
    stop.begun = context_.loop.now();
    stop.grace_s = action.grace_s;
    stop.why = action.why;
    facts.stop = std::move(stop);
    probes_.stop(action.container, ProbeKind::startup);
    probes_.stop(action.container, ProbeKind::liveness);
    context_.events.say(*view_, container, EventKind::normal, "Killing", action.why);
    look();
}

void PodWorker::run_hook(const ContainerView& container, Ref hook, Duration timeout, HookDone done) {
    const auto& facts = state_.facts(container.name);
    auto guarded = [weak = weak_from_this(), done = std::move(done)](base::Result<void> result) mutable {
        const auto self = weak.lock();
        if (!self) return;
        done(std::move(result));
        self->look();
    };
    if (const auto exec = hook["exec"]) {
        std::vector<std::string> argv;
        for (const Ref word : exec["command"].items()) argv.emplace_back(word.str());
        return context_.ports.runtime.exec(
            facts.id, std::move(argv), timeout,
            [guarded = std::move(guarded)](base::Result<ExecOutput> output) mutable {
                if (!output) return guarded(std::unexpected(output.error()));
                if (output->timed_out) return guarded(base::fail(base::Code::timeout, "hook timed out"));
                if (output->exit_code == 0) return guarded({});
                guarded(base::fail(base::Code::internal,
                                   "command exited with " + std::to_string(output->exit_code) + ": " + output->output));
            });
    }
    if (const auto get = hook["httpGet"]) {
        return context_.ports.prober.http(
            http_request(get, container.spec, state_.ip), timeout,
            [guarded = std::move(guarded)](base::Result<Prober::HttpAnswer> answer) mutable {
                if (!answer) return guarded(std::unexpected(answer.error()));
                if (answer->status >= 200 && answer->status < 400) return guarded({});
                guarded(base::fail(base::Code::internal, "HTTP status " + std::to_string(answer->status)));
            });
    }
    const auto nap = std::min<Duration>(seconds(hook["sleep"]["seconds"].num()), timeout);
    hook_timers_[container.name] =
        context_.loop.after(std::max(nap, Duration(1)), [guarded = std::move(guarded)]() mutable { guarded({}); });
}

void PodWorker::run_pre_stop(const ContainerView& container) {
    auto& facts = state_.containers[container.name];
    facts.stop->hook = Stopping::Hook::running;
    const auto grace = std::min(facts.stop->grace_s, state_.deletion ? state_.deletion->grace_s : facts.stop->grace_s);
    run_hook(container, container.pre_stop(), seconds(std::max<std::int64_t>(grace, 1)),
             [this, name = container.name, id = facts.id](base::Result<void> result) {
                 auto& known = state_.containers[name];
                 if (!known.stop || known.id != id) return;
                 known.stop->hook = Stopping::Hook::done;
                 if (!result)
                     context_.events.say(*view_, view_->find(name), EventKind::warning, "FailedPreStopHook",
                                         "PreStopHook failed");
             });
}

void PodWorker::send(const std::string& container, int signal) {
    auto& facts = state_.containers[container];
    if (signal == SIGKILL)
        facts.stop->kill_sent = context_.loop.now();
    else
        facts.stop->term_sent = context_.loop.now();
    context_.ports.runtime.signal(facts.id, signal,
                                  answer<void>([id = facts.id, container](PodWorker& self, base::Result<void> sent) {
                                      if (sent || sent.error().code != base::Code::not_found) return;
                                      // The runtime knows no such container: its exit will not be told any more.
                                      ContainerObserved gone;
                                      gone.id = id;
                                      gone.pod_uid = self.uid();
                                      gone.name = container;
                                      gone.exit_code = 137;
                                      self.exited(gone);
                                  }));
}

void PodWorker::exited(const ContainerObserved& observed) {
    const auto* container = view_->find(observed.name);
    if (!container || done_) return;
    auto& facts = state_.containers[observed.name];
    if (facts.stage == Stage::starting && facts.id.empty()) {
        early_exits_[observed.id] = observed;  // its start has not been answered yet
        return;
    }
    if (facts.id != observed.id || !facts.live()) return;
    probes_.stop(container->name);
    hook_timers_.erase(container->name);
    note_exit(*view_, *container, facts, ended_of(*container, observed), context_.settings.times);
    if (facts.waiting_reason == "CrashLoopBackOff" && !ending(state_))
        context_.events.say(*view_, container, EventKind::warning, "BackOff",
                            "Back-off restarting failed container " + container->name + " in pod " + view_->label());
    look();
}

Ended PodWorker::ended_of(const ContainerView& container, const ContainerObserved& observed) {
    const auto& facts = state_.facts(container.name);
    Ended ended;
    ended.exit_code = observed.exit_code == 0 && observed.signal ? 128 + observed.signal : observed.exit_code;
    ended.reason = observed.oom_killed ? "OOMKilled" : ended.exit_code == 0 ? "Completed" : "Error";
    ended.message = termination_message(container, facts, ended.exit_code);
    ended.started_at = facts.started_at == Time{} ? observed.started_at : facts.started_at;
    ended.finished_at = observed.finished_at == Time{} ? context_.loop.now() : observed.finished_at;
    ended.id = observed.id;
    return ended;
}

std::string PodWorker::termination_message(const ContainerView& container, const ContainerFacts& facts, int exit_code) {
    auto& files = context_.ports.files;
    std::string message;
    if (!facts.termination_path.empty()) message = files.read_tail(facts.termination_path, message_max);
    const bool fall_back = container.spec["terminationMessagePolicy"].str() == "FallbackToLogsOnError";
    if (!message.empty() || !fall_back || exit_code == 0 || facts.log_path.empty()) return message;
    constexpr std::size_t raw_max = 256 * 1024;
    const auto text = last_lines(files.read_tail(facts.log_path, raw_max), log_lines_max);
    return text.size() > log_message_max ? text.substr(text.size() - log_message_max) : text;
}

void PodWorker::start_probes(const ContainerView& container) {
    auto& facts = state_.containers[container.name];
    if (container.role == Role::init || container.role == Role::ephemeral) return;
    const Probes::Target target{view_, container.name, facts.id, state_.ip};
    if (!facts.startup_passed) return probes_.start(ProbeKind::startup, target, Taken::failing);
    if (container.spec["livenessProbe"]) probes_.start(ProbeKind::liveness, target, Taken::passing);
    if (container.has_readiness_probe())
        probes_.start(ProbeKind::readiness, target, facts.probe_ready ? Taken::passing : Taken::failing);
}

void PodWorker::probe_news(const ProbeNews& news) {
    const auto* container = view_->find(news.container);
    auto& facts = state_.containers[news.container];
    if (!container || facts.stage != Stage::running) return;
    if (news.kind == ProbeKind::readiness) {
        facts.probe_ready = news.passes;
    } else if (news.passes) {
        if (news.kind == ProbeKind::startup) {
            facts.startup_passed = true;
            probes_.stop(news.container, ProbeKind::startup);
            start_probes(*container);
        }
    } else if (!facts.stop) {
        const auto grace = news.grace_s >= 0 ? news.grace_s : view_->grace_s;
        const std::string which = news.kind == ProbeKind::startup ? "startup" : "liveness";
        const auto then = container->restarts_after(137) ? ", will be restarted" : "";
        begin_stop({Do::begin_stop, news.container, grace,
                    "Container " + news.container + " failed " + which + " probe" + then});
    }
    look();
}

void PodWorker::fill_from_status() {
    const auto status = (*view_->object)["status"];
    for (const auto list : {"initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses"}) {
        for (const Ref known : status[list].items()) {
            const std::string name(known["name"].str());
            if (!view_->find(name)) continue;
            auto& facts = state_.containers[name];
            const auto now_ended = known["state"]["terminated"], before = known["lastState"]["terminated"];
            const bool ran = known["state"]["running"] || now_ended || before || known["restartCount"].num() > 0;
            if (!ran) continue;
            facts.runs = static_cast<int>(known["restartCount"].num()) + 1;
            facts.image = known["image"].str();
            facts.image_id = known["imageID"].str();
            facts.applied_image = view_->find(name)->spec["image"].str();
            const auto user = known["user"]["linux"];
            if (user) {
                facts.uid = user["uid"].num();
                facts.gid = user["gid"].num();
                for (const Ref group : user["supplementalGroups"].items()) facts.groups.push_back(group.num());
            }
            facts.stage = Stage::exited;
            if (known["state"]["running"]) {  // until the runtime says that it still runs
                facts.ended.exit_code = 255;
                facts.ended.reason = "Unknown";
                facts.ended.started_at =
                    base::parse_rfc3339(known["state"]["running"]["startedAt"].str()).value_or(Time{});
                facts.ended.finished_at = context_.loop.now();
                facts.startup_passed = known["started"].flag();
                facts.probe_ready = known["ready"].flag();
                if (before) facts.last = ended_from(before);
            } else {
                facts.ended = ended_from(now_ended ? now_ended : before);
                if (now_ended && before) facts.last = ended_from(before);
            }
        }
    }
}

void PodWorker::adopt(const PodObserved* pod, const std::vector<ContainerObserved>& containers) {
    fill_from_status();
    const auto phase = (*view_->object)["status"]["phase"].str();
    state_.ip = (*view_->object)["status"]["podIP"].str();
    if (pod) {
        state_.setup = Progress::done;
        state_.ip = pod->ip;
    }
    if (const auto reason = (*view_->object)["status"]["reason"].str(); phase == "Failed" && !reason.empty()) {
        state_.reason = reason;
        state_.message = (*view_->object)["status"]["message"].str();
        state_.rejected = !(*view_->object)["status"]["containerStatuses"];
    }
    // Volumes are made again (the same way, at the same place), so that mounts of later starts are known.
    for (const auto& observed : containers)
        if (const auto* container = view_->find(observed.name)) adopt_container(*container, observed);
    look();
}

void PodWorker::adopt_container(const ContainerView& container, const ContainerObserved& observed) {
    auto& facts = state_.containers[container.name];
    const bool older = observed.attempt + 1 < facts.runs;
    if (older || observed.state == ContainerState::created) {
        // One that ran by its status, and is no more, ended unseen; any other never began and counts for nothing.
        if (facts.runs == observed.attempt + 1 && facts.ended.id.empty()) facts.ended.id = observed.id;
        context_.ports.runtime.remove_container(observed.id, [](base::Result<void>) {});
        return;
    }
    const bool was_ready = facts.probe_ready, was_started = facts.startup_passed;
    const bool same_run = facts.runs == observed.attempt + 1;
    if (!same_run && facts.runs > 0 && facts.stage == Stage::exited) facts.last = facts.ended;
    if (!same_run) facts.ended = {};
    if (same_run && facts.stage == Stage::exited && facts.ended.id == observed.id &&
        observed.state == ContainerState::exited)
        return;  // known already, and so says its status
    facts.runs = observed.attempt + 1;
    facts.id = observed.id;
    facts.image_id = observed.image_id.empty() ? facts.image_id : observed.image_id;
    facts.started_at = observed.started_at;
    const auto label = [&](const char* key) {
        const auto found = observed.labels.find(key);
        return found == observed.labels.end() ? std::string() : found->second;
    };
    facts.log_path = label("slipway.dev/log-path");
    facts.termination_path = label("slipway.dev/termination-path");
    facts.applied_image = label("slipway.dev/image");
    boost::system::error_code bad;
    facts.applied_resources = json::parse(label("slipway.dev/resources"), bad);
    if (bad) facts.applied_resources = nullptr;
    facts.stage = Stage::running;
    facts.startup_passed = (same_run && was_started) || !container.has_startup_probe();
    facts.probe_ready = (same_run && was_ready) || !container.has_readiness_probe();
    if (observed.state == ContainerState::exited)
        exited(observed);
    else
        start_probes(container);
}

}  // namespace node
