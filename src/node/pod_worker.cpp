// One pod's driver: turns, volumes, setup, teardown, status and removal.
#include "node/pod_worker.h"

#include <csignal>

#include "engine/pod_use.h"
#include "kinds/registry.h"
#include "node/events.h"
#include "node/images.h"
#include "node/pod_status.h"
#include "node/resources.h"

namespace node {
namespace {

using std::chrono::seconds;
/// Looks in one turn before the rest waits for the next one: a bound against a plan that never settles.
constexpr int looks_max = 64;
constexpr Duration teardown_retry = seconds(5);

}  // namespace

verbs::WriteOptions as_kubelet(std::string subresource) {
    verbs::WriteOptions options;
    options.field_manager = "kubelet";
    options.caller.user = "system:node";
    options.caller.groups = {"system:nodes", "system:masters"};
    options.subresource = std::move(subresource);
    return options;
}

PodWorker::PodWorker(Context& context, ObjectPtr pod, std::function<void(const std::string&)> ended)
    : context_(context),
      view_(std::make_shared<const PodView>(std::move(pod))),
      probes_(context, [this](const ProbeNews& news) { probe_news(news); }),
      ended_(std::move(ended)),
      storage_(
          context,
          [this] {
              return StorageWatch::Subject{view_, &state_, &volumes_};
          },
          [this](std::string message) { evict(std::move(message)); }) {
    const auto started = base::parse_rfc3339((*view_->object)["status"]["startTime"].str());
    state_.start_time = started.value_or(context_.loop.now());
    if (view_->object->deleting())
        state_.deletion = Deletion{view_->object->meta()["deletionGracePeriodSeconds"].num()};
    if (const auto sysctl = unsafe_sysctl(*view_); !sysctl.empty() && !started) {
        state_.rejected = true;
        state_.reason = "SysctlForbidden";
        state_.message = "Pod was rejected: forbidden sysctl: \"" + sysctl + "\" not allowlisted";
        context_.events.say(*view_, nullptr, EventKind::warning, "SysctlForbidden", state_.message);
    }
}

PodWorker::~PodWorker() = default;

void PodWorker::look() {
    if (std::exchange(look_pending_, true)) return;
    context_.loop.post([weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->turn();
    });
}

void PodWorker::changed(ObjectPtr pod) {
    const auto before = view_;
    const auto old = before->object;
    view_ = std::make_shared<const PodView>(std::move(pod));
    if (view_->object->deleting()) {
        const auto grace = view_->object->meta()["deletionGracePeriodSeconds"].num();
        if (!state_.deletion || grace < state_.deletion->grace_s) state_.deletion = Deletion{grace};
    }
    const auto metadata = [](const ObjectPtr& object, std::string_view part) {
        const auto* value = object->meta()[part].value();
        return value ? *value : json::value();
    };
    const bool described = metadata(old, "labels") != metadata(view_->object, "labels") ||
                           metadata(old, "annotations") != metadata(view_->object, "annotations");
    if (described) keep_volumes_fresh();
    // Our own status coming back is no news.
    const auto* is = (*view_->object)["status"].value();
    const bool news = described || before->generation != view_->generation || view_->generation == 0 ||
                      view_->object->deleting() || !is || *is != stored_status_;
    if (!news) return;
    look();
}

void PodWorker::vanished() {
    state_.vanished = true;
    state_.object_removed = true;
    look();
}

void PodWorker::object_changed() {
    if (state_.volumes == Progress::done) keep_volumes_fresh();
    // Whoever waits for this object need not wait any longer.
    const auto now = context_.loop.now();
    if (state_.volumes == Progress::none) state_.volumes_retry_at = now;
    for (auto& [name, facts] : state_.containers)
        if (facts.waiting_reason == "CreateContainerConfigError") facts.retry_at = now;
    look();
}

void PodWorker::turn() {
    look_pending_ = false;
    if (done_) return;
    std::optional<Time> wake;
    bool finished = false;
    for (int looks = 0;; ++looks) {
        auto next = plan(*view_, state_, context_.settings.times, context_.loop.now());
        wake = next.wake;
        finished = next.finished;
        if (next.actions.empty()) break;
        if (looks == looks_max) {
            look();
            break;
        }
        for (const auto& action : next.actions) perform(action);
    }
    wake_ = wake ? context_.loop.after(std::max(*wake - context_.loop.now(), Duration(1)),
                                       [weak = weak_from_this()] {
                                           if (const auto self = weak.lock()) self->turn();
                                       })
                 : run::Timer();
    if (!state_.object_removed) write_status();
    if (finished && state_.deletion && !state_.object_removed) remove_object();
    if (finished) end_if_done();
}

void PodWorker::perform(const Action& action) {
    const auto* container = view_->find(action.container);
    switch (action.what) {
        case Do::mount_volumes:
            return mount_volumes();
        case Do::set_up:
            return set_up();
        case Do::start:
            return start(*container);
        case Do::drop_start:
            return drop_start(action.container);
        case Do::exclude_traffic:
            return exclude_traffic();
        case Do::begin_stop:
            return begin_stop(action);
        case Do::run_pre_stop:
            return run_pre_stop(*container);
        case Do::send_term:
            return send(action.container, stop_signal(*container));
        case Do::send_kill:
            return send(action.container, SIGKILL);
        case Do::resize:
            return resize(*container);
        case Do::fail_pod:
            return fail_pod();
        case Do::tear_down:
            return tear_down();
    }
}

void PodWorker::mount_volumes() {
    auto made =
        make_volumes(*view_, sources_for(context_, *view_, state_.ip), context_.ports.files, context_.ports.tokens);
    if (!made) {
        context_.events.say(*view_, nullptr, EventKind::warning, "FailedMount", made.error().message);
        const auto& s = context_.settings;
        volume_backoff_ =
            volume_backoff_ == Duration{} ? s.volume_retry_first : std::min(volume_backoff_ * 2, s.volume_retry_max);
        state_.volumes_retry_at = context_.loop.now() + volume_backoff_;
        return;
    }
    volumes_ = std::move(made->mounted);
    state_.volumes = Progress::done;
    storage_.start();
    if (made->renew_after) renew_ = context_.loop.after(*made->renew_after, [this] { keep_volumes_fresh(); });
}

void PodWorker::keep_volumes_fresh() {
    if (state_.volumes != Progress::done || ending(state_) || state_.wound_up) return;
    auto made =
        refresh_volumes(*view_, sources_for(context_, *view_, state_.ip), context_.ports.files, context_.ports.tokens);
    if (!made) {
        // What is mounted stays as it was; the next change or renewal tries again.
        context_.events.say(*view_, nullptr, EventKind::warning, "FailedMount", made.error().message);
        renew_ = context_.loop.after(seconds(60), [this] { keep_volumes_fresh(); });
        return;
    }
    renew_ =
        made->renew_after ? context_.loop.after(*made->renew_after, [this] { keep_volumes_fresh(); }) : run::Timer();
}

void PodWorker::set_up() {
    state_.setup = Progress::busy;
    auto setup = pod_setup(*view_, context_.settings.dns.cluster_domain);
    context_.ports.runtime.set_up_pod(std::move(setup), answer<PodNetwork>([](PodWorker& self, auto network) {
                                          auto& state = self.state_;
                                          if (network) {
                                              state.setup = Progress::done;
                                              state.ip = network->ip;
                                              return;
                                          }
                                          self.context_.events.say(
                                              *self.view_, nullptr, EventKind::warning, "FailedCreatePodSandBox",
                                              "Failed to create pod sandbox: " + network.error().message);
                                          state.setup = Progress::none;
                                          state.setup_retry_at = self.context_.loop.now() + seconds(2);
                                      }));
}

std::string PodWorker::own_address() const { return view_->host_network ? std::string() : state_.ip; }

void PodWorker::exclude_traffic() {
    state_.exclusion = Progress::busy;
    context_.ports.traffic.exclude(view_->uid, own_address(), [weak = weak_from_this()] {
        if (const auto self = weak.lock()) {
            self->state_.exclusion = Progress::done;
            self->look();
        }
    });
}

void PodWorker::fail_pod() {
    state_.reason = "DeadlineExceeded";
    state_.message = "Pod was active on the node longer than the specified deadline";
    context_.events.say(*view_, nullptr, EventKind::normal, "DeadlineExceeded", state_.message);
}

void PodWorker::evict(std::string message) {
    if (ending(state_) || state_.wound_up) return;
    constexpr std::int64_t grace_s = 1;
    state_.reason = "Evicted";
    state_.message = std::move(message);
    state_.failing_grace_s = grace_s;
    context_.events.say(*view_, nullptr, EventKind::warning, "Evicted", state_.message);
    look();
}

void PodWorker::resize(const ContainerView& container) {
    auto& facts = state_.containers[container.name];
    const auto spec = container.spec["resources"];
    facts.applied_resources = spec.value() ? *spec.value() : json::value(json::object());
    const auto cpu = [&](std::string_view part) { return engine::quantity_milli(spec[part]["cpu"]); };
    context_.ports.runtime.update_resources(
        facts.id, cpu_shares(spec["requests"]["cpu"] ? cpu("requests") : cpu("limits")), cpu_quota_us(cpu("limits")),
        engine::quantity_whole(spec["limits"]["memory"]),
        answer<void>([name = container.name](PodWorker& self, base::Result<void> resized) {
            if (resized) return;
            self.context_.events.say(*self.view_, self.view_->find(name), EventKind::warning, "ResizeError",
                                     resized.error().message);
        }));
}

void PodWorker::tear_down() {
    state_.teardown = Progress::busy;
    state_.wound_up = true;
    renew_.cancel();
    storage_.stop();
    for (const auto& c : view_->containers) probes_.stop(c.name);
    if (state_.exclusion == Progress::done || state_.ip.empty()) return give_back();
    // Its address may be another pod's at once, whatever it ended of: first no rule may lead there any more.
    context_.ports.traffic.exclude(view_->uid, own_address(), [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (!self) return;
        self->state_.exclusion = Progress::done;
        self->give_back();
    });
}

void PodWorker::give_back() {
    context_.ports.runtime.tear_down_pod(
        view_->uid, answer<void>([](PodWorker& self, base::Result<void> gone) {
            auto& state = self.state_;
            if (!gone) {  // something of it still stands: its address must not be given away yet
                state.teardown = Progress::none;
                state.teardown_retry_at = self.context_.loop.now() + teardown_retry;
                return;
            }
            state.teardown = Progress::done;
            self.context_.ports.traffic.forget(self.view_->uid, self.own_address());
        }));
}

void PodWorker::remove_object() {
    // Held by finalizers it stays anyway; whoever removes the last one brings us back here.
    if (view_->object->meta()["finalizers"].size()) return;
    verbs::DeleteOptions options;
    options.grace_s = 0;
    options.precondition_uid = view_->uid;
    const verbs::Target target{kinds::by_kind("v1", "Pod"), view_->ns, view_->name};
    const auto removed = context_.api.remove(target, options, as_kubelet().caller);
    if (removed && removed->gone) state_.object_removed = true;
}

void PodWorker::end_if_done() {
    if (!state_.object_removed || (state_.teardown != Progress::done && !state_.rejected)) return;
    done_ = true;
    wake_.cancel();
    context_.images.forget(view_->uid);
    context_.ports.files.remove_pod(view_->uid);
    context_.loop.post([ended = ended_, uid = view_->uid] { ended(uid); });
}

void PodWorker::write_status() {
    const verbs::Target target{kinds::by_kind("v1", "Pod"), view_->ns, view_->name};
    const auto current = context_.api.store().get(verbs::key_of(target));
    if (!current || current->uid() != view_->uid) return;
    const auto standing = (*current)["status"];
    auto status = pod_status(*view_, state_, {context_.settings.host_ip}, standing, context_.loop.now());
    if (standing.as_object() && *standing.as_object() == status) return;
    if (standing.value() && *standing.value() == stored_status_ && written_status_ == status) return;
    json::object next = current->value();
    written_status_ = status;
    next["status"] = std::move(status);
    const auto written = context_.api.update(target, std::move(next), as_kubelet("status"));
    if (written) {
        const auto* kept = (*written->object)["status"].value();
        stored_status_ = kept ? *kept : json::value();
        return;
    }
    // Refused (a race with its deletion, or a bug): looked at again, never dropped.
    wake_ = context_.loop.after(seconds(1), [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->turn();
    });
}

}  // namespace node
