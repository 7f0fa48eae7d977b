// For tests: an App of the test's own making on a loop of its own.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "kit/app.h"
#include "kit/testing/http_fixture.h"

namespace kit::testing {

class AppFixture : public ::testing::Test {
 protected:
    /// Assembles on the loop and starts.
    void serve(const std::function<void(App&)>& assemble) {
        loop_.run([&] {
            AppSettings settings;
            ASSERT_TRUE(settings.port.set("0") && settings.address.set("127.0.0.1") && settings.log_level.set("error"));
            app_ = std::make_unique<App>(loop_.io, "tested", settings);
            assemble(*app_);
            const auto started = app_->start();
            ASSERT_TRUE(started) << started.error().message;
        });
    }
    void TearDown() override {
        loop_.run([&] { app_.reset(); });
    }
    std::uint16_t port() const { return app_->port(); }
    /// One request on a connection of its own.
    Answer ask(const std::string& request, std::string_view method = "GET") {
        Client client(port());
        client.send(request);
        return client.read(method);
    }

    LoopThread loop_;
    std::unique_ptr<App> app_;
};

}  // namespace kit::testing
