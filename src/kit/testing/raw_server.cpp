#include "kit/testing/raw_server.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <utility>

#include "base/result.h"

namespace kit::testing {

std::string RawServer::Peer::read_head() {
    std::string text;
    char bytes[4096];
    while (!text.contains("\r\n\r\n")) {
        const auto got = ::recv(fd_, bytes, sizeof bytes, 0);
        if (got <= 0) return {};
        text.append(bytes, static_cast<std::size_t>(got));
    }
    return text;
}

std::string RawServer::Peer::read(std::size_t bytes) {
    std::string text(bytes, '\0');
    std::size_t filled = 0;
    while (filled < bytes) {
        const auto got = ::recv(fd_, text.data() + filled, bytes - filled, 0);
        if (got <= 0) break;
        filled += static_cast<std::size_t>(got);
    }
    text.resize(filled);
    return text;
}

bool RawServer::Peer::wait_for_close() {
    char byte = 0;
    return ::recv(fd_, &byte, 1, 0) == 0;
}

bool RawServer::Peer::send(std::string_view bytes) const {
    while (!bytes.empty()) {
        const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

void RawServer::Peer::close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

void RawServer::Peer::reset() {
    const linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
}

RawServer::RawServer(Script script)
    : script_(std::move(script)), fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    socklen_t size = sizeof address;
    auto* const plain = reinterpret_cast<sockaddr*>(&address);
    base::check(::bind(fd_, plain, size) == 0 && ::listen(fd_, 64) == 0, "a test can listen");
    ::getsockname(fd_, plain, &size);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
}

RawServer::~RawServer() {
    ::shutdown(fd_, SHUT_RDWR);
    acceptor_.join();
    ::close(fd_);
    for (auto& script : scripts_) script.join();
}

void RawServer::accept_all() {
    for (int number = 1;; ++number) {
        const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0) return;
        const timeval patience{.tv_sec = 10, .tv_usec = 0};
        ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        scripts_.emplace_back([this, fd, number] {
            Peer peer(fd);
            script_(peer, number);
        });
    }
}

std::string RawServer::url(std::string_view path) const {
    std::string text = "http://127.0.0.1:";
    text += std::to_string(port_);
    text += path;
    return text;
}

}  // namespace kit::testing
