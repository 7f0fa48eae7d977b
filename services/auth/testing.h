// For the tests of auth: replicas as processes on one database, and a client that speaks JSON to them.
#pragma once

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <chrono>

#include "kit/testing/http_fixture.h"
#include "kit/testing/process.h"

namespace auth::testing {

using Environment = std::vector<std::string>;
using Headers = std::vector<std::pair<std::string, std::string>>;

struct Answer {
    int status = 0;
    std::string head;
    std::string body;
    boost::json::value json;  ///< null when the body is none
    /// The member's text, or "".
    std::string text(std::string_view member) const;
    /// The value of the cookie that it sets, or "".
    std::string cookie(std::string_view name) const;
    /// The whole Set-Cookie line of that cookie, or "".
    std::string set_cookie(std::string_view name) const;
};

Answer ask(std::uint16_t port, const std::string& method, const std::string& path, const std::string& body = {},
           const Headers& headers = {});
inline Headers bearer(const std::string& token) { return {{"Authorization", "Bearer " + token}}; }

/// One database, on which replicas are started.
class Replicas : public ::testing::TestWithParam<std::string> {
 protected:
    void SetUp() override;
    /// Cheap passwords, an admin, and what `more` says.
    kit::testing::ServiceProcess& start(Environment more = {});
    /// The port of a replica that is ready.
    std::uint16_t started(Environment more = {});

    Answer sign_up(std::uint16_t port, const std::string& email);
    Answer log_in(std::uint16_t port, const std::string& login, const std::string& password = password_);
    std::string admin_token(std::uint16_t port);

    inline static const std::string password_ = "correct horse";
    inline static const std::string service_token_ = std::string(40, 's');
    kit::testing::TemporaryFolder folder_;
    std::unique_ptr<kit::testing::PrivatePostgres> postgres_;
    std::string url_;
    std::vector<std::unique_ptr<kit::testing::ServiceProcess>> processes_;
};

/// Until it is true; false after half a minute.
template <class Check>
bool until(Check check) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!check()) {
        if (std::chrono::steady_clock::now() > limit) return false;
    }
    return true;
}

}  // namespace auth::testing
