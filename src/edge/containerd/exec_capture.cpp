// Reads on, also past the limit: the program must not block on a full FIFO.
//
// The shim opens the FIFO once for stdout and once for stderr, after the program has begun, and closes each when that
// stream has ended. A quick program can so leave it without a writer before the second is there: an end of file says
// nothing until the program's exit is known. A writer of our own stays until then.
#include "edge/containerd/exec_capture.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

namespace edge {

base::Result<void> ExecCapture::open(const std::string& exec_id, const std::string& path) {
    auto capture = std::make_shared<Capture>();
    capture->fd = Fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    if (!capture->fd) return fail_errno(path);
    capture->writer = Fd(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    if (!capture->writer) return fail_errno(path);
    reactor_.post([this, exec_id, capture] {
        captures_[exec_id] = capture;
        reactor_.watch(capture->fd.get(), EPOLLIN, [this, exec_id, capture = capture.get()](std::uint32_t) {
            read(*capture);
            if (capture->ended) close(exec_id);
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
        found->second->writer.reset();
        reactor_.after(linger, [this, exec_id] { close(exec_id); });
    });
}

void ExecCapture::close(const std::string& exec_id) {
    const auto found = captures_.find(exec_id);
    if (found == captures_.end()) return;
    const auto capture = found->second;
    if (!capture->ended) read(*capture);
    reactor_.forget(capture->fd.get());
    captures_.erase(found);
    capture->done(std::move(capture->text));
}

}  // namespace edge
