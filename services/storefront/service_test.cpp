// The service as a process: its pages, its security, what it passes on.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "kit/testing/http_fixture.h"
#include "kit/testing/process.h"
#include "kit/testing/raw_server.h"

namespace {

using kit::testing::Answer;
using kit::testing::Client;
using kit::testing::get;
using kit::testing::RawServer;
using kit::testing::ServiceProcess;
using kit::testing::TemporaryFolder;

Answer ask(std::uint16_t port, const std::string& request, std::string_view method = "GET") {
    Client client(port);
    client.send(request);
    return client.read(method);
}

void write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

TEST(Storefront, ServesItsPagesStrictly) {
    const TemporaryFolder folder;
    ASSERT_EQ(::mkdir((folder.path() + "/assets").c_str(), 0755), 0);
    write(folder.path() + "/index.html", "<!doctype html><title>shop</title>");
    write(folder.path() + "/assets/app-1a2b.js", "export {};");
    ServiceProcess storefront(PROGRAM, {"PAGES=" + folder.path(), "LOG_LEVEL=info"});
    const auto port = storefront.port();
    ASSERT_NE(port, 0);

    const auto page = ask(port, get("/vehicles/7"));
    EXPECT_EQ(page.status, 200);
    EXPECT_TRUE(page.body.contains("shop"));
    EXPECT_TRUE(page.has("Content-Security-Policy: default-src 'none'; script-src 'self';") &&
                page.has("frame-ancestors 'none'") && page.has("Referrer-Policy: same-origin") &&
                page.has("Permissions-Policy: ") && page.has("X-Content-Type-Options: nosniff"))
        << page.head;
    EXPECT_FALSE(page.head.contains("unsafe")) << page.head;
    const auto script = ask(port, get("/assets/app-1a2b.js"));
    EXPECT_TRUE(script.has("immutable") && script.has("Content-Type: text/javascript")) << script.head;
    const auto at = script.head.find("ETag: ") + 6;
    const auto etag = script.head.substr(at, script.head.find("\r\n", at) - at);
    EXPECT_EQ(ask(port, get("/assets/app-1a2b.js", "If-None-Match: " + etag + "\r\n")).status, 304);
    EXPECT_EQ(ask(port, "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", "HEAD").status, 200);
    EXPECT_EQ(ask(port, get("/assets/old-99.js")).status, 404);
    for (const auto* escape : {"/../secret.txt", "/..%2f..%2fetc/passwd.txt", "/assets/../../x.txt"}) {
        EXPECT_EQ(ask(port, get(escape)).status, 404) << escape;
    }
    EXPECT_EQ(ask(port, get("/api/nobody/x")).status, 404);
    EXPECT_EQ(ask(port, get("/api")).status, 200) << "no service is named: a path of the pages";
    storefront.terminate();
    EXPECT_EQ(storefront.wait(), 0);
}

TEST(Storefront, SaysHowItsPagesAreMade) {
    ServiceProcess storefront(PROGRAM, {"PAGES=/nowhere"});
    const auto page = ask(storefront.port(), get("/"));
    EXPECT_EQ(page.status, 503);
    EXPECT_TRUE(page.body.contains("make web")) << page.body;
    EXPECT_EQ(ask(storefront.port(), get("/ready")).status, 200) << "the services behind it can be reached";
}

TEST(Storefront, PassesServicesOnAndDrains) {
    const RawServer vehicles([](RawServer::Peer& peer, int) {
        while (!peer.read_head().empty()) peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
    });
    ServiceProcess storefront(
        PROGRAM, {"VEHICLES_URL=http://127.0.0.1:" + std::to_string(vehicles.port()), "ORDERS_URL=http://127.0.0.1:1"});
    const auto port = storefront.port();
    EXPECT_EQ(ask(port, get("/api/vehicles/vehicles?page=2")).body, "{}");
    EXPECT_EQ(ask(port, get("/api/orders/orders")).status, 503);
    Client kept(port);
    kept.send(get("/api/vehicles/vehicles"));
    EXPECT_EQ(kept.read().status, 200);
    storefront.terminate();
    kept.send(get("/api/vehicles/vehicles"));
    EXPECT_EQ(kept.read().status, 200) << "who sends just now is served";
    EXPECT_EQ(storefront.wait(), 0);
}

}  // namespace
