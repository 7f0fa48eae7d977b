// Generic calls: bytes in, bytes out, so that no service stub has to be generated or compiled.
#include "edge/containerd/rpc.h"

#include <google/protobuf/message_lite.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace edge {
namespace {

base::Code code_of(grpc::StatusCode code) {
    switch (code) {
        case grpc::StatusCode::NOT_FOUND:
            return base::Code::not_found;
        case grpc::StatusCode::ALREADY_EXISTS:
            return base::Code::already_exists;
        case grpc::StatusCode::INVALID_ARGUMENT:
            return base::Code::bad_request;
        case grpc::StatusCode::FAILED_PRECONDITION:
            return base::Code::conflict;
        case grpc::StatusCode::PERMISSION_DENIED:
            return base::Code::forbidden;
        case grpc::StatusCode::UNAUTHENTICATED:
            return base::Code::unauthorized;
        case grpc::StatusCode::DEADLINE_EXCEEDED:
            return base::Code::timeout;
        case grpc::StatusCode::UNAVAILABLE:
            return base::Code::unavailable;
        default:
            return base::Code::internal;
    }
}

base::Result<void> result_of(const grpc::Status& status) {
    if (status.ok()) return {};
    return base::fail(code_of(status.error_code()), status.error_message());
}

grpc::ByteBuffer pack(const Rpc::Message& message) {
    const auto bytes = message.SerializeAsString();
    const grpc::Slice slice(bytes);
    return grpc::ByteBuffer(&slice, 1);
}

bool unpack(const grpc::ByteBuffer& buffer, Rpc::Message& message) {
    grpc::Slice whole;
    if (buffer.TrySingleSlice(&whole).ok() || buffer.DumpToSingleSlice(&whole).ok()) {
        return message.ParseFromArray(whole.begin(), static_cast<int>(whole.size()));
    }
    return false;
}

bool repeatable(const std::string& method) {
    const auto verb = method.substr(method.rfind('/') + 1);
    static constexpr std::array<std::string_view, 9> verbs{"Get",  "List", "Stat",   "Info",  "Mounts",
                                                           "Wait", "Kill", "Delete", "Remove"};
    return std::ranges::find(verbs, verb) != verbs.end();
}

/// One completion queue a call: the caller's thread alone moves it.
class Queue {
 public:
    ~Queue() {
        queue_.Shutdown();
        void* tag = nullptr;
        bool ok = false;
        while (queue_.Next(&tag, &ok)) {
        }
    }
    bool next() {
        void* tag = nullptr;
        bool ok = false;
        return queue_.Next(&tag, &ok) && ok;
    }
    grpc::CompletionQueue* get() { return &queue_; }

 private:
    grpc::CompletionQueue queue_;
};

class ByteStream final : public Rpc::Stream {
 public:
    ByteStream(grpc::GenericStub& stub, const std::string& method, std::unique_ptr<grpc::ClientContext> context) {
        context_ = std::move(context);
        call_ = stub.PrepareCall(context_.get(), method, queue_.get());
        call_->StartCall(this);
    }
    bool write(const Rpc::Message& request) override {
        if (!open()) return false;
        call_->Write(pack(request), this);
        return queue_.next();
    }
    void writes_done() override {
        if (!open()) return;
        call_->WritesDone(this);
        queue_.next();
    }
    bool read(Rpc::Message& answer) override {
        if (!open()) return false;
        grpc::ByteBuffer bytes;
        call_->Read(&bytes, this);
        return queue_.next() && unpack(bytes, answer);
    }
    base::Result<void> finish() override {
        open();
        grpc::Status status;
        call_->Finish(&status, this);
        queue_.next();
        return result_of(status);
    }
    void cancel() override { context_->TryCancel(); }

 private:
    /// Waits at the first use, not when made: so that cancel() can end a wait for a containerd that is away.
    bool open() {
        if (!started_) open_ = queue_.next();
        started_ = true;
        return open_;
    }

    std::unique_ptr<grpc::ClientContext> context_;
    Queue queue_;
    std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
    bool started_ = false, open_ = false;
};

std::shared_ptr<grpc::Channel> channel_to(const std::string& socket_path) {
    grpc::ChannelArguments arguments;
    arguments.SetString(GRPC_ARG_DEFAULT_AUTHORITY, "localhost");  // newer containerds refuse a path there
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 20);
    arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 20);
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 500);
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetMaxReceiveMessageSize(16 << 20);
    return grpc::CreateCustomChannel("unix:" + socket_path, grpc::InsecureChannelCredentials(), arguments);
}

}  // namespace

struct Rpc::Impl {
    std::string ns;
    std::shared_ptr<grpc::Channel> channel;
    grpc::GenericStub stub;

    Impl(const std::string& socket_path, std::string ns_)
        : ns(std::move(ns_)), channel(channel_to(socket_path)), stub(channel) {}

    std::unique_ptr<grpc::ClientContext> context(const RpcOptions& options) const {
        auto context = std::make_unique<grpc::ClientContext>();
        context->set_wait_for_ready(true);
        if (options.deadline.count() > 0) context->set_deadline(std::chrono::system_clock::now() + options.deadline);
        context->AddMetadata("containerd-namespace", ns);
        if (!options.lease.empty()) context->AddMetadata("containerd-lease", options.lease);
        return context;
    }

    base::Result<void> once(const std::string& method, const Message& request, Message* answer,
                            const RpcOptions& options) {
        const auto context = this->context(options);
        Queue queue;
        const auto bytes = pack(request);
        auto call = stub.PrepareUnaryCall(context.get(), method, bytes, queue.get());
        call->StartCall();
        grpc::ByteBuffer reply;
        grpc::Status status;
        call->Finish(&reply, &status, this);
        queue.next();
        TRY(result_of(status));
        if (answer && !unpack(reply, *answer)) {
            return base::fail(base::Code::internal, "containerd: an answer that is no protobuf: " + method);
        }
        return {};
    }
};

Rpc::Rpc(const std::string& socket_path, std::string ns) : impl_(std::make_unique<Impl>(socket_path, std::move(ns))) {}
Rpc::~Rpc() = default;

base::Result<void> Rpc::call(const std::string& method, const Message& request, Message& answer,
                             const RpcOptions& options) {
    return call_bytes(method, request, &answer, options);
}

base::Result<void> Rpc::tell(const std::string& method, const Message& request, const RpcOptions& options) {
    return call_bytes(method, request, nullptr, options);
}

base::Result<void> Rpc::call_bytes(const std::string& method, const Message& request, Message* answer,
                                   const RpcOptions& options) {
    auto result = impl_->once(method, request, answer, options);
    // A containerd that dies takes the call under way with it; what is safe to say twice is said to the next one.
    for (int again = 0; again < 3 && !result && result.error().code == base::Code::unavailable && repeatable(method);
         ++again) {
        result = impl_->once(method, request, answer, options);
    }
    return result;
}

std::unique_ptr<Rpc::Stream> Rpc::open(const std::string& method, const RpcOptions& options) {
    return std::make_unique<ByteStream>(impl_->stub, method, impl_->context(options));
}

}  // namespace edge
