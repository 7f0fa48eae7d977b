// The loop of the controller runtime. Rule: everything happens in a callback of the loop; nothing waits inside one.
#include "engine/engine.h"

#include <fmt/format.h>

#include <algorithm>

#include "kinds/registry.h"

namespace engine {

using base::Code;
using base::Result;
using object::Ref;

namespace {

constexpr std::size_t complaints_max = 64;
/// Conflicts are thought anew at once this often, then with the delay of other failures.
constexpr int conflicts_at_once_max = 3;

bool namespace_is_ending(const base::Error& error) {
    if (error.code != Code::forbidden || !error.details) return false;
    return std::ranges::any_of(error.details->causes,
                               [](const base::Cause& cause) { return cause.reason == "NamespaceTerminating"; });
}

}  // namespace

Engine::Engine(run::Loop& loop, verbs::Api& api, std::vector<Controller> controllers, Options options)
    : loop_(loop), api_(api), options_(std::move(options)), view_(api.store(), index_), recorder_(loop, api) {
    for (const auto& kind : kinds::all())
        kinds_.emplace(Resource{std::string(kind.group), std::string(kind.plural)}, &kind);
    for (auto& controller : controllers) {
        work_.push_back(std::make_unique<Work>(Work{std::move(controller)}));
        auto* work = work_.back().get();
        for (const auto& watch : work->controller.watches) {
            if (watch.resource.plural.empty())
                watches_of_all_.emplace_back(work, &watch);
            else
                watches_[watch.resource].emplace_back(work, &watch);
        }
    }
}

Engine::~Engine() = default;

const object::Kind* Engine::kind(const Resource& resource) const {
    const auto found = kinds_.find(resource);
    return found == kinds_.end() ? nullptr : found->second;
}

void Engine::start() {
    started_ = loop_.now();
    subscription_ = api_.store().subscribe([this](const store::EventPtr& event) { hear(event); });
    std::vector<store::Event> standing;
    for (const auto& [resource, kind] : kinds_)
        for (auto& object : api_.store().list(resource)) {
            const store::Key key{resource, std::string(object->ns()), std::string(object->name())};
            index_.put(key, *object);
            standing.push_back({object->revision(), store::EventType::added, key, object, nullptr});
        }
    for (const auto& event : standing) wake(event);
}

bool Engine::idle() const {
    return recorder_.idle() && delayed_.empty() &&
           std::ranges::all_of(work_, [](const auto& work) { return work->queue.empty(); });
}

void Engine::hear(const store::EventPtr& event) {
    if (!options_.event_delay) return wake(*event);
    auto due = loop_.now() + options_.event_delay();
    if (!delayed_.empty()) due = std::max(due, delayed_.back().due);
    delayed_.push_back({due, event});
    if (!delayed_timer_) delayed_timer_ = loop_.after(due - loop_.now(), [this] { hear_delayed(); });
}

void Engine::hear_delayed() {
    while (!delayed_.empty() && delayed_.front().due <= loop_.now()) {
        const auto event = std::move(delayed_.front().event);
        delayed_.pop_front();
        wake(*event);
    }
    delayed_timer_.cancel();
    if (!delayed_.empty()) delayed_timer_ = loop_.after(delayed_.front().due - loop_.now(), [this] { hear_delayed(); });
}

void Engine::wake(const store::Event& event) {
    if (event.type == store::EventType::deleted)
        index_.erase(event.key);
    else
        index_.put(event.key, *event.object);
    Keys keys;
    const auto call = [&](Work* work, const Watch* watch) {
        keys.clear();
        watch->wakes(event, view_, keys);
        for (const auto& key : keys) enqueue(*work, key);
    };
    if (const auto found = watches_.find(event.key.resource); found != watches_.end())
        for (const auto& [work, watch] : found->second) call(work, watch);
    for (const auto& [work, watch] : watches_of_all_) call(work, watch);
}

void Engine::enqueue(Work& work, const store::Key& key) {
    if (!work.queued.insert(key).second) return;
    work.queue.push_back(key);
    schedule_turn();
}

void Engine::schedule_turn() {
    if (turn_posted_) return;
    turn_posted_ = true;
    loop_.post([this, weak = std::weak_ptr(alive_)] {
        if (!weak.expired()) turn();
    });
}

void Engine::turn() {
    turn_posted_ = false;
    std::size_t left = options_.passes_per_turn;
    for (std::size_t empty = 0; left > 0 && empty < work_.size();) {
        auto& work = *work_[next_];
        next_ = (next_ + 1) % work_.size();
        if (work.queue.empty()) {
            ++empty;
            continue;
        }
        empty = 0;
        --left;
        const auto key = std::move(work.queue.front());
        work.queue.pop_front();
        work.queued.erase(key);
        pass(work, key);
    }
    if (left > 0) recorder_.flush(options_.notes_per_turn);
    if (left == 0 || !recorder_.idle()) schedule_turn();
}

void Engine::pass(Work& work, const store::Key& key) {
    ++passes_;
    static const std::optional<base::Error> none;
    const auto setback = work.setbacks.find(key);
    const auto& failure = setback == work.setbacks.end() ? none : setback->second.error;
    auto plan = work.controller.reconcile({.key = key,
                                           .object = view_.get(key),
                                           .view = view_,
                                           .now = loop_.now(),
                                           .started = started_,
                                           .failure = failure});
    if (!plan) return failed(work, key, std::move(plan).error());
    if (auto done = carry_out(work, *plan); !done) return failed(work, key, std::move(done).error());
    const bool stumbled = failure.has_value();
    work.setbacks.erase(key);
    if (stumbled) enqueue(work, key);  // what was said about the failure is to be taken back
    if (plan->again()) come_back(work, key, *plan->again());
}

Result<void> Engine::carry_out(const Work& work, Plan& plan) {
    for (auto& step : plan.steps()) {
        Result<void> done;
        if (auto* s = std::get_if<Create>(&step)) done = create(work, *s);
        if (auto* s = std::get_if<Update>(&step)) done = update(work, *s);
        if (auto* s = std::get_if<Remove>(&step)) done = remove(work, *s);
        if (auto* s = std::get_if<Note>(&step)) recorder_.take(std::move(*s));
        if (!done) return done;
    }
    if (!recorder_.idle()) schedule_turn();
    return {};
}

void Engine::report(const std::optional<Told>& told, std::string_view name, const base::Error* error) {
    if (!told) return;
    if (!error && !told->done_reason.empty())
        recorder_.take({.about = told->about,
                        .resource = told->resource,
                        .reason = told->done_reason,
                        .message = told->done_text + std::string(name),
                        .component = told->component});
    if (error && !told->failed_reason.empty())
        recorder_.take({.about = told->about,
                        .resource = told->resource,
                        .level = Level::warning,
                        .reason = told->failed_reason,
                        .message = told->failed_text + error->message,
                        .component = told->component});
    schedule_turn();
}

Result<void> Engine::create(const Work& work, Create& step) {
    const auto* wanted = kind(step.resource);
    if (!wanted) return base::fail(Code::internal, "no kind is served for " + step.resource.plural);
    if (step.subresource.empty()) {
        step.body["apiVersion"] = wanted->api_version();
        step.body["kind"] = wanted->kind;
        step.name = Ref(step.body)["metadata"]["name"].str();
    }
    const auto written = api_.create({wanted, step.ns, step.name}, std::move(step.body),
                                     {.field_manager = work.controller.manager, .subresource = step.subresource});
    if (!written) {
        if (namespace_is_ending(written.error())) return {};
        report(step.told, "", &written.error());
        return std::unexpected(written.error());
    }
    const auto& object = written->object;
    if (step.subresource.empty()) {
        index_.put({step.resource, step.ns, std::string(object->name())}, *object);
        report(step.told, object->name(), nullptr);
    } else if (const store::Key key{step.resource, step.ns, step.name}; const auto now = view_.get(key)) {
        index_.put(key, *now);
    }
    return {};
}

Result<void> Engine::update(const Work& work, Update& step) {
    const auto* wanted = kind(step.resource);
    if (!wanted) return base::fail(Code::internal, "no kind is served for " + step.resource.plural);
    const auto meta = Ref(step.body)["metadata"];
    const store::Key key{step.resource, std::string(meta["namespace"].str()), std::string(meta["name"].str())};
    step.body["apiVersion"] = wanted->api_version();
    step.body["kind"] = wanted->kind;
    const auto written = api_.update({wanted, key.ns, key.name}, std::move(step.body),
                                     {.field_manager = work.controller.manager, .subresource = step.subresource});
    if (!written) {
        // Gone meanwhile: its deletion wakes whom it concerns.
        if (written.error().code == Code::not_found) return {};
        return std::unexpected(written.error());
    }
    if (written->object && view_.get(key)) index_.put(key, *written->object);
    return {};
}

Result<void> Engine::remove(const Work&, Remove& step) {
    const auto* wanted = kind(step.resource);
    if (!wanted) return base::fail(Code::internal, "no kind is served for " + step.resource.plural);
    const auto removed = api_.remove({wanted, step.ns, step.name}, step.options,
                                     {.user = "system:kube-controller-manager", .groups = {"system:masters"}});
    if (!removed) {
        if (removed.error().code == Code::not_found) return {};
        report(step.told, "", &removed.error());
        return std::unexpected(removed.error());
    }
    report(step.told, step.name, nullptr);
    return {};
}

void Engine::failed(Work& work, const store::Key& key, base::Error error) {
    auto& setback = work.setbacks[key];
    ++setback.times;
    const bool conflict = error.code == Code::conflict;
    if (!conflict) {
        complaints_.push_back(fmt::format("{} {}/{}: {}", work.controller.name, key.ns, key.name, error.message));
        if (complaints_.size() > complaints_max) complaints_.pop_front();
        setback.error = std::move(error);
    }
    if (conflict && setback.times <= conflicts_at_once_max) return enqueue(work, key);
    const int doublings = std::min(setback.times - 1, 30);
    come_back(work, key, std::min(options_.retry_max, options_.retry_first * (std::int64_t{1} << doublings)));
}

void Engine::come_back(Work& work, const store::Key& key, base::Duration delay) {
    const auto at = loop_.now() + std::max(delay, base::Duration{0});
    const auto number = static_cast<std::size_t>(
        std::ranges::find_if(work_, [&](const auto& one) { return one.get() == &work; }) - work_.begin());
    if (const auto due = work.due.find(key); due != work.due.end()) {
        if (due->second <= at && due->second > loop_.now()) return;
        alarms_.erase({due->second, number, key});
    }
    work.due[key] = at;
    alarms_.emplace(at, number, key);
    arm();
}

void Engine::arm() {
    if (alarms_.empty()) return alarm_.cancel();
    const auto first = std::get<0>(*alarms_.begin());
    if (alarm_ && alarm_at_ == first) return;
    alarm_at_ = first;
    alarm_ = loop_.after(first - loop_.now(), [this] { ring(); });
}

void Engine::ring() {
    alarm_.cancel();
    while (!alarms_.empty() && std::get<0>(*alarms_.begin()) <= loop_.now()) {
        const auto [at, number, key] = *alarms_.begin();
        alarms_.erase(alarms_.begin());
        work_[number]->due.erase(key);
        enqueue(*work_[number], key);
    }
    arm();
}

}  // namespace engine
