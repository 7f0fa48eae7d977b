// A load generator that is strict about loss: every request that did not get a whole answer with the wanted status is
// counted by what went wrong. One thread, one epoll set, plain HTTP/1.1 to one IPv4 address.
//
//   load http://127.0.0.1:8080/health --connections 64 --seconds 10 [--requests N] [--rate N] [--close]
//        [--timeout-ms 5000] [--method POST --body TEXT --type application/json] [--header "Name: value"]
//        [--expect 200] [--show-failures 5]
//
// Keep-alive by default; --close opens a connection for each request. A server that says `Connection: close` is obeyed.
// A kept-alive connection that ends before a byte of the answer is a failure too: nothing is tried again.
// SIGINT and SIGTERM end it early. The last line is JSON; the exit code is 0 when nothing failed, 3 otherwise.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::duration;

volatile std::sig_atomic_t interrupted = 0;

struct Options {
    std::string host;
    std::uint16_t port = 80;
    std::string path = "/";
    int connections = 8;
    std::uint64_t requests = 0;  ///< 0: until the time is over
    double seconds = 0;          ///< 0: until the requests are done
    double rate = 0;             ///< requests a second over all connections; 0: as fast as it goes
    bool close_each = false;
    int timeout_ms = 5000;
    std::string method = "GET";
    std::string body;
    std::string type = "application/json";
    std::string headers;
    int expect = 0;  ///< 0: any 2xx
    int show_failures = 5;
};

[[noreturn]] void usage(const std::string& why) {
    std::fprintf(
        stderr,
        "load: %s\nusage: load http://IP:PORT/path [--connections N] [--seconds S] [--requests N] [--rate N]\n"
        "  [--close] [--timeout-ms N] [--method M] [--body TEXT] [--type T] [--header 'N: v'] [--expect STATUS]\n"
        "  [--show-failures N]\n",
        why.c_str());
    std::exit(2);
}

template <class Number>
Number number(std::string_view flag, std::string_view text) {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size())
        usage(std::string(flag) + " needs a number, not '" + std::string(text) + "'");
    return value;
}

void read_url(std::string_view url, Options& options) {
    if (!url.starts_with("http://")) usage("the address must begin with http://");
    url.remove_prefix(7);
    const auto slash = std::min(url.find('/'), url.size());
    if (slash < url.size()) options.path = url.substr(slash);
    const auto place = url.substr(0, slash);
    const auto colon = place.find(':');
    options.host = place.substr(0, colon);
    if (options.host == "localhost") options.host = "127.0.0.1";
    if (colon != std::string_view::npos) options.port = number<std::uint16_t>("the port", place.substr(colon + 1));
}

void set_option(Options& options, const std::string& flag, const std::string& value) {
    if (flag == "--connections")
        options.connections = number<int>(flag, value);
    else if (flag == "--requests")
        options.requests = number<std::uint64_t>(flag, value);
    else if (flag == "--seconds")
        options.seconds = number<double>(flag, value);
    else if (flag == "--rate")
        options.rate = number<double>(flag, value);
    else if (flag == "--timeout-ms")
        options.timeout_ms = number<int>(flag, value);
    else if (flag == "--expect")
        options.expect = number<int>(flag, value);
    else if (flag == "--show-failures")
        options.show_failures = number<int>(flag, value);
    else if (flag == "--method")
        options.method = value;
    else if (flag == "--body")
        options.body = value;
    else if (flag == "--type")
        options.type = value;
    else if (flag == "--header")
        options.headers += value + "\r\n";
    else
        usage("there is no flag " + flag);
}

Options read_options(int argc, char** argv) {
    Options options;
    for (int at = 1; at < argc; ++at) {
        const std::string flag = argv[at];
        if (!flag.starts_with("--"))
            read_url(flag, options);
        else if (flag == "--close")
            options.close_each = true;
        else if (at + 1 == argc)
            usage(flag + " needs a value");
        else
            set_option(options, flag, argv[++at]);
    }
    if (options.host.empty()) usage("say which address");
    if (options.connections < 1 || options.connections > 20'000) usage("--connections must be from 1 to 20000");
    if (options.requests == 0 && options.seconds <= 0) options.seconds = 10;
    return options;
}

enum class Failure : std::uint8_t {
    connect_refused,
    connect_timeout,
    connect_other,
    reset,
    closed_before_answer,
    closed_in_answer,
    timeout,
    bad_answer,
    bad_status,
    count
};
constexpr std::array failure_names = {"connect_refused", "connect_timeout",      "connect_other",
                                      "reset",           "closed_before_answer", "closed_in_answer",
                                      "timeout",         "bad_answer",           "bad_status"};
static_assert(failure_names.size() == static_cast<std::size_t>(Failure::count));

/// Latencies in buckets of 1/64 of their power of two: exact enough, and of fixed size.
class Latencies {
 public:
    void add(std::uint64_t nanoseconds) { ++buckets_[index(nanoseconds)], ++total_; }
    /// In milliseconds.
    double quantile(double q) const {
        const auto wanted = static_cast<std::uint64_t>(q * static_cast<double>(total_));
        std::uint64_t seen = 0;
        for (std::size_t at = 0; at < buckets_.size(); ++at) {
            seen += buckets_[at];
            if (seen > wanted) return value(at) / 1e6;
        }
        return 0;
    }

 private:
    static constexpr int fine_bits = 6;
    static std::size_t index(std::uint64_t n) {
        if (n < 64) return n;
        const int power = 63 - __builtin_clzll(n);
        return static_cast<std::size_t>((power - fine_bits + 1) << fine_bits |
                                        static_cast<int>((n >> (power - fine_bits)) & 63));
    }
    static double value(std::size_t index) {
        if (index < 64) return static_cast<double>(index);
        const auto shift = (index >> fine_bits) - 1;
        return static_cast<double>(((index & 63) | 64) << shift);
    }
    std::array<std::uint64_t, 64 << fine_bits> buckets_{};
    std::uint64_t total_ = 0;
};

struct Connection {
    int fd = -1;
    enum class State : std::uint8_t { closed, connecting, waiting, idle } state = State::closed;
    bool reused = false;
    std::uint64_t used = 0;  ///< requests that this socket has carried
    Clock::time_point started;
    std::string in;
    std::size_t sent = 0;
};

/// What an answer's head says; nothing while it is not whole.
struct Head {
    int status = 0;
    std::size_t bytes = 0;
    std::size_t length = 0;
    bool chunked = false;
    bool close = false;
};

bool holds(std::string_view head, std::string_view lower_text) {
    return std::search(head.begin(), head.end(), lower_text.begin(), lower_text.end(),
                       [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; }) != head.end();
}

std::optional<Head> read_head(std::string_view in) {
    const auto end = in.find("\r\n\r\n");
    if (end == std::string_view::npos) return std::nullopt;
    Head head{.bytes = end + 4};
    const auto text = in.substr(0, end + 2);
    if (!text.starts_with("HTTP/1.") || text.size() < 12) return head;
    std::from_chars(text.data() + 9, text.data() + 12, head.status);
    static constexpr std::string_view length_name = "\r\ncontent-length:";
    const auto at = std::search(text.begin(), text.end(), length_name.begin(), length_name.end(),
                                [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
    if (at != text.end()) {
        auto digits = std::string_view(at + length_name.size(), text.end());
        digits.remove_prefix(std::min(digits.find_first_not_of(' '), digits.size()));
        std::from_chars(digits.data(), digits.data() + digits.size(), head.length);
    }
    head.chunked = holds(text, "\r\ntransfer-encoding: chunked");
    head.close = holds(text, "\r\nconnection: close");
    return head;
}

/// The bytes that a chunked body takes, 0 while it is not whole; -1 when it is broken.
long chunked_bytes(std::string_view body) {
    std::size_t at = 0;
    while (true) {
        const auto line = body.find("\r\n", at);
        if (line == std::string_view::npos) return 0;
        std::size_t size = 0;
        const auto [end, error] = std::from_chars(body.data() + at, body.data() + line, size, 16);
        if (error != std::errc{}) return -1;
        at = line + 2 + size + 2;
        if (at > body.size()) return 0;
        if (size == 0) return static_cast<long>(at);
    }
}

class Load {
 public:
    explicit Load(Options options) : options_(std::move(options)), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
        address_.sin_family = AF_INET;
        address_.sin_port = htons(options_.port);
        if (::inet_pton(AF_INET, options_.host.c_str(), &address_.sin_addr) != 1)
            usage("'" + options_.host + "' is no IPv4 address");
        request_ = options_.method + " " + options_.path + " HTTP/1.1\r\nHost: " + options_.host + ":" +
                   std::to_string(options_.port) + "\r\n" + options_.headers;
        if (options_.close_each) request_ += "Connection: close\r\n";
        if (!options_.body.empty())
            request_ += "Content-Type: " + options_.type +
                        "\r\nContent-Length: " + std::to_string(options_.body.size()) + "\r\n";
        request_ += "\r\n" + options_.body;
        connections_.resize(static_cast<std::size_t>(options_.connections));
    }

    void run() {
        begun_ = Clock::now();
        last_sweep_ = begun_;
        for (auto& connection : connections_) next(connection);
        std::array<epoll_event, 256> events;
        while (busy_ > 0 || !over()) {
            const int ready =
                ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), options_.rate > 0 ? 1 : 50);
            now_ = Clock::now();
            for (int at = 0; at < ready; ++at)
                on_ready(*static_cast<Connection*>(events[at].data.ptr), events[at].events);
            if (options_.rate > 0) start_due();
            sweep();
        }
        ended_ = Clock::now();
        for (auto& connection : connections_) drop(connection);
    }

    int report() const {
        const double seconds = duration<double>(ended_ - begun_).count();
        std::uint64_t failed = 0;
        for (const auto count : failures_) failed += count;
        std::printf(
            "{\"url\":\"http://"
            "%s:%u%s\",\"mode\":\"%s\",\"connections\":%d,\"seconds\":%.3f,\"requests\":%llu,\"ok\":%llu,\"failed\":%"
            "llu,\"failures\":{",
            options_.host.c_str(), options_.port, options_.path.c_str(), options_.close_each ? "close" : "keep-alive",
            options_.connections, seconds, static_cast<unsigned long long>(ok_ + failed),
            static_cast<unsigned long long>(ok_), static_cast<unsigned long long>(failed));
        bool first = true;
        for (std::size_t at = 0; at < failures_.size(); ++at) {
            if (failures_[at] == 0) continue;
            std::printf("%s\"%s\":%llu", first ? "" : ",", failure_names[at],
                        static_cast<unsigned long long>(failures_[at]));
            first = false;
        }
        std::printf("},\"statuses\":{");
        first = true;
        for (const auto& [status, count] : statuses_) {
            std::printf("%s\"%d\":%llu", first ? "" : ",", status, static_cast<unsigned long long>(count));
            first = false;
        }
        std::printf("},\"versions\":{");
        first = true;
        for (const auto& [version, count] : versions_) {
            std::printf("%s\"%s\":%llu", first ? "" : ",", version.c_str(), static_cast<unsigned long long>(count));
            first = false;
        }
        std::printf(
            "},\"rate\":%.1f,\"p50_ms\":%.3f,\"p90_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f,\"connects\":%llu}\n",
            static_cast<double>(ok_) / seconds, latencies_.quantile(0.5), latencies_.quantile(0.9),
            latencies_.quantile(0.99), slowest_ms_, static_cast<unsigned long long>(connects_));
        return failed == 0 ? 0 : 3;
    }

 private:
    bool over() const {
        if (interrupted) return true;
        if (options_.requests > 0 && started_ >= options_.requests) return true;
        return options_.seconds > 0 && duration<double>(now_ - begun_).count() >= options_.seconds;
    }
    bool rate_allows() const {
        return options_.rate <= 0 ||
               static_cast<double>(started_) < options_.rate * duration<double>(now_ - begun_).count();
    }

    /// Starts this connection's next request, if there is to be one.
    void next(Connection& connection) {
        if (over() || !rate_allows()) return;
        ++started_;
        ++busy_;
        connection.started = now_;
        connection.sent = 0;
        connection.in.clear();
        connection.reused = connection.fd >= 0;
        if (connection.fd < 0 && !open(connection)) return;
        if (connection.state == Connection::State::idle) {
            connection.state = Connection::State::waiting;
            send(connection);
        }
    }

    void start_due() {
        for (auto& connection : connections_) {
            const bool free =
                connection.state == Connection::State::idle || connection.state == Connection::State::closed;
            if (free && rate_allows()) next(connection);
        }
    }

    bool open(Connection& connection) {
        ++connects_;
        connection.used = 0;
        connection.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        const int on = 1;
        ::setsockopt(connection.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.ptr = &connection}};
        ::epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.fd, &event);
        connection.state = Connection::State::connecting;
        if (::connect(connection.fd, reinterpret_cast<const sockaddr*>(&address_), sizeof address_) == 0) {
            connection.state = Connection::State::idle;
            return true;
        }
        if (errno == EINPROGRESS) return true;
        fail_connect(connection, errno);
        return false;
    }

    void fail_connect(Connection& connection, int error) {
        fail(connection,
             error == ECONNREFUSED ? Failure::connect_refused
             : error == ETIMEDOUT  ? Failure::connect_timeout
                                   : Failure::connect_other,
             std::strerror(error));
    }

    void send(Connection& connection) {
        while (connection.sent < request_.size()) {
            const auto sent = ::send(connection.fd, request_.data() + connection.sent,
                                     request_.size() - connection.sent, MSG_NOSIGNAL);
            if (sent < 0 && errno == EAGAIN) return;
            if (sent < 0) return fail(connection, Failure::reset, std::strerror(errno));
            connection.sent += static_cast<std::size_t>(sent);
        }
    }

    void on_ready(Connection& connection, std::uint32_t events) {
        using State = Connection::State;
        if (connection.state == State::closed) return;
        if (connection.state == State::connecting) {
            int error = 0;
            socklen_t length = sizeof error;
            ::getsockopt(connection.fd, SOL_SOCKET, SO_ERROR, &error, &length);
            if (error != 0) return fail_connect(connection, error);
            if ((events & EPOLLOUT) == 0) return;
            connection.state = State::waiting;
            return send(connection);
        }
        if (connection.state == State::idle) {  // the server closes a connection between requests: no request is lost
            if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) drop(connection);
            return;
        }
        if ((events & EPOLLOUT) != 0 && connection.sent < request_.size()) send(connection);
        if (connection.state == State::waiting && (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
            receive(connection);
    }

    void receive(Connection& connection) {
        char buffer[64 * 1024];
        while (true) {
            const auto got = ::recv(connection.fd, buffer, sizeof buffer, 0);
            if (got < 0 && errno == EAGAIN) return;
            if (got < 0) return fail(connection, Failure::reset, std::strerror(errno));
            if (got == 0) {
                return fail(connection,
                            connection.in.empty() ? Failure::closed_before_answer : Failure::closed_in_answer,
                            connection.reused ? "on a kept-alive connection" : "on a new connection");
            }
            connection.in.append(buffer, static_cast<std::size_t>(got));
            if (answered(connection)) return;
        }
    }

    /// True when the answer is whole (or broken) and this request is over.
    bool answered(Connection& connection) {
        const auto head = read_head(connection.in);
        if (!head) return false;
        if (head->status == 0) return fail(connection, Failure::bad_answer, connection.in.substr(0, 60)), true;
        if (head->status == 100) return connection.in.erase(0, head->bytes), answered(connection);
        const auto body = std::string_view(connection.in).substr(head->bytes);
        if (head->chunked) {
            const auto bytes = chunked_bytes(body);
            if (bytes < 0) return fail(connection, Failure::bad_answer, "a broken chunk"), true;
            if (bytes == 0) return false;
        } else if (body.size() < head->length) {
            return false;
        }
        finish(connection, *head);
        return true;
    }

    void finish(Connection& connection, const Head& head) {
        ++statuses_[head.status];
        const bool good =
            options_.expect != 0 ? head.status == options_.expect : head.status >= 200 && head.status < 300;
        if (!good) return fail(connection, Failure::bad_status, std::to_string(head.status));
        count_version(std::string_view(connection.in).substr(0, head.bytes));
        const auto took = now_ - connection.started;
        latencies_.add(static_cast<std::uint64_t>(took.count()));
        slowest_ms_ = std::max(slowest_ms_, duration<double, std::milli>(took).count());
        ++ok_;
        --busy_;
        ++connection.used;
        connection.state = Connection::State::idle;
        if (options_.close_each || head.close) drop(connection);
        next(connection);
    }

    void count_version(std::string_view head) {
        static constexpr std::string_view name = "\r\nX-App-Version: ";
        const auto at = head.find(name);
        if (at == std::string_view::npos) return;
        const auto value = head.substr(at + name.size(), head.find('\r', at + 2) - at - name.size());
        if (auto found = versions_.find(value); found != versions_.end()) {
            ++found->second;
        } else if (versions_.size() < 20) {
            versions_.emplace(value, 1);
        }
    }

    void fail(Connection& connection, Failure failure, std::string_view why) {
        const auto kind = static_cast<std::size_t>(failure);
        if (++failures_[kind] <= static_cast<std::uint64_t>(options_.show_failures)) {
            std::fprintf(stderr, "load: %.3fs: %s: %.*s (request %llu of its connection)\n",
                         duration<double>(now_ - begun_).count(), failure_names[kind], static_cast<int>(why.size()),
                         why.data(), static_cast<unsigned long long>(connection.used + 1));
        }
        --busy_;
        drop(connection);
        if (failure == Failure::connect_refused || failure == Failure::connect_other) return;  // the sweep tries again
        next(connection);
    }

    void drop(Connection& connection) {
        if (connection.fd >= 0) ::close(connection.fd);
        connection.fd = -1;
        connection.state = Connection::State::closed;
    }

    /// Every 20 ms: requests that take too long, and connections that could not be opened.
    void sweep() {
        if (now_ - last_sweep_ < std::chrono::milliseconds(20)) return;
        last_sweep_ = now_;
        for (auto& connection : connections_) {
            using State = Connection::State;
            const bool in_flight = connection.state == State::connecting || connection.state == State::waiting;
            if (in_flight && now_ - connection.started > std::chrono::milliseconds(options_.timeout_ms)) {
                fail(connection, connection.state == State::connecting ? Failure::connect_timeout : Failure::timeout,
                     "no answer in time");
            } else if (!in_flight && options_.rate <= 0) {
                next(connection);
            }
        }
    }

    Options options_;
    int epoll_;
    sockaddr_in address_{};
    std::string request_;
    std::vector<Connection> connections_;
    Clock::time_point begun_, ended_, now_ = Clock::now(), last_sweep_;
    std::uint64_t started_ = 0;
    std::uint64_t busy_ = 0;
    std::uint64_t ok_ = 0;
    std::uint64_t connects_ = 0;
    double slowest_ms_ = 0;
    std::array<std::uint64_t, failure_names.size()> failures_{};
    std::map<int, std::uint64_t> statuses_;
    std::map<std::string, std::uint64_t, std::less<>> versions_;
    Latencies latencies_;
};

}  // namespace

int main(int argc, char** argv) {
    std::signal(SIGINT, [](int) { interrupted = 1; });
    std::signal(SIGTERM, [](int) { interrupted = 1; });
    Load load(read_options(argc, argv));
    load.run();
    return load.report();
}
