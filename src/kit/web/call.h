// One request on its way through a service: what was asked, and the one answer to it. Whoever holds the Call owes
// the answer; a Call that is dropped answers 500 by itself.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kit/http/server.h"
#include "kit/problem.h"

namespace kit {

class Router;
struct Route;

using PathValues = std::vector<std::pair<std::string_view, std::string>>;

class Call {
 public:
    Call(Router& router, const Route* route, http::Request request, PathValues path, http::Reply reply);
    Call(Call&&) noexcept = default;
    Call& operator=(Call&&) = delete;
    ~Call();

    const http::Request& request() const { return request_; }
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

    /// Exactly one of these, once.
    void answer(http::Response response);
    void fail(const base::Error& error);
    void problem(const Problem& problem);

 private:
    Router* router_;
    const Route* route_;  ///< null: no route fits
    http::Request request_;
    PathValues path_;
    std::optional<http::Reply> reply_;
    run::Time started_;
    struct Owed {  // moves as a flag that is taken along
        Owed() = default;
        Owed(Owed&& other) noexcept : yes(std::exchange(other.yes, false)) {}
        bool yes = true;
    } owed_;
};

http::Response text_response(int status, std::string text, std::string_view type = "text/plain; charset=utf-8");
http::Response json_response(int status, std::string json);
http::Response page_response(int status, std::string html);
/// 303: the browser is to GET `target`.
http::Response see_other(std::string_view target);

}  // namespace kit
