// For tests: see smtp_sink.h.
#include "notifications/testing/smtp_sink.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace notifications::testing {

SmtpSink::SmtpSink(int failures, int seconds) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return;
    auto count = std::to_string(failures), delay = std::to_string(seconds);
    std::string script = SOURCE_FOLDER "/smtp_sink.py";
    pid_ = ::fork();
    if (pid_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        ::dup2(ends[1], STDOUT_FILENO);
        char python[] = "/usr/bin/python3";
        char* const arguments[] = {python, script.data(), count.data(), delay.data(), nullptr};
        ::execv(python, arguments);
        ::_exit(127);
    }
    ::close(ends[1]);
    out_ = ends[0];
    std::string line;
    if (!read_line(line)) return;
    port_ = static_cast<std::uint16_t>(boost::json::parse(line).at("port").as_int64());
    reader_ = std::thread([this] {
        std::string mail;
        while (read_line(mail)) {
            auto value = boost::json::parse(mail);
            const std::lock_guard lock(mutex_);
            mails_.push_back(std::move(value));
        }
    });
}

SmtpSink::~SmtpSink() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    if (reader_.joinable()) reader_.join();
    if (out_ >= 0) ::close(out_);
}

bool SmtpSink::read_line(std::string& line) {
    std::size_t end = 0;
    while ((end = buffer_.find('\n')) == std::string::npos) {
        char bytes[4096];
        const auto got = ::read(out_, bytes, sizeof bytes);
        if (got <= 0) return false;
        buffer_.append(bytes, static_cast<std::size_t>(got));
    }
    line = buffer_.substr(0, end);
    buffer_.erase(0, end + 1);
    return true;
}

std::vector<boost::json::value> SmtpSink::mails() {
    const std::lock_guard lock(mutex_);
    return mails_;
}

}  // namespace notifications::testing
