// Folders, links and mounts of pods.
#include "edge/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "edge/fd.h"
#include "edge/projection.h"
#include "edge/sub_path.h"

namespace edge {
namespace {

namespace fs = std::filesystem;
constexpr long tmpfs_magic = 0x01021994;

bool is_tmpfs(const std::string& path) {
    struct statfs info {};
    return ::statfs(path.c_str(), &info) == 0 && info.f_type == tmpfs_magic;
}

/// Whether a mount of its own stands at `path`.
bool mounted(const std::string& path) {
    struct stat own {
    }, above{};
    return ::stat(path.c_str(), &own) == 0 && ::stat(fs::path(path).parent_path().c_str(), &above) == 0 &&
           own.st_dev != above.st_dev;
}

base::Result<void> mount_tmpfs(const std::string& path, std::int64_t size_bytes, const char* mode) {
    if (mounted(path) && is_tmpfs(path)) return {};
    const auto options = fmt::format("mode={}{}", mode, size_bytes > 0 ? fmt::format(",size={}", size_bytes) : "");
    if (::mount("tmpfs", path.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, options.c_str()) != 0)
        return fail_errno("mounting " + path);
    return {};
}

const char* kind_of(mode_t mode) {
    if (S_ISDIR(mode)) return "a directory";
    if (S_ISREG(mode)) return "a file";
    if (S_ISSOCK(mode)) return "a socket";
    if (S_ISCHR(mode)) return "a character device";
    if (S_ISBLK(mode)) return "a block device";
    return "something else";
}

void unmount_below(const std::string& folder) {
    for (const auto& mount : mounts_below(folder)) ::umount2(mount.c_str(), MNT_DETACH);
}

}  // namespace

bool plain_name(const std::string& name) {
    return !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos;
}

Files::Files(EdgeSettings settings) : settings_(std::move(settings)) {
    // What an earlier daemon had begun to remove. The folder itself stays: a pod may be on its way into it.
    workers_.submit("trash", Workers::Weight::light, [path = trash()] {
        std::error_code ignored;
        if (!mounts_below(path).empty()) return;
        for (const auto& entry : fs::directory_iterator(path, ignored)) fs::remove_all(entry.path(), ignored);
    });
}

base::Result<std::string> Files::memory_folder(const std::string& pod_uid) {
    const auto folder = pod_folder(pod_uid) + "/memory";
    if (mounted(folder)) return folder;
    TRY(make_folders(folder, 0755));
    TRY(mount_tmpfs(folder, 0, "0755"));
    return folder;
}

base::Result<std::string> Files::project(const std::string& pod_uid, const std::string& volume,
                                         const std::vector<File>& files, Ownership owner) {
    if (!plain_name(pod_uid) || !plain_name(volume))
        return base::fail(base::Code::invalid, "not a volume's name: " + volume);
    const auto folder = TRY(memory_folder(pod_uid)) + "/" + volume;
    TRY(make_folders(folder, 0755));
    TRY(project_files(folder, files, owner));
    return folder;
}

base::Result<std::string> Files::empty_dir(const std::string& pod_uid, const std::string& volume,
                                           const std::string& medium, std::int64_t size_bytes, Ownership owner) {
    if (!plain_name(pod_uid) || !plain_name(volume))
        return base::fail(base::Code::invalid, "not a volume's name: " + volume);
    const auto folder = pod_folder(pod_uid) + "/volumes/" + volume;
    const bool fresh = ::access(folder.c_str(), F_OK) != 0;
    TRY(make_folders(folder, 0755));
    if (medium == "Memory") TRY(mount_tmpfs(folder, size_bytes, "1777"));
    if (!fresh && medium != "Memory") return folder;  // the containers' own by now
    const mode_t mode = medium == "Memory" ? 01777 : 0777;
    if (::chmod(folder.c_str(), mode) != 0) return fail_errno(folder);
    const auto uid = static_cast<uid_t>(owner.uid);
    const auto gid = static_cast<gid_t>(owner.gid);
    if ((owner.gid >= 0 || owner.uid >= 0) && ::chown(folder.c_str(), uid, gid) != 0) return fail_errno(folder);
    if (owner.gid >= 0 && ::chmod(folder.c_str(), mode | 02000) != 0)
        return fail_errno(folder);  // chown takes setgid away
    return folder;
}

base::Result<void> Files::host_path(const std::string& path, const std::string& type) {
    struct stat info {};
    bool there = ::stat(path.c_str(), &info) == 0;
    if (!there && type == "DirectoryOrCreate") {
        TRY(make_folders(path, 0755));
    } else if (!there && type == "FileOrCreate") {
        const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
        if (!file) return fail_errno(path);
    }
    if (type.empty()) return {};
    there = ::stat(path.c_str(), &info) == 0;
    const auto wants = [&](const char* what, bool is) -> base::Result<void> {
        if (!there)
            return base::fail(base::Code::not_found,
                              fmt::format("hostPath type check failed: {} is not {}: it does not exist", path, what));
        if (!is)
            return base::fail(base::Code::invalid, fmt::format("hostPath type check failed: {} is not {}: it is {}",
                                                               path, what, kind_of(info.st_mode)));
        return {};
    };
    if (type.starts_with("Directory")) return wants("a directory", S_ISDIR(info.st_mode));
    if (type.starts_with("File")) return wants("a file", S_ISREG(info.st_mode));
    if (type == "Socket") return wants("a socket file", S_ISSOCK(info.st_mode));
    if (type == "CharDevice") return wants("a character device", S_ISCHR(info.st_mode));
    if (type == "BlockDevice") return wants("a block device", S_ISBLK(info.st_mode));
    return base::fail(base::Code::invalid, "unknown hostPath type: " + type);
}

base::Result<std::string> Files::write(const std::string& pod_uid, const std::string& name, const std::string& content,
                                       int mode) {
    const auto relative = fs::path(name).lexically_normal();
    if (!plain_name(pod_uid) || relative.is_absolute() || relative.empty() || *relative.begin() == "..") {
        return base::fail(base::Code::invalid, "not a pod's file: " + name);
    }
    const auto path = pod_folder(pod_uid) + "/files/" + relative.string();
    TRY(make_folders(fs::path(path).parent_path(), 0755));
    // In place, not by rename: the file may be bound into containers already.
    const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode));
    if (!file) return fail_errno(path);
    ::fchmod(file.get(), static_cast<mode_t>(mode));
    if (::write(file.get(), content.data(), content.size()) != std::ssize(content)) return fail_errno(path);
    return path;
}

std::string Files::read_tail(const std::string& path, std::size_t bytes_max) {
    // A container may have put anything there: no link is followed, no FIFO waited for.
    const Fd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat info {};
    if (!file || ::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) return {};
    const auto size = static_cast<std::size_t>(info.st_size);
    std::string text(std::min(size, bytes_max), '\0');
    const auto got = ::pread(file.get(), text.data(), text.size(), static_cast<off_t>(size - text.size()));
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return text;
}

base::Result<std::string> Files::sub_path(const std::string& volume_path, const std::string& sub) {
    const auto below = volume_path.substr(0, settings_.volumes_dir().size() + 1) == settings_.volumes_dir() + "/";
    const auto uid = below ? volume_path.substr(settings_.volumes_dir().size() + 1,
                                                volume_path.find('/', settings_.volumes_dir().size() + 1) -
                                                    settings_.volumes_dir().size() - 1)
                           : std::string("host");
    return bind_sub_path(volume_path, sub, settings_.volumes_dir() + "/" + uid + "/subpaths");
}

void Files::remove_pod(const std::string& pod_uid) {
    if (!plain_name(pod_uid)) return;
    const auto folder = pod_folder(pod_uid);
    unmount_below(folder);
    if (!mounts_below(folder).empty()) return;  // a later call finds it free
    std::error_code error;
    fs::create_directories(trash(), error);
    const auto doomed = trash() + "/" + pod_uid;
    fs::rename(folder, doomed, error);
    workers_.submit("trash", Workers::Weight::light, [doomed, log_dir = settings_.log_dir, ending = "_" + pod_uid] {
        std::error_code ignored;
        if (mounts_below(doomed).empty()) fs::remove_all(doomed, ignored);
        for (const auto& entry : fs::directory_iterator(log_dir, ignored)) {
            if (entry.path().filename().string().ends_with(ending)) fs::remove_all(entry.path(), ignored);
        }
    });
}

void Files::remove_log(const std::string& path) {
    std::error_code ignored;
    const auto rotated = fs::path(path).filename().string() + ".";
    std::vector<fs::path> doomed{path};
    for (const auto& entry : fs::directory_iterator(fs::path(path).parent_path(), ignored)) {
        if (entry.path().filename().string().starts_with(rotated)) doomed.push_back(entry.path());
    }
    for (const auto& file : doomed) fs::remove(file, ignored);
}

std::string Files::log_path(const std::string& ns, const std::string& pod, const std::string& uid,
                            const std::string& container, int attempt) {
    const auto folder = fmt::format("{}/{}_{}_{}/{}", settings_.log_dir, ns, pod, uid, container);
    (void)make_folders(folder, 0755);  // opening the log says what is wrong
    return fmt::format("{}/{}.log", folder, attempt);
}

}  // namespace edge
