// For tests of clients: a server that misbehaves as told. A script gets each connection, on a thread of its own, with
// its number (from 1) and blocking reads that end after ten seconds at the latest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace kit::testing {

class RawServer {
 public:
    class Peer {
     public:
        explicit Peer(int fd) : fd_(fd) {}
        ~Peer() { close(); }
        Peer(const Peer&) = delete;
        Peer& operator=(const Peer&) = delete;
        /// A request's head, and what came with it; "" when the client has closed.
        std::string read_head();
        /// So many bytes, or fewer when the client closes.
        std::string read(std::size_t bytes);
        /// True when the client closes without sending more.
        bool wait_for_close();
        /// False when the client does not take it any more.
        bool send(std::string_view bytes) const;
        void close();
        /// Closes with a reset.
        void reset();

     private:
        int fd_;
    };
    using Script = std::function<void(Peer&, int number)>;

    explicit RawServer(Script script);
    /// Waits for all scripts to end.
    ~RawServer();
    RawServer(const RawServer&) = delete;
    RawServer& operator=(const RawServer&) = delete;
    std::uint16_t port() const { return port_; }
    std::string url(std::string_view path = "/") const;

 private:
    void accept_all();
    Script script_;
    int fd_ = -1;
    std::uint16_t port_ = 0;
    std::vector<std::thread> scripts_;
    std::thread acceptor_;
};

}  // namespace kit::testing
