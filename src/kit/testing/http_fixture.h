// For tests: an io_context on a thread of its own, and a blocking client that speaks raw bytes.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <string>
#include <string_view>
#include <thread>

#include "kit/http/server.h"

namespace kit::testing {

class LoopThread {
 public:
    LoopThread() : guard_(boost::asio::make_work_guard(io)), thread_([this] { io.run(); }) {}
    ~LoopThread() {
        guard_.reset();
        thread_.join();
    }
    /// Runs `work` on the loop and waits for it.
    template <class Work>
    auto run(Work work) {
        std::packaged_task<decltype(work())()> task(std::move(work));
        auto result = task.get_future();
        boost::asio::post(io, [&task] { task(); });
        return result.get();
    }
    boost::asio::io_context io{1};

 private:
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_;
    std::thread thread_;
};

struct Answer {
    int status = 0;
    std::string head;
    std::string body;
    bool has(std::string_view text) const { return head.find(text) != std::string::npos; }
};

/// A blocking TCP client; every wait ends after ten seconds at the latest.
class Client {
 public:
    explicit Client(std::uint16_t port);
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    void send(std::string_view bytes);
    /// Reads one answer (Content-Length or chunked, decoded); status 0 when the connection ended before.
    Answer read(std::string_view method = "GET");
    /// Everything until the server closes.
    std::string read_to_end();
    /// Reads until `text` has come; false at the end of the connection.
    bool read_until(std::string_view text);
    void finish_writing();
    void close();
    int fd() const { return fd_; }

 private:
    bool more();
    int fd_ = -1;
    std::string buffer_;
};

std::string get(std::string_view path, std::string_view extra = "");

}  // namespace kit::testing
