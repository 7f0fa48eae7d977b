#include <fmt/format.h>

#include <filesystem>

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

std::string PrivateRedis::url() const {
    const auto secret = password_.empty() ? std::string() : ":" + password_ + "@";
    return "redis://" + secret + "127.0.0.1:" + std::to_string(port_);
}

bool PrivateRedis::start() {
    std::vector<std::string> words{program,  "--port", std::to_string(port_), "--bind", "127.0.0.1",
                                   "--save", "",       "--appendonly",        "no",     "--dir"};
    words.push_back(folder_.path());
    if (!password_.empty()) words.insert(words.end(), {"--requirepass", password_});
    return child_.start({.words = std::move(words), .ready = "Ready to accept connections"});
}

void PrivateRedis::stop() { child_.stop(SIGKILL); }
void PrivateRedis::pause() const { child_.signal(SIGSTOP); }
void PrivateRedis::resume() const { child_.signal(SIGCONT); }

}  // namespace kit::testing
