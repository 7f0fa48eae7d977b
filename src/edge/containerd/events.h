// The stream of exit events of containerd: a thread that reads it, and opens it again when it breaks.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/time.h"
#include "edge/containerd/rpc.h"

namespace edge {

struct ExitEvent {
    std::string container_id, process_id;  ///< equal for a container's first process, else an exec's id
    int status = 0;
    base::Time at{};
};

class Events {
 public:
    struct Handlers {
        std::function<void(ExitEvent)> exited;
        std::function<void()> connected;  ///< what ended before is not told: look
    };
    /// Handlers run on the thread of the events.
    Events(Rpc& rpc, Handlers handlers);
    ~Events();

 private:
    void run(const std::stop_token& stop);
    Rpc& rpc_;
    Handlers handlers_;
    std::mutex mutex_;
    std::shared_ptr<Rpc::Stream> stream_;
    std::jthread thread_;
};

}  // namespace edge
