// What a route decides before and beside its handler: who may, how long, and how its body comes.
#include "kit/web/router.h"

#include <sys/socket.h>

#include <boost/json.hpp>

#include "kit/testing/app_fixture.h"

namespace kit {
namespace {

using namespace std::chrono_literals;
using testing::Answer;
using testing::Client;
using testing::get;

const std::string token = "a-secret-that-services-share-0123456789";

class Routes : public testing::AppFixture {
 protected:
    std::string with_token(std::string_view path) { return get(path, "Authorization: Bearer " + token + "\r\n"); }
};

TEST_F(Routes, PassTheTraceAndTheDeadlineOn) {
    serve([](App& app) {
        app.routes().get("/context").within(3s).calls([&app](Call call) {
            const auto& context = call.context();
            const auto left = *context.deadline() - app.loop().now();
            call.answer(text_response(200, context.trace().id + " " + context.trace().parent + " " +
                                               (left > 2s && left <= 3s ? "3s" : "another time")));
        });
    });
    const auto answer =
        ask(get("/context", "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n"));
    EXPECT_EQ(answer.body, "4bf92f3577b34da6a3ce929d0e0e4736 00f067aa0ba902b7 3s");
}

TEST_F(Routes, LetInWhoMay) {
    const auto who = [](Call call) {
        call.answer(text_response(200, call.identity() ? call.identity()->user : "nobody"));
    };
    serve([&](App& app) {
        app.verify_with({.jwks_url = "", .service_token = token});
        app.routes().get("/open").knows().calls(who);
        app.routes().get("/login").needs_login().calls(who);
        app.routes()
            .get("/admin")
            .doc("Does it. Twice.")
            .needs({auth::Role::admin, auth::Role::dealer})
            .replies_text(200, "Who.", "text/plain")
            .replies(409, "Not now.")
            .calls(who);
        app.routes().get("/service").needs({auth::Role::admin, auth::Role::service}).calls(who);
    });
    EXPECT_EQ(ask(get("/open")).body, "nobody");
    EXPECT_EQ(ask(with_token("/open")).body, "service");
    const auto refused = ask(get("/login"));
    EXPECT_EQ(refused.status, 401);
    EXPECT_TRUE(refused.has("WWW-Authenticate: Bearer")) << refused.head;
    EXPECT_TRUE(refused.has("application/problem+json"));
    EXPECT_EQ(ask(with_token("/login")).body, "service");
    EXPECT_EQ(ask(with_token("/admin")).status, 403);
    EXPECT_EQ(ask(with_token("/service")).body, "service");
    const auto described = boost::json::parse(ask(get("/openapi.json")).body);
    EXPECT_TRUE(described.at_pointer("/paths/~1admin/get/responses").as_object().contains("403"));
    EXPECT_EQ(described.at_pointer("/paths/~1admin/get/summary").as_string(), "Does it.");
    EXPECT_EQ(described.at_pointer("/paths/~1admin/get/description").as_string(),
              "Twice. For the roles admin or dealer.");
    EXPECT_TRUE(described.at_pointer("/paths/~1admin/get/responses/200/content").as_object().contains("text/plain"));
    EXPECT_TRUE(described.at_pointer("/paths/~1admin/get/responses/409/content")
                    .as_object()
                    .contains("application/problem+json"));
    EXPECT_EQ(described.at_pointer("/paths/~1login/get/security").as_array().size(), 2U);
    EXPECT_EQ(described.at_pointer("/components/securitySchemes/bearer/scheme").as_string(), "bearer");
}

TEST_F(Routes, EndLateAnswersAndPassThemOver) {
    std::vector<Call> held;
    bool over = false;
    serve([&](App& app) {
        app.routes().get("/slow").within(30ms).calls([&](Call call) {
            call.context();
            held.push_back(std::move(call));
        });
    });
    const auto answer = ask(get("/slow"));
    EXPECT_EQ(answer.status, 504);
    EXPECT_TRUE(answer.has("application/problem+json"));
    loop_.run([&] {
        over = held.front().context().over(run::Time{});
        held.front().answer(text_response(200, "too late"));
        held.clear();
    });
    EXPECT_TRUE(over) << "the context says that nobody waits";
    EXPECT_NE(ask(get("/metrics")).body.find(R"(endpoint="/slow",status="504"} 1)"), std::string::npos);
}

TEST_F(Routes, CancelWhenTheClientGoesAway) {
    std::promise<void> arrived;
    std::promise<bool> gone;
    std::optional<Call> held;
    serve([&](App& app) {
        app.routes().get("/watch").calls([&](Call call) {
            call.on_gone([&, context = call.context(), now = app.loop().now()] { gone.set_value(context.over(now)); });
            held.emplace(std::move(call));
            arrived.set_value();
        });
    });
    Client client(port());
    client.send(get("/watch"));
    arrived.get_future().wait();
    client.close();
    EXPECT_TRUE(gone.get_future().get());
    loop_.run([&] { held.reset(); });
}

TEST_F(Routes, CheckTheirQueriesByWhatTheySayOfThem) {
    serve([](App& app) {
        app.routes()
            .get("/list")
            .query("page", "The page.", R"({"type":"integer","minimum":1,"maximum":9})")
            .query("price", "The price.", R"({"type":"number","minimum":0})")
            .query("sort", "By what.", R"({"type":"string","enum":["name","-name"]})")
            .query("q", "Words.", R"({"type":"string","maxLength":3})")
            .calls([](Call call) { call.answer(text_response(200, "x")); });
        app.routes().get("/list/{name}").calls([](Call call) { call.answer(text_response(200, "x")); });
    });
    EXPECT_EQ(ask(get("/list/%C3%A9")).status, 200);
    for (const auto* path : {"/list/%ff", "/list/a%00"}) EXPECT_EQ(ask(get(path)).status, 404) << path;
    for (const auto* good : {"", "?page=9&price=1.50&sort=-name&q=%C3%A9%C3%A9%C3%A9", "?page=&sort=", "?other=1"}) {
        EXPECT_EQ(ask(get(std::string("/list") + good)).status, 200) << good;
    }
    for (const auto* wrong : {"?page=0", "?page=10", "?page=1x", "?page=1.5", "?price=-1", "?price=nan", "?price=1e3",
                              "?sort=Name", "?q=1234", "?q=%ff", "?q=a%00", "?page=99999999999999999999"}) {
        const auto answer = ask(get(std::string("/list") + wrong));
        EXPECT_EQ(answer.status, 422) << wrong;
        EXPECT_NE(answer.body.find(R"("errors":[{"field":)"), std::string::npos);
    }
    EXPECT_NE(ask(get("/list?page=0")).body.find("must be a whole number from 1 to 9"), std::string::npos);
}

TEST_F(Routes, AreShownAtDocs) {
    serve([](App& app) { app.routes().get("/x").calls([](Call call) { call.answer(text_response(200, "x")); }); });
    const auto page = ask(get("/docs"));
    EXPECT_EQ(page.status, 200);
    EXPECT_TRUE(page.has("Content-Type: text/html") && page.has("Content-Security-Policy: default-src 'none'"));
    EXPECT_EQ(page.body.find("<script>"), std::string::npos) << "no script within the page";
    const auto moved = ask(get("/docs/"));
    EXPECT_EQ(moved.status, 303);
    EXPECT_TRUE(moved.has("Location: ../docs"));
}

/// Reads a body to its end, one piece after the other, and says how long it was.
struct Upload {
    Call call;
    std::size_t bytes = 0;
    static void go_on(const std::shared_ptr<Upload>& upload) {
        upload->call.body().next([upload](base::Result<std::string> piece) {
            if (!piece) return upload->call.fail(piece.error());
            upload->bytes += piece->size();
            if (!piece->empty()) return go_on(upload);
            upload->call.answer(text_response(200, std::to_string(upload->bytes)));
        });
    }
};

class StreamedBodies : public Routes {
 protected:
    void SetUp() override {
        serve([this](App& app) {
            app.routes()
                .post("/upload")
                .takes_stream({.bytes_max = 3'000'000, .silence_max = 50ms})
                .calls([](Call call) { Upload::go_on(std::make_shared<Upload>(std::move(call))); });
            app.routes().post("/hold").takes_stream().calls([this](Call call) {
                held_.emplace(std::move(call));
                held_now_.set_value();
            });
            app.routes().post("/refuse").takes_stream().calls([](Call call) {
                call.fail({base::Code::forbidden, "not today"});
            });
            app.routes().post("/whole").calls(
                [](Call call) { call.answer(text_response(200, std::to_string(call.request().body.size()))); });
        });
    }
    void TearDown() override {
        loop_.run([&] { held_.reset(); });
        Routes::TearDown();
    }
    static std::string head(std::string_view path, std::string_view framing) {
        return "POST " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n" + std::string(framing) + "\r\n\r\n";
    }
    std::optional<Call> held_;
    std::promise<void> held_now_;
};

TEST_F(StreamedBodies, ComeInPiecesAndKeepTheConnection) {
    Client client(port());
    client.send(head("/upload", "Content-Length: 2000000") + std::string(2'000'000, 'x') +
                head("/upload", "Transfer-Encoding: chunked") + "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n" +
                head("/upload", "Content-Length: 0") + head("/whole", "Content-Length: 2") + "ab");
    EXPECT_EQ(client.read().body, "2000000");
    EXPECT_EQ(client.read().body, "11");
    EXPECT_EQ(client.read().body, "0");
    EXPECT_EQ(client.read().body, "2");
}

TEST_F(StreamedBodies, MayEndByteByByte) {
    for (const auto* path : {"/upload", "/whole"}) {
        Client client(port());
        client.send(head(path, "Transfer-Encoding: chunked") + "2\r\nab\r\n");
        for (const char byte : std::string("0\r\n\r\n")) client.send({&byte, 1});
        EXPECT_EQ(client.read().body, "2");
        Client empty(port());
        empty.send(head(path, "Transfer-Encoding: chunked"));
        for (const char byte : std::string("0\r\n\r\n")) empty.send({&byte, 1});
        EXPECT_EQ(empty.read().body, "0");
    }
}

TEST_F(StreamedBodies, KeepTheirLimits) {
    EXPECT_EQ(ask(head("/upload", "Content-Length: 3000001")).status, 413) << "said before a byte is read";
    EXPECT_EQ(ask(head("/whole", "Content-Length: 2000000")).status, 413) << "others have the App's limit";
    Client chunked(port());
    chunked.send(head("/upload", "Transfer-Encoding: chunked"));
    for (int i = 0; i < 4; ++i) chunked.send("f4240\r\n" + std::string(1'000'000, 'x') + "\r\n");
    const auto answer = chunked.read();
    EXPECT_EQ(answer.status, 413);
    EXPECT_TRUE(answer.has("Connection: close"));
    EXPECT_EQ(ask(head("/upload", "Transfer-Encoding: chunked") + "zz\r\n").status, 400);
}

TEST_F(StreamedBodies, AreNotReadWhileNobodyAsks) {
    Client client(port());
    client.send(head("/hold", "Content-Length: 900000000"));
    held_now_.get_future().wait();
    const std::string piece(1 << 20, 'x');
    std::size_t sent = 0;
    for (ssize_t took = 1; took > 0;) {
        took = ::send(client.fd(), piece.data(), piece.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (took > 0) sent += static_cast<std::size_t>(took);
    }
    EXPECT_LT(sent, 100U << 20) << "the kernel's buffers hold what nobody reads";
}

TEST_F(StreamedBodies, MayBeRefusedUnread) {
    const auto answer = ask(head("/refuse", "Content-Length: 900000000\r\nExpect: 100-continue"));
    EXPECT_EQ(answer.status, 403) << "without 100 Continue";
    EXPECT_TRUE(answer.has("Connection: close"));
}

TEST_F(StreamedBodies, AreAskedForWithContinue) {
    Client client(port());
    client.send(head("/upload", "Content-Length: 3\r\nExpect: 100-continue"));
    ASSERT_TRUE(client.read_until("100 Continue\r\n\r\n"));
    client.send("abc");
    EXPECT_TRUE(client.read_until("200 OK"));
}

TEST_F(StreamedBodies, EndWhenTheClientIsSilentOrGone) {
    Client slow(port());
    slow.send(head("/upload", "Content-Length: 3") + "a");
    EXPECT_EQ(slow.read().status, 400);
    Client gone(port());
    gone.send(head("/upload", "Content-Length: 3") + "a");
    gone.finish_writing();
    EXPECT_EQ(gone.read().status, 0);
    Client half(port());
    half.send(head("/upload", "Content-Length: 3") + "abc");
    half.finish_writing();
    EXPECT_EQ(half.read().body, "3") << "a client may end its side after the body";
}

}  // namespace
}  // namespace kit
