// For tests: the service in process, on SQLite and on a real PostgreSQL where there is one.
#pragma once

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "kit/testing/http_fixture.h"
#include "kit/testing/process.h"
#include "vehicles/service.h"

namespace vehicles {

namespace json = boost::json;
using kit::testing::Answer;
using kit::testing::Client;

/// One PostgreSQL for all tests of this program.
class PostgresOnce : public ::testing::Environment {
 public:
    void SetUp() override {
        server = kit::testing::PrivatePostgres::make(why);
        if (server && !server->start()) why = "the private PostgreSQL does not start", server.reset();
    }
    void TearDown() override { server.reset(); }
    std::unique_ptr<kit::testing::PrivatePostgres> server;
    std::string why;
};

inline PostgresOnce& postgres() {
    static auto* const environment = new PostgresOnce;  // owned by GoogleTest
    return *environment;
}
[[maybe_unused]] inline const auto* const registered = ::testing::AddGlobalTestEnvironment(&postgres());

class VehiclesService : public ::testing::TestWithParam<std::string> {
 protected:
    void SetUp() override {
        std::string url = "sqlite::memory:";
        if (GetParam() == "postgres") {
            if (!postgres().server) GTEST_SKIP() << postgres().why;
            postgres().server->ask("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
            url = postgres().server->url();
        }
        loop_.run([&] {
            kit::AppSettings app_settings;
            ASSERT_TRUE(app_settings.port.set("0") && app_settings.address.set("127.0.0.1") &&
                        app_settings.log_level.set("error") && app_settings.version.set("7"));
            Settings settings;
            ASSERT_TRUE(settings.database.set(url));
            configure(settings);
            app_ = std::make_unique<kit::App>(loop_.io, "vehicles", app_settings);
            assemble(*app_, settings);
            const auto started = app_->start();
            ASSERT_TRUE(started) << started.error().message;
        });
        port_ = app_->port();
        client_ = std::make_unique<Client>(port_);
        int attempts = 0;
        while (ask("GET", "/ready").status != 200 && ++attempts < 1'000'000) {
        }
    }
    void TearDown() override {
        client_.reset();
        loop_.run([&] { app_.reset(); });
    }
    /// On the loop, before the service starts.
    virtual void configure(Settings&) {}

    Answer ask(const std::string& method, const std::string& target, const std::string& body = {},
               const std::string& headers = {}) {
        auto request = method + " " + target + " HTTP/1.1\r\nHost: t\r\n" + headers;
        if (!body.empty()) {
            if (headers.find("Content-Type") == std::string::npos) request += "Content-Type: application/json\r\n";
            request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
        }
        client_->send(request + "\r\n" + body);
        return client_->read(method);
    }
    static json::value parsed(const Answer& answer) {
        boost::system::error_code error;
        auto value = json::parse(answer.body, error);
        EXPECT_FALSE(error) << answer.body;
        return value;
    }
    Answer add(const std::string& name, int year, const std::string& price) {
        return ask("POST", "/vehicles",
                   R"({"name":")" + name + R"(","brand":"Volvo","model":"V60","year":)" + std::to_string(year) +
                       R"(,"price":)" + price + "}");
    }
    std::vector<std::string> names(const std::string& query) {
        std::vector<std::string> found;
        const auto listing = parsed(ask("GET", "/vehicles" + query));
        for (const auto& item : listing.at("items").as_array()) found.emplace_back(item.at("name").as_string());
        return found;
    }
    static std::string header(const Answer& answer, const std::string& name) {
        const auto at = answer.head.find(name + ": ");
        if (at == std::string::npos) return {};
        const auto start = at + name.size() + 2;
        return answer.head.substr(start, answer.head.find('\r', start) - start);
    }

    kit::testing::LoopThread loop_;
    std::unique_ptr<kit::App> app_;
    std::uint16_t port_ = 0;
    std::unique_ptr<Client> client_;
};

}  // namespace vehicles
