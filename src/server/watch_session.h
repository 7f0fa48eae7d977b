// One open watch: its initial objects, then changes as they become durable, bookmarks, and its end.
//
//   start --(initial objects wanted)--> snapshot durable --> live --(time, drain)--> end
//     \--(from a revision)------------------------------------^  \--(too slow, client gone)--> dropped
#pragma once

#include <memory>

#include "server/core.h"
#include "server/list_options.h"
#include "server/selection.h"
#include "server/watch.h"

namespace server {

struct WatchOptions {
    store::Resource resource;
    Selection selection;
    EventTexts::Form form;
    ListOptions options;
};

class WatchSession : public std::enable_shared_from_this<WatchSession> {
 public:
    WatchSession(Core& core, Watches& owner, std::uint64_t id, std::shared_ptr<http::Stream> stream,
                 WatchOptions options);
    void start();
    /// A last bookmark, then the clean end of the answer.
    void end();

 private:
    enum class Mark : std::uint8_t { plain, initial_end };

    bool from_snapshot() const;
    void send_snapshot(const std::vector<object::ObjectPtr>& objects, store::Revision revision);
    void follow(store::Revision from);
    void changed(const store::EventPtr& event);
    void show(const object::ObjectPtr& object, store::EventType type);
    void fail(const base::Error& error);
    void bookmark(store::Revision revision, Mark mark);
    void send(Text line);
    void schedule_bookmark();
    void drop();
    bool meant(const object::ObjectPtr& object) const { return object && options_.selection.matches(*object); }

    Core& core_;
    Watches& owner_;
    std::uint64_t id_;
    std::shared_ptr<http::Stream> stream_;  ///< null once ended
    WatchOptions options_;
    std::unique_ptr<store::Watch> watch_;
    store::Revision seen_ = 0;
    run::Timer deadline_, next_bookmark_;
};

std::string event_line(std::string_view type, std::string_view object);

}  // namespace server
