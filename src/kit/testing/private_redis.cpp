#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <utility>

#include "kit/testing/process.h"

namespace kit::testing {
namespace {
constexpr const char* program = "/usr/bin/redis-server";
}

std::unique_ptr<PrivateRedis> PrivateRedis::make(std::string& why, std::string password) {
    if (!std::filesystem::exists(program)) {
        why = fmt::format("there is no {} (Debian package redis-server)", program);
        return nullptr;
    }
    std::unique_ptr<PrivateRedis> made(new PrivateRedis);
    made->password_ = std::move(password);
    made->port_ = free_port();
    if (made->start()) return made;
    why = "redis-server does not start";
    return nullptr;
}

PrivateRedis::~PrivateRedis() { stop(); }

std::string PrivateRedis::url() const {
    const auto secret = password_.empty() ? std::string() : ":" + password_ + "@";
    return "redis://" + secret + "127.0.0.1:" + std::to_string(port_);
}

bool PrivateRedis::start() {
    if (pid_ > 0) return true;
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return false;
    const auto port = std::to_string(port_);
    std::vector<const char*> words{program, "--port",       port.c_str(), "--bind", "127.0.0.1",           "--save",
                                   "",      "--appendonly", "no",         "--dir",  folder_.path().c_str()};
    if (!password_.empty()) words.insert(words.end(), {"--requirepass", password_.c_str()});
    words.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        ::dup2(ends[1], STDOUT_FILENO);
        ::execv(program, const_cast<char* const*>(words.data()));
        ::_exit(127);
    }
    ::close(ends[1]);
    out_ = ends[0];
    std::string said;
    char bytes[1024];
    while (said.find("Ready to accept connections") == std::string::npos) {
        const auto got = ::read(out_, bytes, sizeof bytes);
        if (got <= 0) {
            stop();
            return false;
        }
        said.append(bytes, static_cast<std::size_t>(got));
    }
    return true;
}

void PrivateRedis::stop() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(std::exchange(pid_, -1), nullptr, 0);
    ::close(std::exchange(out_, -1));
}

void PrivateRedis::pause() const { ::kill(pid_, SIGSTOP); }
void PrivateRedis::resume() const { ::kill(pid_, SIGCONT); }

}  // namespace kit::testing
