// 512-byte headers, each followed by its content rounded up to 512.
#include "edge/containerd/tar_index.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "edge/fd.h"

namespace edge {
namespace {

using Header = std::array<char, 512>;

std::string field(const Header& header, std::size_t at, std::size_t size) {
    const auto* begin = header.data() + at;
    return {begin, ::strnlen(begin, size)};
}

std::int64_t size_of(const Header& header) {
    if (static_cast<unsigned char>(header[124]) & 0x80) {  // base 256, for files of 8 GiB and more
        std::int64_t size = 0;
        for (std::size_t i = 125; i < 136; ++i) size = size << 8 | static_cast<unsigned char>(header[i]);
        return size;
    }
    return std::strtoll(field(header, 124, 12).c_str(), nullptr, 8);
}

/// The value of "path" in a pax record list ("27 path=some/where\n").
std::string pax_path(const std::string& records) {
    const auto at = records.find(" path=");
    return at == std::string::npos ? "" : records.substr(at + 6, records.find('\n', at) - at - 6);
}

}  // namespace

base::Result<std::map<std::string, TarEntry>> tar_index(const std::string& path) {
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return fail_errno(path);
    std::map<std::string, TarEntry> entries;
    std::string long_name;
    for (std::int64_t at = 0;;) {
        Header header{};
        const auto got = ::pread(file.get(), header.data(), header.size(), at);
        if (got < 0) return fail_errno(path);
        if (got < 512 || header[0] == 0) return entries;
        if (field(header, 257, 5) != "ustar") return base::fail(base::Code::invalid, path + ": not a tar archive");
        const auto size = size_of(header);
        if (size < 0) return base::fail(base::Code::invalid, path + ": a broken tar archive");
        const char type = header[156];
        if (type == 'L' || type == 'x') {
            std::string content(static_cast<std::size_t>(std::min<std::int64_t>(size, 65536)), '\0');
            if (::pread(file.get(), content.data(), content.size(), at + 512) < 0) return fail_errno(path);
            long_name = type == 'L' ? std::string(content.c_str()) : pax_path(content);
        } else {
            const auto prefix = field(header, 345, 155);
            auto name = !long_name.empty() ? long_name : (prefix.empty() ? "" : prefix + "/") + field(header, 0, 100);
            if (name.starts_with("./")) name.erase(0, 2);
            if (type == '0' || type == 0) entries[name] = {at + 512, size};
            long_name.clear();
        }
        at += 512 + (size + 511) / 512 * 512;
    }
}

}  // namespace edge
