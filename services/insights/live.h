// Pages that follow live: each is told its figures at once and again when they change. Those who look at the same share
// one computation and one text.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "insights/figures.h"
#include "kit/web/websocket.h"

namespace insights {

class Live {
 public:
    Live(Figures& figures, run::Loop& loop, std::size_t sessions_max)
        : figures_(figures), loop_(loop), sessions_max_(sessions_max) {}

    /// 422 for a wrong filter, 503 when there are too many.
    void join(kit::Call call);
    /// Has every filter that somebody follows gathered, and tells what changed.
    void look();
    std::size_t sessions() const { return sessions_.size(); }

 private:
    struct Session {
        std::shared_ptr<kit::WebSocket> socket;
        Filter filter;
        std::shared_ptr<const std::string> told;  ///< figures without their time, or a problem
    };
    void heard(std::uint64_t id, std::string_view text);
    void gather(const Filter& filter);
    void tell(const Filter& filter, const base::Result<std::string>& figures);
    static std::string problem_text(std::string_view detail);

    Figures& figures_;
    run::Loop& loop_;
    std::size_t sessions_max_;
    std::uint64_t last_id_ = 0;
    std::map<std::uint64_t, Session> sessions_;
};

}  // namespace insights
