// What this machine is: for the Node object.
#pragma once

#include <cstdint>
#include <string>

namespace platform {

struct Machine {
    std::string hostname, kernel, os_image, machine_id, boot_id, architecture;
    int cpus = 1;
    std::int64_t memory_kib = 0;
    std::int64_t disk_kib = 0;  ///< of the file system that holds `data_dir`
};

/// Read from /proc, /etc and uname; what cannot be read stays empty.
Machine this_machine(const std::string& data_dir);

}  // namespace platform
