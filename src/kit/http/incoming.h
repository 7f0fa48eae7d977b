// The body of one request on its way from a connection to its reader: one piece at a time, and only when asked for.
#pragma once

#include <optional>
#include <string>

#include "kit/http/server.h"

namespace kit::http {

class Incoming final : public Body {
 public:
    /// `ask` makes the connection read on.
    explicit Incoming(std::function<void()> ask) : ask_(std::move(ask)) {}

    void next(Piece piece) override;

    /// The reader waits and nothing is there for it.
    bool wanted() const { return piece_ && arrived_.empty() && !over(); }
    /// Nothing more will come.
    bool over() const { return ended_ || error_; }
    /// All of it has been read from the client.
    bool complete() const { return ended_; }
    void arrived(std::string bytes);
    void end();
    /// The first error stays.
    void fail(base::Error error);
    /// The connection has no more to do with it.
    void detach();
    /// As detach(), without telling the reader.
    void abandon();

 private:
    void deliver();
    std::function<void()> ask_;  ///< null: no connection any more
    Piece piece_;
    std::string arrived_;
    std::optional<base::Error> error_;
    bool ended_ = false;
};

/// A body with nothing in it.
std::shared_ptr<Body> empty_body();

}  // namespace kit::http
