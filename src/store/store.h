// The one versioned truth: an ordered map of objects with a global revision, a bounded history and watches, journaled.
// A write is visible in process at once; it is durable, and may be acknowledged or shown outside, when the journal says
// so.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "object/json.h"
#include "run/loop.h"

namespace store {

using object::Object;
using object::ObjectPtr;
using Revision = std::int64_t;

/// A kind's objects are stored under its group and plural ("/pods", "apps/deployments"), whatever version is served.
struct Resource {
    std::string group;
    std::string plural;
    auto operator<=>(const Resource&) const = default;
};

struct Key {
    Resource resource;
    std::string ns;  ///< "" for cluster scope
    std::string name;
    auto operator<=>(const Key&) const = default;
};

enum class EventType : std::uint8_t { added, modified, deleted };

struct Event {
    Revision revision = 0;
    EventType type = EventType::added;
    Key key;
    ObjectPtr object;    ///< for deleted: the last state, with the deletion's revision in its metadata
    ObjectPtr previous;  ///< null for added
};
using EventPtr = std::shared_ptr<const Event>;

/// Where writes become durable. Two implementations: SQLite on a thread of its own, and the simulated disk.
class Journal {
 public:
    virtual ~Journal() = default;
    /// Appends one event; events are made durable in order, many at a time. Never blocks.
    virtual void append(EventPtr event) = 0;
    /// `durable` is called on the loop when everything up to that revision is durable.
    virtual void on_durable(std::function<void(Revision)> durable) = 0;
};

/// What a journal held at start.
struct Loaded {
    Revision revision = 0;
    std::vector<std::pair<Key, ObjectPtr>> objects;
};

class Watch {  ///< dropping it ends the watch
 public:
    virtual ~Watch() = default;
};

struct Options {
    std::size_t history_max = 1000;  ///< events kept for watches from an old revision and for paged lists
};

class Store {
 public:
    /// `journal` may be null (nothing is durable: unit tests).
    Store(run::Loop& loop, Loaded loaded, Journal* journal, Options options = {});
    ~Store();
    Store(const Store&) = delete;

    Revision revision() const;
    /// The highest revision that is durable.
    Revision durable() const;
    /// Runs `then` on the loop once `revision` is durable: at once when it is already.
    void when_durable(Revision revision, run::Callback then);

    ObjectPtr get(const Key& key) const;
    /// Objects of a resource in order of namespace and name; an empty ns means all.
    std::vector<ObjectPtr> list(const Resource& resource, std::string_view ns = {}) const;
    /// As it was at `revision`; Code::expired when history does not reach back that far.
    base::Result<std::vector<ObjectPtr>> list_at(const Resource& resource, std::string_view ns,
                                                 Revision revision) const;

    /// Writes; each takes the next revision and sets metadata.resourceVersion of what it returns.
    /// `expected` 0 is unconditional, else the stored object's revision must equal it (Code::conflict).
    base::Result<ObjectPtr> create(const Key& key, object::json::object value);
    base::Result<ObjectPtr> update(const Key& key, object::json::object value, Revision expected);
    base::Result<ObjectPtr> remove(const Key& key, Revision expected);

    /// In-process subscribers (engine, node, network): called at every write of any resource, after it, in order,
    /// from within a posted callback, so that a writer is never re-entered.
    [[nodiscard]] std::unique_ptr<Watch> subscribe(std::function<void(const EventPtr&)> changed);
    /// Outside watchers of one resource: events after `from`, in order, none lost, only once durable.
    /// Code::expired when `from` is older than the history.
    [[nodiscard]] base::Result<std::unique_ptr<Watch>> watch(const Resource& resource, Revision from,
                                                             std::function<void(const EventPtr&)> changed);

 private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace store
