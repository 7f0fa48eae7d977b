// Calls to containerd over its unix socket. Blocking, so for edge threads only; the one unit that includes grpc++ is
// rpc.cpp. Calls wait for a containerd that is just being restarted until their deadline.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace google::protobuf {
class MessageLite;
}

namespace edge {

struct RpcOptions {
    std::chrono::milliseconds deadline{30'000};
    std::string lease;  ///< what the call makes is held by this lease
};

class Rpc {
 public:
    using Message = google::protobuf::MessageLite;

    /// `ns` is the containerd namespace of every call.
    Rpc(const std::string& socket_path, std::string ns);
    ~Rpc();

    /// `method` is the full path, e.g. "/containerd.services.tasks.v1.Tasks/Start".
    base::Result<void> call(const std::string& method, const Message& request, Message& answer,
                            const RpcOptions& options = {});
    template <class Answer>
    base::Result<Answer> call(const std::string& method, const Message& request, const RpcOptions& options = {}) {
        Answer answer;
        TRY(call(method, request, static_cast<Message&>(answer), options));
        return answer;
    }

    /// A call whose answer says nothing.
    base::Result<void> tell(const std::string& method, const Message& request, const RpcOptions& options = {});

    /// A call whose answers (and maybe requests) are many.
    class Stream {
     public:
        virtual ~Stream() = default;
        virtual bool write(const Message& request) = 0;
        virtual void writes_done() = 0;
        /// False at the end of the stream; then finish() has the reason.
        virtual bool read(Message& answer) = 0;
        virtual base::Result<void> finish() = 0;
        /// Ends reads of another thread.
        virtual void cancel() = 0;
    };
    /// `deadline` 0: none.
    std::unique_ptr<Stream> open(const std::string& method, const RpcOptions& options);

 private:
    base::Result<void> call_bytes(const std::string& method, const Message& request, Message* answer,
                                  const RpcOptions& options);
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace edge
