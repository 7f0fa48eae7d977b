// Reads on, also past the limit: the program must not block on a full FIFO.
#include "edge/containerd/exec_capture.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

namespace edge {

base::Result<void> ExecCapture::open(const std::string& exec_id, const std::string& path) {
    auto capture = std::make_shared<Capture>();
    capture->fd = Fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    if (!capture->fd) return fail_errno(path);
    reactor_.post([this, exec_id, capture] {
        captures_[exec_id] = capture;
        reactor_.watch(capture->fd.get(), EPOLLIN, [this, exec_id, capture = capture.get()](std::uint32_t) {
            read(*capture);
            if (!capture->ended) return;
            reactor_.forget(capture->fd.get());
            if (capture->done) close(exec_id);
        });
    });
    return {};
}

void ExecCapture::read(Capture& capture) {
    char chunk[16384];
    for (;;) {
        const auto got = ::read(capture.fd.get(), chunk, sizeof chunk);
        if (got < 0) return;
        if (got == 0) {
            capture.ended = true;
            return;
        }
        capture.text.append(
            chunk, std::min(static_cast<std::size_t>(got), bytes_max - std::min(bytes_max, capture.text.size())));
    }
}

void ExecCapture::finish(const std::string& exec_id, std::move_only_function<void(std::string)> done) {
    reactor_.post([this, exec_id, done = std::move(done)]() mutable {
        const auto found = captures_.find(exec_id);
        if (found == captures_.end()) return done({});
        found->second->done = std::move(done);
        if (found->second->ended) return close(exec_id);
        reactor_.after(std::chrono::milliseconds(100), [this, exec_id] { close(exec_id); });
    });
}

void ExecCapture::close(const std::string& exec_id) {
    const auto found = captures_.find(exec_id);
    if (found == captures_.end()) return;
    const auto capture = found->second;
    if (!capture->ended) {
        read(*capture);
        reactor_.forget(capture->fd.get());
    }
    captures_.erase(found);
    capture->done(std::move(capture->text));
}

}  // namespace edge
