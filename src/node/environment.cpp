// Environment variables in upstream's order: envFrom, env, then services; references and $(VAR) expansion.
#include "node/environment.h"

#include <algorithm>

#include "node/encoding.h"
#include "node/resources.h"

namespace node {
namespace {

using base::Code;
using base::Result;

/// Keeps the first position and the last value of each name.
class Collected {
 public:
    void set(const std::string& name, std::string value) {
        const auto [at, fresh] = index_.try_emplace(name, list_.size());
        if (fresh)
            list_.emplace_back(name, std::move(value));
        else
            list_[at->second].second = std::move(value);
    }
    const std::string* find(const std::string& name) const {
        const auto at = index_.find(name);
        return at == index_.end() ? nullptr : &list_[at->second].second;
    }
    Variables take() { return std::move(list_); }

 private:
    Variables list_;
    std::map<std::string, std::size_t> index_;
};

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

class Builder {
 public:
    Builder(const PodView& pod, const ContainerView& container, const Sources& sources)
        : pod_(pod), container_(container), sources_(sources) {}

    Result<Variables> build() {
        services();
        for (const Ref from : container_.spec["envFrom"].items()) TRY(add_all(from));
        for (const Ref variable : container_.spec["env"].items()) TRY(add(variable));
        for (auto& [name, value] : services_.take())
            if (!variables_.find(name)) variables_.set(name, std::move(value));
        return variables_.take();
    }

 private:
    void services() {
        if (sources_.api_service)
            for (auto& [name, value] : service_variables(*sources_.api_service)) services_.set(name, std::move(value));
        if (!pod_.spec["enableServiceLinks"].flag(true)) return;
        for (const auto& service : sources_.services)
            for (auto& [name, value] : service_variables(*service)) services_.set(name, std::move(value));
    }

    Result<void> add_all(Ref from) {
        const auto prefix = from["prefix"].str();
        if (const auto map = from["configMapRef"]) {
            const auto found = sources_.config_map(pod_.ns, map["name"].str());
            if (!found && !map["optional"].flag()) return missing("configmap", map["name"].str());
            if (found)
                for (const auto& [key, value] : (*found)["data"].members()) keep(prefix, key, Ref(value).str());
        }
        if (const auto secret = from["secretRef"]) {
            const auto found = sources_.secret(pod_.ns, secret["name"].str());
            if (!found && !secret["optional"].flag()) return missing("secret", secret["name"].str());
            if (found)
                for (const auto& [key, value] : (*found)["data"].members())
                    keep(prefix, key, decode_base64(Ref(value).str()));
        }
        return {};
    }
    void keep(std::string_view prefix, std::string_view key, std::string_view value) {
        variables_.set(std::string(prefix) + std::string(key), std::string(value));
    }

    static Result<void> missing(std::string_view what, std::string_view name) {
        return base::fail(Code::not_found, std::string(what) + " " + quoted(name) + " not found");
    }

    Result<void> add(Ref variable) {
        const std::string name(variable["name"].str());
        const auto from = variable["valueFrom"];
        if (!from) {
            variables_.set(name, expand(variable["value"].str(), [this](const std::string& wanted) {
                               const auto* found = variables_.find(wanted);
                               return found ? found : services_.find(wanted);
                           }));
            return {};
        }
        const auto value = TRY(referenced(from));
        if (value) variables_.set(name, *value);
        return {};
    }

    using Maybe = std::optional<std::string>;
    Result<Maybe> referenced(Ref from) {
        if (const auto field = from["fieldRef"])
            return Maybe(TRY(field_value(pod_, sources_, field["fieldPath"].str())));
        if (const auto resource = from["resourceFieldRef"])
            return Maybe(TRY(resource_value(pod_, resource, container_.name, sources_)));
        if (const auto key = from["configMapKeyRef"]) return config_map_key(key);
        if (const auto key = from["secretKeyRef"]) return secret_key(key);
        if (const auto key = from["fileKeyRef"]) return file_key(key);
        return Maybe();
    }

    Result<Maybe> config_map_key(Ref ref) {
        const bool optional = ref["optional"].flag();
        const auto found = sources_.config_map(pod_.ns, ref["name"].str());
        if (!found) {
            if (optional) return Maybe();
            return base::fail(Code::not_found, "configmap " + quoted(ref["name"].str()) + " not found");
        }
        const auto value = (*found)["data"][ref["key"].str()];
        if (!value.missing()) return Maybe(value.str());
        if (optional) return Maybe();
        return no_key(ref, "ConfigMap");
    }
    Result<Maybe> secret_key(Ref ref) {
        const bool optional = ref["optional"].flag();
        const auto found = sources_.secret(pod_.ns, ref["name"].str());
        if (!found) {
            if (optional) return Maybe();
            return base::fail(Code::not_found, "secret " + quoted(ref["name"].str()) + " not found");
        }
        const auto value = (*found)["data"][ref["key"].str()];
        if (!value.missing()) return Maybe(decode_base64(value.str()));
        if (optional) return Maybe();
        return no_key(ref, "Secret");
    }
    Result<Maybe> no_key(Ref ref, std::string_view kind) {
        return base::fail(Code::not_found, "couldn't find key " + std::string(ref["key"].str()) + " in " +
                                               std::string(kind) + " " + pod_.ns + "/" +
                                               std::string(ref["name"].str()));
    }
    /// KEY='value' lines of a file in an emptyDir.
    Result<Maybe> file_key(Ref ref) {
        const auto key = ref["key"].str();
        const auto text = sources_.file ? sources_.file(ref["volumeName"].str(), ref["path"].str())
                                        : base::fail(Code::not_found, "no volumes");
        if (text) {
            for (const auto line : lines_of(*text)) {
                const auto equals = line.find('=');
                if (equals == line.npos || line.substr(0, equals) != key) continue;
                auto value = line.substr(equals + 1);
                if (value.size() >= 2 && value.front() == '\'' && value.back() == '\'')
                    value = value.substr(1, value.size() - 2);
                return Maybe(value);
            }
        }
        if (ref["optional"].flag()) return Maybe();
        return base::fail(Code::not_found, "environment variable key " + quoted(key) + " not found in file " +
                                               quoted(ref["path"].str()));
    }

    const PodView& pod_;
    const ContainerView& container_;
    const Sources& sources_;
    Collected variables_, services_;
};

std::string shouted(std::string_view name) {
    std::string result(name);
    std::ranges::transform(result, result.begin(), [](char c) {
        return c == '-' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    return result;
}

}  // namespace

Result<Variables> environment(const PodView& pod, const ContainerView& container, const Sources& sources) {
    return Builder(pod, container, sources).build();
}

std::string expand(std::string_view text, const std::function<const std::string*(const std::string&)>& find) {
    std::string result;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '$' || at + 1 == text.size()) {
            result += text[at];
            continue;
        }
        if (text[at + 1] == '$') {
            result += '$';
            ++at;
            continue;
        }
        const auto end = text[at + 1] == '(' ? text.find(')', at) : text.npos;
        if (end == text.npos) {
            result += '$';
            continue;
        }
        const auto* found = find(std::string(text.substr(at + 2, end - at - 2)));
        result += found ? std::string_view(*found) : text.substr(at, end - at + 1);
        at = end;
    }
    return result;
}

std::string expand(std::string_view text, const Variables& variables) {
    return expand(text, [&](const std::string& name) -> const std::string* {
        const auto found =
            std::ranges::find(variables, name, [](const auto& v) -> const std::string& { return v.first; });
        return found == variables.end() ? nullptr : &found->second;
    });
}

Result<std::string> field_value(const PodView& pod, const Sources& sources, std::string_view path) {
    const auto meta = pod.object->meta();
    for (const std::string_view map : {"labels", "annotations"}) {
        const auto base_path = "metadata." + std::string(map);
        if (!path.starts_with(base_path)) continue;
        const auto rest = path.substr(base_path.size());
        if (rest.empty() && map == "labels") return key_value_lines(meta[map]);
        if (rest.empty()) {  // the kubelet's own two annotations are seen here alone
            json::object annotations(meta[map].members());
            annotations["kubernetes.io/config.seen"] = meta["creationTimestamp"].str();
            annotations["kubernetes.io/config.source"] = "api";
            return key_value_lines(annotations);
        }
        if (rest.starts_with("['") && rest.ends_with("']"))
            return std::string(meta[map][rest.substr(2, rest.size() - 4)].str());
    }
    if (path == "metadata.name") return pod.name;
    if (path == "metadata.namespace") return pod.ns;
    if (path == "metadata.uid") return pod.uid;
    if (path == "spec.nodeName") return std::string(pod.spec["nodeName"].str());
    if (path == "spec.serviceAccountName") return std::string(pod.spec["serviceAccountName"].str());
    if (path == "status.hostIP" || path == "status.hostIPs") return sources.host_ip;
    if (path == "status.podIP" || path == "status.podIPs") return sources.pod_ip;
    return base::fail(Code::invalid, "unsupported fieldPath: " + std::string(path));
}

Result<std::string> resource_value(const PodView& pod, Ref field, std::string_view own_container,
                                   const Sources& sources) {
    const auto wanted = field["containerName"].str(own_container);
    const auto* container = pod.find(wanted.empty() ? own_container : wanted);
    if (!container) return base::fail(Code::not_found, "container " + std::string(wanted) + " not found");
    const auto path = field["resource"].str();
    const auto dot = path.find('.');
    if (dot == path.npos) return base::fail(Code::invalid, "unsupported container resource : " + std::string(path));
    const auto list = path.substr(0, dot), name = path.substr(dot + 1);
    std::string value(container->spec["resources"][list][name].str());
    if (value.empty() && list == "limits")
        value = name == "cpu" ? sources.allocatable_cpu : name == "memory" ? sources.allocatable_memory : "0";
    return std::to_string(divided(value, field["divisor"].str()));
}

Variables service_variables(const object::Object& service) {
    Variables result;
    const auto spec = service["spec"];
    const std::string ip(spec["clusterIP"].str());
    const auto& ports = spec["ports"].items();
    if (ip.empty() || ip == "None" || ports.empty()) return result;
    const auto name = shouted(service.name());
    const auto number = [](Ref port) { return std::to_string(port["port"].num()); };
    result.emplace_back(name + "_SERVICE_HOST", ip);
    result.emplace_back(name + "_SERVICE_PORT", number(ports[0]));
    for (const Ref port : ports)
        if (const auto named = port["name"].str(); !named.empty())
            result.emplace_back(name + "_SERVICE_PORT_" + shouted(named), number(port));
    bool first = true;
    for (const Ref port : ports) {
        const std::string protocol(port["protocol"].str("TCP"));
        std::string lower(protocol);
        std::ranges::transform(lower, lower.begin(), [](char c) { return static_cast<char>(c | 0x20); });
        const auto url = lower + "://" + ip + ":" + number(port);
        const auto prefix = name + "_PORT_" + number(port) + "_" + protocol;
        if (std::exchange(first, false)) result.emplace_back(name + "_PORT", url);
        result.emplace_back(prefix, url);
        result.emplace_back(prefix + "_PROTO", lower);
        result.emplace_back(prefix + "_PORT", number(port));
        result.emplace_back(prefix + "_ADDR", ip);
    }
    return result;
}

}  // namespace node
