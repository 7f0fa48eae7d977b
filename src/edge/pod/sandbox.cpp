// Namespaces are unshared by a thread of their own, which pins them and ends: a namespace belongs to a thread, so
// nothing is forked and nobody else is moved.
#include "edge/pod/sandbox.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <filesystem>
#include <thread>

#include "edge/fd.h"
#include "edge/pod/netlink.h"

namespace edge {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
constexpr long nsfs_magic = 0x6e736673;

json::value to_json(const PodRecord& pod) {
    json::object labels;
    for (const auto& [key, value] : pod.labels) labels[key] = value;
    return {{"uid", pod.uid},
            {"namespace", pod.ns},
            {"name", pod.name},
            {"hostname", pod.hostname},
            {"ip", pod.ip},
            {"cgroup", pod.cgroup},
            {"hostNetwork", pod.host_network},
            {"hostPID", pod.host_pid},
            {"hostIPC", pod.host_ipc},
            {"shareProcesses", pod.share_processes},
            {"labels", labels}};
}

std::optional<PodRecord> from_json(const std::string& text) {
    boost::system::error_code error;
    const auto value = json::parse(text, error);
    const auto* o = error ? nullptr : value.if_object();
    if (!o) return {};
    const auto str = [&](const char* key) {
        const auto* s = o->if_contains(key);
        return s && s->is_string() ? std::string(s->get_string()) : std::string();
    };
    const auto flag = [&](const char* key) {
        const auto* b = o->if_contains(key);
        return b && b->is_bool() && b->get_bool();
    };
    PodRecord pod{.uid = str("uid"),
                  .ns = str("namespace"),
                  .name = str("name"),
                  .hostname = str("hostname"),
                  .ip = str("ip"),
                  .cgroup = str("cgroup"),
                  .host_network = flag("hostNetwork"),
                  .host_pid = flag("hostPID"),
                  .host_ipc = flag("hostIPC"),
                  .share_processes = flag("shareProcesses")};
    if (const auto* labels = o->if_contains("labels"); labels && labels->is_object()) {
        for (const auto& [key, label] : labels->get_object()) {
            if (label.is_string()) pod.labels[std::string(key)] = std::string(label.get_string());
        }
    }
    return pod;
}

bool pinned(const std::string& path) {
    struct statfs info {};
    return ::statfs(path.c_str(), &info) == 0 && info.f_type == nsfs_magic;
}

base::Result<void> pin(const char* kind, const std::string& folder) {
    const auto target = folder + "/" + kind;
    const Fd file(::open(target.c_str(), O_CREAT | O_RDONLY | O_CLOEXEC, 0444));
    if (!file) return fail_errno(target);
    const auto source = fmt::format("/proc/thread-self/ns/{}", kind);
    if (::mount(source.c_str(), target.c_str(), nullptr, MS_BIND, nullptr) != 0) return fail_errno("pinning " + target);
    return {};
}

base::Result<void> write_sysctls(const std::map<std::string, std::string>& sysctls) {
    for (const auto& [name, value] : sysctls) {
        auto path = name;
        std::ranges::replace(path, '.', '/');
        if (path.find("..") != std::string::npos) return base::fail(base::Code::invalid, "no such sysctl: " + name);
        if (auto written = write_control("/proc/sys/" + path, value); !written) {
            return base::fail(base::Code::invalid, "sysctl " + name + ": " + written.error().message);
        }
    }
    return {};
}

void drop_pins(const std::string& folder) {
    for (const char* kind : {"net", "ipc", "uts", "shm"}) {
        const auto path = folder + "/" + kind;
        while (::umount2(path.c_str(), MNT_DETACH) == 0) {
        }
    }
}

}  // namespace

std::string link_name(const std::string& uid) {
    std::uint64_t hash = 0xcbf29ce484222325ULL;  // FNV-1a
    for (const unsigned char c : uid) hash = (hash ^ c) * 0x100000001b3ULL;
    return fmt::format("sw{:012x}", hash & 0xffffffffffffULL);
}

base::Result<std::unique_ptr<Sandboxes>> Sandboxes::create(const EdgeSettings& settings, const Cgroups& cgroups) {
    auto ipam = TRY(Ipam::create(settings.pod_cidr));
    TRY(make_folders(settings.pods_dir(), 0711));
    return std::unique_ptr<Sandboxes>(new Sandboxes(settings, cgroups, std::move(ipam)));
}

base::Result<void> Sandboxes::make_bridge() {
    auto netlink = TRY(Netlink::open());
    int index = TRY(netlink.index_of(settings_.bridge));
    if (index == 0) {
        TRY(netlink.add_bridge(settings_.bridge));
        index = TRY(netlink.index_of(settings_.bridge));
    }
    const auto gateway = TRY(parse_ipv4(ipam_.gateway()));
    TRY(netlink.add_address(index, gateway, ipam_.prefix()));
    TRY(netlink.set_up(index));
    const auto services = TRY(parse_cidr(settings_.service_cidr));
    TRY(netlink.add_route(index, {.destination = services.network, .prefix = services.prefix, .source = gateway}));
    if (const int lo = TRY(netlink.index_of("lo")); lo != 0) TRY(netlink.set_up(lo));
    TRY(write_control("/proc/sys/net/ipv4/ip_forward", "1"));
    // A NodePort on 127.0.0.1 is routed to pods; packets that stay on the bridge must meet the service rules too.
    TRY(write_control("/proc/sys/net/ipv4/conf/" + settings_.bridge + "/route_localnet", "1"));
    (void)write_control("/proc/sys/net/bridge/bridge-nf-call-iptables", "1");
    return {};
}

void Sandboxes::adopt() {
    std::error_code ignored;
    const std::lock_guard lock(mutex_);
    for (const auto& entry : fs::directory_iterator(settings_.pods_dir(), ignored)) {
        const auto text = read_file(entry.path().string() + "/pod.json");
        const auto pod = text ? from_json(*text) : std::nullopt;
        if (!pod || pod->uid != entry.path().filename()) continue;
        pods_[pod->uid] = *pod;
        if (!pod->host_network) (void)ipam_.adopt(pod->uid, pod->ip);
    }
}

base::Result<std::string> Sandboxes::address_for(const node::PodSetup& setup) {
    if (setup.host_network) {
        auto netlink = TRY(Netlink::open());
        return ipv4_text(TRY(netlink.host_address()));
    }
    const std::lock_guard lock(mutex_);
    return ipam_.take(setup.uid);
}

base::Result<void> Sandboxes::join_network(int netns, const std::string& uid, const std::string& ip) {
    auto netlink = TRY(Netlink::open());
    const int master = TRY(netlink.index_of(settings_.bridge));
    if (master == 0) return base::fail(base::Code::unavailable, "the bridge " + settings_.bridge + " is gone");
    const VethPair pair{.host_name = link_name(uid),
                        .master = master,
                        .peer_name = "eth0",
                        .peer_address = TRY(parse_ipv4(ip)),
                        .peer_netns = netns};
    if (const int old = TRY(netlink.index_of(pair.host_name)); old != 0) TRY(netlink.delete_link(old));
    TRY(netlink.add_veth(pair));
    return netlink.set_hairpin(TRY(netlink.index_of(pair.host_name)));
}

/// On a thread that nobody else uses: it leaves its namespaces for ever.
base::Result<void> Sandboxes::make_namespaces(const node::PodSetup& setup, const std::string& folder,
                                              const std::string& ip) {
    const bool own_net = !setup.host_network, own_ipc = !setup.host_ipc;
    Fd host_net(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    const int flags = (own_net ? CLONE_NEWNET | CLONE_NEWUTS : 0) | (own_ipc ? CLONE_NEWIPC : 0);
    if (::unshare(flags) != 0) return fail_errno("making the pod's namespaces");
    if (own_ipc) TRY(pin("ipc", folder));
    TRY(own_net ? base::Result<void>() : write_sysctls(setup.sysctls));
    if (!own_net) return {};
    if (::sethostname(setup.hostname.c_str(), setup.hostname.size()) != 0) return fail_errno("sethostname");
    TRY(pin("uts", folder));
    TRY(pin("net", folder));
    const Fd netns(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    if (!netns || ::setns(host_net.get(), CLONE_NEWNET) != 0) return fail_errno("namespaces");
    TRY(join_network(netns.get(), setup.uid, ip));
    if (::setns(netns.get(), CLONE_NEWNET) != 0) return fail_errno("namespaces");
    auto inside = TRY(Netlink::open());
    TRY(inside.set_up(TRY(inside.index_of("lo"))));
    const int eth0 = TRY(inside.index_of("eth0"));
    TRY(inside.add_address(eth0, TRY(parse_ipv4(ip)), ipam_.prefix()));
    TRY(inside.set_up(eth0));
    TRY(inside.add_route(eth0, {.gateway = TRY(parse_ipv4(ipam_.gateway()))}));
    return write_sysctls(setup.sysctls);
}

base::Result<PodRecord> Sandboxes::make(const node::PodSetup& setup) {
    const auto here = folder(setup.uid);
    if (const auto known = find(setup.uid)) {
        const bool stands =
            (known->host_network || pinned(here + "/net")) && (known->host_ipc || pinned(here + "/ipc"));
        if (stands) return *known;
        drop_pins(here);  // a reboot or a crash half-way
    }
    PodRecord pod{.uid = setup.uid,
                  .ns = setup.ns,
                  .name = setup.name,
                  .hostname = setup.hostname,
                  .ip = TRY(address_for(setup)),
                  .cgroup = pod_cgroup(settings_.cgroup_root, setup.qos, setup.uid),
                  .host_network = setup.host_network,
                  .host_pid = setup.host_pid,
                  .host_ipc = setup.host_ipc,
                  .share_processes = setup.share_process_namespace,
                  .labels = setup.labels};
    TRY(make_folders(here, 0711));
    // The record first: whatever happens from here on is found and removed by a later daemon.
    TRY(write_file(here + "/pod.json", json::serialize(to_json(pod)), 0600));
    {
        const std::lock_guard lock(mutex_);
        pods_[pod.uid] = pod;
    }
    TRY(cgroups_.make(pod.cgroup, {.cpu_shares = setup.cpu_shares,
                                   .cpu_quota_us = setup.cpu_quota_us,
                                   .memory_bytes = setup.memory_limit_bytes}));
    base::Result<void> made;
    std::thread([&] { made = make_namespaces(setup, here, pod.ip); }).join();
    TRY(std::move(made));
    if (!setup.host_ipc) {
        TRY(make_folders(here + "/shm", 01777));
        if (::mount("shm", (here + "/shm").c_str(), "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
                    "mode=1777,size=67108864") != 0) {
            return fail_errno("mounting the pod's /dev/shm");
        }
    }
    return pod;
}

base::Result<void> Sandboxes::remove(const std::string& uid) {
    if (uid.empty() || uid.find('/') != std::string::npos)
        return base::fail(base::Code::bad_request, "not a pod uid: " + uid);
    const auto here = folder(uid);
    drop_pins(here);
    if (const auto known = find(uid)) TRY(cgroups_.remove(known->cgroup));
    // Only folders without mounts are deleted: a mount point's removal would detach the mount for the whole machine.
    if (mounts_below(here).empty()) {
        std::error_code error;
        fs::remove_all(here, error);
        if (error) return base::fail(base::Code::internal, here + ": " + error.message());
    }
    const std::lock_guard lock(mutex_);
    ipam_.release(uid);
    pods_.erase(uid);
    return {};
}

std::optional<PodRecord> Sandboxes::find(const std::string& uid) const {
    const std::lock_guard lock(mutex_);
    const auto found = pods_.find(uid);
    return found == pods_.end() ? std::nullopt : std::optional(found->second);
}

std::vector<PodRecord> Sandboxes::all() const {
    const std::lock_guard lock(mutex_);
    std::vector<PodRecord> pods;
    for (const auto& [uid, pod] : pods_) pods.push_back(pod);
    return pods;
}

void Sandboxes::wipe(const EdgeSettings& settings) {
    for (const auto& mount : mounts_below(settings.pods_dir())) ::umount2(mount.c_str(), MNT_DETACH);
    std::error_code ignored;
    auto netlink = Netlink::open();
    for (const auto& entry : fs::directory_iterator(settings.pods_dir(), ignored)) {
        if (!netlink) break;
        const auto index = netlink->index_of(link_name(entry.path().filename()));
        if (index && *index != 0) (void)netlink->delete_link(*index);
    }
    if (mounts_below(settings.pods_dir()).empty()) fs::remove_all(settings.pods_dir(), ignored);
    if (!netlink) return;
    const auto bridge = netlink->index_of(settings.bridge);
    if (bridge && *bridge != 0) (void)netlink->delete_link(*bridge);
}

}  // namespace edge
