// Namespaces, links and a tiny TCP server by plain system calls and ip(8).
#include "playground.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace playground {
namespace {

sockaddr_in place(const std::string& ip, std::uint16_t port) {
    sockaddr_in out{};
    out.sin_family = AF_INET;
    out.sin_port = htons(port);
    inet_pton(AF_INET, ip.c_str(), &out.sin_addr);
    return out;
}

volatile sig_atomic_t ending = 0;

/// Answers until told to end, then what is still waiting in its listener.
[[noreturn]] void serve(const std::string& name, std::uint16_t port, int ready) {
    struct sigaction act {};
    act.sa_handler = [](int) { ending = 1; };
    sigaction(SIGTERM, &act, nullptr);
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    const int on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const auto address = place("0.0.0.0", port);
    if (bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || listen(listener, 1024) != 0)
        _exit(1);
    (void)!write(ready, "x", 1);
    pollfd waiting{listener, POLLIN, 0};
    for (;;) {
        constexpr int look_again_ms = 20;
        const int ready = poll(&waiting, 1, look_again_ms);
        if (ready == 0 && ending) _exit(0);  // nobody waits any more
        if (ready <= 0) continue;
        const int peer = accept(listener, nullptr, nullptr);
        if (peer < 0) continue;
        char word[16];
        ssize_t got = 0;
        while ((got = read(peer, word, sizeof word)) < 0 && errno == EINTR) {
        }
        if (got > 0 && write(peer, name.data(), name.size()) < 0) _exit(1);
        close(peer);
    }
}

}  // namespace

bool shell(const std::string& command) { return std::system(command.c_str()) == 0; }

std::string enter() {
    if (geteuid() != 0) return "it needs root";
    if (unshare(CLONE_NEWNET) != 0) return std::string("a network namespace cannot be made: ") + std::strerror(errno);
    const std::string name = bridge;
    const bool made =
        shell("ip link set lo up && ip link add " + name + " address 0a:58:0a:f4:07:01 type bridge && ip addr add " +
              gateway + "/24 dev " + name + " && ip link set " + name + " up && ip route add " + service_cidr +
              " dev " + name + " src " + gateway) &&
        shell("echo 1 > /proc/sys/net/ipv4/ip_forward && echo 1 > /proc/sys/net/ipv4/conf/" + name + "/route_localnet");
    // without bridge netfilter pods of one bridge would not see rules for each other; the host side is what is tested
    shell("echo 1 > /proc/sys/net/bridge/bridge-nf-call-iptables 2>/dev/null");
    return made ? "" : "the bridge cannot be made";
}

BackendProcess::BackendProcess(const std::string& name, const std::string& ip, std::uint16_t port) {
    int ready[2], go[2];
    if (pipe(ready) != 0 || pipe(go) != 0) return;
    pid_ = fork();
    if (pid_ == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        char byte = 0;
        if (unshare(CLONE_NEWNET) != 0 || write(ready[1], "x", 1) != 1 || read(go[0], &byte, 1) != 1) _exit(1);
        const bool up = shell("ip link set lo up && ip addr add " + ip +
                              "/24 dev eth0 && ip link set eth0 up && ip route add "
                              "default via " +
                              gateway);
        if (!up) _exit(1);
        serve(name, port, ready[1]);
    }
    char byte = 0;
    (void)!read(ready[0], &byte, 1);
    link_ = "v" + std::to_string(pid_);
    shell("ip link add " + link_ + " type veth peer name eth0 netns " + std::to_string(pid_) + " && ip link set " +
          link_ + " master " + bridge + " up && ip link set " + link_ +
          " type bridge_slave hairpin on && ip neigh flush dev " + bridge);
    (void)!write(go[1], "x", 1);
    close(ready[1]);
    (void)!read(ready[0], &byte, 1);
    for (const int fd : {ready[0], go[0], go[1]}) close(fd);
}

BackendProcess::~BackendProcess() {
    // a dead namespace takes its time to go, and would answer for its address until then
    shell("ip link del " + link_ + " 2>/dev/null");
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
}

void BackendProcess::terminate() {
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
}

std::string BackendProcess::ask(const std::string& ip, std::uint16_t port) const {
    int answer[2];
    if (pipe(answer) != 0) return "no pipe";
    const pid_t child = fork();
    if (child == 0) {
        const int ns = open(("/proc/" + std::to_string(pid_) + "/ns/net").c_str(), O_RDONLY);
        const auto said = setns(ns, CLONE_NEWNET) == 0 ? playground::ask(ip, port) : "no namespace";
        (void)!write(answer[1], said.data(), said.size());
        _exit(0);
    }
    close(answer[1]);
    std::string out(64, '\0');
    const auto got = read(answer[0], out.data(), out.size());
    out.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    close(answer[0]);
    waitpid(child, nullptr, 0);
    return out;
}

std::string ask(const std::string& ip, std::uint16_t port) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    const timeval patience{3, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    const auto to = place(ip, port);
    char answer[32];
    std::string out;
    if (connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
        out = errno == ECONNREFUSED ? "refused" : std::string("lost: ") + std::strerror(errno);
    } else if (write(fd, "hi", 2) != 2) {
        out = "reset";
    } else {
        const auto got = read(fd, answer, sizeof answer);
        out = got > 0 ? std::string(answer, static_cast<std::size_t>(got)) : got == 0 ? "closed" : "reset";
        while (got > 0 && read(fd, answer, sizeof answer) > 0) {
        }  // to the end: the port is free at once when the other side closed first
    }
    close(fd);
    return out;
}

}  // namespace playground
