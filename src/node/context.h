// What every part of the node is given: the loop, the API, the ports, the settings and the shared parts.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <string>

#include "base/rng.h"
#include "node/environment.h"
#include "node/pod_files.h"
#include "node/pod_machine.h"
#include "node/runtime.h"
#include "run/loop.h"
#include "verbs/api.h"

namespace node {

struct Ports {
    Runtime& runtime;
    Prober& prober;
    Files& files;
    Traffic& traffic;
    Tokens& tokens;
};

/// What Node.status.nodeInfo says of this machine; the platform fills it in.
struct MachineInfo {
    std::string architecture = "amd64", boot_id, machine_id, system_uuid, kernel_version, os_image;
    std::string runtime_version = "containerd://1.6.20", version = "v1.36.2";
};

struct Settings {
    std::string node_name, host_ip;
    std::map<std::string, std::string> labels;  ///< beside kubernetes.io/hostname, os and arch
    std::string cpu = "1", memory = "1Gi", ephemeral_storage = "10Gi";
    int pods_max = 110;
    DnsSettings dns;
    std::string hosts_path = "/etc/hosts";              ///< of the host network; no symbolic link
    std::string resolv_conf_path = "/etc/resolv.conf";  ///< what dnsPolicy Default means; no symbolic link
    MachineInfo machine;
    Times times;
    int starts_max = 4;                                  ///< containers being started at once
    Duration lease_interval = std::chrono::seconds(20);  ///< of a lease that lasts 40 s
    Duration volume_retry_first = std::chrono::milliseconds(500), volume_retry_max = std::chrono::seconds(122);
    Duration config_retry = std::chrono::seconds(10);            ///< after an error in a container's config
    Duration probe_retry_first = std::chrono::milliseconds(10);  ///< of a readiness probe until its first success
};

/// Lets a bounded number of container starts run at once, first come first served.
class StartGate {
 public:
    explicit StartGate(int at_once) : free_(at_once) {}
    void enter(run::Callback start) {
        if (free_ > 0) {
            --free_;
            start();
        } else {
            waiting_.push_back(std::move(start));
        }
    }
    /// One start is over; the next one may go.
    void leave() {
        if (waiting_.empty()) {
            ++free_;
            return;
        }
        auto next = std::move(waiting_.front());
        waiting_.pop_front();
        next();
    }

 private:
    int free_;
    std::deque<run::Callback> waiting_;  ///< bounded by the containers of the pods on this node
};

class Events;
class Images;

struct Context {
    run::Loop& loop;
    verbs::Api& api;
    Ports ports;
    const Settings& settings;
    Events& events;
    Images& images;
    StartGate& starts;
    base::Rng& rng;
};

/// Lookups in the store for one pod.
Sources sources_for(const Context& context, const PodView& pod, const std::string& pod_ip);

}  // namespace node
