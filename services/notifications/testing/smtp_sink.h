// For tests: a real mail server (python3-aiosmtpd) as a process, and the mails that it took.
#pragma once

#include <boost/json.hpp>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace notifications::testing {

class SmtpSink {
 public:
    /// Answers the first `failures` mails with 451; takes `seconds` for each.
    explicit SmtpSink(int failures, int seconds = 0);
    ~SmtpSink();
    SmtpSink(const SmtpSink&) = delete;
    SmtpSink& operator=(const SmtpSink&) = delete;
    /// 0 when it did not start.
    std::uint16_t port() const { return port_; }
    std::string url() const { return "smtp://127.0.0.1:" + std::to_string(port_) + "?starttls=never"; }
    std::vector<boost::json::value> mails();

 private:
    bool read_line(std::string& line);
    int pid_ = -1;
    int out_ = -1;
    std::uint16_t port_ = 0;
    std::string buffer_;
    std::mutex mutex_;
    std::vector<boost::json::value> mails_;
    std::thread reader_;
};

}  // namespace notifications::testing
