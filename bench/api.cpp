// Measures an API server as its clients see it: over TLS, with the administrator's certificate from a kubeconfig.
//
//   api KUBECONFIG get|list|create|watch [--connections N] [--seconds N] [--watchers N] [--objects N]
//
// get: one ConfigMap again and again. list: a list of --objects ConfigMaps. create: ConfigMaps, each answered when it
// is durable. watch: --watchers watches of one collection while a writer changes an object 20 times a second; the
// figure is the time from before the write is sent to the event's arrival. The last line is JSON.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void give_up(const std::string& why) {
    std::fprintf(stderr, "api: %s\n", why.c_str());
    std::exit(2);
}

struct Options {
    std::string kubeconfig, mode;
    int connections = 1, seconds = 5, watchers = 100, objects = 500;
};

struct Place {
    sockaddr_in address{};
    SSL_CTX* tls = nullptr;
};

std::string unbase64(const std::string& text) {
    std::string out(text.size(), '\0');
    const int size =
        EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                        reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
    out.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
    while (!out.empty() && out.back() == '\0') out.pop_back();
    return out;
}

/// The value of the first line "  key: value" of a kubeconfig.
std::string line_of(const std::string& file, const std::string& key) {
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);)
        if (const auto at = line.find(key + ": "); at != line.npos) return line.substr(at + key.size() + 2);
    give_up("no " + key + " in " + file);
}

Place place_of(const std::string& kubeconfig) {
    Place place;
    auto server = line_of(kubeconfig, "server");
    server = server.substr(server.find("//") + 2);
    const auto colon = server.find(':');
    place.address.sin_family = AF_INET;
    place.address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(server.c_str() + colon + 1)));
    if (inet_pton(AF_INET, server.substr(0, colon).c_str(), &place.address.sin_addr) != 1)
        give_up("the server is no IPv4 address");
    place.tls = SSL_CTX_new(TLS_client_method());
    const auto certificate = unbase64(line_of(kubeconfig, "client-certificate-data"));
    const auto key = unbase64(line_of(kubeconfig, "client-key-data"));
    BIO* in = BIO_new_mem_buf(certificate.data(), static_cast<int>(certificate.size()));
    X509* x = PEM_read_bio_X509(in, nullptr, nullptr, nullptr);
    BIO* key_in = BIO_new_mem_buf(key.data(), static_cast<int>(key.size()));
    EVP_PKEY* k = PEM_read_bio_PrivateKey(key_in, nullptr, nullptr, nullptr);
    if (!x || !k || SSL_CTX_use_certificate(place.tls, x) != 1 || SSL_CTX_use_PrivateKey(place.tls, k) != 1)
        give_up("the client certificate cannot be read");
    return place;
}

/// One connection: sends a request, reads the whole answer.
class Connection {
 public:
    explicit Connection(const Place& place) : fd_(::socket(AF_INET, SOCK_STREAM, 0)), ssl_(SSL_new(place.tls)) {
        const int one = 1;
        ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (::connect(fd_, reinterpret_cast<const sockaddr*>(&place.address), sizeof place.address) != 0)
            give_up("cannot connect");
        SSL_set_fd(ssl_, fd_);
        if (SSL_connect(ssl_) != 1) give_up("no TLS session");
    }
    ~Connection() {
        SSL_free(ssl_);
        ::close(fd_);
    }
    Connection(const Connection&) = delete;

    int ask(const std::string& method, const std::string& path, const std::string& body = {}) {
        send(method, path, body);
        return answer();
    }
    void send(const std::string& method, const std::string& path, const std::string& body = {}) {
        std::string text = method + " " + path + " HTTP/1.1\r\nHost: api\r\nAccept: application/json\r\n";
        if (!body.empty())
            text += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
        text += "\r\n" + body;
        if (SSL_write(ssl_, text.data(), static_cast<int>(text.size())) <= 0) give_up("a write failed");
    }
    std::size_t body_bytes() const { return body_; }
    int fd() const { return fd_; }
    SSL* ssl() const { return ssl_; }

 private:
    void more() {
        char buffer[64 * 1024];
        const int n = SSL_read(ssl_, buffer, sizeof buffer);
        if (n <= 0) give_up("the connection ended in an answer");
        in_.append(buffer, static_cast<std::size_t>(n));
    }
    int answer() {
        in_.clear();
        std::size_t end;
        while ((end = in_.find("\r\n\r\n")) == in_.npos) more();
        const int status = std::atoi(in_.c_str() + 9);
        const auto length = in_.find("Content-Length: ");
        if (length == in_.npos || length > end) {
            while (in_.find("\r\n0\r\n\r\n", end) == in_.npos) more();
            body_ = in_.size() - end - 4;
            return status;
        }
        body_ = static_cast<std::size_t>(std::atoll(in_.c_str() + length + 16));
        while (in_.size() < end + 4 + body_) more();
        return status;
    }
    int fd_;
    SSL* ssl_;
    std::string in_;
    std::size_t body_ = 0;
};

const std::string maps = "/api/v1/namespaces/default/configmaps";

std::string map_named(const std::string& name, const std::string& value) {
    return R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":")" + name +
           R"(","labels":{"bench":"api"}},"data":{"value":")" + value + R"("}})";
}

void expect(int status, int wanted, const char* what) {
    if (status != wanted) give_up(std::string(what) + " was answered with " + std::to_string(status));
}

/// Runs `one(connection, thread, round)` on that many connections until the time is over; prints the rate.
template <class F>
void rate(const Options& options, const Place& place, F&& one) {
    std::atomic<std::uint64_t> done = 0;
    std::atomic<bool> stop = false;
    std::vector<std::thread> threads;
    const auto begin = Clock::now();
    for (int t = 0; t < options.connections; ++t)
        threads.emplace_back([&, t] {
            Connection connection(place);
            for (std::uint64_t round = 0; !stop; ++round) {
                one(connection, t, round);
                ++done;
                if (Clock::now() - begin >= std::chrono::seconds(options.seconds)) stop = true;
            }
        });
    for (auto& thread : threads) thread.join();
    const auto seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    std::printf("{\"mode\":\"%s\",\"connections\":%d,\"requests\":%llu,\"rate\":%.0f}\n", options.mode.c_str(),
                options.connections, static_cast<unsigned long long>(done.load()), static_cast<double>(done) / seconds);
}

void get(const Options& options, const Place& place) {
    Connection(place).ask("POST", maps, map_named("bench-get", "1"));
    rate(options, place, [](Connection& connection, int, std::uint64_t) {
        expect(connection.ask("GET", maps + "/bench-get"), 200, "a get");
    });
}

void list(const Options& options, const Place& place) {
    Connection setup(place);
    for (int i = 0; i < options.objects; ++i)
        setup.ask("POST", maps, map_named("bench-list-" + std::to_string(i), "x"));
    rate(options, place, [](Connection& connection, int, std::uint64_t) {
        expect(connection.ask("GET", maps + "?labelSelector=&limit=500"), 200, "a list");
    });
}

void create(const Options& options, const Place& place) {
    const auto run = std::to_string(::getpid());
    rate(options, place, [&](Connection& connection, int thread, std::uint64_t round) {
        const auto name = "bench-" + run + "-" + std::to_string(thread) + "-" + std::to_string(round);
        expect(connection.ask("POST", maps, map_named(name, "x")), 201, "a create");
    });
}

std::int64_t now_ns() { return Clock::now().time_since_epoch().count(); }

/// Reads what has come on a watch; each event carries the time at which its write began.
void read_events(Connection& watch, std::vector<double>& delays_ms) {
    char buffer[32 * 1024];
    for (;;) {
        const int n = SSL_read(watch.ssl(), buffer, sizeof buffer);
        if (n <= 0) return;
        const std::string_view text(buffer, static_cast<std::size_t>(n));
        constexpr std::string_view mark = R"("value":"at-)";
        const auto at = text.find(mark);
        if (at == text.npos) continue;
        std::int64_t sent = 0;
        std::from_chars(text.data() + at + mark.size(), text.data() + text.size(), sent);
        delays_ms.push_back(static_cast<double>(now_ns() - sent) / 1e6);
    }
}

void watch(const Options& options, const Place& place) {
    Connection writer(place);
    const std::string object = maps + "/bench-watch";
    writer.ask("DELETE", object, "");  // of an earlier run, whose last change would count as this one's first
    writer.ask("POST", maps, map_named("bench-watch", "0"));
    std::vector<std::unique_ptr<Connection>> watches;
    const int epoll = ::epoll_create1(0);
    for (int i = 0; i < options.watchers; ++i) {
        auto& one = *watches.emplace_back(std::make_unique<Connection>(place));
        one.send("GET", maps + "?watch=true&fieldSelector=metadata.name%3Dbench-watch&resourceVersion=0");
        ::fcntl(one.fd(), F_SETFL, O_NONBLOCK);
        epoll_event event{.events = EPOLLIN, .data = {.u64 = static_cast<std::uint64_t>(i)}};
        ::epoll_ctl(epoll, EPOLL_CTL_ADD, one.fd(), &event);
    }
    std::vector<double> delays;
    const auto end = Clock::now() + std::chrono::seconds(options.seconds);
    std::atomic<bool> stop = false;
    std::thread writing([&] {
        auto next = Clock::now() + std::chrono::milliseconds(500);
        while (!stop) {
            std::this_thread::sleep_until(next);
            next += std::chrono::milliseconds(50);
            expect(writer.ask("PUT", object, map_named("bench-watch", "at-" + std::to_string(now_ns()))), 200,
                   "an update");
        }
    });
    epoll_event events[256];
    while (Clock::now() < end)
        for (int n = ::epoll_wait(epoll, events, 256, 100), i = 0; i < n; ++i)
            read_events(*watches[events[i].data.u64], delays);
    stop = true;
    writing.join();
    std::ranges::sort(delays);
    if (delays.empty()) give_up("no event arrived");
    std::printf("{\"mode\":\"watch\",\"watchers\":%d,\"events\":%zu,\"p50_ms\":%.2f,\"p99_ms\":%.2f}\n",
                options.watchers, delays.size(), delays[delays.size() / 2], delays[delays.size() * 99 / 100]);
}

Options options_of(int argc, char** argv) {
    if (argc < 3)
        give_up(
            "usage: api KUBECONFIG get|list|create|watch [--connections N] [--seconds N] [--watchers N] [--objects N]");
    Options options{.kubeconfig = argv[1], .mode = argv[2]};
    for (int i = 3; i + 1 < argc; i += 2) {
        const std::string flag = argv[i];
        const int value = std::atoi(argv[i + 1]);
        if (flag == "--connections")
            options.connections = value;
        else if (flag == "--seconds")
            options.seconds = value;
        else if (flag == "--watchers")
            options.watchers = value;
        else if (flag == "--objects")
            options.objects = value;
        else
            give_up("there is no flag " + flag);
    }
    return options;
}

}  // namespace

int main(int argc, char** argv) {
    const auto options = options_of(argc, argv);
    const auto place = place_of(options.kubeconfig);
    if (options.mode == "get")
        get(options, place);
    else if (options.mode == "list")
        list(options, place);
    else if (options.mode == "create")
        create(options, place);
    else if (options.mode == "watch")
        watch(options, place);
    else
        give_up("there is no mode " + options.mode);
    return 0;
}
