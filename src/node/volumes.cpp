// Contents of projected volumes, and the making of all volumes of a pod.
#include "node/volumes.h"

#include <algorithm>

#include "engine/pod_use.h"
#include "node/encoding.h"

namespace node {
namespace {

using base::Code;
using base::Result;

/// The one user that all containers run as, if they agree on one: owner of token files.
std::optional<std::int64_t> common_user(const PodView& pod) {
    std::optional<std::int64_t> common;
    const auto shared = pod.spec["securityContext"]["runAsUser"];
    for (const auto& c : pod.containers) {
        if (c.role == Role::ephemeral) continue;
        const auto own = c.spec["securityContext"]["runAsUser"];
        const auto user = own ? own : shared;
        if (!user || (common && *common != user.num())) return std::nullopt;
        common = user.num();
    }
    return common;
}

class Builder {
 public:
    Builder(const PodView& pod, Ref volume, const Sources& sources, Tokens& tokens)
        : pod_(pod), volume_(volume), sources_(sources), tokens_(tokens) {}

    Result<VolumeFiles> build() {
        if (const auto map = volume_["configMap"]) TRY(config_map(map, mode_of(map)));
        if (const auto secret = volume_["secret"])
            TRY(this->secret(secret, secret["secretName"].str(), mode_of(secret)));
        if (const auto downward = volume_["downwardAPI"]) TRY(downward_api(downward, mode_of(downward)));
        if (const auto projected = volume_["projected"]) {
            for (const Ref source : projected["sources"].items()) TRY(this->source(source, mode_of(projected)));
        }
        return std::move(result_);
    }

 private:
    static int mode_of(Ref source) { return static_cast<int>(source["defaultMode"].num(0644)); }

    Result<void> source(Ref source, int mode) {
        if (const auto map = source["configMap"]) TRY(config_map(map, mode));
        if (const auto secret = source["secret"]) TRY(this->secret(secret, secret["name"].str(), mode));
        if (const auto downward = source["downwardAPI"]) TRY(downward_api(downward, mode));
        if (const auto token = source["serviceAccountToken"]) TRY(this->token(token, mode));
        for (const auto unknown : {"clusterTrustBundle", "podCertificate"})
            if (source[unknown]) return base::fail(Code::invalid, std::string(unknown) + " volumes are not supported");
        return {};
    }

    void put(std::string_view path, std::string content, int mode, std::int64_t uid = -1) {
        std::erase_if(result_.files, [&](const Files::File& f) { return f.path == path; });
        result_.files.push_back({std::string(path), std::move(content), mode, uid});
    }

    /// All keys, or those that `items` picks, under their paths.
    Result<void> keys(Ref source, int mode, const std::map<std::string, std::string>& data, std::string_view what) {
        if (!source["items"]) {
            for (const auto& [key, value] : data) put(key, value, mode);
            return {};
        }
        for (const Ref item : source["items"].items()) {
            const std::string key(item["key"].str());
            const auto found = data.find(key);
            if (found == data.end()) {
                if (source["optional"].flag()) continue;
                return base::fail(Code::not_found, "references non-existent " + std::string(what) + " key: " + key);
            }
            put(item["path"].str(), found->second, static_cast<int>(item["mode"].num(mode)));
        }
        return {};
    }

    Result<void> config_map(Ref source, int mode) {
        const auto name = source["name"].str();
        const auto object = sources_.config_map(pod_.ns, name);
        if (!object) return missing(source, "configmap", name);
        std::map<std::string, std::string> data;
        for (const auto& [key, value] : (*object)["data"].members()) data[std::string(key)] = Ref(value).str();
        for (const auto& [key, value] : (*object)["binaryData"].members())
            data[std::string(key)] = decode_base64(Ref(value).str());
        return keys(source, mode, data, "config");
    }

    Result<void> secret(Ref source, std::string_view name, int mode) {
        const auto object = sources_.secret(pod_.ns, name);
        if (!object) return missing(source, "secret", name);
        std::map<std::string, std::string> data;
        for (const auto& [key, value] : (*object)["data"].members())
            data[std::string(key)] = decode_base64(Ref(value).str());
        return keys(source, mode, data, "secret");
    }

    static Result<void> missing(Ref source, std::string_view what, std::string_view name) {
        if (source["optional"].flag()) return {};
        return base::fail(Code::not_found, std::string(what) + " \"" + std::string(name) + "\" not found");
    }

    Result<void> downward_api(Ref source, int mode) {
        for (const Ref item : source["items"].items()) {
            const auto field = item["fieldRef"];
            auto text = field ? TRY(field_value(pod_, sources_, field["fieldPath"].str()))
                              : TRY(resource_value(pod_, item["resourceFieldRef"], "", sources_));
            put(item["path"].str(), std::move(text), static_cast<int>(item["mode"].num(mode)));
        }
        return {};
    }

    /// The file belongs to the containers' user alone when they agree on one, else anybody in the pod may read it.
    Result<void> token(Ref source, int mode) {
        Tokens::Request request;
        request.ns = pod_.ns;
        request.account = pod_.spec["serviceAccountName"].str("default");
        request.audience = source["audience"].str();
        request.seconds = source["expirationSeconds"].num(3600);
        request.pod_name = pod_.name;
        request.pod_uid = pod_.uid;
        auto text = TRY(tokens_.token(request));
        const auto user = common_user(pod_);
        const bool grouped = static_cast<bool>(pod_.spec["securityContext"]["fsGroup"]);
        put(source["path"].str(), std::move(text), user || grouped ? 0600 : mode, user.value_or(-1));
        const base::Duration renew = std::chrono::seconds(request.seconds) * 8 / 10;
        result_.renew_after = std::min(renew, result_.renew_after.value_or(renew));
        return {};
    }

    const PodView& pod_;
    Ref volume_;
    const Sources& sources_;
    Tokens& tokens_;
    VolumeFiles result_;
};

Result<MountedVolume> make_one(const PodView& pod, Ref volume, Files& files, Files::Ownership owner) {
    const std::string name(volume["name"].str());
    if (const auto empty = volume["emptyDir"]) {
        const auto path = TRY(files.empty_dir(pod.uid, name, std::string(empty["medium"].str()),
                                              engine::quantity_whole(empty["sizeLimit"]), owner));
        return MountedVolume{path, false};
    }
    if (const auto host = volume["hostPath"]) {
        const std::string path(host["path"].str());
        TRY(files.host_path(path, std::string(host["type"].str())));
        return MountedVolume{path, false};
    }
    if (const auto claim = volume["persistentVolumeClaim"])
        return base::fail(Code::invalid, "persistentvolumeclaim \"" + std::string(claim["claimName"].str()) +
                                             "\" cannot be mounted: this node has no volume plugin for claims");
    return base::fail(Code::invalid, "no volume plugin matched for this volume type");
}

enum class Which : std::uint8_t { all, files_only };

Result<VolumesMade> make(const PodView& pod, const Sources& sources, Files& files, Tokens& tokens, Which which) {
    VolumesMade made;
    Files::Ownership owner;
    if (const auto group = pod.spec["securityContext"]["fsGroup"]) owner.gid = group.num();
    for (const Ref volume : pod.spec["volumes"].items()) {
        const std::string name(volume["name"].str());
        const auto fault = [&](base::Error error) {
            return std::unexpected(std::move(error).in("MountVolume.SetUp failed for volume \"" + name + "\" "));
        };
        if (!holds_files(volume)) {
            if (which == Which::files_only) continue;
            auto one = make_one(pod, volume, files, owner);
            if (!one) return fault(std::move(one).error());
            made.mounted[name] = std::move(*one);
            continue;
        }
        auto content = volume_files(pod, volume, sources, tokens);
        if (!content) return fault(std::move(content).error());
        owner.folder_mode = volume["configMap"] ? 0777 : 01777;
        auto path = files.project(pod.uid, name, content->files, owner);
        if (!path) return fault(std::move(path).error());
        made.mounted[name] = {std::move(*path), true};
        if (content->renew_after)
            made.renew_after = std::min(*content->renew_after, made.renew_after.value_or(*content->renew_after));
    }
    return made;
}

}  // namespace

bool holds_files(Ref volume) {
    return volume["configMap"] || volume["secret"] || volume["downwardAPI"] || volume["projected"];
}

Result<VolumeFiles> volume_files(const PodView& pod, Ref volume, const Sources& sources, Tokens& tokens) {
    return Builder(pod, volume, sources, tokens).build();
}

Result<VolumesMade> make_volumes(const PodView& pod, const Sources& sources, Files& files, Tokens& tokens) {
    return make(pod, sources, files, tokens, Which::all);
}

Result<VolumesMade> refresh_volumes(const PodView& pod, const Sources& sources, Files& files, Tokens& tokens) {
    return make(pod, sources, files, tokens, Which::files_only);
}

std::set<std::pair<std::string, std::string>> used_objects(const PodView& pod) {
    std::set<std::pair<std::string, std::string>> used;
    const auto use = [&](std::string_view kind, Ref name) {
        if (!name.str().empty()) used.emplace(kind, name.str());
    };
    for (const Ref volume : pod.spec["volumes"].items()) {
        use("configmaps", volume["configMap"]["name"]);
        use("secrets", volume["secret"]["secretName"]);
        for (const Ref source : volume["projected"]["sources"].items()) {
            use("configmaps", source["configMap"]["name"]);
            use("secrets", source["secret"]["name"]);
        }
    }
    for (const auto& c : pod.containers) {
        for (const Ref from : c.spec["envFrom"].items()) {
            use("configmaps", from["configMapRef"]["name"]);
            use("secrets", from["secretRef"]["name"]);
        }
        for (const Ref variable : c.spec["env"].items()) {
            use("configmaps", variable["valueFrom"]["configMapKeyRef"]["name"]);
            use("secrets", variable["valueFrom"]["secretKeyRef"]["name"]);
        }
    }
    return used;
}

}  // namespace node
