// A listening socket, and in plain words why one could not be had.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace kit::http {

struct Accepted {
    int fd = -1;  ///< -1: nobody waits
    std::string address;
    bool exhausted = false;  ///< out of file descriptors or memory: try again later
};

class Listener {
 public:
    static base::Result<Listener> open(const std::string& address, std::uint16_t port);
    Listener(Listener&& other) noexcept;
    Listener& operator=(Listener&&) = delete;
    ~Listener() { close(); }

    Accepted accept();
    /// New connections are not answered any more (their clients try again a second later, when somebody else may
    /// listen); handshakes that have begun still end well. Without it, closing resets whoever comes between the last
    /// accept and the close.
    void hold_off();
    void close();
    int fd() const { return fd_; }
    std::uint16_t port() const { return port_; }

 private:
    Listener(int fd, std::uint16_t port) : fd_(fd), port_(port) {}
    int fd_;
    std::uint16_t port_;
};

}  // namespace kit::http
