// The controller runtime: hears of changes, wakes reconcilers, carries out their plans.
//
//   store event -> Watch.wakes -> queue (each key once) -> reconcile -> plan -> verbs -> store
//
// Rules: one key at a time; controllers take turns; a turn of the loop does a bounded piece of work; a conflict drops
// the plan and thinks again; other failures come back later and later (5 ms to 1000 s). The order is the same every
// time.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/controller.h"
#include "engine/index.h"
#include "engine/recorder.h"
#include "engine/view.h"
#include "run/loop.h"
#include "verbs/api.h"

namespace engine {

struct Options {
    std::size_t passes_per_turn = 128;
    std::size_t notes_per_turn = 64;
    base::Duration retry_first = std::chrono::milliseconds(5);
    base::Duration retry_max = std::chrono::seconds(1000);
    /// How late events are heard, in order; unset: at once. Simulations draw it.
    std::function<base::Duration()> event_delay;
};

class Engine {
 public:
    Engine(run::Loop& loop, verbs::Api& api, std::vector<Controller> controllers, Options options = {});
    ~Engine();
    Engine(const Engine&) = delete;

    /// Takes in what the store holds, wakes everything once, and listens from now on.
    void start();
    /// True when nothing waits to be reconciled now (timers aside).
    bool idle() const;
    const View& view() const { return view_; }
    /// Passes made since the start, for metrics and benchmarks.
    std::uint64_t passes() const { return passes_; }
    /// The last errors of reconcilers: "controller ns/name: message"; bounded, newest last.
    const std::deque<std::string>& complaints() const { return complaints_; }

 private:
    struct Setback {
        int times = 0;
        std::optional<base::Error> error;
    };
    struct Work {
        Controller controller;
        std::deque<store::Key> queue;
        std::set<store::Key> queued;
        std::map<store::Key, Setback> setbacks;
        std::map<store::Key, base::Time> due;  ///< the one wish to come back per key
    };
    struct Delayed {
        base::Time due;
        store::EventPtr event;
    };

    void hear(const store::EventPtr& event);
    void hear_delayed();
    void wake(const store::Event& event);
    void enqueue(Work& work, const store::Key& key);
    void schedule_turn();
    void turn();
    void pass(Work& work, const store::Key& key);
    base::Result<void> carry_out(const Work& work, Plan& plan);
    base::Result<void> create(const Work& work, Create& step);
    base::Result<void> update(const Work& work, Update& step);
    base::Result<void> remove(const Work& work, Remove& step);
    void report(const std::optional<Told>& told, std::string_view name, const base::Error* error);
    void failed(Work& work, const store::Key& key, base::Error error);
    void come_back(Work& work, const store::Key& key, base::Duration delay);
    void arm();
    void ring();
    const object::Kind* kind(const Resource& resource) const;

    run::Loop& loop_;
    verbs::Api& api_;
    Options options_;
    Index index_;
    View view_;
    Recorder recorder_;
    std::vector<std::unique_ptr<Work>> work_;
    std::map<Resource, const object::Kind*> kinds_;
    std::map<Resource, std::vector<std::pair<Work*, const Watch*>>> watches_;
    std::vector<std::pair<Work*, const Watch*>> watches_of_all_;
    std::unique_ptr<store::Watch> subscription_;
    std::deque<Delayed> delayed_;
    run::Timer delayed_timer_;
    std::set<std::tuple<base::Time, std::size_t, store::Key>> alarms_;
    run::Timer alarm_;
    base::Time alarm_at_{};
    base::Time started_{};
    bool turn_posted_ = false;
    std::size_t next_ = 0;  ///< whose turn it is
    std::uint64_t passes_ = 0;
    std::deque<std::string> complaints_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace engine
