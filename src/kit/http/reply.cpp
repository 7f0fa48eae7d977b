// The handler's side of a connection: one sink a request, one stream or channel a long answer.
#include <utility>

#include "kit/http/connection.h"

namespace kit::http {
namespace {

class ConnectionChannel final : public Channel {
 public:
    explicit ConnectionChannel(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}
    ~ConnectionChannel() override {
        if (connection_) connection_->abandon();
    }
    void write(std::shared_ptr<const std::string> bytes) override {
        if (connection_) connection_->stream_write(std::move(bytes));
    }
    std::size_t pending() const override { return connection_ ? connection_->pending() : 0; }
    void end() override {
        if (auto connection = std::exchange(connection_, nullptr)) connection->stream_end();
    }
    void on_close(run::Callback gone) override {
        if (connection_) connection_->on_close(std::move(gone));
    }
    void on_drain(run::Callback drained) override {
        if (connection_) connection_->on_drain(std::move(drained));
    }
    void on_bytes(std::move_only_function<void(std::string_view)> arrived) override {
        if (connection_) connection_->on_bytes(std::move(arrived));
    }

 private:
    std::shared_ptr<Connection> connection_;  ///< null after end()
};

class ConnectionSink final : public Reply::Sink {
 public:
    explicit ConnectionSink(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}
    ~ConnectionSink() override {
        if (!connection_) return;
        Response response{.status = 500};
        response.headers.add("Content-Type", "text/plain; charset=utf-8");
        response.body = std::make_shared<const std::string>("the request was dropped without an answer\n");
        connection_->answer(std::move(response));
    }
    void send(Response response) override {
        if (auto connection = std::exchange(connection_, nullptr)) connection->answer(std::move(response));
    }
    std::shared_ptr<Stream> start(int status, Headers headers) override {
        const auto connection = std::exchange(connection_, nullptr);
        base::check(connection != nullptr, "a request is answered once");
        connection->start_stream(status, headers);
        return std::make_shared<ConnectionChannel>(connection);
    }
    std::shared_ptr<Channel> upgrade(Headers headers) override {
        const auto connection = std::exchange(connection_, nullptr);
        base::check(connection != nullptr, "a request is answered once");
        connection->start_tunnel(std::move(headers));
        return std::make_shared<ConnectionChannel>(connection);
    }
    void on_close(run::Callback gone) override {
        if (connection_) connection_->on_close(std::move(gone));
    }

 private:
    std::shared_ptr<Connection> connection_;  ///< null after the answer
};

}  // namespace

std::unique_ptr<Reply::Sink> make_sink(std::shared_ptr<Connection> connection) {
    return std::make_unique<ConnectionSink>(std::move(connection));
}

}  // namespace kit::http
