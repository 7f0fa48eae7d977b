// What Prometheus' clients tell of every process, read from /proc when asked.
#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "kit/metrics.h"

namespace kit {
namespace {

/// The fields of /proc/self/stat after the name, which may hold spaces: [0] is the state (field 3).
std::vector<std::string> stat_fields() {
    std::ifstream file("/proc/self/stat");
    std::string line;
    std::getline(file, line);
    std::istringstream rest(line.substr(std::min(line.rfind(')') + 1, line.size())));
    std::vector<std::string> fields;
    for (std::string word; rest >> word;) fields.push_back(word);
    return fields;
}

double boot_seconds() {
    std::ifstream file("/proc/stat");
    for (std::string word; file >> word;) {
        double value = 0;
        if (word == "btime" && file >> value) return value;
    }
    return 0;
}

std::size_t open_descriptors() {
    std::error_code error;
    std::size_t count = 0;
    for (std::filesystem::directory_iterator at("/proc/self/fd", error), end; !error && at != end; at.increment(error))
        ++count;
    return count > 0 ? count - 1 : 0;  // without the one that reads the folder
}

}  // namespace

std::string process_metrics() {
    const auto fields = stat_fields();
    const auto field = [&](std::size_t number) {
        return fields.size() > number - 3 ? std::stod(fields[number - 3]) : 0.0;
    };
    const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    Metrics metrics;
    const auto add = [&](const char* name, const char* prose, double value) {
        metrics.gauge(name, prose, [value] { return value; });
    };
    add("process_resident_memory_bytes", "Memory in RAM.", field(24) * static_cast<double>(::sysconf(_SC_PAGESIZE)));
    add("process_virtual_memory_bytes", "Address space.", field(23));
    add("process_start_time_seconds", "When the process started, Unix time.", boot_seconds() + field(22) / ticks);
    add("process_threads", "Threads.", field(20));
    add("process_open_fds", "Open file descriptors.", static_cast<double>(open_descriptors()));
    add("process_max_fds", "Most file descriptors that may be open.", static_cast<double>(files.rlim_cur));
    auto text = metrics.text();
    std::ostringstream cpu;
    cpu << "# HELP process_cpu_seconds_total CPU time used.\n# TYPE process_cpu_seconds_total counter\n"
        << "process_cpu_seconds_total " << (field(14) + field(15)) / ticks << "\n";
    return text + cpu.str();
}

}  // namespace kit
