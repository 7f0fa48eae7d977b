// Text of /etc/hosts and /etc/resolv.conf.
#include "node/pod_files.h"

#include <algorithm>
#include <sstream>

#include "node/encoding.h"

namespace node {
namespace {

/// Limits of resolv.conf that the kubelet keeps.
constexpr std::size_t nameservers_max = 3, searches_max = 32;

std::vector<std::string> words_of(std::string_view line) {
    std::istringstream in{std::string(line)};
    std::vector<std::string> words;
    for (std::string word; in >> word;) words.push_back(word);
    return words;
}

struct Resolver {
    std::vector<std::string> nameservers, searches, options;

    static Resolver parse(std::string_view text) {
        Resolver result;
        for (const auto line : lines_of(text)) {
            const auto words = words_of(line);
            if (words.size() < 2) continue;
            if (words[0] == "nameserver") result.nameservers.push_back(words[1]);
            if (words[0] == "search") result.searches.assign(words.begin() + 1, words.end());
            if (words[0] == "options") result.options.assign(words.begin() + 1, words.end());
        }
        return result;
    }

    void add(Ref config) {
        const auto append = [](std::vector<std::string>& list, std::string_view word) {
            if (std::ranges::find(list, word) == list.end()) list.emplace_back(word);
        };
        for (const Ref server : config["nameservers"].items()) append(nameservers, server.str());
        for (const Ref search : config["searches"].items()) append(searches, search.str());
        for (const Ref option : config["options"].items()) {
            const std::string name(option["name"].str());
            std::erase_if(options, [&](const std::string& o) { return o == name || o.starts_with(name + ":"); });
            const auto value = option["value"].str();
            options.push_back(value.empty() ? name : name + ":" + std::string(value));
        }
    }

    std::string text() {
        searches.resize(std::min(searches.size(), searches_max));
        nameservers.resize(std::min(nameservers.size(), nameservers_max));
        std::string result;
        const auto line = [&](std::string_view head, const std::vector<std::string>& list) {
            if (list.empty()) return;
            result += head;
            for (const auto& word : list) result += " " + word;
            result += "\n";
        };
        line("search", searches);
        for (const auto& server : nameservers) result += "nameserver " + server + "\n";
        line("options", options);
        return result;
    }
};

}  // namespace

std::string hosts_file(const PodView& pod, std::string_view pod_ip, std::string_view cluster_domain,
                       std::string_view host_file) {
    std::string text;
    if (pod.host_network) {
        text = "# Kubernetes-managed hosts file (host network).\n" + std::string(host_file);
    } else {
        text =
            "# Kubernetes-managed hosts file.\n"
            "127.0.0.1\tlocalhost\n"
            "::1\tlocalhost ip6-localhost ip6-loopback\n"
            "fe00::0\tip6-localnet\n"
            "fe00::0\tip6-mcastprefix\n"
            "fe00::1\tip6-allnodes\n"
            "fe00::2\tip6-allrouters\n";
        const auto host = pod.hostname();
        const auto domain = pod.domain(cluster_domain);
        text += std::string(pod_ip) + "\t" + (domain.empty() ? host : host + "." + domain + "\t" + host) + "\n";
    }
    const auto& aliases = pod.spec["hostAliases"].items();
    if (aliases.empty()) return text;
    text += "\n# Entries added by HostAliases.\n";
    for (const Ref alias : aliases) {
        text += alias["ip"].str();
        for (const Ref name : alias["hostnames"].items()) text += "\t" + std::string(name.str());
        text += "\n";
    }
    return text;
}

std::string resolv_conf(const PodView& pod, const DnsSettings& dns, std::string_view host_file) {
    const auto policy = pod.spec["dnsPolicy"].str("ClusterFirst");
    auto host = Resolver::parse(host_file);
    Resolver result;
    const bool cluster = !dns.service_ip.empty() &&
                         (policy == "ClusterFirstWithHostNet" || (policy == "ClusterFirst" && !pod.host_network));
    if (cluster) {
        result.nameservers = {dns.service_ip};
        result.searches = {pod.ns + ".svc." + dns.cluster_domain, "svc." + dns.cluster_domain, dns.cluster_domain};
        result.searches.insert(result.searches.end(), host.searches.begin(), host.searches.end());
        result.options = {"ndots:5"};
    } else if (policy != "None") {
        if (!pod.spec["dnsConfig"]) return std::string(host_file);
        result = std::move(host);
    }
    result.add(pod.spec["dnsConfig"]);
    return result.text();
}

}  // namespace node
