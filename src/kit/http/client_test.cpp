// The client against the kit's own server and against servers that misbehave.
#include "kit/http/client.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <future>

#include "kit/http/url.h"
#include "kit/testing/certificate.h"
#include "kit/testing/http_fixture.h"
#include "kit/testing/raw_server.h"

namespace kit::http {
namespace {

using testing::RawServer;
using testing::Signed;
using namespace std::chrono_literals;

constexpr auto patience = 10s;

/// What came of a stream, gathered.
struct Gathered {
    int status = 0;
    Headers headers;
    std::string body;
    base::Result<void> end;
};

class ClientTest : public ::testing::Test {
 protected:
    void SetUp() override { make({}); }
    void TearDown() override {
        loop_.run([&] {
            client_.reset();
            server_.reset();
        });
    }
    void make(ClientOptions options) {
        loop_.run([&] { client_ = make_client(loop_.io, std::move(options)); });
    }
    /// The kit's own server; its address.
    std::string serve_by(Handler handler, std::optional<TlsFiles> tls = std::nullopt) {
        loop_.run([&] {
            ServerOptions options;
            options.tls = std::move(tls);
            auto made = serve(loop_.io, std::move(options), std::move(handler));
            ASSERT_TRUE(made) << made.error().message;
            server_ = std::move(*made);
        });
        return fmt::format("http://127.0.0.1:{}", server_->port());
    }
    std::future<base::Result<Response>> begin(Outgoing request) {
        auto promise = std::make_shared<std::promise<base::Result<Response>>>();
        auto future = promise->get_future();
        loop_.run([&] {
            client_->send(std::move(request),
                          [promise](base::Result<Response> answer) { promise->set_value(std::move(answer)); });
        });
        return future;
    }
    base::Result<Response> ask(Outgoing request) {
        auto future = begin(std::move(request));
        if (future.wait_for(patience) != std::future_status::ready) return base::fail(base::Code::internal, "no word");
        return future.get();
    }
    base::Result<Response> get(const std::string& url) { return ask({.url = url}); }
    std::size_t connections() {
        return loop_.run([&] { return client_->connections(); });
    }

    testing::LoopThread loop_;
    std::unique_ptr<Server> server_;
    std::unique_ptr<Client> client_;
};

Response text(std::string body, int status = 200) {
    return {.status = status, .headers = {}, .body = std::make_shared<const std::string>(std::move(body))};
}

std::string_view body_of(const base::Result<Response>& answer) {
    return answer && answer->body ? std::string_view(*answer->body) : std::string_view();
}

TEST(Url, IsTakenApartAndNothingIsSmuggledThroughIt) {
    const auto url = parse_url("https://Example.test:8443/a/b?c=d#e");
    ASSERT_TRUE(url);
    EXPECT_TRUE(url->secure);
    EXPECT_EQ(url->authority(), "example.test:8443");
    EXPECT_EQ(url->target, "/a/b?c=d");
    EXPECT_EQ(parse_url("http://host")->target, "/");
    EXPECT_EQ(parse_url("http://host?x=1")->target, "/?x=1");
    EXPECT_EQ(parse_url("https://host")->authority(), "host");
    for (const auto* bad : {"", "ftp://host/", "http://", "http://user@host/", "http://host:0/", "http://host:99999/",
                            "http://host:8x/", "http://host/a b", "http://host/\r\nX: y", "http://ho st/", "//host/"}) {
        EXPECT_FALSE(parse_url(bad)) << bad;
    }
}

TEST_F(ClientTest, KeepsAConnectionForTheNextRequest) {
    const auto url = serve_by([](Request request, Reply reply) {
        auto response = text(fmt::format("{} {} {}", request.method, request.target, request.body));
        response.headers.add("X-Seen", request.headers.get("X-Sent"));
        std::move(reply).send(std::move(response));
    });
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(body_of(get(fmt::format("{}/{}?q=1", url, i))), fmt::format("GET /{}?q=1 ", i));
    Outgoing post{.method = "POST", .url = url + "/p", .body = std::string(300'000, 'x')};
    post.headers.add("X-Sent", "one\r\nEvil: two");
    const auto answer = ask(std::move(post));
    EXPECT_EQ(body_of(answer).size(), 300'008U);
    EXPECT_EQ(answer->headers.get("X-Seen"), "one  Evil: two");
    EXPECT_EQ(connections(), 1U);
}

TEST_F(ClientTest, KnowsEveryFormOfAnAnswer) {
    const RawServer server([](RawServer::Peer& peer, int) {
        for (std::string head; !(head = peer.read_head()).empty();) {
            if (head.starts_with("HEAD ")) peer.send("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n");
            if (head.contains("/chunks")) {
                peer.send(
                    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\n");
                peer.send("Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
                peer.send("4;x=y\r\ndefg\r\n0\r\nTrailer: no\r\n\r\n");
            }
            if (head.contains("/204")) peer.send("HTTP/1.1 204 No Content\r\n\r\n");
            if (head.contains("/304")) peer.send("HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n");
            if (head.contains("/empty")) peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
            if (head.contains("/old")) {
                peer.send("HTTP/1.0 200 OK\r\n\r\nuntil the end");
                return;
            }
        }
    });
    const auto chunks = get(server.url("/chunks"));
    EXPECT_EQ(body_of(chunks), "abcdefg");
    EXPECT_FALSE(chunks->headers.has("Trailer"));
    EXPECT_FALSE(chunks->headers.has("Link"));
    EXPECT_EQ(get(server.url("/204"))->status, 204);
    EXPECT_EQ(get(server.url("/304"))->status, 304);
    EXPECT_EQ(get(server.url("/empty"))->body->size(), 0U);
    EXPECT_EQ(ask({.method = "HEAD", .url = server.url("/")})->headers.get("Content-Length"), "5000");
    EXPECT_EQ(connections(), 1U);
    EXPECT_EQ(body_of(get(server.url("/old"))), "until the end");
    EXPECT_EQ(connections(), 0U);
}

TEST_F(ClientTest, SaysWhatWentWrong) {
    const RawServer server([](RawServer::Peer& peer, int) {
        const auto head = peer.read_head();
        if (head.contains("/slow")) peer.wait_for_close();
        if (head.contains("/cut")) peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
        if (head.contains("/chunk")) peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc");
        if (head.contains("/garbage")) peer.send("SSH-2.0-OpenSSH\r\n\r\n");
        if (head.contains("/reset")) {
            peer.send("HTTP/1.1 200 OK\r\n\r\nnot all of it");
            peer.read_head();  // the client is told of what was sent before the reset
        }
        if (head.contains("/big")) peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000001\r\n\r\nx");
        if (head.contains("/grows")) {
            peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            const std::string piece(0x8000, 'x');
            while (peer.send("8000\r\n" + piece + "\r\n")) {
            }
        }
        if (head.contains("/switch")) peer.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n");
    });
    const auto code = [&](std::string_view path, run::Duration timeout = 5s) {
        const auto answer = ask({.url = server.url(path), .timeout = timeout, .body_bytes_max = 1'000'000});
        EXPECT_TRUE(answer || answer.error().message.contains("127.0.0.1")) << answer.error().message;
        return answer ? base::Code::unspecified : answer.error().code;
    };
    EXPECT_EQ(code("/slow", 50ms), base::Code::timeout);
    EXPECT_EQ(code("/cut"), base::Code::unavailable);
    EXPECT_EQ(code("/chunk"), base::Code::unavailable);
    EXPECT_EQ(code("/nothing"), base::Code::unavailable);
    EXPECT_EQ(code("/garbage"), base::Code::invalid);
    EXPECT_EQ(code("/big"), base::Code::too_large);
    EXPECT_EQ(code("/grows"), base::Code::too_large);
    EXPECT_EQ(code("/switch"), base::Code::invalid);
    EXPECT_EQ(connections(), 0U);
    EXPECT_EQ(get("http://127.0.0.1:1/").error().code, base::Code::unavailable);
    EXPECT_EQ(get("gopher://x").error().code, base::Code::invalid);
    EXPECT_EQ(ask({.method = "GET /x HTTP/1.1\r\n", .url = server.url()}).error().code, base::Code::invalid);
    const auto unknown = get("http://no-such-name.invalid/");
    EXPECT_EQ(unknown.error().code, base::Code::unavailable);
    EXPECT_TRUE(unknown.error().message.contains("name is not known")) << unknown.error().message;
    EXPECT_EQ(loop_.run([&] { return client_->waiting(); }), 0U);
}

TEST_F(ClientTest, ResolvesNames) {
    const auto url = serve_by(
        [](Request request, Reply reply) { std::move(reply).send(text(std::string(request.headers.get("Host")))); });
    const auto host = fmt::format("localhost:{}", server_->port());
    EXPECT_EQ(body_of(get("http://" + host + "/")), host);
}

TEST_F(ClientTest, SendsAgainWhatMetAKeptConnectionAtItsEnd) {
    std::atomic<int> posts = 0;
    const RawServer server([&](RawServer::Peer& peer, int number) {
        for (int i = 0;; ++i) {
            const auto head = peer.read_head();
            if (head.empty()) return;
            if (head.starts_with("POST")) ++posts;
            if (i == 1 && number <= 2) return;  // it has read the second request and closes
            peer.send(fmt::format("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{}", number));
        }
    });
    EXPECT_EQ(body_of(get(server.url())), "1");
    EXPECT_EQ(body_of(get(server.url())), "2") << "sent again on a new connection";
    const auto post = ask({.method = "POST", .url = server.url(), .body = "pay"});
    EXPECT_EQ(post.error().code, base::Code::unavailable) << "nobody knows whether it was done";
    EXPECT_EQ(posts, 1);
    EXPECT_EQ(body_of(get(server.url())), "3");
    make({});  // its connections end, and so the server's scripts
}

TEST_F(ClientTest, GivesUpAfterOneRepetition) {
    std::atomic<int> requests = 0;
    const RawServer server([&](RawServer::Peer& peer, int number) {
        for (int i = 0;; ++i) {
            if (peer.read_head().empty()) return;
            ++requests;
            if (number > 1 || i > 0) return;
            peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        }
    });
    EXPECT_TRUE(get(server.url()));
    EXPECT_EQ(get(server.url()).error().code, base::Code::unavailable);
    EXPECT_EQ(requests, 3);
}

TEST_F(ClientTest, UsesNoConnectionThatWasClosedWhileIdle) {
    std::promise<void> closed;
    const RawServer server([&](RawServer::Peer& peer, int number) {
        peer.read_head();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        if (number > 1) return;
        peer.close();
        closed.set_value();
    });
    EXPECT_TRUE(ask({.method = "POST", .url = server.url()}));
    closed.get_future().wait();
    EXPECT_TRUE(ask({.method = "POST", .url = server.url()})) << "a POST is not lost to it";
}

TEST_F(ClientTest, WaitsInOrderBeyondItsConnections) {
    make({.connections_per_host_max = 1, .waiting_max = 5});
    std::vector<Reply> held;
    std::string order;
    const auto url = serve_by([&](Request request, Reply reply) {
        order += request.path.back();
        held.push_back(std::move(reply));
    });
    std::vector<std::future<base::Result<Response>>> answers;
    for (int i = 0; i < 8; ++i) answers.push_back(begin({.url = fmt::format("{}/{}", url, i)}));
    EXPECT_EQ(answers[7].get().error().code, base::Code::unavailable) << "one is under way or about to be, five wait";
    const auto answered = [&] {
        return std::ranges::count_if(
            answers, [](auto& one) { return !one.valid() || one.wait_for(0s) == std::future_status::ready; });
    };
    for (int i = 0; answered() < 8 && i < 100'000; ++i) {
        loop_.run([&] {
            EXPECT_LE(client_->connections(), 1U);
            for (auto& reply : std::exchange(held, {})) std::move(reply).send(text("x"));
        });
    }
    EXPECT_EQ(answered(), 8);
    EXPECT_GE(order.size(), 5U);
    EXPECT_TRUE(std::ranges::is_sorted(order)) << order;
}

TEST_F(ClientTest, ClosesWhatIsIdleTooLong) {
    make({.idle_timeout = 40ms});
    std::promise<bool> closed;
    const RawServer server([&](RawServer::Peer& peer, int) {
        peer.read_head();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        closed.set_value(peer.wait_for_close());
    });
    EXPECT_TRUE(get(server.url()));
    EXPECT_TRUE(closed.get_future().get());
}

class ClientStream : public ClientTest {
 protected:
    /// Starts a stream whose end fulfils `done_`.
    void stream(Outgoing request) {
        loop_.run([&] {
            Pieces pieces;
            pieces.head = [this](int status, const Headers& headers) {
                seen_.status = status;
                seen_.headers = headers;
                if (on_head_) on_head_();
            };
            pieces.piece = [this](std::string_view bytes) {
                seen_.body += bytes;
                if (on_piece_) on_piece_();
            };
            pieces.end = [this](base::Result<void> end) {
                seen_.end = std::move(end);
                done_.set_value();
            };
            exchange_ = client_->stream(std::move(request), std::move(pieces));
        });
    }
    void TearDown() override {
        loop_.run([&] { exchange_.reset(); });
        ClientTest::TearDown();
    }
    bool wait() { return done_.get_future().wait_for(patience) == std::future_status::ready; }

    Gathered seen_;
    std::function<void()> on_head_;
    std::function<void()> on_piece_;
    std::promise<void> done_;
    std::unique_ptr<Exchange> exchange_;
};

TEST_F(ClientStream, ASlowReaderSlowsTheSender) {
    constexpr std::size_t size = 32'000'000;
    std::shared_ptr<Stream> sending;
    const auto url = serve_by([&](Request, Reply reply) {
        sending = std::move(reply).start(200, {});
        sending->write(std::make_shared<const std::string>(size, 'x'));
        sending->end();
    });
    on_head_ = [&] { exchange_->pause(); };
    stream({.url = url});
    const auto received = [&] { return loop_.run([&] { return seen_.body.size(); }); };
    while (loop_.run([&] { return seen_.status; }) == 0) {
    }
    std::size_t before = received();
    for (int i = 0; i < 1000; ++i) before = received();
    EXPECT_LT(before, 200'000U) << "what one read brought";
    EXPECT_EQ(received(), before);
    loop_.run([&] { exchange_->resume(); });
    ASSERT_TRUE(wait());
    EXPECT_EQ(seen_.body.size(), size);
    EXPECT_TRUE(seen_.end);
    EXPECT_EQ(connections(), 1U) << "kept for the next";
}

TEST_F(ClientStream, SendsABodyPieceByPiece) {
    const auto url = serve_by([](Request request, Reply reply) {
        std::move(reply).send(text(fmt::format("{} {}", request.headers.get("Transfer-Encoding"), request.body)));
    });
    stream({.method = "POST", .url = url, .sending = Sending::streamed});
    loop_.run([&] { exchange_->write("one "); });
    loop_.run([&] {
        exchange_->write("two");
        exchange_->finish();
    });
    ASSERT_TRUE(wait());
    EXPECT_EQ(seen_.body, "chunked one two");
    EXPECT_EQ(connections(), 1U);
}

TEST_F(ClientStream, TakesAnAnswerThatComesBeforeTheBodyIsSent) {
    const RawServer server([](RawServer::Peer& peer, int) {
        peer.read_head();
        peer.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig");
        peer.wait_for_close();
    });
    stream({.method = "POST", .url = server.url(), .sending = Sending::streamed});
    loop_.run([&] { exchange_->write("the beginning"); });
    ASSERT_TRUE(wait());
    EXPECT_EQ(seen_.status, 413);
    EXPECT_EQ(seen_.body, "big");
    EXPECT_EQ(connections(), 0U) << "a request that was not sent whole cannot be followed by another";
}

TEST_F(ClientStream, SwitchesProtocols) {
    const auto url = serve_by([](Request request, Reply reply) {
        EXPECT_EQ(request.headers.get("Upgrade"), "echo");
        Headers headers;
        headers.add("Upgrade", "echo");
        const std::shared_ptr<Channel> channel = std::move(reply).upgrade(std::move(headers));
        channel->on_bytes([channel](std::string_view bytes) {
            channel->write(std::make_shared<const std::string>(fmt::format("<{}>", bytes)));
            if (bytes.contains("bye")) channel->end();
        });
    });
    Outgoing request{.url = url, .sending = Sending::upgrade};
    request.headers.add("Upgrade", "echo");
    on_head_ = [&] { exchange_->write("hello"); };
    on_piece_ = [&] {
        if (seen_.body == "<hello>") exchange_->write("bye");
    };
    stream(std::move(request));
    ASSERT_TRUE(wait());
    EXPECT_EQ(seen_.status, 101);
    EXPECT_EQ(seen_.body, "<hello><bye>");
    EXPECT_TRUE(seen_.end);
}

TEST_F(ClientStream, NoticesSilence) {
    const RawServer server([](RawServer::Peer& peer, int) {
        peer.read_head();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
        peer.wait_for_close();
    });
    stream({.url = server.url(), .silence = 50ms});
    ASSERT_TRUE(wait());
    EXPECT_EQ(seen_.body, "half");
    EXPECT_EQ(seen_.end.error().code, base::Code::timeout);
}

TEST_F(ClientStream, WhoGivesUpIsNotCalledAnyMore) {
    std::promise<bool> closed;
    const RawServer server([&](RawServer::Peer& peer, int) {
        peer.read_head();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
        closed.set_value(peer.wait_for_close());
    });
    on_piece_ = [&] { exchange_.reset(); };
    stream({.url = server.url()});
    EXPECT_TRUE(closed.get_future().get());
    EXPECT_EQ(connections(), 0U);
    EXPECT_EQ(done_.get_future().wait_for(0s), std::future_status::timeout);
}

class ClientTls : public ClientTest {
 protected:
    void serve_as(const Signed& leaf) {
        serve_by([](Request, Reply reply) { std::move(reply).send(text(std::string(200'000, 's'))); },
                 TlsFiles{leaf.certificate_pem(), leaf.key_pem(), ""});
    }
    std::string message_for(std::string_view host) {
        const auto answer = get(fmt::format("https://{}:{}/", host, server_->port()));
        return answer ? "" : answer.error().message;
    }
    Signed authority_{"test CA", nullptr, nullptr};
};

TEST_F(ClientTls, BelievesOnlyWhomItShould) {
    serve_as(Signed("localhost", nullptr, &authority_));
    make({.ca_pem = authority_.certificate_pem()});
    const auto url = fmt::format("https://localhost:{}/", server_->port());
    EXPECT_EQ(body_of(get(url)).size(), 200'000U);
    EXPECT_EQ(body_of(get(url)).size(), 200'000U);
    EXPECT_EQ(connections(), 1U);
    EXPECT_NE(message_for("127.0.0.1"), "") << "its name is another";
    make({});
    EXPECT_TRUE(message_for("localhost").contains("certificate")) << message_for("localhost");
    make({.ca_pem = "nonsense"});
    EXPECT_TRUE(message_for("localhost").contains("PEM")) << message_for("localhost");
}

TEST_F(ClientTls, SaysWhenAPortDoesNotSpeakTls) {
    const RawServer server([](RawServer::Peer& peer, int) {
        peer.send("HTTP/1.1 400 Bad Request\r\n\r\n");
        peer.wait_for_close();
    });
    const auto answer = get(fmt::format("https://127.0.0.1:{}/", server.port()));
    EXPECT_EQ(answer.error().code, base::Code::unavailable);
    EXPECT_TRUE(answer.error().message.contains("TLS")) << answer.error().message;
}

}  // namespace
}  // namespace kit::http
