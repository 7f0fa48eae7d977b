#include "kit/testing/process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <utility>

namespace kit::testing {

TemporaryFolder::TemporaryFolder() {
    char name[] = "/tmp/kit-test-XXXXXX";
    if (::mkdtemp(name)) path_ = name;
    std::filesystem::permissions(path_, std::filesystem::perms(0755));
}

TemporaryFolder::~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

ServiceProcess::ServiceProcess(const std::string& program, std::vector<std::string> environment) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return;
    environment.emplace_back("PORT=0");
    environment.emplace_back("ADDRESS=127.0.0.1");
    std::vector<char*> variables;
    for (auto& one : environment) variables.push_back(one.data());
    variables.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // of the thread that forks: a test's main thread
        ::dup2(ends[1], STDOUT_FILENO);
        char* const arguments[] = {const_cast<char*>(program.c_str()), nullptr};
        ::execve(program.c_str(), arguments, variables.data());
        ::_exit(127);
    }
    ::close(ends[1]);
    out_ = ends[0];
}

std::uint16_t ServiceProcess::port() {
    if (reader_.joinable() || pid_ < 0) return port_;
    static constexpr std::string_view mark = "\"port\":";
    std::size_t at = 0;
    while ((at = log_.find("\"listening\"")) == std::string::npos || log_.find('\n', at) == std::string::npos) {
        if (!read_more()) return 0;
    }
    at = log_.find(mark, at);
    std::from_chars(log_.data() + at + mark.size(), log_.data() + log_.size(), port_);
    reader_ = std::thread([this] {
        while (read_more()) {
        }
    });
    return port_;
}

ServiceProcess::~ServiceProcess() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        wait();
    }
    if (reader_.joinable()) reader_.join();
    if (out_ >= 0) ::close(out_);
}

bool ServiceProcess::read_more() {
    char bytes[4096];
    const auto got = ::read(out_, bytes, sizeof bytes);
    if (got > 0) log_.append(bytes, static_cast<std::size_t>(got));
    return got > 0;
}

void ServiceProcess::terminate() const { ::kill(pid_, SIGTERM); }

int ServiceProcess::wait() {
    if (reader_.joinable()) reader_.join();
    while (read_more()) {
    }
    int status = 0;
    ::waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::uint16_t free_port() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof name;
    ::bind(fd, reinterpret_cast<const sockaddr*>(&name), length);
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &length);
    ::close(fd);
    return ntohs(name.sin_port);
}

std::unique_ptr<PrivatePostgres> PrivatePostgres::make(std::string& why) {
    std::string programs;
    std::error_code ignored;
    for (const auto& version : std::filesystem::directory_iterator("/usr/lib/postgresql", ignored)) {
        const auto folder = version.path() / "bin";
        if (std::filesystem::exists(folder / "initdb")) programs = folder;
    }
    if (programs.empty()) {
        why = "there is no /usr/lib/postgresql/*/bin/initdb (Debian package postgresql)";
        return nullptr;
    }
    std::unique_ptr<PrivatePostgres> made(new PrivatePostgres);
    made->programs_ = programs;
    made->port_ = free_port();
    if (::geteuid() == 0) made->owner_ = ::getpwnam("postgres") ? "postgres" : "nobody";
    const auto data = made->folder_.path() + "/data";
    std::filesystem::create_directory(data);
    if (!made->owner_.empty()) {
        const auto* owner = ::getpwnam(made->owner_.c_str());
        if (::chown(data.c_str(), owner->pw_uid, owner->pw_gid) != 0) why = "the data folder cannot be given away";
    }
    const int code = made->as_owner("initdb -D " + data + " -U tester -A trust -E UTF8 --locale=C.UTF-8 -N");
    if (code != 0) {
        why = "initdb failed with " + std::to_string(code);
        return nullptr;
    }
    return made;
}

int PrivatePostgres::as_owner(const std::string& command) const {
    const auto front =
        owner_.empty() ? std::string() : "setpriv --reuid=" + owner_ + " --regid=" + owner_ + " --clear-groups ";
    return std::system(("cd / && " + front + programs_ + "/" + command + " >/dev/null 2>&1 </dev/null").c_str());
}

bool PrivatePostgres::start() {
    const auto data = folder_.path() + "/data";
    std::vector<std::string> words;
    // Changing the user would forget who is to die with whom.
    if (!owner_.empty()) {
        words = {"/usr/bin/setpriv", "--reuid=" + owner_, "--regid=" + owner_, "--clear-groups", "--pdeathsig", "KILL"};
    }
    words.insert(words.end(), {programs_ + "/postgres", "-D", data, "-F", "-h", "127.0.0.1", "-p",
                               std::to_string(port_), "-k", data, "-c", "log_min_messages=warning"});
    return child_.start({.words = std::move(words), .ready = "ready to accept connections"});
}

void PrivatePostgres::stop() { child_.stop(SIGQUIT); }

std::string PrivatePostgres::ask(const std::string& sql) const {
    std::string out;
    const auto command = programs_ + "/psql -X -A -t -d " + url() + " -c \"" + sql + "\" 2>&1";
    if (FILE* pipe = ::popen(command.c_str(), "r")) {
        char bytes[512];
        while (std::fgets(bytes, sizeof bytes, pipe)) out += bytes;
        ::pclose(pipe);
    }
    while (out.ends_with('\n')) out.pop_back();
    return out;
}

}  // namespace kit::testing
