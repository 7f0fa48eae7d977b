#include "kit/testing/http_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace kit::testing {

Client::Client(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(port);
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval patience{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) close();
}

Client::~Client() { close(); }

void Client::close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

void Client::finish_writing() { ::shutdown(fd_, SHUT_WR); }

void Client::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) return;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

bool Client::more() {
    char chunk[16 * 1024];
    const auto got = ::recv(fd_, chunk, sizeof chunk, 0);
    if (got <= 0) return false;
    buffer_.append(chunk, static_cast<std::size_t>(got));
    return true;
}

bool Client::read_until(std::string_view text) {
    std::size_t searched = 0;
    while (buffer_.find(text, searched) == std::string::npos) {
        searched = buffer_.size() - std::min(buffer_.size(), text.size());
        if (!more()) return false;
    }
    return true;
}

std::string Client::read_to_end() {
    while (more()) {
    }
    return std::exchange(buffer_, {});
}

Answer Client::read(std::string_view method) {
    if (!read_until("\r\n\r\n")) return {};
    const auto end = buffer_.find("\r\n\r\n") + 4;
    Answer answer{.status = 0, .head = buffer_.substr(0, end), .body = {}};
    buffer_.erase(0, end);
    std::from_chars(answer.head.data() + 9, answer.head.data() + 12, answer.status);
    if (method == "HEAD" || answer.status == 100) return answer;
    const auto number_after = [&](std::string_view name) {
        std::size_t value = 0;
        const auto at = answer.head.find(name);
        if (at != std::string::npos) {
            std::from_chars(answer.head.data() + at + name.size(), answer.head.data() + answer.head.size(), value);
        }
        return value;
    };
    if (!answer.has("Transfer-Encoding: chunked")) {
        const auto length = number_after("Content-Length: ");
        while (buffer_.size() < length && more()) {
        }
        answer.body = buffer_.substr(0, length);
        buffer_.erase(0, length);
        return answer;
    }
    while (read_until("\r\n")) {
        std::size_t size = 0;
        const auto line = buffer_.find("\r\n") + 2;
        std::from_chars(buffer_.data(), buffer_.data() + line, size, 16);
        while (buffer_.size() < line + size + 2 && more()) {
        }
        answer.body += buffer_.substr(line, size);
        buffer_.erase(0, line + size + 2);
        if (size == 0) return answer;
    }
    return {};
}

std::string get(std::string_view path, std::string_view extra) {
    return "GET " + std::string(path) + " HTTP/1.1\r\nHost: test\r\n" + std::string(extra) + "\r\n";
}

}  // namespace kit::testing
