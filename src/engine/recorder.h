// Writes Events. Rule: the same thing said again raises the count of one Event, and what is remembered for that is
// bounded; Events wait until the work that caused them is done.
#pragma once

#include <deque>
#include <map>
#include <string>

#include "engine/plan.h"
#include "run/loop.h"
#include "verbs/api.h"

namespace engine {

class Recorder {
 public:
    Recorder(run::Loop& loop, verbs::Api& api);
    /// Queues a note; written by flush.
    void take(Note note);
    bool idle() const { return waiting_.empty(); }
    /// Writes up to `notes_max` of what waits.
    void flush(std::size_t notes_max);

 private:
    struct Known {
        std::string ns, name;
        std::int64_t count = 1;
    };
    void write(const Note& note);
    bool repeat(const std::string& same, Known& known);
    json::object body(const Note& note, const std::string& name);

    run::Loop& loop_;
    verbs::Api& api_;
    const object::Kind* kind_ = nullptr;
    std::deque<Note> waiting_;
    std::map<std::string, Known> known_;
    std::deque<std::string> order_;  ///< of known_, oldest first
    std::int64_t stamp_ = 0;         ///< of the last Event's name: never the same twice
};

}  // namespace engine
