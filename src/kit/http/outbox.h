// What a connection has yet to send, in order. Small pieces are gathered, large ones are shared and not copied.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kit/net/transport.h"

namespace kit::http {

class Outbox {
 public:
    /// Text may be appended here directly.
    std::string& tail() { return tail_; }
    void append(std::shared_ptr<const std::string> bytes);

    std::size_t size() const { return sealed_bytes_ + tail_.size() - sent_; }
    bool empty() const { return size() == 0; }
    /// Sends until nothing is left (`done`) or nothing goes (`again`, `closed`).
    net::Io flush(net::Transport& transport);

 private:
    struct Piece {
        std::string text;
        std::shared_ptr<const std::string> shared;
        std::string_view bytes() const { return shared ? std::string_view(*shared) : std::string_view(text); }
    };
    void drop(std::size_t sent);

    std::vector<Piece> sealed_;  ///< before tail_, from first_ on
    std::size_t first_ = 0;
    std::size_t sealed_bytes_ = 0;
    std::string tail_;
    std::size_t sent_ = 0;  ///< of the first piece, or of tail_ when there is none
};

}  // namespace kit::http
