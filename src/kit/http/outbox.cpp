#include "kit/http/outbox.h"

#include <algorithm>
#include <array>

namespace kit::http {
namespace {
constexpr std::size_t copied_bytes_max = 16 * 1024;  ///< below it a copy is cheaper than a piece of its own
constexpr std::size_t kept_bytes_max = 4 * 1024;     ///< of buffer that an idle connection keeps
constexpr std::size_t pieces_a_write_max = 64;
}  // namespace

void Outbox::append(std::shared_ptr<const std::string> bytes) {
    if (bytes->size() <= copied_bytes_max && tail_.size() <= copied_bytes_max) {
        tail_ += *bytes;
        return;
    }
    if (!tail_.empty()) {
        sealed_bytes_ += tail_.size();
        sealed_.push_back({std::move(tail_), nullptr});
        tail_.clear();
    }
    sealed_bytes_ += bytes->size();
    sealed_.push_back({{}, std::move(bytes)});
}

net::Io Outbox::flush(net::Transport& transport) {
    while (!empty()) {
        std::array<iovec, pieces_a_write_max> pieces;
        std::size_t count = 0;
        std::size_t skip = sent_;
        const auto add = [&](std::string_view bytes) {
            bytes.remove_prefix(std::exchange(skip, 0));
            if (!bytes.empty()) pieces[count++] = {const_cast<char*>(bytes.data()), bytes.size()};
        };
        for (auto at = first_; at < sealed_.size() && count < pieces.size(); ++at) add(sealed_[at].bytes());
        if (count < pieces.size()) add(tail_);
        const auto moved = transport.write({pieces.data(), count});
        if (moved.io != net::Io::done) return moved.io;
        drop(moved.bytes);
    }
    return net::Io::done;
}

void Outbox::drop(std::size_t sent) {
    sent_ += sent;
    while (first_ < sealed_.size() && sent_ >= sealed_[first_].bytes().size()) {
        const auto size = sealed_[first_].bytes().size();
        sent_ -= size;
        sealed_bytes_ -= size;
        sealed_[first_++] = {};
    }
    if (first_ == sealed_.size()) {
        sealed_.clear();
        first_ = 0;
    }
    if (!empty()) return;
    sent_ = 0;
    tail_.clear();
    if (tail_.capacity() > kept_bytes_max) tail_.shrink_to_fit();
}

}  // namespace kit::http
