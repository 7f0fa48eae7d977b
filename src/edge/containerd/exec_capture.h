// What commands run inside containers (probes, hooks) print, gathered up to a limit on the reactor's thread.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "edge/fd.h"
#include "edge/reactor.h"

namespace edge {

class ExecCapture {
 public:
    static constexpr std::size_t bytes_max = 10 << 10;
    /// How long a child that outlives its command may keep the output open.
    static constexpr auto linger = std::chrono::milliseconds(300);

    explicit ExecCapture(Reactor& reactor) : reactor_(reactor) {}
    /// Opens the FIFO at `path` (it exists) for reading. Any thread.
    base::Result<void> open(const std::string& exec_id, const std::string& path);
    /// The command has exited: what it printed, once all writers are gone or after `linger`; `done` is called on the
    /// reactor's thread. Any thread.
    void finish(const std::string& exec_id, std::move_only_function<void(std::string)> done);

 private:
    struct Capture {
        Fd fd, writer;
        std::string text;
        bool ended = false;
        std::move_only_function<void(std::string)> done;
    };
    void read(Capture& capture);
    void close(const std::string& exec_id);

    Reactor& reactor_;
    std::map<std::string, std::shared_ptr<Capture>> captures_;
};

}  // namespace edge
