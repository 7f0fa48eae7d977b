// For tests: another's server as a child. It is killed when its object goes, and when the test dies.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <string>
#include <thread>
#include <vector>

namespace kit::testing {

class Child {
 public:
    Child() = default;
    ~Child() { stop(SIGKILL); }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    struct Plan {
        std::vector<std::string> words;  ///< the program's path first
        std::string ready;               ///< what it says, anywhere, once it can be used
    };
    /// True once it is ready. Its standard input stays open until it is stopped.
    bool start(Plan plan);
    /// Waits for its end.
    void stop(int how);
    void signal(int what) const;
    bool running() const { return pid_ > 0; }

 private:
    pid_t pid_ = -1;
    int in_ = -1;
    std::thread reader_;  ///< so that it never waits for what it says to be read
};

}  // namespace kit::testing
