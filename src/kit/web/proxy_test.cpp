// The proxy between a client that speaks raw bytes and services that behave, or not.
#include "kit/web/proxy.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "kit/testing/app_fixture.h"
#include "kit/testing/raw_server.h"

namespace kit {
namespace {

using testing::Answer;
using testing::get;
using testing::RawServer;

class ProxyTest : public testing::AppFixture {
 protected:
    /// A service that answers as `handler` says, behind our proxy at /api/x.
    void behind_proxy(http::Handler handler) {
        loop_.run([&] {
            auto made = http::serve(loop_.io, {}, std::move(handler));
            ASSERT_TRUE(made) << made.error().message;
            service_ = std::move(*made);
        });
        proxy_to(fmt::format("http://127.0.0.1:{}", service_->port()));
    }
    void proxy_to(const std::string& base, run::Duration timeout = std::chrono::seconds(5)) {
        serve([&](App& app) {
            ProxyOptions options{.name = "x", .base = base, .prefix = "/api/x", .timeout = timeout};
            auto& proxy = app.own<Proxy>(app.client(), std::move(options));
            app.routes().any("/api/x/{rest...}").takes_stream().within(run::Duration::zero()).calls([&](Call call) {
                proxy.pass(std::move(call));
            });
        });
    }
    void TearDown() override {
        AppFixture::TearDown();
        loop_.run([&] { service_.reset(); });
    }
    std::unique_ptr<http::Server> service_;
};

http::Response text(std::string body, int status = 200) {
    return {.status = status, .headers = {}, .body = std::make_shared<const std::string>(std::move(body))};
}

TEST_F(ProxyTest, PassesRequestsAndAnswersWithoutWhatConcernsOneConnection) {
    http::Request seen;
    behind_proxy([&](http::Request request, http::Reply reply) {
        seen = std::move(request);
        auto response = text("made", 201);
        response.headers.add("Set-Cookie", "a=1; HttpOnly");
        response.headers.add("Set-Cookie", "b=2");
        response.headers.add("Keep-Alive", "timeout=5");
        std::move(reply).send(std::move(response));
    });
    const auto answer =
        ask("POST /api/x/things/7?a=b%20c HTTP/1.1\r\nHost: shop.test\r\nAuthorization: Bearer t\r\nCookie: a=0\r\n"
            "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nForwarded: for=6.6.6.6\r\nConnection: keep-alive, "
            "X-Mine\r\n"
            "X-Mine: 1\r\nTE: trailers\r\nContent-Length: 4\r\n\r\nbody");
    EXPECT_EQ(answer.status, 201);
    EXPECT_EQ(answer.body, "made");
    EXPECT_TRUE(answer.has("Set-Cookie: a=1; HttpOnly\r\n") && answer.has("Set-Cookie: b=2\r\n")) << answer.head;
    EXPECT_EQ(answer.head.find("Date:"), answer.head.rfind("Date:")) << answer.head;
    EXPECT_FALSE(answer.has("Keep-Alive")) << answer.head;
    loop_.run([&] {
        EXPECT_EQ(seen.method, "POST");
        EXPECT_EQ(seen.target, "/things/7?a=b%20c");
        EXPECT_EQ(seen.body, "body");
        EXPECT_EQ(seen.headers.get("Host"), "shop.test");
        EXPECT_EQ(seen.headers.get("Authorization"), "Bearer t");
        EXPECT_EQ(seen.headers.get("X-Forwarded-For"), "127.0.0.1");
        EXPECT_EQ(seen.headers.get("X-Forwarded-Proto"), "http");
        EXPECT_EQ(seen.headers.get("X-Forwarded-Prefix"), "/api/x");
        EXPECT_EQ(seen.headers.get("Content-Length"), "4");
        EXPECT_EQ(seen.headers.get("traceparent").size(), 55U);
        for (const auto* gone : {"Forwarded", "X-Mine", "TE", "Transfer-Encoding"})
            EXPECT_FALSE(seen.headers.has(gone)) << gone;
    });
}

TEST_F(ProxyTest, KnowsAnswersWithoutABody) {
    behind_proxy([](http::Request request, http::Reply reply) {
        auto response = text(request.method == "HEAD" ? "12345" : "", request.path == "/304" ? 304 : 204);
        if (request.method == "HEAD") response.status = 200;
        response.headers.add("ETag", "\"1\"");
        std::move(reply).send(std::move(response));
    });
    testing::Client client(port());
    for (int i = 0; i < 2; ++i) {
        client.send(get("/api/x/304"));
        const auto unchanged = client.read();
        EXPECT_EQ(unchanged.status, 304);
        EXPECT_FALSE(unchanged.has("Transfer-Encoding")) << unchanged.head;
        client.send("HEAD /api/x/ HTTP/1.1\r\nHost: x\r\n\r\n");
        EXPECT_EQ(client.read("HEAD").status, 200);
        client.send("DELETE /api/x/ HTTP/1.1\r\nHost: x\r\n\r\n");
        EXPECT_EQ(client.read().status, 204);
    }
}

TEST_F(ProxyTest, StreamsBothWaysAtThePaceOfTheSlower) {
    constexpr std::size_t size = 20'000'000;
    behind_proxy([&](http::Request, http::Reply reply) {
        const auto stream = std::move(reply).start(200, {});
        stream->write(std::make_shared<const std::string>(size, 'x'));
        stream->end();
    });
    testing::Client client(port());
    client.send(get("/api/x/big"));
    const auto answer = client.read();
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body.size(), size);
}

TEST_F(ProxyTest, ABodyGoesOnAsItComes) {
    std::promise<void> begun;
    std::promise<std::size_t> received;
    const RawServer service([&](RawServer::Peer& peer, int) {
        auto head = peer.read_head();
        EXPECT_TRUE(head.contains("Content-Length: 3000000\r\n")) << head;
        begun.set_value();
        std::size_t bytes = head.size() - head.find("\r\n\r\n") - 4;
        bytes += peer.read(3'000'000 - bytes).size();
        received.set_value(bytes);
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
    proxy_to(fmt::format("http://127.0.0.1:{}", service.port()));
    testing::Client client(port());
    client.send("PUT /api/x/file HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n0123456789");
    begun.get_future().wait();  // the service hears of it while it is still being sent
    client.send(std::string(2'999'990, 'y'));
    EXPECT_EQ(received.get_future().get(), 3'000'000U);
    EXPECT_EQ(client.read().body, "ok");
}

TEST_F(ProxyTest, PassesEventsAtOnceAndLetsGoWhenNobodyListens) {
    std::promise<bool> closed;
    const RawServer service([&](RawServer::Peer& peer, int) {
        peer.read_head();
        peer.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
        peer.send("d\r\ndata: first\n\n\r\n");
        closed.set_value(peer.wait_for_close());
    });
    proxy_to(fmt::format("http://127.0.0.1:{}", service.port()));
    testing::Client client(port());
    client.send(get("/api/x/events"));
    EXPECT_TRUE(client.read_until("data: first"));
    client.close();
    EXPECT_TRUE(closed.get_future().get());
}

TEST_F(ProxyTest, EndsWhatHasNoEndWhenItsServiceStops) {
    std::promise<bool> closed;
    const RawServer service([&](RawServer::Peer& peer, int) {
        peer.read_head();
        peer.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
        peer.send("d\r\ndata: first\n\n\r\n");
        closed.set_value(peer.wait_for_close());
    });
    proxy_to(fmt::format("http://127.0.0.1:{}", service.port()));
    testing::Client client(port());
    client.send(get("/api/x/events"));
    EXPECT_TRUE(client.read_until("data: first"));
    std::promise<void> stopped;
    loop_.run([&] { app_->stop([&] { stopped.set_value(); }); });
    EXPECT_TRUE(closed.get_future().get());
    EXPECT_TRUE(client.read_to_end().ends_with("0\r\n\r\n")) << "ended, not cut";
    client.close();
    EXPECT_EQ(stopped.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
}

TEST_F(ProxyTest, PassesUpgrades) {
    behind_proxy([](http::Request request, http::Reply reply) {
        EXPECT_EQ(request.headers.get("Upgrade"), "websocket");
        EXPECT_EQ(request.headers.get("Sec-WebSocket-Key"), "abc");
        http::Headers headers;
        headers.add("Upgrade", "websocket");
        headers.add("Sec-WebSocket-Accept", "def");
        const std::shared_ptr<http::Channel> channel = std::move(reply).upgrade(std::move(headers));
        channel->on_bytes([channel](std::string_view bytes) {
            channel->write(std::make_shared<const std::string>(fmt::format("<{}>", bytes)));
            if (bytes == "bye") channel->end();
        });
    });
    testing::Client client(port());
    client.send(get("/api/x/live", "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: abc\r\n"));
    EXPECT_TRUE(client.read_until("Sec-WebSocket-Accept: def"));
    EXPECT_TRUE(client.read_until("\r\n\r\n"));
    client.send("hello");
    EXPECT_TRUE(client.read_until("<hello>"));
    client.send("bye");
    EXPECT_TRUE(client.read_to_end().ends_with("<bye>"));
}

TEST_F(ProxyTest, SaysWhatIsWrongWithAService) {
    const RawServer service([](RawServer::Peer& peer, int) {
        const auto head = peer.read_head();
        if (head.contains("/garbage")) peer.send("nonsense\r\n\r\n");
        if (head.contains("/slow")) peer.wait_for_close();
        if (head.contains("/half")) peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
        if (head.contains("/cut")) peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
    });
    proxy_to(fmt::format("http://127.0.0.1:{}", service.port()), std::chrono::milliseconds(500));
    const auto status = [&](const std::string& path) {
        const auto answer = ask(get("/api/x" + path));
        EXPECT_TRUE(answer.has("application/problem+json")) << answer.head;
        EXPECT_FALSE(answer.body.contains("127.0.0.1")) << "no inner addresses: " << answer.body;
        return answer.status;
    };
    EXPECT_EQ(status("/garbage"), 502);
    EXPECT_EQ(status("/half"), 502);
    EXPECT_EQ(status("/slow"), 504);
    EXPECT_EQ(status("/closed"), 503);
    testing::Client client(port());
    client.send(get("/api/x/cut"));
    EXPECT_FALSE(client.read_to_end().ends_with("0\r\n\r\n")) << "a part does not pass for the whole";
}

TEST_F(ProxyTest, SaysWhenAServiceIsAway) {
    proxy_to("http://127.0.0.1:1");
    const auto answer = ask(get("/api/x/"));
    EXPECT_EQ(answer.status, 503);
    EXPECT_TRUE(answer.has("Retry-After: 1"));
    EXPECT_TRUE(answer.body.contains("the service x cannot be reached")) << answer.body;
}

}  // namespace
}  // namespace kit
