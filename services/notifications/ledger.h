// What is kept: every event once, a notice for the user whom it concerns, and for each channel one delivery with its
// state. The unique key of event and channel is what "never twice" rests on. The only place with SQL.
//
//   waiting -> sending -> sent
//      ^          |---> waiting (tried again later)
//      |          '---> dead (given up, or refused for good)
//      '--- dead (replayed)
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "kit/db/page.h"
#include "kit/web/paging.h"
#include "notifications/event.h"
#include "notifications/templates.h"

namespace notifications {

template <class T>
using Answer = std::move_only_function<void(base::Result<T>)>;

struct Notice {
    std::int64_t number = 0;  ///< grows: what `since` speaks of
    std::string id;           ///< its event's
    std::string user_id;
    std::string type;
    std::string subject;
    std::string title;
    std::string text;
    std::int64_t at = 0;  ///< milliseconds since 1970
    bool read = false;
};

using Page = kit::Paging;

struct Notices {
    std::vector<Notice> items;
    std::int64_t total = 0;
    std::int64_t unread = 0;
};

struct Delivery {
    std::string id;  ///< EVENT:CHANNEL
    std::string event_id;
    std::string channel;
    std::string type;
    std::string state;
    std::int64_t attempts = 0;
    std::string problem;
    std::int64_t at = 0;
    std::string body;  ///< the event
};

using Deliveries = kit::db::ItemsPage<Delivery>;

/// One event with what is to be done about it.
struct Intended {
    Event event;
    std::vector<std::string> channels;
    std::string title;  ///< of the notice; "": none
    std::string text;
};

struct Taken {
    std::int64_t added = 0;
    std::int64_t repeated = 0;
};

class Ledger {
 public:
    Ledger(kit::db::Database& database, const run::Clock& clock) : database_(database), clock_(clock) {}
    static std::vector<kit::db::Migration> migrations();

    /// All or nothing; events that are there already change nothing.
    void take(std::vector<Intended> events, Answer<Taken> answer);

    void notices(std::string user, Page page, Answer<Notices> answer);
    /// Those after `number`, oldest first, at most 100.
    void notices_since(std::string user, std::int64_t number, Answer<std::vector<Notice>> answer);
    /// One notice by its id, or all with "". `not_found` when this user has none of that id.
    void mark_read(std::string user, std::string id, Answer<void> answer);

    void delivery(const std::string& id, Answer<Delivery> answer);
    void deliveries(const std::string& event, Answer<Deliveries> answer);
    void dead(Page page, Answer<Deliveries> answer);
    /// `not_found` when no dead letter has that id.
    void replay(const std::string& id, Answer<void> answer);

    /// Before anything is sent. False: somebody else has settled it meanwhile.
    void begin(const std::string& id, Answer<bool> answer);
    void sent(const std::string& id, Answer<void> answer);
    void put_off(const std::string& id, std::int64_t until, const std::string& problem, Answer<void> answer);
    void give_up(const std::string& id, const std::string& problem, Answer<void> answer);
    /// Forgets what was sent longer ago than `age`, a bounded number of events.
    void forget(run::Duration age, kit::db::Done done);

 private:
    std::int64_t now() const;
    void write(std::string sql, kit::db::Parameters parameters, Answer<void> answer);
    void list(std::string where, kit::db::Parameters parameters, Page page, Answer<Deliveries> answer);

    kit::db::Database& database_;
    const run::Clock& clock_;
};

}  // namespace notifications
