#include "vehicles/shelf.h"

#include "vehicles/changes.h"

namespace vehicles {
namespace {

/// "TAG UNTIL\nJSON", as the cache keeps it.
std::string packed(const Text& text) {
    std::string out;
    out.reserve(text.tag.size() + text.until.size() + text.json.size() + 2);
    out += text.tag;
    out += ' ';
    out += text.until;
    out += '\n';
    out += text.json;
    return out;
}

/// False when it is none, or speaks of a reservation that is over.
bool unpack(std::string_view kept, const run::Clock& clock, Shelf::Shown& shown) {
    const auto line = kept.find('\n');
    const auto space = kept.find(' ');
    if (line == std::string_view::npos || space >= line) return false;
    const auto until = kept.substr(space + 1, line - space - 1);
    if (!until.empty() && until <= base::rfc3339_micro(clock.now())) return false;
    shown.tag = kept.substr(0, space);
    shown.json = kept.substr(line + 1);
    return true;
}

Answer<Text> shown_to(Answer<Shelf::Shown> answer) {
    return [answer = std::move(answer)](base::Result<Text> text) mutable {
        if (!text) return answer(std::unexpected(std::move(text).error()));
        answer(Shelf::Shown{std::move(text->tag), std::move(text->json)});
    };
}

}  // namespace

template <class Fetch>
void Shelf::look(const std::string& key, Fetch fetch, Answer<Shown> answer) {
    auto fetched = [fetch](kit::redis::Cache::Fetched done) mutable {
        fetch([done = std::move(done)](base::Result<Text> text) mutable {
            if (!text) return done(std::unexpected(std::move(text).error()));
            done(packed(*text));
        });
    };
    auto found = [this, fetch, answer = std::move(answer)](base::Result<std::string> kept) mutable {
        if (!kept) return answer(std::unexpected(std::move(kept).error()));
        Shown shown;
        if (unpack(*kept, clock_, shown)) return answer(std::move(shown));
        fetch(shown_to(std::move(answer)));
    };
    cache_->get(key, std::move(fetched), std::move(found));
}

void Shelf::vehicle(std::int64_t id, Answer<Shown> answer) {
    if (!cache_) return catalogue_.text(id, shown_to(std::move(answer)));
    look(
        cache_key(id), [this, id](Answer<Text> fetched) { catalogue_.text(id, std::move(fetched)); },
        std::move(answer));
}

void Shelf::page(const Wish& wish, Answer<Shown> answer) {
    const auto key = cache_ ? cache_key(wish) : std::string();
    if (key.empty()) return catalogue_.text(wish, shown_to(std::move(answer)));
    look(
        key, [this, wish](Answer<Text> fetched) { catalogue_.text(wish, std::move(fetched)); }, std::move(answer));
}

}  // namespace vehicles
