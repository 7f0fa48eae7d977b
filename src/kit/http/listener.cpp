#include "kit/http/listener.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace kit::http {
namespace {

constexpr int backlog = 4096;

std::unexpected<base::Error> refused(const std::string& address, std::uint16_t port, int error) {
    const auto number = std::to_string(port);
    const auto text = "cannot listen on " + address + ":" + number + ": ";
    switch (error) {
        case EADDRINUSE:
            return base::fail(base::Code::conflict, text +
                                                        "another process has this port; see which with `ss -ltnp "
                                                        "'sport = :" +
                                                        number + "'`, stop it, or choose another port");
        case EACCES:
            return base::fail(base::Code::forbidden,
                              text + "ports below 1024 need root or CAP_NET_BIND_SERVICE; choose a higher port");
        case EADDRNOTAVAIL:
            return base::fail(base::Code::invalid, text + "this machine does not have that address; see `ip address`");
        default:
            return base::fail(base::Code::unavailable, text + std::strerror(error));
    }
}

}  // namespace

base::Result<Listener> Listener::open(const std::string& address, std::uint16_t port) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(port);
    if (::inet_pton(AF_INET, address.c_str(), &name.sin_addr) != 1) {
        return base::fail(base::Code::invalid, "cannot listen on '" + address + "': it is not an IPv4 address");
    }
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return refused(address, port, errno);
    Listener listener(fd, port);
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // accepted sockets inherit it
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) return refused(address, port, errno);
    if (::listen(fd, backlog) != 0) return refused(address, port, errno);
    socklen_t length = sizeof name;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &length);
    listener.port_ = ntohs(name.sin_port);
    return listener;
}

Listener::Listener(Listener&& other) noexcept : fd_(std::exchange(other.fd_, -1)), port_(other.port_) {}

Accepted Listener::accept() {
    while (true) {
        sockaddr_in peer{};
        socklen_t length = sizeof peer;
        const int fd = ::accept4(fd_, reinterpret_cast<sockaddr*>(&peer), &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            char text[INET_ADDRSTRLEN] = "";
            ::inet_ntop(AF_INET, &peer.sin_addr, text, sizeof text);
            return {.fd = fd, .address = text};
        }
        if (errno == EINTR || errno == ECONNABORTED) continue;
        const bool exhausted = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
        return {.fd = -1, .address = {}, .exhausted = exhausted};
    }
}

void Listener::hold_off() {
    constexpr std::uint32_t flags_at = 13;  // within the TCP header, where a filter of a TCP socket begins
    std::array<sock_filter, 4> drop_syn{{BPF_STMT(BPF_LD | BPF_B | BPF_ABS, flags_at),
                                         BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, TH_SYN, 0, 1),
                                         BPF_STMT(BPF_RET | BPF_K, 0), BPF_STMT(BPF_RET | BPF_K, 0xffffffff)}};
    const sock_fprog program{.len = drop_syn.size(), .filter = drop_syn.data()};
    // Where the kernel refuses it, closing is as it was without it.
    ::setsockopt(fd_, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

void Listener::close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

}  // namespace kit::http
