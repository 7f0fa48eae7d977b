#include "kit/testing/child.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>

namespace kit::testing {

bool Child::start(Plan plan) {
    std::vector<char*> arguments;
    for (auto& word : plan.words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    int out[2], in[2];
    if (running() || ::pipe2(out, O_CLOEXEC) != 0 || ::pipe2(in, O_CLOEXEC) != 0) return running();
    pid_ = ::fork();
    if (pid_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // of the thread that forks: a test's main thread
        ::dup2(in[0], STDIN_FILENO);
        ::dup2(out[1], STDOUT_FILENO);
        ::dup2(out[1], STDERR_FILENO);
        if (::chdir("/") == 0) ::execv(arguments[0], arguments.data());
        ::_exit(127);
    }
    ::close(out[1]);
    ::close(in[0]);
    in_ = in[1];
    std::string said;
    char bytes[1024];
    ssize_t got = 1;
    while (said.find(plan.ready) == std::string::npos && got > 0) {
        got = ::read(out[0], bytes, sizeof bytes);
        if (got > 0) said.append(bytes, static_cast<std::size_t>(got));
    }
    reader_ = std::thread([from = out[0]] {
        char more[4096];
        while (::read(from, more, sizeof more) > 0) {
        }
        ::close(from);
    });
    if (got <= 0) stop(SIGKILL);
    return running();
}

void Child::stop(int how) {
    if (!running()) return;
    ::kill(pid_, how);
    ::waitpid(std::exchange(pid_, -1), nullptr, 0);
    ::close(std::exchange(in_, -1));
    reader_.join();
}

void Child::signal(int what) const { ::kill(pid_, what); }

}  // namespace kit::testing
