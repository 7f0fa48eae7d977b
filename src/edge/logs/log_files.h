// The node's LogFiles on disk. One inotify instance tells of changes; it exists while somebody follows a log.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>
#include <vector>

#include "node/logs.h"

namespace edge {

class LogFiles final : public node::LogFiles {
 public:
    explicit LogFiles(boost::asio::io_context& io);
    ~LogFiles() override;

    base::Result<std::string> read(const std::string& path, std::uint64_t offset, std::size_t bytes_max) override;
    base::Result<Facts> facts(const std::string& path) override;
    std::vector<std::string> rotated(const std::string& path) override;
    std::unique_ptr<Watching> watch(const std::string& path, std::function<void()> changed) override;

 private:
    class Watcher;
    boost::asio::io_context& io_;
    std::shared_ptr<Watcher> watcher_;
};

}  // namespace edge
