// One request on its way through a service: what was asked, who asks, how long the answer may take, and the one answer
// to it. Whoever holds the Call owes the answer; a Call that is dropped answers 500 by itself. After its time is over
// the client has been told 504: what is answered then is passed over.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kit/context.h"
#include "kit/http/server.h"
#include "kit/problem.h"

namespace kit {

class Router;
struct Route;
namespace auth {
struct Identity;
}

using PathValues = std::vector<std::pair<std::string_view, std::string>>;

class Call {
 public:
    Call(Router& router, const Route* route, http::Request request, PathValues path, http::Reply reply);
    Call(Call&&) noexcept = default;
    Call& operator=(Call&&) = delete;
    ~Call();

    const http::Request& request() const;
    Router& router() const;
    /// The decoded value of `{name}` in the route's pattern.
    std::string_view path(std::string_view name) const;
    /// The first value of a query parameter.
    std::optional<std::string> query(std::string_view name) const;
    /// True when the client would rather have a page than JSON (a browser).
    bool wants_page() const;
    /// The value of a cookie, or "".
    std::string_view cookie(std::string_view name) const;
    /// The pairs of a form's body; 415 when the body is none.
    base::Result<std::vector<std::pair<std::string, std::string>>> form() const;
    /// The body, piece by piece, for routes that take a stream.
    http::Body& body();
    /// The trace that the request belongs to, when its answer is due, and whether the client still waits. To be passed
    /// on to whatever is called for it.
    const Context& context() const;
    /// Who asks, for routes that need or know it; null: nobody that we know.
    const auth::Identity* identity() const;
    /// Called at most once when the client goes away before the answer: work for it may be given up.
    void on_gone(run::Callback gone);

    /// Exactly one of these, once.
    void answer(http::Response response);
    void fail(const base::Error& error);
    void problem(const Problem& problem);
    /// An answer that goes out piece by piece. Null when the answer's time was over.
    std::shared_ptr<http::Stream> stream(int status, http::Headers headers);
    /// Leaves HTTP (101). Null when the answer's time was over.
    std::shared_ptr<http::Channel> upgrade(http::Headers headers);

 private:
    friend class Router;
    struct State;
    std::shared_ptr<State> state_;  ///< the router keeps it too while the answer is due
};

http::Response text_response(int status, std::string text, std::string_view type = "text/plain; charset=utf-8");
http::Response json_response(int status, std::string json);
http::Response page_response(int status, std::string html);
/// 303: the browser is to GET `target`.
http::Response see_other(std::string_view target);

}  // namespace kit
