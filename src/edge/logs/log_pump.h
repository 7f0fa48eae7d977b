// Carries what containers print from their FIFOs into log files. A line stays in the kernel's FIFO until it is whole
// and written, so nothing is held in memory: when this process dies the program blocks once its FIFO is full, and the
// next daemon's pump goes on where this one stopped.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "edge/fd.h"
#include "edge/logs/log_format.h"
#include "edge/reactor.h"

namespace edge {

struct LogSource {
    std::string id;                        ///< of the container
    std::string stdout_fifo, stderr_fifo;  ///< stderr may be "": a terminal has one stream
    std::string log_path;
};

class LogPump {
 public:
    static constexpr std::size_t file_bytes_max = 10 << 20;
    static constexpr int files_max = 5;

    explicit LogPump(Reactor& reactor);
    ~LogPump();

    /// Opens the FIFOs for reading (they exist) and the log file; from then on lines flow. Any thread.
    base::Result<void> open(const LogSource& source);
    /// Takes what is left until the streams end, but no longer than `grace`; then closes them and runs `done` on the
    /// reactor's thread. An unknown id is done at once. Any thread.
    void finish(const std::string& id, std::chrono::milliseconds grace, Reactor::Work done);

 private:
    struct Stream;
    struct Log;
    void attach(const std::shared_ptr<Log>& log);
    void drain(Log& log, Stream& stream, Tail tail);
    void write(Log& log, const std::string& text);
    void rotate(Log& log);
    void close_when_done(const std::string& id);

    Reactor& reactor_;
    Fd scratch_in_, scratch_out_;  ///< a pipe into which a FIFO's content is looked at without taking it
    std::vector<char> buffer_;
    std::map<std::string, std::shared_ptr<Log>> logs_;
};

}  // namespace edge
