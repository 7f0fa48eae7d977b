// A guard for Boost.Beast's parser (1.81): once it has seen the line of a last chunk ("0\r\n") without the empty line
// behind it, it asserts that at least five bytes are there, and ends the process when they come one by one.
#pragma once

#include <cstddef>

namespace kit::http {

class LastChunkGuard {
 public:
    /// True: too little came to be offered again; every chunk's line and what must follow it are longer.
    bool holds(std::size_t bytes) const { return stuck_ && bytes < bytes_least; }
    /// After each offer in a chunked body that ended in a wish for more: what it left is the begin of a line.
    void left_over(std::size_t bytes) { stuck_ = bytes > 0; }

 private:
    static constexpr std::size_t bytes_least = 5;
    bool stuck_ = false;
};

}  // namespace kit::http
