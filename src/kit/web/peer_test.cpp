// Calls between services, in virtual time, over a client that answers as told.
#include "kit/web/peer.h"

#include <gtest/gtest.h>

#include <optional>

#include "kit/testing/app_fixture.h"
#include "run/virtual_loop.h"

namespace kit {
namespace {

using namespace std::chrono_literals;

http::Response with_status(int status) { return {.status = status, .headers = {}, .body = nullptr}; }
base::Result<http::Response> broken() { return base::fail(base::Code::unavailable, "http://x: no connection"); }

/// Answers by `script`, a moment later; without an answer it is silent until the request's time is over.
class ScriptedClient final : public http::Client {
 public:
    using Script = std::function<std::optional<base::Result<http::Response>>(const http::Outgoing&)>;
    ScriptedClient(run::Loop& loop, Script script_) : script(std::move(script_)), loop_(loop) {}
    void send(http::Outgoing request, http::Answered answered) override {
        auto answer = script(request);
        const auto wait = answer ? run::Duration(1ms) : request.timeout;
        if (!answer) answer = base::fail(base::Code::timeout, "no answer");
        sent.push_back(std::move(request));
        timers_.push_back(loop_.after(wait, [answer = std::move(*answer), answered = std::move(answered)]() mutable {
            answered(std::move(answer));
        }));
    }
    std::unique_ptr<http::Exchange> stream(http::Outgoing, http::Pieces) override { return nullptr; }
    std::size_t connections() const override { return 0; }
    std::size_t waiting() const override { return 0; }

    Script script;
    std::vector<http::Outgoing> sent;

 private:
    run::Loop& loop_;
    std::vector<run::Timer> timers_;
};

class PeerTest : public ::testing::Test {
 protected:
    Peer& make(PeerOptions options = {}) {
        options.name = "payments";
        options.base = "http://payments:8080/";
        peer_.emplace(client_, loop_, metrics_, std::move(options));
        return *peer_;
    }
    base::Result<http::Response> call(PeerCall call, const Context& context = {}) {
        std::optional<base::Result<http::Response>> told;
        peer_->call(context, std::move(call), [&](auto answer) { told = std::move(answer); });
        while (!told && loop_.step()) {
        }
        return told ? std::move(*told) : base::fail(base::Code::internal, "never told");
    }
    bool counted(std::string_view line) const { return metrics_.text().contains(line); }

    run::VirtualLoop loop_{1};
    Metrics metrics_;
    base::Result<http::Response> next_ = with_status(200);
    ScriptedClient client_{loop_, [this](const http::Outgoing&) { return std::optional(next_); }};
    std::optional<Peer> peer_;
};

TEST_F(PeerTest, PassesOnTraceTimeAndToken) {
    make({.bearer = "the-service-token"});
    base::Rng rng(7);
    const Context context(Trace::of("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", rng),
                          loop_.now() + 700ms);
    ASSERT_TRUE(call({.method = "POST", .path = "/payments?x=1", .body = "{}"}, context));
    const auto& sent = client_.sent.at(0);
    EXPECT_EQ(sent.url, "http://payments:8080/payments?x=1");
    EXPECT_EQ(sent.timeout, 700ms);
    EXPECT_EQ(sent.headers.get("traceparent"), context.trace().traceparent());
    EXPECT_EQ(sent.headers.get(time_left_header), "700");
    EXPECT_EQ(sent.headers.get("Authorization"), "Bearer the-service-token");
    EXPECT_EQ(sent.headers.get("Content-Type"), "application/json");
    EXPECT_TRUE(counted(R"(app_peer_requests_total{peer="payments",status="200"} 1)")) << metrics_.text();
    EXPECT_TRUE(counted(R"(app_peer_latency_seconds_count{peer="payments"} 1)"));
    EXPECT_TRUE(counted(R"(app_peer_breaker_open{peer="payments"} 0)"));
    EXPECT_FALSE(metrics_.text().contains("the-service-token"));
}

class CalleeTest : public testing::AppFixture {};

TEST_F(CalleeTest, KnowsHowLongItsCallerWaits) {
    serve([](App& app) {
        app.routes().get("/left").calls([&app](Call call) {
            const auto left = call.context().left(app.loop().now(), std::chrono::hours(1));
            call.answer(text_response(200, left <= 500ms ? "short" : left <= 10s ? "ours" : "long"));
        });
    });
    EXPECT_EQ(ask(testing::get("/left")).body, "ours");
    EXPECT_EQ(ask(testing::get("/left", "Request-Timeout-Ms: 500\r\n")).body, "short");
    for (const auto* odd : {"86400000", "-1", "1e3", "", "99999999999999999999"}) {
        EXPECT_EQ(ask(testing::get("/left", "Request-Timeout-Ms: " + std::string(odd) + "\r\n")).body, "ours") << odd;
    }
}

TEST_F(PeerTest, TriesAgainWhatMayBeTriedAgain) {
    make();
    int failures = 2;
    client_.script = [&](const http::Outgoing&) {
        return std::optional(failures-- > 0
                                 ? (failures == 0 ? broken() : base::Result<http::Response>(with_status(503)))
                                 : with_status(200));
    };
    EXPECT_EQ(call({.path = "/x"})->status, 200);
    EXPECT_EQ(client_.sent.size(), 3U);
    failures = 2;
    EXPECT_EQ(call({.method = "POST", .path = "/x"})->status, 503) << "the answer of a peer is a value";
    failures = 1;
    EXPECT_EQ(call({.method = "POST", .path = "/x", .repeat = Repeat::safe})->status, 200);
    failures = 1;
    EXPECT_EQ(call({.path = "/x", .repeat = Repeat::never}).error().message, "payments: http://x: no connection");
    failures = 0;
    client_.script = [](const http::Outgoing&) -> std::optional<base::Result<http::Response>> {
        return with_status(500);
    };
    const auto before = client_.sent.size();
    EXPECT_EQ(call({.path = "/x"})->status, 500);
    EXPECT_EQ(client_.sent.size(), before + 1) << "it has answered: again it would answer the same";
}

TEST_F(PeerTest, KeepsTheCallersTime) {
    make({.timeout = 2s, .tries = 100, .breaker_failures = 1000});
    client_.script = [](const http::Outgoing&) { return std::nullopt; };
    const auto start = loop_.now();
    const Context context({}, start + 5s);
    EXPECT_EQ(call({.path = "/x"}, context).error().code, base::Code::timeout);
    EXPECT_LE(loop_.now() - start, 5s);
    EXPECT_EQ(client_.sent.size(), 3U) << "two of two seconds, one of what was left";
    context.cancel();
    EXPECT_EQ(call({.path = "/x"}, context).error().code, base::Code::timeout);
    EXPECT_EQ(client_.sent.size(), 3U);
}

TEST_F(PeerTest, TheBreakerOpensAndRecovers) {
    make({.tries = 1, .breaker_failures = 5, .breaker_open = 2s});
    next_ = broken();
    for (int i = 0; i < 5; ++i) {
        EXPECT_FALSE(peer_->away());
        EXPECT_FALSE(call({.path = "/x"}));
    }
    EXPECT_EQ(peer_->away(), "payments does not answer");
    EXPECT_TRUE(counted(R"(app_peer_breaker_open{peer="payments"} 1)"));
    const auto at_once = loop_.now();
    EXPECT_EQ(call({.path = "/x"}).error().code, base::Code::unavailable);
    EXPECT_EQ(loop_.now(), at_once);
    EXPECT_EQ(client_.sent.size(), 5U);

    loop_.run_until(loop_.now() + 2s);
    EXPECT_FALSE(call({.path = "/x"})) << "one is let through, and fails";
    EXPECT_EQ(client_.sent.size(), 6U);
    EXPECT_FALSE(call({.path = "/x"}));
    EXPECT_EQ(client_.sent.size(), 6U);

    loop_.run_until(loop_.now() + 2s);
    next_ = with_status(404);
    int answered = 0;
    for (int i = 0; i < 3; ++i) peer_->call({}, {.path = "/x"}, [&](auto answer) { answered += answer ? 1 : 0; });
    loop_.run_until(loop_.now() + 100ms);
    EXPECT_EQ(answered, 1) << "no herd: others wait for what the one shows";
    EXPECT_FALSE(peer_->away());
    EXPECT_EQ(call({.path = "/x"})->status, 404);
}

TEST_F(PeerTest, TheBudgetHoldsUnderADeadPeer) {
    make({.tries = 3, .retry_budget = 0.2, .breaker_failures = 1'000'000});
    next_ = broken();
    int told = 0;
    for (int i = 0; i < 1000; ++i) {
        peer_->call({}, {.path = "/x"}, [&](auto) { ++told; });
        loop_.run_until(loop_.now() + 5ms);
    }
    loop_.run_until(loop_.now() + 10s);
    EXPECT_EQ(told, 1000);
    EXPECT_LE(client_.sent.size(), 1210U);
    EXPECT_GE(client_.sent.size(), 1150U);
}

TEST_F(PeerTest, APeerThatGoesTakesItsCallsWithIt) {
    make();
    bool told = false;
    peer_->call({}, {.path = "/x"}, [&](auto) { told = true; });
    loop_.step();
    peer_.reset();
    loop_.run_until(loop_.now() + 1s);
    EXPECT_FALSE(told);
}

}  // namespace
}  // namespace kit
