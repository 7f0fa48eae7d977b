#include "kit/http/incoming.h"

#include <utility>

namespace kit::http {

void Incoming::next(Piece piece) {
    piece_ = std::move(piece);
    deliver();
    if (wanted() && ask_) ask_();
}

void Incoming::arrived(std::string bytes) {
    if (bytes.empty()) return;
    arrived_ += bytes;
    deliver();
}

void Incoming::end() {
    ended_ = true;
    deliver();
}

void Incoming::fail(base::Error error) {
    if (over()) return;
    error_ = std::move(error);
    deliver();
}

void Incoming::detach() {
    ask_ = nullptr;
    fail({base::Code::unavailable, "the connection has ended"});
}

void Incoming::abandon() {
    const auto dropped = std::exchange(piece_, nullptr);
    detach();
}

/// The reader may ask for the next piece from within its callback.
void Incoming::deliver() {
    if (!piece_ || (arrived_.empty() && !over())) return;
    auto piece = std::exchange(piece_, nullptr);
    if (!arrived_.empty()) return piece(std::exchange(arrived_, {}));
    if (error_) return piece(std::unexpected(*error_));
    piece(std::string());
}

std::shared_ptr<Body> empty_body() {
    auto body = std::make_shared<Incoming>(nullptr);
    body->end();
    return body;
}

}  // namespace kit::http
