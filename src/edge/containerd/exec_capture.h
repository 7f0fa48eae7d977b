// What commands run inside containers (probes, hooks) print, gathered up to a limit on the reactor's thread.
#pragma once

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

    explicit ExecCapture(Reactor& reactor) : reactor_(reactor) {}
    /// Opens the FIFO at `path` (it exists) for reading. Any thread.
    base::Result<void> open(const std::string& exec_id, const std::string& path);
    /// What was printed, once all writers are gone or 100 ms have passed; on the reactor's thread. Any thread.
    void finish(const std::string& exec_id, std::move_only_function<void(std::string)> done);

 private:
    struct Capture {
        Fd fd;
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
