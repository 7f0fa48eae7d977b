// openat2 with RESOLVE_BENEATH, one component at a time where folders are made.
#include "edge/sub_path.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <functional>

#include "edge/fd.h"

namespace edge {
namespace {

Fd open_beneath(int folder, const std::string& path) {
    open_how how{};
    how.flags = O_PATH | O_CLOEXEC;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    return Fd(static_cast<int>(::syscall(SYS_openat2, folder, path.c_str(), &how, sizeof how)));
}

/// With the volume's own mode, as a kubelet makes them: who may write to the volume may write here.
base::Result<void> make_folder(const Fd& above, const std::string& name, const std::string& volume) {
    struct stat info {};
    if (!above || ::stat(volume.c_str(), &info) != 0) return fail_errno(volume);
    if (::mkdirat(above.get(), name.c_str(), 0755) != 0) {
        if (errno == EEXIST) return {};
        return fail_errno(volume + "/" + name);
    }
    const Fd made(::openat(above.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!made || ::fchmod(made.get(), info.st_mode & 07777) != 0) return fail_errno(volume + "/" + name);
    return {};
}

std::unexpected<base::Error> leads_out(const std::string& sub) {
    return base::fail(base::Code::invalid, "subPath \"" + sub + "\" leads out of its volume");
}

}  // namespace

base::Result<std::string> bind_sub_path(const std::string& volume, const std::string& sub, const std::string& binds) {
    const auto wanted = std::filesystem::path(sub).lexically_normal();
    if (wanted.is_absolute() || wanted.empty() || *wanted.begin() == "..") return leads_out(sub);
    const Fd root(::open(volume.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!root) return fail_errno(volume);
    Fd place;
    std::filesystem::path done;
    for (const auto& part : wanted) {
        if (part.empty()) continue;
        const auto next = done / part;
        place = open_beneath(root.get(), next);
        if (!place && errno == ENOENT) {
            TRY(make_folder(done.empty() ? open_beneath(root.get(), ".") : open_beneath(root.get(), done), part,
                            volume));
            place = open_beneath(root.get(), next);
        }
        if (!place && (errno == EXDEV || errno == ELOOP)) return leads_out(sub);
        if (!place) return fail_errno(volume + "/" + next.string());
        done = next;
    }
    struct stat info {};
    if (::fstat(place.get(), &info) != 0) return fail_errno(sub);
    const auto target = fmt::format("{}/{:016x}", binds, std::hash<std::string>{}(volume + "\n" + wanted.string()));
    TRY(make_folders(binds, 0755));
    while (::umount2(target.c_str(), MNT_DETACH) == 0) {  // of an earlier start: the volume's files may have changed
    }
    if (S_ISDIR(info.st_mode)) {
        TRY(make_folders(target, 0755));
    } else if (const Fd file(::open(target.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644)); !file) {
        return fail_errno(target);
    }
    const auto source = fmt::format("/proc/self/fd/{}", place.get());
    if (::mount(source.c_str(), target.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0)
        return fail_errno("binding " + sub);
    return target;
}

}  // namespace edge
