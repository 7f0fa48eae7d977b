// Where the files of a tar archive stand in it, so that they can be read without unpacking it.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/result.h"

namespace edge {

struct TarEntry {
    std::int64_t offset = 0, size = 0;
};

/// Plain files by path, "./" left out. Reads ustar, GNU long names and pax paths. Error: not a (plain) tar archive.
base::Result<std::map<std::string, TarEntry>> tar_index(const std::string& path);

}  // namespace edge
