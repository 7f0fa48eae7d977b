// For tests of payments and of who uses it: services as processes on SQLite or a private PostgreSQL, and a client that
// speaks JSON to them.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kit/testing/http_fixture.h"
#include "kit/testing/process.h"

namespace payments::testing {

using Headers = std::vector<std::pair<std::string, std::string>>;

inline const std::string service_token(40, 's');

struct Answer {
    int status = 0;
    std::string head;
    std::string body;
    boost::json::value json;  ///< null when the body is none
    bool has(std::string_view text) const { return head.find(text) != std::string::npos; }
    std::string text(std::string_view member) const {
        const auto* found = json.is_object() ? json.get_object().if_contains(member) : nullptr;
        return found && found->is_string() ? std::string(found->get_string()) : std::string();
    }
    double number(std::string_view member) const {
        const auto* found = json.is_object() ? json.get_object().if_contains(member) : nullptr;
        return found && found->is_number() ? found->to_number<double>() : -1;
    }
};

/// As a service: with the service token.
inline Answer ask(std::uint16_t port, const std::string& method, const std::string& path, const std::string& body = {},
                  const Headers& headers = {{"Authorization", "Bearer " + service_token}}) {
    auto request = fmt::format("{} {} HTTP/1.1\r\nHost: t\r\nConnection: close\r\n", method, path);
    for (const auto& [name, value] : headers) request += fmt::format("{}: {}\r\n", name, value);
    if (!body.empty()) request += fmt::format("Content-Type: application/json\r\nContent-Length: {}\r\n", body.size());
    kit::testing::Client client(port);
    client.send(fmt::format("{}\r\n{}", request, body));
    const auto read = client.read(method);
    boost::system::error_code error;
    auto json = boost::json::parse(read.body, error);
    return {read.status, read.head, read.body, error ? boost::json::value() : std::move(json)};
}

inline Headers with_key(const std::string& key) {
    return {{"Authorization", "Bearer " + service_token}, {"Idempotency-Key", key}};
}

/// Until it is true; false after half a minute.
template <class Check>
bool until(Check check) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!check()) {
        if (std::chrono::steady_clock::now() > limit) return false;
    }
    return true;
}

/// Services on the database that the test's parameter names: "sqlite" or "postgres".
class Party : public ::testing::TestWithParam<std::string> {
 protected:
    void SetUp() override {
        if (GetParam() != "postgres") return;
        std::string why;
        postgres_ = kit::testing::PrivatePostgres::make(why);
        if (!postgres_ || !postgres_->start()) GTEST_SKIP() << why;
    }
    void TearDown() override { processes_.clear(); }

    std::string database(const std::string& name) {
        if (!postgres_) return fmt::format("sqlite:{}/{}.db", folder_.path(), name);
        postgres_->ask(fmt::format("CREATE DATABASE {}", name));
        const auto url = postgres_->url();
        return fmt::format("{}/{}", url.substr(0, url.rfind('/')), name);
    }
    kit::testing::ServiceProcess& start(const std::string& program, const std::string& name,
                                        std::vector<std::string> more = {}) {
        std::vector<std::string> environment{"DATABASE_URL=" + database(name),
                                             "SERVICE_TOKEN=" + service_token,
                                             "WEBHOOK_SECRET=" + std::string(40, 'w'),
                                             "JWKS_URL=",
                                             "LEASE=500ms",
                                             "GATEWAY_TIMEOUT=200ms",
                                             "SANDBOX_DELAY=200ms"};
        for (auto& one : more) environment.push_back(std::move(one));
        processes_.push_back(std::make_unique<kit::testing::ServiceProcess>(program, std::move(environment)));
        return *processes_.back();
    }
    /// The port once it can serve: its tables are there.
    static std::uint16_t ready(kit::testing::ServiceProcess& process) {
        const auto port = process.port();
        EXPECT_NE(port, 0);
        EXPECT_TRUE(until([&] { return ask(port, "GET", "/ready").body.find("\"database\"") == std::string::npos; }));
        return port;
    }

    kit::testing::TemporaryFolder folder_;
    std::unique_ptr<kit::testing::PrivatePostgres> postgres_;
    std::vector<std::unique_ptr<kit::testing::ServiceProcess>> processes_;
};

inline std::string card(std::string_view number) {
    return fmt::format(R"({{"number":"{}","month":12,"year":2095,"cvc":"123","holder":"A. Buyer"}})", number);
}

}  // namespace payments::testing
