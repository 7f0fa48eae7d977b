// A network namespace with a bridge and backends in namespaces of their own. Namespaces are held by processes alone, so
// that nothing is left behind however a test ends.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace playground {

constexpr auto bridge = "pg0";
constexpr auto gateway = "10.244.7.1";
constexpr auto pod_cidr = "10.244.7.0/24";
constexpr auto service_cidr = "10.96.0.0/16";

/// Moves this process into a network namespace of its own, with the bridge, routes and sysctls that a node has.
/// Says why not, or "".
std::string enter();
/// Runs a shell command; false when it fails.
bool shell(const std::string& command);

/// A process in a namespace of its own on the bridge that answers each TCP connection to its port with its name.
class BackendProcess {
 public:
    BackendProcess(const std::string& name, const std::string& ip, std::uint16_t port);
    ~BackendProcess();
    BackendProcess(const BackendProcess&) = delete;
    /// Stops listening, finishes what is open and ends, as a program does on TERM.
    void terminate();
    /// ask() from this process's namespace.
    std::string ask(const std::string& ip, std::uint16_t port) const;

 private:
    pid_t pid_ = -1;
    std::string link_;
};

/// What a connection to that place brings: the backend's name, or "refused", "reset", "lost".
std::string ask(const std::string& ip, std::uint16_t port);

}  // namespace playground
