#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <utility>

#include "kit/testing/process.h"

namespace kit::testing {

std::unique_ptr<PrivateMongo> PrivateMongo::make(std::string& why) {
    std::unique_ptr<PrivateMongo> made(new PrivateMongo);
    std::error_code ignored;
    made->program_ = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path() / "mongo-server";
    if (!std::filesystem::exists(made->program_)) {
        why = "there is no " + made->program_ + ": the target mongo_server builds it where there is Go";
        return nullptr;
    }
    made->port_ = free_port();
    if (made->start()) return made;
    why = made->program_ + " does not start";
    return nullptr;
}

PrivateMongo::~PrivateMongo() { stop(); }

bool PrivateMongo::start() {
    if (pid_ > 0) return true;
    int ends[2], held[2];  // it ends with its standard input
    if (::pipe2(ends, O_CLOEXEC) != 0 || ::pipe2(held, O_CLOEXEC) != 0) return false;
    const auto address = "127.0.0.1:" + std::to_string(port_);
    const auto log = folder_.path() + "/log";
    pid_ = ::fork();
    if (pid_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        ::dup2(held[0], STDIN_FILENO);
        ::dup2(ends[1], STDOUT_FILENO);
        const int err = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
        if (err >= 0) ::dup2(err, STDERR_FILENO);
        const char* const words[] = {program_.c_str(), folder_.path().c_str(), address.c_str(), nullptr};
        ::execv(program_.c_str(), const_cast<char* const*>(words));
        ::_exit(127);
    }
    ::close(ends[1]);
    ::close(held[0]);
    out_ = ends[0];
    in_ = held[1];
    std::string said;
    char bytes[512];
    while (said.find("mongodb://") == std::string::npos || !said.ends_with('\n')) {
        const auto got = ::read(out_, bytes, sizeof bytes);
        if (got <= 0) {
            stop();
            return false;
        }
        said.append(bytes, static_cast<std::size_t>(got));
    }
    return true;
}

void PrivateMongo::stop() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(std::exchange(pid_, -1), nullptr, 0);
    ::close(std::exchange(out_, -1));
    ::close(std::exchange(in_, -1));
}

}  // namespace kit::testing
