// A whole connection over a socket pair: whatever a client sends, what comes back is HTTP, and nobody is left behind.
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "kit/http/connection.h"
#include "run/asio_loop.h"

namespace {

using kit::http::BodyPlan;
using kit::http::Connection;
using kit::http::Reply;
using kit::http::Request;

void read_on(const std::shared_ptr<kit::http::Body>& body, const std::shared_ptr<Reply>& reply) {
    body->next([body, reply](base::Result<std::string> piece) {
        if (piece && !piece->empty()) return read_on(body, reply);
        std::move(*reply).send({.status = piece ? 200 : 400});
    });
}

void handle(Request request, Reply reply) {
    if (request.stream) return read_on(request.stream, std::make_shared<Reply>(std::move(reply)));
    if (request.path == "/stream") {
        const auto stream = std::move(reply).start(200, {});
        stream->write(std::make_shared<const std::string>("piece"));
        return stream->end();
    }
    if (request.path == "/drop") return;
    kit::http::Response response;
    response.headers.add("X-Method", request.method);
    response.body = std::make_shared<const std::string>(request.body);
    std::move(reply).send(std::move(response));
}

void check_answers(int fd) {
    std::string answers;
    char bytes[16 * 1024];
    for (ssize_t got = 0; (got = ::recv(fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0;)
        answers.append(bytes, static_cast<std::size_t>(got));
    base::check(answers.empty() || answers.starts_with("HTTP/1.1 "), "what comes back is HTTP");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    int ends[2];
    base::check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0, "a socket pair");
    boost::asio::io_context io{1};
    run::AsioLoop loop(io);
    const auto poller = kit::net::Poller::create(io);
    kit::http::ServerOptions options{.header_bytes_max = 4096, .body_bytes_max = 8192};
    options.plan_body = [](const Request& head) {
        return BodyPlan{.way = head.path.starts_with("/up") ? BodyPlan::Way::streamed : BodyPlan::Way::whole,
                        .bytes_max = 8192};
    };
    const kit::http::Handler handler = handle;
    kit::http::Shared shared{
        .options = options,
        .handler = handler,
        .poller = **poller,
        .loop = loop,
        .scratch = std::string(16 * 1024, '\0'),
        .ended = [](Connection&) {},
        .flush_soon = [&](std::shared_ptr<Connection> one) { loop.post([one = std::move(one)] { one->flush(); }); }};
    auto connection = std::make_shared<Connection>(shared, ends[0], nullptr, "test");
    base::check(connection->start().has_value(), "it starts");
    const auto input = fuzz::text(data, size);
    const auto half = input.size() / 2;
    for (const auto part : {input.substr(0, half), input.substr(half)}) {
        [[maybe_unused]] const auto sent = ::send(ends[1], part.data(), part.size(), MSG_NOSIGNAL);
        io.restart();
        io.poll();
    }
    ::shutdown(ends[1], SHUT_WR);
    io.restart();
    io.poll();
    check_answers(ends[1]);
    connection->abandon();
    const std::weak_ptr<Connection> left = connection;
    connection.reset();
    io.restart();
    io.poll();
    base::check(left.expired(), "nobody holds a connection that has ended");
    ::close(ends[1]);
    return 0;
}
