// The server behind real sockets: one path of each sort.
#include "kit/testing/http_fixture.h"
#include "run/asio_loop.h"
#include "server/testing/fixture.h"

namespace server::testing {

namespace {

constexpr auto maps = "/api/v1/namespaces/default/configmaps";

std::string request(std::string_view method, std::string_view path, std::string_view body = "") {
    std::string out =
        std::string(method) + " " + std::string(path) + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer admin\r\n";
    if (!body.empty()) out += "Content-Type: application/json\r\n";
    return out + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

/// Everything on one loop thread, as in the real program.
struct Running {
    explicit Running(boost::asio::io_context& io)
        : loop(io),
          store(loop, {}, nullptr),
          api(verbs::make_api(store, loop, base::Rng(1))),
          server(Fixture::test_settings(), loop, *api, base::Rng(2)),
          http(std::move(*kit::http::serve(io, {.refusal = refusal}, server.handler()))) {}
    run::AsioLoop loop;
    store::Store store;
    std::unique_ptr<verbs::Api> api;
    ApiServer server;
    std::unique_ptr<kit::http::Server> http;
};

}  // namespace

TEST(SocketTest, an_object_is_written_read_and_watched) {
    kit::testing::LoopThread thread;
    auto running = thread.run([&] { return std::make_unique<Running>(thread.io); });
    const auto port = thread.run([&] { return running->http->port(); });

    kit::testing::Client client(port);
    client.send(request("POST", "/api/v1/namespaces", R"({"metadata":{"name":"default"}})"));
    EXPECT_EQ(client.read().status, 201);

    kit::testing::Client watcher(port);
    watcher.send(request("GET", std::string(maps) + "?watch=true"));
    ASSERT_TRUE(watcher.read_until("HTTP/1.1 200"));

    client.send(request("POST", maps, R"({"metadata":{"name":"a"},"data":{"k":"v"}})"));
    EXPECT_EQ(client.read().status, 201);
    EXPECT_TRUE(watcher.read_until(R"("type":"ADDED")"));

    client.send(request("GET", std::string(maps) + "/a"));
    const auto read = client.read();
    EXPECT_EQ(read.status, 200);
    EXPECT_NE(read.body.find(R"("data":{"k":"v"})"), std::string::npos);
    client.send(request("DELETE", std::string(maps) + "/a"));
    EXPECT_EQ(client.read().status, 200);
    EXPECT_TRUE(watcher.read_until(R"("type":"DELETED")"));

    watcher.close();
    client.close();
    thread.run([&] { running.reset(); });
}

}  // namespace server::testing
