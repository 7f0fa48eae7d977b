// New folder, new link, old folder away: in this order, so that readers see the old or the new files.
#include "edge/projection.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <set>

#include "edge/fd.h"

namespace edge {
namespace {

namespace fs = std::filesystem;
using File = node::Files::File;
using Ownership = node::Files::Ownership;

bool inside(const std::string& path) {
    const auto normal = fs::path(path).lexically_normal();
    return !normal.empty() && normal.is_relative() && *normal.begin() != "..";
}

/// With a group of the pod's (fsGroup) files become readable to it, as a kubelet does for volumes that are read only.
mode_t mode_of(const File& file, Ownership owner) {
    return static_cast<mode_t>(owner.gid >= 0 ? file.mode | 0440 : file.mode);
}

bool same(const std::string& data, const std::vector<File>& files, Ownership owner) {
    std::size_t standing = 0;
    std::error_code error;
    for (const auto& entry : fs::recursive_directory_iterator(data, error)) standing += entry.is_directory() ? 0 : 1;
    if (error || standing != files.size()) return false;
    for (const auto& file : files) {
        struct stat info {};
        const auto path = data + "/" + file.path;
        if (::stat(path.c_str(), &info) != 0 || (info.st_mode & 07777) != mode_of(file, owner)) return false;
        const auto text = read_file(path);
        if (!text || *text != file.content) return false;
    }
    return true;
}

base::Result<void> put(const std::string& data, const File& file, Ownership owner) {
    const auto path = data + "/" + file.path;
    TRY(make_folders(fs::path(path).parent_path(), 0755));
    const Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!fd) return fail_errno(path);
    if (::write(fd.get(), file.content.data(), file.content.size()) != std::ssize(file.content))
        return fail_errno(path);
    const auto uid = file.uid >= 0 ? file.uid : owner.uid;
    if ((uid >= 0 || owner.gid >= 0) && ::fchown(fd.get(), static_cast<uid_t>(uid), static_cast<gid_t>(owner.gid)) != 0)
        return fail_errno(path);
    if (::fchmod(fd.get(), mode_of(file, owner)) != 0) return fail_errno(path);
    return {};
}

base::Result<void> link_over(const std::string& target, const std::string& link) {
    const auto fresh = link + "_tmp";
    ::unlink(fresh.c_str());
    if (::symlink(target.c_str(), fresh.c_str()) != 0 || ::rename(fresh.c_str(), link.c_str()) != 0)
        return fail_errno(link);
    return {};
}

}  // namespace

base::Result<void> project_files(const std::string& folder, const std::vector<File>& files, Ownership owner) {
    for (const auto& file : files) {
        if (!inside(file.path)) return base::fail(base::Code::invalid, "a volume's file leads out of it: " + file.path);
    }
    std::error_code ignored;
    const auto old = fs::read_symlink(folder + "/..data", ignored).string();
    if (!old.empty() && same(folder + "/" + old, files, owner)) return {};

    auto stamp = base::rfc3339_nano(std::chrono::time_point_cast<base::Duration>(std::chrono::system_clock::now()));
    std::ranges::replace_if(stamp, [](char c) { return c == '-' || c == ':' || c == 'T' || c == 'Z'; }, '_');
    const auto name = ".." + stamp;
    TRY(make_folders(folder + "/" + name, 0755));
    for (const auto& file : files) TRY(put(folder + "/" + name, file, owner));
    TRY(link_over(name, folder + "/..data"));
    std::set<std::string> tops;
    for (const auto& file : files) tops.insert(fs::path(file.path).lexically_normal().begin()->string());
    for (const auto& top : tops) {
        const auto link = folder + "/" + top;
        if (!fs::is_symlink(link, ignored)) TRY(link_over("..data/" + top, link));
    }
    std::vector<fs::path> stale;
    for (const auto& entry : fs::directory_iterator(folder, ignored)) {
        const auto entry_name = entry.path().filename().string();
        if (entry_name == "..data" || entry_name == name || tops.contains(entry_name)) continue;
        stale.push_back(entry.path());
    }
    for (const auto& path : stale) fs::remove_all(path, ignored);
    if (owner.gid >= 0 && ::chown(folder.c_str(), static_cast<uid_t>(-1), static_cast<gid_t>(owner.gid)) != 0)
        return fail_errno(folder);
    const auto mode = static_cast<mode_t>(owner.folder_mode | (owner.gid >= 0 ? 02000 : 0));
    if (::chmod(folder.c_str(), mode) != 0) return fail_errno(folder);
    return {};
}

}  // namespace edge
