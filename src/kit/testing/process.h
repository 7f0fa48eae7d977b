// For tests: a service as a process of its own, a private PostgreSQL and Redis. All end with their object.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "kit/testing/child.h"

namespace kit::testing {

/// A folder under /tmp that goes with its object; anybody may look in, so that a PostgreSQL that is not root can.
class TemporaryFolder {
 public:
    TemporaryFolder();
    ~TemporaryFolder();
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    const std::string& path() const { return path_; }

 private:
    std::string path_;
};

class ServiceProcess {
 public:
    /// Starts `program` with `environment` ("NAME=value") beside PATH and PORT=0.
    ServiceProcess(const std::string& program, std::vector<std::string> environment);
    /// Kills it if it still runs.
    ~ServiceProcess();
    ServiceProcess(const ServiceProcess&) = delete;
    ServiceProcess& operator=(const ServiceProcess&) = delete;

    /// Waits until it says where it listens; 0 when it ended without.
    std::uint16_t port();
    void terminate() const;
    /// Waits for its end: the exit code, or 128 + the signal.
    int wait();
    /// All of the log, after wait().
    const std::string& log() const { return log_; }

 private:
    bool read_more();
    pid_t pid_ = -1;
    int out_ = -1;
    std::uint16_t port_ = 0;
    std::string log_;
    std::thread reader_;  ///< so that the process never waits for its log to be read
};

class PrivatePostgres {
 public:
    /// Null when none can be had; `why` says why.
    static std::unique_ptr<PrivatePostgres> make(std::string& why);
    /// Also when it runs already; true when it does now.
    bool start();
    /// At once, as a crash would.
    void stop();
    std::string url() const { return "postgres://tester@127.0.0.1:" + std::to_string(port_) + "/postgres"; }
    /// What psql prints for one statement.
    std::string ask(const std::string& sql) const;

 private:
    PrivatePostgres() = default;
    int as_owner(const std::string& command) const;
    TemporaryFolder folder_;
    std::string programs_;
    std::string owner_;
    std::uint16_t port_ = 0;
    Child child_;
};

/// A redis-server that keeps nothing when it ends.
class PrivateRedis {
 public:
    /// Null when none can be had; `why` says why. With `password` it wants to be shown it.
    static std::unique_ptr<PrivateRedis> make(std::string& why, std::string password = {});
    /// On the same port as before; true once it answers.
    bool start();
    /// Killed: nothing is saved, connections break.
    void stop();
    /// It stands still without breaking connections, until resume().
    void pause() const;
    void resume() const;
    std::uint16_t port() const { return port_; }
    std::string url() const;

 private:
    PrivateRedis() = default;
    TemporaryFolder folder_;
    std::string password_;
    std::uint16_t port_ = 0;
    Child child_;
};

/// A server that speaks MongoDB's protocol (tests/mongo). It keeps what it has over stop() and start().
class PrivateMongo {
 public:
    /// Null when none can be had; `why` says why.
    static std::unique_ptr<PrivateMongo> make(std::string& why);
    bool start();
    /// Killed.
    void stop();
    std::uint16_t port() const { return port_; }
    std::string url() const { return "mongodb://127.0.0.1:" + std::to_string(port_) + "/test"; }

 private:
    PrivateMongo() = default;
    TemporaryFolder folder_;
    std::string program_;
    std::uint16_t port_ = 0;
    Child child_;
};

/// A port that nobody had a moment ago.
std::uint16_t free_port();

}  // namespace kit::testing
