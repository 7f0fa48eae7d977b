// pods/log: the text of a container's log files, with follow, previous, tail, since, timestamps and byte limit, across
// rotation. Reading and watching files goes through a port; everything else is here.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "node/log_lines.h"
#include "node/node.h"

namespace node {

struct LogQuery {
    std::string ns, pod, uid, container;
    bool follow = false, previous = false, timestamps = false;
    std::optional<std::int64_t> tail_lines;
    std::optional<base::Time> since;
    std::optional<std::int64_t> limit_bytes;
};

/// Exactly one of `end` and `fail` is called, last. All calls come on the loop.
struct LogSink {
    std::function<void(std::string chunk)> chunk;
    std::function<void()> end;
    std::function<void(base::Error)> fail;
};

/// Log files on disk.
class LogFiles {
 public:
    virtual ~LogFiles() = default;
    /// Up to `bytes_max` bytes from `offset`; empty at the end; Code::not_found when there is no such file.
    virtual base::Result<std::string> read(const std::string& path, std::uint64_t offset, std::size_t bytes_max) = 0;
    /// Its size, and an identity that a new file under the same name does not share.
    struct Facts {
        std::uint64_t size = 0, identity = 0;
    };
    virtual base::Result<Facts> facts(const std::string& path) = 0;
    /// The files that `path` was rotated to and that still stand, oldest first.
    virtual std::vector<std::string> rotated(const std::string& path) = 0;
    class Watching {
     public:
        virtual ~Watching() = default;
    };
    /// `changed` is called on the loop when the file grows, appears or is renamed; dropping the result ends it.
    virtual std::unique_ptr<Watching> watch(const std::string& path, std::function<void()> changed) = 0;
};

class LogReader {
 public:
    /// All of these must outlive it.
    LogReader(run::Loop& loop, Node& node, store::Store& store, Files& files, LogFiles& logs);
    ~LogReader();

    /// A reading under way; dropping it ends it without another call to the sink.
    class Reading {
     public:
        virtual ~Reading() = default;
    };
    /// Errors (before the first chunk) in the words and codes of a kubelet.
    std::unique_ptr<Reading> read(LogQuery query, LogSink sink);

 private:
    class Stream;
    struct Place {
        std::string path;
        int attempt = 0;
    };
    base::Result<Place> locate(const LogQuery& query) const;
    /// Whether that run may still write.
    bool writes(const LogQuery& query, int attempt) const;

    run::Loop& loop_;
    Node& node_;
    store::Store& store_;
    Files& files_;
    LogFiles& logs_;
    std::vector<std::weak_ptr<Stream>> streams_;  ///< that follow
};

/// Where the last `lines` lines of a file begin, given how to read it.
std::uint64_t tail_offset(LogFiles& files, const std::string& path, std::uint64_t size, std::int64_t lines);

/// What a client sees of raw log text; keeps what a line needs between calls.
class LogText {
 public:
    explicit LogText(const LogQuery& query)
        : timestamps_(query.timestamps), since_(query.since), left_(query.limit_bytes) {}
    /// Raw bytes in, text out; a last line that is not whole waits for its rest.
    std::string feed(std::string_view raw);
    bool full() const { return left_ && *left_ <= 0; }

 private:
    bool timestamps_;
    std::optional<base::Time> since_;
    std::optional<std::int64_t> left_;
    std::string rest_;
    bool line_begins_ = true;
};

}  // namespace node
