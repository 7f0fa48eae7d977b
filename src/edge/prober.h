// Probes over the network: HTTP/1.1 and HTTPS (whose certificate is not looked at) GET, TCP connect, on the
// control thread's io_context, and gRPC's health check. The words of failures are those of a kubelet.
#pragma once

#include <memory>

#include "edge/grpc_probe.h"
#include "node/runtime.h"
#include "run/loop.h"

namespace boost::asio {
class io_context;
}

namespace edge {

class Prober final : public node::Prober {
 public:
    Prober(boost::asio::io_context& io, run::Loop& loop);
    ~Prober() override;

    void http(Http request, base::Duration timeout, node::Done<HttpAnswer> done) override;
    void tcp(std::string host, int port, base::Duration timeout, node::Done<void> done) override;
    void grpc(Grpc request, base::Duration timeout, node::Done<void> done) override {
        grpc_.check(request, timeout, std::move(done));
    }

 private:
    struct Tls;
    boost::asio::io_context& io_;
    run::Loop& loop_;
    std::unique_ptr<Tls> tls_;  ///< made at the first https probe
    GrpcProbe grpc_;
};

/// The request as it is sent; the caller's headers replace the defaults.
std::string probe_request(const node::Prober::Http& request);
/// What has come so far: an answer once head and the first KiB of the body (or all of it) are there.
struct ProbeReply {
    bool complete = false, broken = false;
    node::Prober::HttpAnswer answer;
};
enum class ReplyEnd : std::uint8_t { open, closed };
ProbeReply read_probe_reply(const std::string& bytes, ReplyEnd end);

}  // namespace edge
