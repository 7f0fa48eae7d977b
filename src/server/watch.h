// Open watches: one line of JSON an event, each event serialised once per form however many watch it.
#pragma once

#include <map>
#include <memory>
#include <tuple>

#include "server/selection.h"
#include "server/table.h"
#include "store/store.h"

namespace server {

struct Core;
struct WatchOptions;

/// Texts of recent events, by what they show; bounded.
class EventTexts {
 public:
    /// What a watcher sees of an event.
    struct Form {
        const object::Kind* kind = nullptr;
        server::Form form = server::Form::object;
        std::string version;  ///< of meta.k8s.io
        RowObject row = RowObject::metadata;
        Columns columns = Columns::shown;
        auto operator<=>(const Form&) const = default;
    };
    Text get(const object::ObjectPtr& object, store::EventType shown, const Form& form, base::Time now);
    /// The object's text alone, not kept.
    static std::string render(const object::ObjectPtr& object, const Form& form, base::Time now);

 private:
    using Key = std::tuple<store::Revision, store::EventType, Form>;
    std::map<Key, Text> texts_;
    std::size_t bytes_ = 0;
};

class WatchSession;

/// Owns the sessions; a session ends by being dropped from here.
class Watches {
 public:
    explicit Watches(Core& core) : core_(core) {}
    ~Watches();
    /// Answers `call` with a stream of events.
    void open(Call call, WatchOptions options);
    void close_all();
    std::size_t size() const { return sessions_.size(); }

 private:
    friend class WatchSession;
    void forget(std::uint64_t id);

    Core& core_;
    EventTexts texts_;
    std::uint64_t last_ = 0;
    bool closing_ = false;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    std::map<std::uint64_t, std::shared_ptr<WatchSession>> sessions_;
};

}  // namespace server
