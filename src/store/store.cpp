// The in-memory side of the store. Rule: memory changes first, subscribers in process hear of it in the next turn of
// the loop, everybody outside only once the journal has it.
#include "store/store.h"

#include <algorithm>

namespace store {

using base::Code;
using base::Result;
namespace json = object::json;

namespace {

/// A new store begins here, so that small numbers are revisions long gone, as they are in any cluster that lived.
constexpr Revision first_revision = 100;

using Name = std::pair<std::string, std::string>;  // namespace, name
using Table = std::map<Name, ObjectPtr>;

ObjectPtr stamped(json::object value, Revision revision) {
    object::child(value, "metadata")["resourceVersion"] = std::to_string(revision);
    return std::make_shared<const Object>(std::move(value));
}

struct Subscriber {
    std::function<void(const EventPtr&)> changed;
};

struct Watcher {
    Resource resource;
    Revision sent = 0;  ///< everything of the resource up to here has been handed over
    bool caught_up = false;
    std::function<void(const EventPtr&)> changed;
};

template <class T>
class Handle final : public Watch {
 public:
    explicit Handle(std::shared_ptr<T> kept) : kept_(std::move(kept)) {}

 private:
    std::shared_ptr<T> kept_;
};

/// Calls each live entry, dropping those whose handle is gone; entries added meanwhile are not called.
template <class T, class F>
void each_alive(std::vector<std::weak_ptr<T>>& entries, F&& call) {
    const auto count = entries.size();
    bool gone = false;
    for (std::size_t i = 0; i < count; ++i) {
        if (const auto entry = entries[i].lock())
            call(*entry);
        else
            gone = true;
    }
    if (gone) std::erase_if(entries, [](const auto& weak) { return weak.expired(); });
}

}  // namespace

struct Store::State {
    run::Loop& loop;
    Journal* journal;
    Options options;
    Revision revision = 0, durable = 0, delivered = 0;
    Revision compacted = 0;  ///< history holds every event after this one
    std::map<Resource, Table> tables;
    std::deque<EventPtr> history;
    std::deque<EventPtr> unheard;  ///< written, subscribers not yet told
    bool telling = false;
    std::vector<std::weak_ptr<Subscriber>> subscribers;
    std::map<Resource, std::vector<std::weak_ptr<Watcher>>> watchers;
    std::multimap<Revision, run::Callback> waiting;
    std::shared_ptr<bool> alive = std::make_shared<bool>(true);

    State(run::Loop& loop_, Journal* journal_, Options options_) : loop(loop_), journal(journal_), options(options_) {}

    void write(EventPtr event);
    void tell();
    void became_durable(Revision upto);
    void show(Watcher& watcher, Revision upto);
    const EventPtr& at(Revision wanted) const { return history[static_cast<std::size_t>(wanted - compacted - 1)]; }
};

void Store::State::write(EventPtr event) {
    auto& table = tables[event->key.resource];
    const Name name{event->key.ns, event->key.name};
    if (event->type == EventType::deleted)
        table.erase(name);
    else
        table[name] = event->object;
    revision = event->revision;
    history.push_back(event);
    // What outside watchers have not been shown stays, however long the journal takes (a full disk).
    while (history.size() > options.history_max && compacted < delivered) history.pop_front(), ++compacted;
    unheard.push_back(event);
    if (!telling) {
        telling = true;
        loop.post([this, weak = std::weak_ptr(alive)] {
            if (!weak.expired()) tell();
        });
    }
    if (journal) journal->append(std::move(event));
}

void Store::State::tell() {
    telling = false;
    while (!unheard.empty()) {
        const auto event = std::move(unheard.front());
        unheard.pop_front();
        each_alive(subscribers, [&](Subscriber& subscriber) { subscriber.changed(event); });
    }
    if (!journal) became_durable(revision);
}

void Store::State::became_durable(Revision upto) {
    durable = std::max(durable, upto);
    std::vector<run::Callback> ready;
    while (!waiting.empty() && waiting.begin()->first <= durable) {
        ready.push_back(std::move(waiting.begin()->second));
        waiting.erase(waiting.begin());
    }
    for (auto& then : ready) then();
    for (auto r = delivered + 1; r <= durable; ++r) {
        const EventPtr event = at(r);
        delivered = r;
        const auto found = watchers.find(event->key.resource);
        if (found == watchers.end()) continue;
        each_alive(found->second, [&](Watcher& watcher) {
            if (!watcher.caught_up || watcher.sent >= r) return;
            watcher.sent = r;
            watcher.changed(event);
        });
    }
}

void Store::State::show(Watcher& watcher, Revision upto) {
    for (auto r = std::max(watcher.sent, compacted) + 1; r <= upto; ++r) {
        const EventPtr event = at(r);
        watcher.sent = r;
        if (event->key.resource == watcher.resource) watcher.changed(event);
    }
    watcher.caught_up = true;
}

Store::Store(run::Loop& loop, Loaded loaded, Journal* journal, Options options)
    : state_(std::make_unique<State>(loop, journal, options)) {
    auto& s = *state_;
    s.revision = s.durable = s.delivered = s.compacted = std::max(loaded.revision, first_revision);
    for (auto& [key, object] : loaded.objects)
        s.tables[key.resource].emplace(Name{key.ns, key.name}, std::move(object));
    if (journal)
        journal->on_durable([&s, weak = std::weak_ptr(s.alive)](Revision upto) {
            if (!weak.expired()) s.became_durable(upto);
        });
}

Store::~Store() = default;

Revision Store::revision() const { return state_->revision; }
Revision Store::durable() const { return state_->durable; }

void Store::when_durable(Revision revision, run::Callback then) {
    if (revision <= state_->durable) return then();
    state_->waiting.emplace(revision, std::move(then));
}

ObjectPtr Store::get(const Key& key) const {
    const auto table = state_->tables.find(key.resource);
    if (table == state_->tables.end()) return nullptr;
    const auto found = table->second.find(Name{key.ns, key.name});
    return found == table->second.end() ? nullptr : found->second;
}

std::vector<ObjectPtr> Store::list(const Resource& resource, std::string_view ns) const {
    std::vector<ObjectPtr> out;
    const auto table = state_->tables.find(resource);
    if (table == state_->tables.end()) return out;
    if (ns.empty()) {
        out.reserve(table->second.size());
        for (const auto& [name, object] : table->second) out.push_back(object);
        return out;
    }
    for (auto it = table->second.lower_bound(Name{std::string(ns), ""});
         it != table->second.end() && it->first.first == ns; ++it)
        out.push_back(it->second);
    return out;
}

Result<std::vector<ObjectPtr>> Store::list_at(const Resource& resource, std::string_view ns, Revision revision) const {
    const auto& s = *state_;
    if (revision >= s.revision) return list(resource, ns);
    if (revision < s.compacted)
        return base::fail(Code::expired,
                          "The provided continue parameter is too old to display a consistent list result.");
    const auto table = s.tables.find(resource);
    Table past = table == s.tables.end() ? Table{} : table->second;
    for (auto r = s.revision; r > revision; --r) {
        const auto& event = *s.at(r);
        if (event.key.resource != resource) continue;
        const Name name{event.key.ns, event.key.name};
        if (event.previous)
            past[name] = event.previous;
        else
            past.erase(name);
    }
    std::vector<ObjectPtr> out;
    for (auto& [name, object] : past)
        if (ns.empty() || name.first == ns) out.push_back(std::move(object));
    return out;
}

Result<ObjectPtr> Store::create(const Key& key, json::object value) {
    if (get(key)) return base::fail(Code::already_exists, "\"" + key.name + "\" already exists");
    const auto revision = state_->revision + 1;
    auto object = stamped(std::move(value), revision);
    state_->write(std::make_shared<const Event>(Event{revision, EventType::added, key, object, nullptr}));
    return object;
}

Result<ObjectPtr> Store::update(const Key& key, json::object value, Revision expected) {
    auto previous = get(key);
    if (!previous) return base::fail(Code::not_found, "\"" + key.name + "\" not found");
    if (expected && previous->revision() != expected) return base::fail(Code::conflict, "the object has been modified");
    const auto revision = state_->revision + 1;
    auto object = stamped(std::move(value), revision);
    state_->write(
        std::make_shared<const Event>(Event{revision, EventType::modified, key, object, std::move(previous)}));
    return object;
}

Result<ObjectPtr> Store::remove(const Key& key, Revision expected) {
    auto previous = get(key);
    if (!previous) return base::fail(Code::not_found, "\"" + key.name + "\" not found");
    if (expected && previous->revision() != expected) return base::fail(Code::conflict, "the object has been modified");
    const auto revision = state_->revision + 1;
    auto object = stamped(previous->value(), revision);
    state_->write(std::make_shared<const Event>(Event{revision, EventType::deleted, key, object, std::move(previous)}));
    return object;
}

std::unique_ptr<Watch> Store::subscribe(std::function<void(const EventPtr&)> changed) {
    auto subscriber = std::make_shared<Subscriber>(std::move(changed));
    state_->subscribers.push_back(subscriber);
    return std::make_unique<Handle<Subscriber>>(std::move(subscriber));
}

Result<std::unique_ptr<Watch>> Store::watch(const Resource& resource, Revision from,
                                            std::function<void(const EventPtr&)> changed) {
    auto& s = *state_;
    if (from < s.compacted)
        return base::fail(Code::expired, "too old resource version: " + std::to_string(from) + " (" +
                                             std::to_string(s.compacted) + ")");
    auto watcher = std::make_shared<Watcher>(Watcher{resource, from, false, std::move(changed)});
    s.watchers[resource].push_back(watcher);
    s.loop.post([&s, weak = std::weak_ptr(watcher), alive = std::weak_ptr(s.alive)] {
        const auto watcher = weak.lock();
        if (watcher && !alive.expired()) s.show(*watcher, s.delivered);
    });
    return std::make_unique<Handle<Watcher>>(std::move(watcher));
}

}  // namespace store
