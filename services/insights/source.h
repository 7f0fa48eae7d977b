// What another service says of itself, remembered: asked at most once a second for the same, however many want it, and
// known on when that service goes away.
#pragma once

#include <boost/json/object.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "kit/web/peer.h"
#include "run/loop.h"

namespace insights {

/// An answer as last known.
struct Known {
    std::shared_ptr<const boost::json::object> value;  ///< null: never
    run::Time time;                                    ///< when it was so
    std::string problem;                               ///< why it is not known now; "": it is
};

class Source {
 public:
    Source(kit::Peer& peer, run::Loop& loop, run::Duration fresh) : peer_(peer), loop_(loop), fresh_(fresh) {}

    using Told = std::move_only_function<void(const Known&)>;
    /// `path` with its query; what it answers is a JSON object.
    void ask(const std::string& path, Told told);
    const std::string& name() const { return peer_.options().name; }

 private:
    struct Entry {
        Known known;
        run::Time asked{};
        bool asking = false;
        std::vector<Told> waiting;
    };
    void arrived(const std::string& path, base::Result<kit::http::Response> answer);
    void make_room();

    kit::Peer& peer_;
    run::Loop& loop_;
    run::Duration fresh_;
    std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace insights
