#include "notifications/intake.h"

namespace notifications {

void Intake::take(std::vector<Event> events, Answer<Taken> answer) {
    std::vector<Intended> intended;
    for (auto& event : events) {
        auto channels = dispatcher_.channels_for(event);
        Said said;
        if (templates_.knows(event.type) && !event.user_id.empty()) said = templates_.say(event);
        if (channels.empty() && said.title.empty()) continue;
        intended.push_back({std::move(event), std::move(channels), std::move(said.title), std::move(said.text)});
    }
    if (intended.empty()) return answer(Taken{});
    ledger_.take(std::move(intended), [this, answer = std::move(answer)](base::Result<Taken> taken) mutable {
        if (taken && taken->added > 0) {
            dispatcher_.wake();
            taken_();
        }
        answer(std::move(taken));
    });
}

void Intake::take_entry(const kit::redis::Entry& entry, std::move_only_function<void(bool done)> done) {
    auto event = event_of(entry.body);
    if (!event) {  // it will never be one
        log_.warn("an entry of the stream is no event", {{"entry", entry.id}, {"error", event.error().message}});
        return done(true);
    }
    std::vector<Event> one;
    one.push_back(std::move(*event));
    take(std::move(one), [this, id = entry.id, done = std::move(done)](base::Result<Taken> taken) mutable {
        if (!taken) log_.debug("an event is to come again", {{"entry", id}, {"error", taken.error().message}});
        done(taken.has_value());
    });
}

}  // namespace notifications
