// Generic calls by callback: their threads are gRPC's, answers are posted to the loop.
#include "edge/grpc_probe.h"

#include <fmt/format.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <condition_variable>
#include <mutex>
#include <set>

#include "edge/proto/containerd.pb.h"

namespace edge {
namespace {

constexpr const char* method = "/grpc.health.v1.Health/Check";

std::shared_ptr<grpc::Channel> channel_to(const std::string& address) {
    grpc::ChannelArguments arguments;
    arguments.SetUserAgentPrefix("kube-probe/1.36");
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

std::string text_of(base::Duration d) {
    return fmt::format("{}s", std::chrono::duration_cast<std::chrono::seconds>(d).count());
}

base::Result<void> verdict(const grpc::ByteBuffer& reply) {
    wire::HealthCheckResponse answer;
    grpc::Slice whole;
    const bool read = (reply.TrySingleSlice(&whole).ok() || reply.DumpToSingleSlice(&whole).ok()) &&
                      answer.ParseFromArray(whole.begin(), static_cast<int>(whole.size()));
    if (!read) return base::fail(base::Code::internal, "error: health rpc probe failed: no health answer");
    if (answer.status() == wire::HealthCheckResponse::SERVING) return {};
    static constexpr const char* names[]{"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"};
    const auto number = static_cast<std::size_t>(answer.status());
    return base::fail(base::Code::unavailable,
                      fmt::format("service unhealthy (responded with \"{}\")",
                                  number < std::size(names) ? names[number] : std::to_string(number)));
}

}  // namespace

/// What is under way; shared with gRPC's callbacks, which may come after their owner began to go.
struct GrpcProbe::Calls {
    struct Call {
        grpc::ClientContext context;
        std::shared_ptr<grpc::Channel> channel;
        std::unique_ptr<grpc::GenericStub> stub;
        grpc::ByteBuffer request, reply;
        std::string address;
        base::Duration timeout{};
        node::Done<void> done;

        base::Result<void> result(const grpc::Status& status) const {
            if (status.ok()) return verdict(reply);
            const auto& why = status.error_message();
            const auto fail = [](base::Code code, std::string text) { return base::fail(code, std::move(text)); };
            switch (status.error_code()) {
                case grpc::StatusCode::UNIMPLEMENTED:
                    return fail(base::Code::unavailable,
                                "error: this server does not implement the grpc health protocol "
                                "(grpc.health.v1.Health): " +
                                    why);
                case grpc::StatusCode::UNAVAILABLE:
                    return fail(base::Code::unavailable,
                                fmt::format("timeout: failed to connect service \"{}\" within {}: {}", address,
                                            text_of(timeout), why));
                case grpc::StatusCode::DEADLINE_EXCEEDED:
                    return fail(base::Code::timeout, "timeout: health rpc did not complete within " + text_of(timeout));
                default:
                    return fail(base::Code::unavailable, "error: health rpc probe failed: " + why);
            }
        }
    };
    std::mutex mutex;
    std::condition_variable none_left;
    std::set<std::shared_ptr<Call>> under_way;
};

GrpcProbe::GrpcProbe(run::Loop& loop) : loop_(loop), calls_(std::make_shared<Calls>()) {}

GrpcProbe::~GrpcProbe() {
    std::unique_lock lock(calls_->mutex);
    for (const auto& call : calls_->under_way) call->context.TryCancel();
    calls_->none_left.wait(lock, [this] { return calls_->under_way.empty(); });
}

void GrpcProbe::check(const node::Prober::Grpc& request, base::Duration timeout, node::Done<void> done) {
    auto call = std::make_shared<Calls::Call>();
    const bool v6 = request.host.find(':') != std::string::npos;
    call->address = fmt::format("{}{}{}:{}", v6 ? "[" : "", request.host, v6 ? "]" : "", request.port);
    call->timeout = timeout;
    call->done = std::move(done);
    call->channel = channel_to(call->address);
    call->stub = std::make_unique<grpc::GenericStub>(call->channel);
    wire::HealthCheckRequest question;
    question.set_service(request.service);
    const grpc::Slice bytes(question.SerializeAsString());
    call->request = grpc::ByteBuffer(&bytes, 1);
    call->context.set_deadline(std::chrono::system_clock::now() + timeout);
    {
        const std::lock_guard lock(calls_->mutex);
        calls_->under_way.insert(call);
    }
    call->stub->UnaryCall(
        &call->context, method, {}, &call->request, &call->reply,
        [&loop = loop_, calls = calls_, call](const grpc::Status& status) {
            loop.post([call, result = call->result(status)]() mutable { call->done(std::move(result)); });
            const std::lock_guard lock(calls->mutex);
            calls->under_way.erase(call);
            calls->none_left.notify_all();
        });
}

}  // namespace edge
