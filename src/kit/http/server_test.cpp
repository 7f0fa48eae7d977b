// The HTTP server over real sockets on 127.0.0.1.
#include "kit/http/server.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>

#include "base/rng.h"
#include "kit/testing/http_fixture.h"
#include "run/asio_loop.h"

using namespace std::chrono_literals;

namespace kit::http {
namespace {

using testing::Client;
using testing::get;

Response text(std::string body, int status = 200) {
    Response response{.status = status};
    response.headers.add("Content-Type", "text/plain");
    response.body = std::make_shared<const std::string>(std::move(body));
    return response;
}

/// Echoes what it was asked, or does what the path says.
class HttpServer : public ::testing::Test {
 protected:
    void listen(ServerOptions options = {}) {
        loop_.run([&] {
            auto made = serve(loop_.io, std::move(options),
                              [this](Request request, Reply reply) { handle(std::move(request), std::move(reply)); });
            ASSERT_TRUE(made) << made.error().message;
            server_ = std::move(*made);
        });
        port_ = server_->port();
    }
    void TearDown() override {
        loop_.run([&] {
            held_.clear();
            stream_ = nullptr;
            channel_ = nullptr;
            server_.reset();
        });
    }
    void handle(Request request, Reply reply) {
        if (request.path == "/hold") return held_.push_back(std::move(reply));
        if (request.path == "/watch") {
            reply.on_close([this] { gone_.set_value(); });
            return held_.push_back(std::move(reply));
        }
        if (request.path == "/drop") return;
        if (request.path == "/big") return std::move(reply).send(text(std::string(5'000'000, 'x')));
        if (request.path == "/stream") {
            stream_ = std::move(reply).start(200, {});
            stream_->on_close([this] { gone_.set_value(); });
            return opened_.set_value();
        }
        if (request.path == "/upgrade") {
            Headers headers;
            headers.add("Upgrade", "echo");
            channel_ = std::move(reply).upgrade(std::move(headers));
            channel_->on_bytes([this](std::string_view bytes) {
                channel_->write(std::make_shared<const std::string>(bytes));
                if (bytes.ends_with("bye")) std::exchange(channel_, nullptr)->end();
            });
            return;
        }
        ++served_;
        std::move(reply).send(text(request.method + " " + request.path + "?" + request.query + " " + request.body));
    }

    testing::LoopThread loop_;
    std::unique_ptr<Server> server_;
    std::uint16_t port_ = 0;
    std::vector<Reply> held_;
    std::shared_ptr<Stream> stream_;
    std::shared_ptr<Channel> channel_;
    std::promise<void> gone_;
    std::promise<void> opened_;
    std::atomic<int> served_ = 0;
};

TEST_F(HttpServer, KeepsAliveAndAnswersPipelinedRequestsInOrder) {
    listen();
    Client client(port_);
    client.send(get("/a?x=1") + get("/b") + "\r\n" + get("/c"));
    EXPECT_EQ(client.read().body, "GET /a?x=1 ");
    EXPECT_EQ(client.read().body, "GET /b? ");
    const auto last = client.read();
    EXPECT_EQ(last.body, "GET /c? ");
    EXPECT_TRUE(last.has("Date: ")) << last.head;
    EXPECT_FALSE(last.has("Connection")) << last.head;
}

TEST_F(HttpServer, PipelinedRequestsWaitForAnAnswerThatComesLater) {
    listen();
    Client client(port_);
    client.send(get("/hold") + get("/after"));
    Client other(port_);
    other.send(get("/other"));
    EXPECT_EQ(other.read().body, "GET /other? ");
    loop_.run([&] {
        auto reply = std::move(held_.back());
        held_.pop_back();
        std::move(reply).send(text("held"));
    });
    EXPECT_EQ(client.read().body, "held");
    EXPECT_EQ(client.read().body, "GET /after? ");
}

TEST_F(HttpServer, TakesBodiesByLengthAndByChunksInAnyPieces) {
    listen();
    Client client(port_);
    const std::string by_length = "POST /p HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nhello";
    const std::string by_chunks =
        "PUT /q HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nHost: "
        "no\r\n\r\n";
    for (const char c : by_length + by_chunks) client.send({&c, 1});
    EXPECT_EQ(client.read().body, "POST /p? hello");
    EXPECT_EQ(client.read().body, "PUT /q? hello world");
    client.send(by_chunks + by_length);
    EXPECT_EQ(client.read().body, "PUT /q? hello world");
    EXPECT_EQ(client.read().body, "POST /p? hello");
}

TEST_F(HttpServer, SaysContinueWhenAsked) {
    listen();
    Client client(port_);
    client.send("POST /p HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    EXPECT_EQ(client.read().status, 100);
    client.send("ok");
    EXPECT_EQ(client.read().body, "POST /p? ok");
}

TEST_F(HttpServer, HeadHasTheLengthAndNoBody) {
    listen();
    Client client(port_);
    client.send("HEAD /big HTTP/1.1\r\nHost: t\r\n\r\n" + get("/next"));
    EXPECT_TRUE(client.read("HEAD").has("Content-Length: 5000000"));
    EXPECT_EQ(client.read().body, "GET /next? ");
}

TEST_F(HttpServer, LargeAnswersArriveWhole) {
    listen();
    Client client(port_);
    client.send(get("/big") + get("/next"));
    EXPECT_EQ(client.read().body.size(), 5'000'000U);
    EXPECT_EQ(client.read().body, "GET /next? ");
}

TEST_F(HttpServer, RefusesWhatIsMalformedOrTooLarge) {
    listen({.header_bytes_max = 8 * 1024, .body_bytes_max = 1000});
    const auto status = [&](const std::string& bytes) {
        Client client(port_);
        client.send(bytes);
        const auto answer = client.read();
        EXPECT_TRUE(answer.has("Connection: close")) << answer.head;
        EXPECT_EQ(client.read_to_end(), "");
        return answer.status;
    };
    EXPECT_EQ(status("nonsense\r\n\r\n"), 400);
    EXPECT_EQ(status("GET / HTTP/1.1\r\n\r\n"), 400) << "no Host";
    EXPECT_EQ(status("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), 400);
    EXPECT_EQ(status("GET path HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
    EXPECT_EQ(status("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
              400);
    EXPECT_EQ(status("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), 400);
    EXPECT_EQ(status("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n"), 413);
    EXPECT_EQ(
        status("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" + std::string(2000, 'x')),
        413);
    EXPECT_EQ(status("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(9000, 'x') + "\r\n\r\n"), 431);
    EXPECT_EQ(status("GET / HTTP/3.0\r\nHost: a\r\n\r\n"), 505);
    EXPECT_EQ(served_, 0);
}

TEST_F(HttpServer, ARefusalSpeaksTheCallersFormat) {
    ServerOptions options{.body_bytes_max = 10};
    options.refusal = [](int status, std::string_view message) { return text("own: " + std::string(message), status); };
    listen(std::move(options));
    Client client(port_);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\n" + std::string(50'000, 'x'));
    const auto answer = client.read();
    EXPECT_EQ(answer.status, 413);
    EXPECT_EQ(answer.body, "own: the request's body is too large");
}

TEST_F(HttpServer, GivesUpOnSlowHeadersAndIdleConnections) {
    listen({.idle_timeout = 100ms, .header_timeout = 50ms});
    Client slow(port_);
    slow.send("GET / HT");
    EXPECT_EQ(slow.read().status, 408);
    Client idle(port_);
    idle.send(get("/"));
    EXPECT_EQ(idle.read().status, 200);
    EXPECT_EQ(idle.read_to_end(), "");
}

TEST_F(HttpServer, OldClientsAndCloseAreUnderstood) {
    listen();
    Client old(port_);
    old.send("GET /old HTTP/1.0\r\n\r\n");
    const auto answer = old.read();
    EXPECT_TRUE(answer.has("Connection: close"));
    EXPECT_EQ(old.read_to_end(), "");
    Client closing(port_);
    closing.send(get("/", "Connection: close\r\n"));
    EXPECT_TRUE(closing.read().has("Connection: close"));
    EXPECT_EQ(closing.read_to_end(), "");
    Client half(port_);
    half.send(get("/half"));
    half.finish_writing();
    EXPECT_EQ(half.read().body, "GET /half? ");
}

TEST_F(HttpServer, AnUnansweredRequestIsA500) {
    listen();
    Client client(port_);
    client.send(get("/drop"));
    EXPECT_EQ(client.read().status, 500);
}

TEST_F(HttpServer, TellsWhenTheClientLeavesBeforeItsAnswer) {
    listen();
    {
        Client client(port_);
        client.send(get("/watch"));
        Client other(port_);
        other.send(get("/"));
        other.read();
    }
    EXPECT_EQ(gone_.get_future().wait_for(10s), std::future_status::ready);
}

TEST_F(HttpServer, StreamsInChunksAndKeepsTheConnection) {
    listen();
    Client client(port_);
    client.send(get("/stream"));
    opened_.get_future().wait();
    loop_.run([&] {
        stream_->write(std::make_shared<const std::string>("one "));
        stream_->write(std::make_shared<const std::string>("two"));
        EXPECT_GT(stream_->pending(), 7U);
    });
    EXPECT_TRUE(client.read_until("two"));
    loop_.run([&] { stream_->end(); });
    const auto answer = client.read();
    EXPECT_EQ(answer.body, "one two");
    EXPECT_TRUE(answer.has("Transfer-Encoding: chunked"));
    client.send(get("/next"));
    EXPECT_EQ(client.read().body, "GET /next? ");
}

TEST_F(HttpServer, AStreamDrainsAndNoticesTheClientLeaving) {
    listen();
    std::promise<void> drained;
    auto client = std::make_unique<Client>(port_);
    client->send(get("/stream"));
    opened_.get_future().wait();
    std::size_t before = 0;
    loop_.run([&] {
        stream_->on_drain([&, once = false]() mutable {
            if (!std::exchange(once, true)) drained.set_value();
        });
        stream_->write(std::make_shared<const std::string>(std::string(20'000'000, 'x')));
        before = stream_->pending();
    });
    EXPECT_GT(before, 20'000'000U);
    EXPECT_TRUE(client->read_until("xxxx\r\n"));
    EXPECT_EQ(drained.get_future().wait_for(10s), std::future_status::ready);
    loop_.run([&] { EXPECT_EQ(stream_->pending(), 0U); });
    client->close();
    EXPECT_EQ(gone_.get_future().wait_for(10s), std::future_status::ready);
    loop_.run([&] { stream_->write(std::make_shared<const std::string>("ignored")); });
}

TEST_F(HttpServer, ADroppedStreamCutsTheConnection) {
    listen();
    Client client(port_);
    client.send(get("/stream"));
    opened_.get_future().wait();
    loop_.run([&] { stream_ = nullptr; });
    const auto rest = client.read_to_end();
    EXPECT_EQ(rest.find("0\r\n\r\n"), std::string::npos);
}

TEST_F(HttpServer, AnUpgradedConnectionCarriesBytes) {
    listen();
    Client client(port_);
    client.send(get("/upgrade", "Connection: Upgrade\r\nUpgrade: echo\r\n") + "early");
    EXPECT_TRUE(client.read_until("early"));
    client.send("and bye");
    EXPECT_TRUE(
        client.read_to_end().ends_with("early"
                                       "and bye"));
}

TEST_F(HttpServer, APortInUseIsNamed) {
    listen();
    loop_.run([&] {
        const auto second = serve(loop_.io, {.port = port_}, [](Request, Reply) {});
        ASSERT_FALSE(second);
        EXPECT_NE(second.error().message.find("127.0.0.1:" + std::to_string(port_)), std::string::npos);
        EXPECT_NE(second.error().message.find("ss -ltnp"), std::string::npos) << second.error().message;
    });
}

TEST_F(HttpServer, ManyConnectionsBeyondTheLimitWaitTheirTurn) {
    listen({.connections_max = 2});
    Client first(port_);
    first.send(get("/1"));
    EXPECT_EQ(first.read().status, 200);
    auto second = std::make_unique<Client>(port_);
    second->send(get("/2"));
    EXPECT_EQ(second->read().status, 200);
    Client third(port_);
    third.send(get("/3"));
    second.reset();
    EXPECT_EQ(third.read().body, "GET /3? ");
}

TEST_F(HttpServer, ADrainUnderLoadLosesNothing) {
    listen();
    constexpr int clients = 8;
    std::array<std::atomic<int>, clients> answered{};
    std::atomic<int> lost = 0;
    std::atomic<int> goodbyes = 0;
    std::vector<std::thread> threads;
    for (int number = 0; number < clients; ++number) {
        threads.emplace_back([&, number] {
            Client client(port_);
            for (bool open = true; open;) {
                client.send(get("/load") + get("/load"));  // pipelined: both must be answered
                for (int answer = 0; answer < 2; ++answer) {
                    const auto got = client.read();
                    if (got.status != 200) ++lost;
                    ++answered[number];
                    if (got.status != 200 || got.has("Connection: close")) open = false;
                    if (!open && got.status == 200 && answer == 0) ++lost;
                }
            }
            ++goodbyes;
        });
    }
    for (auto& count : answered) {
        while (count < 20 && lost == 0) std::this_thread::yield();
    }
    Client idle(port_);
    idle.send(get("/once"));
    EXPECT_EQ(idle.read().status, 200);
    Client fresh(port_);
    std::promise<void> done;
    loop_.run([&] { server_->drain(2s, 10s, [&] { done.set_value(); }); });
    fresh.send(get("/fresh"));
    EXPECT_TRUE(fresh.read().has("Connection: close")) << "accepted, not yet asked";
    idle.send(get("/again"));
    const auto last = idle.read();
    EXPECT_EQ(last.body, "GET /again? ");
    EXPECT_TRUE(last.has("Connection: close"));
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(lost, 0);
    EXPECT_EQ(goodbyes, clients);
    idle.close();
    fresh.close();
    EXPECT_EQ(done.get_future().wait_for(5s), std::future_status::ready) << "the end does not wait for the grace";
    EXPECT_LT(Client(port_).fd(), 0) << "nobody listens any more";
}

TEST_F(HttpServer, ADrainCutsWhatDoesNotEnd) {
    listen();
    Client client(port_);
    client.send(get("/stream"));
    opened_.get_future().wait();
    std::promise<void> done;
    loop_.run([&] { server_->drain(10ms, 100ms, [&] { done.set_value(); }); });
    EXPECT_EQ(done.get_future().wait_for(5s), std::future_status::ready);
    EXPECT_EQ(gone_.get_future().wait_for(5s), std::future_status::ready);
}

TEST_F(HttpServer, LivesThroughWhateverIsSent) {
    listen({.header_bytes_max = 4096, .body_bytes_max = 4096, .header_timeout = 50ms});
    const std::string seeds[] = {
        get("/a?b=c"), "POST /p HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nhello",
        "PUT /q HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n",
        get("/upgrade", "Connection: Upgrade\r\nUpgrade: echo\r\n"),
        "POST /p HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 99999999999999999999\r\n\r\n"};
    for (std::uint64_t seed = 1; seed <= 400; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        base::Rng rng(seed);
        std::string bytes;
        for (auto parts = 1 + rng.below(4); parts > 0; --parts) bytes += seeds[rng.below(std::size(seeds))];
        for (auto changes = rng.below(6); changes > 0; --changes) {
            const auto at = rng.below(bytes.size());
            if (rng.chance(0.3)) {
                bytes.erase(at, 1 + rng.below(20));
            } else if (rng.chance(0.5)) {
                bytes.insert(at, bytes.substr(rng.below(bytes.size()), rng.below(200)));
            } else {
                bytes[at] = static_cast<char>(rng.below(256));
            }
            if (bytes.empty()) break;
        }
        Client client(port_);
        for (std::string_view rest = bytes; !rest.empty();) {
            const auto part = std::min<std::size_t>(rest.size(), 1 + rng.below(400));
            client.send(rest.substr(0, part));
            rest.remove_prefix(part);
        }
        if (rng.chance(0.5)) continue;  // gone without waiting
        client.finish_writing();
        client.read_to_end();
    }
    Client after(port_);
    after.send(get("/still"));
    EXPECT_EQ(after.read().body, "GET /still? ");
}

}  // namespace
}  // namespace kit::http
