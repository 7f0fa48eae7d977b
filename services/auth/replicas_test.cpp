#include <fmt/format.h>

#include "auth/testing.h"

namespace auth::testing {

std::string Answer::text(std::string_view member) const {
    const auto* found = json.is_object() ? json.get_object().if_contains(member) : nullptr;
    return found && found->is_string() ? std::string(found->get_string()) : std::string();
}

std::string Answer::set_cookie(std::string_view name) const {
    const auto front = fmt::format("Set-Cookie: {}=", name);
    const auto at = head.find(front);
    if (at == std::string::npos) return "";
    return head.substr(at, head.find("\r\n", at) - at);
}

std::string Answer::cookie(std::string_view name) const {
    const auto line = set_cookie(name);
    const auto from = line.find('=') + 1;
    return line.empty() ? "" : line.substr(from, line.find(';') - from);
}

Answer ask(std::uint16_t port, const std::string& method, const std::string& path, const std::string& body,
           const Headers& headers) {
    std::string text = fmt::format("{} {} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n", method, path);
    for (const auto& [name, value] : headers) text += fmt::format("{}: {}\r\n", name, value);
    if (!body.empty()) text += "Content-Type: application/json\r\n";
    text += fmt::format("Content-Length: {}\r\n\r\n{}", body.size(), body);
    kit::testing::Client client(port);
    client.send(text);
    auto read = client.read(method);
    Answer answer{read.status, std::move(read.head), std::move(read.body), nullptr};
    boost::system::error_code error;
    auto json = boost::json::parse(answer.body, error);
    if (!error) answer.json = std::move(json);
    return answer;
}

void Replicas::SetUp() {
    url_ = "sqlite:" + folder_.path() + "/auth.db";
    if (GetParam() != "postgres") return;
    std::string why;
    postgres_ = kit::testing::PrivatePostgres::make(why);
    if (!postgres_ || !postgres_->start()) GTEST_SKIP() << why;
    url_ = postgres_->url();
}

kit::testing::ServiceProcess& Replicas::start(Environment more) {
    Environment environment{"DATABASE_URL=" + url_,
                            "PASSWORD_MEMORY_KIB=64",
                            "PASSWORD_PASSES=1",
                            "ADMIN_EMAIL=admin@example.com",
                            "ADMIN_PASSWORD=admin password",
                            "SERVICE_TOKEN=" + service_token_,
                            "KEY_LOOK_EVERY=50ms"};
    environment.insert(environment.end(), more.begin(), more.end());
    return *processes_.emplace_back(std::make_unique<kit::testing::ServiceProcess>(PROGRAM, environment));
}

std::uint16_t Replicas::started(Environment more) {
    const auto port = start(std::move(more)).port();
    EXPECT_NE(port, 0) << processes_.back()->log();
    if (port == 0) return port;
    EXPECT_TRUE(until([&] { return ask(port, "GET", "/ready").status == 200; }));
    return port;
}

Answer Replicas::sign_up(std::uint16_t port, const std::string& email) {
    return ask(port, "POST", "/signup",
               fmt::format(R"({{"email":"{}","password":"{}","name":"Ann"}})", email, password_));
}

Answer Replicas::log_in(std::uint16_t port, const std::string& login, const std::string& password) {
    return ask(port, "POST", "/login", fmt::format(R"({{"email":"{}","password":"{}"}})", login, password));
}

std::string Replicas::admin_token(std::uint16_t port) {
    std::string token;
    EXPECT_TRUE(
        until([&] { return !(token = log_in(port, "admin@example.com", "admin password").text("token")).empty(); }));
    return token;
}

}  // namespace auth::testing
