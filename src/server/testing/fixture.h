// For tests: the whole server in process over a store in memory and a virtual loop, asked without sockets.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "run/virtual_loop.h"
#include "server/server.h"

namespace server::testing {

namespace json = object::json;

/// A stream that keeps what is written.
class FakeStream final : public kit::http::Stream {
 public:
    void write(std::shared_ptr<const std::string> bytes) override {
        if (stuck) pending_ += bytes->size();
        text += *bytes;
    }
    std::size_t pending() const override { return pending_; }
    void end() override { ended = true; }
    void on_close(run::Callback gone) override { gone_ = std::move(gone); }
    void on_drain(run::Callback) override {}
    void close() {
        if (gone_) std::exchange(gone_, nullptr)();
    }

    std::string text;
    bool ended = false;
    bool stuck = false;  ///< the client reads nothing

 private:
    std::size_t pending_ = 0;
    run::Callback gone_;
};

/// What came back; filled in whenever the server answers.
struct Answer {
    int status = 0;
    kit::http::Headers headers;
    std::string body;
    std::shared_ptr<FakeStream> kept;  ///< of a streamed answer
    json::value json() const { return json::parse(kept ? kept->text : body); }
    std::string at(std::string_view pointer) const;  ///< a string or number at a JSON pointer; "" when there is none
    /// The events of a watch so far.
    std::vector<json::value> events() const;
};

struct Ask {
    std::string body;
    std::string type = "application/json";
    std::string accept = "application/json";
    std::string token = "admin";  ///< "" is nobody
    std::vector<std::pair<std::string, std::string>> headers;
};

class Fixture : public ::testing::Test {
 public:
    explicit Fixture(store::Journal* journal = nullptr, Settings settings = test_settings());
    /// Asks and runs what is due.
    std::shared_ptr<Answer> ask(std::string_view method_and_path, Ask ask = {});
    void settle() { loop.run_until(loop.now()); }
    void pass(run::Duration time) { loop.run_until(loop.now() + time); }
    std::string config_map(std::string_view name, std::string_view labels = "{}") const;

    static Settings test_settings();

    run::VirtualLoop loop{1};
    store::Store store;
    std::unique_ptr<verbs::Api> api;
    Ports ports;
    std::unique_ptr<ApiServer> server;
};

}  // namespace server::testing
