// New notices as they come, by server-sent events: one stream for each page that is open. Notices that another replica
// took are found by looking; what this one took is looked for at once.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "kit/web/websocket.h"
#include "notifications/ledger.h"

namespace notifications {

/// {"id", "number", "type", "subject", "time", "title", "text", "read"}
void append_json(std::string& out, const Notice& notice);

class Feed {
 public:
    explicit Feed(Ledger& ledger) : ledger_(ledger) {}
    /// Streams this user's notices after `number`. False when too many streams are open.
    bool open(std::shared_ptr<kit::EventStream> stream, std::string user, std::int64_t number);
    bool full() const;
    /// Looks for new ones for everybody who listens.
    void look();

 private:
    struct Listener {
        std::shared_ptr<kit::EventStream> stream;
        std::string user;
        std::int64_t number = 0;        ///< all up to here were sent, but for some of the last
        std::set<std::int64_t> recent;  ///< sent ones within the overlap
        bool looking = false;
        bool gone = false;
    };
    void look_for(const std::shared_ptr<Listener>& listener);

    Ledger& ledger_;
    std::vector<std::shared_ptr<Listener>> listeners_;
};

}  // namespace notifications
