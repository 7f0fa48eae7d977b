// The service in process: what users see of theirs, what admins see, webhooks, and the pure parts.
#include "notifications/service.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <mutex>

#include "kit/auth/signing.h"
#include "kit/testing/http_fixture.h"
#include "kit/testing/process.h"
#include "notifications/circuit.h"
#include "notifications/templates.h"

namespace notifications {
namespace {

namespace json = boost::json;
using kit::auth::Role;
using kit::testing::Client;

constexpr auto word = "the services of this test know this word";
constexpr auto secret = "webhooks are signed with this";

class NotificationsService : public ::testing::Test {
 protected:
    void SetUp() override {
        loop_.run([&] {
            kit::AppSettings app_settings;
            ASSERT_TRUE(app_settings.port.set("0") && app_settings.address.set("127.0.0.1") &&
                        app_settings.log_level.set("error"));
            others_ = std::make_unique<kit::App>(loop_.io, "others", app_settings);
            others_->routes().get("/jwks.json").calls([this](kit::Call call) {
                call.answer(kit::json_response(200, kit::auth::jwks_text({key_.shown()})));
            });
            others_->routes().post("/hook").calls([this](kit::Call call) { hooked(std::move(call)); });
            ASSERT_TRUE(others_->start());
            const auto others = "http://127.0.0.1:" + std::to_string(others_->port());
            Settings settings;
            ASSERT_TRUE(settings.database.set("sqlite::memory:") && settings.service_token.set(word) &&
                        settings.jwks.set(others + "/jwks.json") && settings.webhook.set(others + "/hook") &&
                        settings.webhook_secret.set(secret) && settings.again.set("20ms") &&
                        settings.open_demo.set("off"));
            app_ = std::make_unique<kit::App>(loop_.io, "notifications", app_settings);
            assemble(*app_, settings);
            ASSERT_TRUE(app_->start());
        });
        client_ = std::make_unique<Client>(app_->port());
        while (ask("GET", "/ready", {}, {}).status != 200) {
        }
    }
    void TearDown() override {
        client_.reset();
        loop_.run([&] {
            app_.reset();
            others_.reset();
        });
    }
    void hooked(kit::Call call) {
        const auto& request = call.request();
        const auto signature = request.headers.get(kit::auth::webhook_header);
        const bool well =
            kit::auth::check_webhook(secret, signature, request.body, std::chrono::system_clock::now()).has_value();
        const std::lock_guard lock(mutex_);
        hooks_.push_back(well ? std::string(request.headers.get("Idempotency-Key")) : "badly signed");
        call.answer({.status = hooks_.size() == 1 ? 503 : 204});  // the first try fails
    }
    std::vector<std::string> hooks() {
        const std::lock_guard lock(mutex_);
        return hooks_;
    }
    kit::testing::Answer ask(const std::string& method, const std::string& path, const std::string& body,
                             const std::string& token) {
        auto request = method + " " + path + " HTTP/1.1\r\nHost: t\r\n";
        if (!token.empty()) request += "Authorization: Bearer " + token + "\r\n";
        if (!body.empty()) request += "Content-Type: application/json\r\n";
        request += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
        client_->send(request);
        return client_->read(method);
    }
    std::string token(const std::string& user, Role role) const {
        const auto now = std::chrono::system_clock::now();
        return kit::auth::sign_token(key_, {.user = user,
                                            .email = "x@example.com",
                                            .name = user,
                                            .roles = {role},
                                            .issued = now,
                                            .expires = now + std::chrono::minutes(5),
                                            .token_id = "t"});
    }
    static std::string event(const std::string& id, const std::string& user, const std::string& type) {
        return R"({"id":")" + id + R"(","type":")" + type + R"(","user_id":")" + user +
               R"(","subject":"order/1","data":{"vehicle":"Golf","amount":5,"currency":"EUR"}})";
    }

    kit::auth::SigningKey key_ = kit::auth::SigningKey::make();
    std::mutex mutex_;
    std::vector<std::string> hooks_;
    kit::testing::LoopThread loop_;
    std::unique_ptr<kit::App> others_, app_;
    std::unique_ptr<Client> client_;
};

TEST_F(NotificationsService, UsersSeeTheirOwnAndMarkThemRead) {
    const auto ann = token("ann", Role::buyer), bob = token("bob", Role::buyer);
    const auto body = R"({"events":[)" + event("e1", "ann", "order.placed") + "," + event("e2", "ann", "order.paid") +
                      "," + event("e3", "bob", "order.placed") + "," + event("e4", "ann", "vehicle.changed") + "]}";
    EXPECT_EQ(ask("POST", "/events", body, ann).status, 403);
    EXPECT_EQ(json::parse(ask("POST", "/events", body, word).body).at("added").as_int64(), 3);
    EXPECT_EQ(json::parse(ask("POST", "/events", body, word).body).at("repeated").as_int64(), 3);
    auto mine = json::parse(ask("GET", "/notifications", {}, ann).body);
    EXPECT_EQ(mine.at("total").as_int64(), 2);
    EXPECT_EQ(mine.at("unread").as_int64(), 2);
    EXPECT_EQ(mine.at("items").at(0).at("id").as_string(), "e2");
    EXPECT_EQ(mine.at("items").at(1).at("title").as_string(), "Reserved for you: Golf");
    const auto number = std::to_string(mine.at("items").at(1).at("number").as_int64());
    EXPECT_EQ(json::parse(ask("GET", "/notifications?since=" + number, {}, ann).body).at("items").as_array().size(),
              1U);
    EXPECT_EQ(ask("POST", "/notifications/e1/read", {}, bob).status, 404) << "not bob's";
    EXPECT_EQ(ask("POST", "/notifications/e1/read", {}, ann).status, 204);
    EXPECT_EQ(ask("POST", "/notifications/e1/read", {}, ann).status, 204);
    EXPECT_EQ(json::parse(ask("GET", "/notifications", {}, ann).body).at("unread").as_int64(), 1);
    EXPECT_EQ(ask("POST", "/notifications/read", "{}", ann).status, 204);
    mine = json::parse(ask("GET", "/notifications?per_page=1", {}, ann).body);
    EXPECT_EQ(mine.at("unread").as_int64(), 0);
    EXPECT_EQ(mine.at("pages").as_int64(), 2);
    EXPECT_EQ(ask("GET", "/notifications?page=0", {}, ann).status, 422);
}

TEST_F(NotificationsService, NewOnesComeOnAStream) {
    const auto ann = token("ann", Role::buyer);
    Client listener(app_->port());
    listener.send("GET /notifications/events HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer " + ann + "\r\n\r\n");
    ASSERT_TRUE(listener.read_until("text/event-stream"));
    ask("POST", "/events", event("e1", "ann", "order.placed"), word);
    EXPECT_TRUE(listener.read_until("event: notification"));
    EXPECT_TRUE(listener.read_until("Reserved for you"));
    ask("POST", "/events", event("e2", "bob", "order.placed"), word);
    ask("POST", "/events", event("e3", "ann", "order.paid"), word);
    EXPECT_TRUE(listener.read_until("Payment received"));
}

TEST_F(NotificationsService, WebhooksAreSignedRepeatedAndToldByTheirId) {
    ask("POST", "/events", event("e1", "ann", "order.confirmed"), word);
    while (hooks().size() < 2) {
    }
    EXPECT_EQ(hooks(), (std::vector<std::string>{"e1", "e1"})) << "the first try was answered 503";
    json::value items;
    do items = json::parse(ask("GET", "/deliveries?event_id=e1", {}, word).body).at("items");
    while (items.at(0).at("state").as_string() != "sent" || items.at(1).at("state").as_string() != "sent");
    EXPECT_EQ(items.as_array().size(), 2U) << "log and webhook";
}

TEST_F(NotificationsService, AdminsSeeTemplatesAndDeadLetters) {
    const auto admin = token("root", Role::admin);
    EXPECT_EQ(ask("GET", "/dead-letters", {}, token("ann", Role::buyer)).status, 403);
    EXPECT_EQ(json::parse(ask("GET", "/dead-letters", {}, admin).body).at("total").as_int64(), 0);
    EXPECT_NE(ask("GET", "/templates", {}, admin).body.find("order.placed"), std::string::npos);
    const auto page = ask("GET", "/templates/order.placed/preview", {}, admin);
    EXPECT_TRUE(page.has("text/html"));
    EXPECT_NE(page.body.find("VW Golf &lt;GTI&gt;"), std::string::npos);
    EXPECT_TRUE(ask("GET", "/templates/order.placed/preview?format=text", {}, admin).has("text/plain"));
    EXPECT_EQ(ask("GET", "/templates/none/preview", {}, admin).status, 404);
    EXPECT_EQ(ask("POST", "/notify", R"({"to":"ann","message":"hello"})", {}).status, 401);
    EXPECT_EQ(ask("POST", "/notify", R"({"to":"ann","message":"hello"})", admin).status, 200);
    const auto empty = ask("POST", "/notify", "{}", admin).body;
    EXPECT_NE(empty.find(R"({"field":"to","message":"is required, or user"})"), std::string::npos) << empty;
    EXPECT_NE(empty.find(R"({"field":"message","message":"is required"})"), std::string::npos) << empty;
    const auto mine = json::parse(ask("GET", "/notifications", {}, token("ann", Role::buyer)).body);
    EXPECT_EQ(mine.at("items").at(0).at("text").as_string(), "hello");
    const auto beyond = json::parse(ask("GET", "/notifications?page=9", {}, token("ann", Role::buyer)).body);
    EXPECT_EQ(beyond.at("total").as_int64(), 1) << "also on a page behind the last";
    EXPECT_EQ(beyond.at("unread").as_int64(), 1);
}

TEST(Templates, AFolderReplacesWhatIsBuiltIn) {
    kit::testing::TemporaryFolder folder;
    std::ofstream(folder.path() + "/order.placed.txt") << "Held: {{vehicle}}\n\nDear customer,\n{{amount}}";
    std::ofstream(folder.path() + "/order.placed.html") << "<p>{{vehicle}}{{none}}</p>";
    const auto templates = Templates::load("http://site/", folder.path());
    ASSERT_TRUE(templates);
    const auto said = templates->say(Templates::sample("order.placed"));
    EXPECT_EQ(said.title, "Held: VW Golf <GTI>");
    EXPECT_EQ(said.text, "Dear customer,\n19,990.00");
    EXPECT_EQ(said.html, "<p>VW Golf &lt;GTI&gt;</p>");
    EXPECT_FALSE(Templates::load("", "/nowhere"));
    for (const auto& type : templates->types()) {
        const auto all = templates->say(Templates::sample(type));
        EXPECT_EQ(all.text.find("{{"), std::string::npos) << type;
        EXPECT_EQ(all.html.find("<GTI>"), std::string::npos) << type;
    }
}

TEST(Circuit, RestsAfterFailuresAndLetsOneSee) {
    Circuit circuit({.failures = 2, .rest = std::chrono::seconds(10)});
    const run::Time now{std::chrono::hours(1)};
    circuit.failed(now);
    EXPECT_TRUE(circuit.lets_through(now));
    circuit.failed(now);
    EXPECT_FALSE(circuit.lets_through(now));
    const auto later = now + std::chrono::seconds(10);
    EXPECT_TRUE(circuit.lets_through(later)) << "one";
    EXPECT_FALSE(circuit.lets_through(later)) << "only one";
    circuit.worked();
    EXPECT_TRUE(circuit.lets_through(later));
}

}  // namespace
}  // namespace notifications
