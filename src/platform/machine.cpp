#include "platform/machine.h"

#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <charconv>
#include <fstream>

namespace platform {
namespace {

std::string first_line(const char* file) {
    std::ifstream in(file);
    std::string line;
    std::getline(in, line);
    return line;
}

/// The value of `key` in lines like KEY="value" or "Key:   value kB".
std::string value_of(const char* file, std::string_view key, char separator) {
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) {
        if (!line.starts_with(key) || line.size() <= key.size() || line[key.size()] != separator) continue;
        auto value = line.substr(key.size() + 1);
        value.erase(0, value.find_first_not_of(" \t\""));
        while (!value.empty() && (value.back() == '"' || value.back() == ' ')) value.pop_back();
        return value;
    }
    return {};
}

}  // namespace

Machine this_machine(const std::string& data_dir) {
    Machine machine;
    utsname names{};
    ::uname(&names);
    machine.hostname = names.nodename;
    for (auto& c : machine.hostname) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    machine.kernel = names.release;
    machine.architecture = std::string_view(names.machine) == "aarch64" ? "arm64" : "amd64";
    machine.os_image = value_of("/etc/os-release", "PRETTY_NAME", '=');
    machine.machine_id = first_line("/etc/machine-id");
    machine.boot_id = first_line("/proc/sys/kernel/random/boot_id");
    machine.cpus = static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN));
    const auto memory = value_of("/proc/meminfo", "MemTotal", ':');
    std::from_chars(memory.data(), memory.data() + memory.size(), machine.memory_kib);
    struct statvfs disk {};
    if (::statvfs(data_dir.c_str(), &disk) == 0)
        machine.disk_kib = static_cast<std::int64_t>(disk.f_blocks * disk.f_frsize / 1024);
    return machine;
}

}  // namespace platform
