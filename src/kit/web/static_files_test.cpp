#include "kit/web/static_files.h"

#include <filesystem>
#include <fstream>

#include "kit/testing/app_fixture.h"
#include "kit/testing/process.h"

namespace kit {
namespace {

using testing::get;

class Files : public testing::AppFixture {
 protected:
    void SetUp() override {
        put("index.html", "<h1>front</h1>");
        put("assets/app-1a2b.js", std::string(5000, 'x'));
        put("sub/index.html", "sub");
        std::ofstream(outside_.path() + "/secret") << "secret";
        std::filesystem::create_symlink(outside_.path() + "/secret", folder_.path() + "/link");
        serve([this](App& app) {
            StaticFiles files{.folder = folder_.path(), .fallback = "index.html"};
            files.headers.add("Content-Security-Policy", "default-src 'self'");
            app.static_files(std::move(files));
            app.routes().get("/api/{name}").calls([](Call call) { call.answer(text_response(200, "api")); });
            app.routes().any("/proxy/{rest...}").calls([](Call call) {
                call.answer(text_response(200, call.request().method + " " + std::string(call.path("rest"))));
            });
        });
    }
    void put(const std::string& name, const std::string& text) {
        const auto path = folder_.path() + "/" + name;
        std::filesystem::create_directories(std::filesystem::path(path).parent_path());
        std::ofstream(path) << text;
    }
    testing::TemporaryFolder folder_;
    testing::TemporaryFolder outside_;
};

TEST_F(Files, AreServedWithTypesAndTags) {
    const auto front = ask(get("/"));
    EXPECT_EQ(front.body, "<h1>front</h1>");
    EXPECT_TRUE(front.has("Content-Type: text/html") && front.has("Content-Security-Policy: default-src 'self'"));
    EXPECT_TRUE(front.has("Cache-Control: no-cache"));
    const auto tag = front.head.substr(front.head.find("ETag: ") + 6);
    const auto same = ask(get("/", "If-None-Match: \"other\", " + tag.substr(0, tag.find('\r')) + "\r\n"));
    EXPECT_EQ(same.status, 304);
    const auto script = ask(get("/assets/app-1a2b.js", "Accept-Encoding: br, gzip\r\n"));
    EXPECT_TRUE(script.has("immutable") && script.has("Content-Encoding: gzip") && script.has("Vary: Accept-Encoding"));
    EXPECT_LT(script.body.size(), 200U);
    EXPECT_EQ(ask(get("/assets/app-1a2b.js", "Accept-Encoding: gzip;q=0\r\n")).body.size(), 5000U);
    EXPECT_EQ(ask(get("/sub")).body, "sub");
    EXPECT_EQ(ask("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", "HEAD").status, 200);
    EXPECT_EQ(ask("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").status, 405);
}

TEST_F(Files, LeaveTheFolderByNoAddress) {
    for (const auto* path : {"/link", "/../secret", "/..%2fsecret", "/%2e%2e/secret", "/sub/../../secret"}) {
        EXPECT_EQ(ask(get(path)).body, "<h1>front</h1>") << path;
    }
    for (const auto* path : {"/assets/%00x.js", "/assets/none.js", "/../secret.txt"}) {
        EXPECT_EQ(ask(get(path)).status, 404) << path;
    }
    EXPECT_EQ(ask(get("/%zz")).status, 400);
}

TEST_F(Files, YieldToCloserRoutes) {
    EXPECT_EQ(ask(get("/api/x")).body, "api");
    EXPECT_EQ(ask(get("/orders/7")).body, "<h1>front</h1>") << "the page finds its way itself";
    EXPECT_EQ(ask("PATCH /proxy/a/b%20c HTTP/1.1\r\nHost: x\r\n\r\n").body, "PATCH a/b c");
    EXPECT_EQ(ask(get("/proxy")).body, "GET ");
}

}  // namespace
}  // namespace kit
