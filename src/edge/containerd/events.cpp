// Subscribe, read, and again.
#include "edge/containerd/events.h"

#include <condition_variable>

#include "edge/paths.h"
#include "edge/proto/containerd.pb.h"

namespace edge {

Events::Events(Rpc& rpc, Handlers handlers) : rpc_(rpc), handlers_(std::move(handlers)) {
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

Events::~Events() {
    thread_.request_stop();
    {
        const std::lock_guard lock(mutex_);
        if (stream_) stream_->cancel();
    }
    thread_.join();
}

void Events::run(const std::stop_token& stop) {
    wire::SubscribeRequest request;
    request.add_filters(std::string("namespace==\"") + containerd_namespace + "\",topic==\"/tasks/exit\"");
    while (!stop.stop_requested()) {
        // Waits until containerd is there (wait_for_ready), so this loop does not spin while it is away.
        std::shared_ptr<Rpc::Stream> stream =
            rpc_.open("/containerd.services.events.v1.Events/Subscribe", {.deadline = {}});
        {
            const std::lock_guard lock(mutex_);
            stream_ = stream;
        }
        if (stop.stop_requested()) stream->cancel();
        if (stream->write(request)) {
            stream->writes_done();
            handlers_.connected();
        }
        for (wire::Envelope envelope; stream->read(envelope);) {
            wire::TaskExit exit;
            if (envelope.event().type_url() != "containerd.events.TaskExit" ||
                !exit.ParseFromString(envelope.event().value()))
                continue;
            const auto at =
                std::chrono::seconds(exit.exited_at().seconds()) + std::chrono::nanoseconds(exit.exited_at().nanos());
            handlers_.exited({exit.container_id(), exit.id(), static_cast<int>(exit.exit_status()), base::Time(at)});
        }
        (void)stream->finish();
        if (stop.stop_requested()) return;
        std::mutex idle;
        std::unique_lock lock(idle);
        std::condition_variable_any().wait_for(lock, stop, std::chrono::milliseconds(50), [] { return false; });
    }
}

}  // namespace edge
