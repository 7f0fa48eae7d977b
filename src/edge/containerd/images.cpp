// Reading images: names to targets, manifests and configs to facts.
#include "edge/containerd/images.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <boost/json.hpp>

#include "edge/containerd/image_name.h"
#include "edge/fd.h"
#include "edge/proto/containerd.pb.h"
#include "object/json.h"

namespace edge {
namespace {

namespace json = boost::json;
using object::Ref;

constexpr std::int64_t document_bytes_max = 8 << 20;  // manifests and configs

#if defined(__aarch64__)
constexpr std::string_view machine_arch = "arm64";
#else
constexpr std::string_view machine_arch = "amd64";
#endif

std::vector<std::string> texts(Ref list) {
    std::vector<std::string> out;
    for (const auto& item : list.items()) out.emplace_back(Ref(item).str());
    return out;
}

/// The manifest of an index for this machine; "" when there is none.
std::string pick_platform(Ref index) {
    for (const auto& entry : index["manifests"].items()) {
        const auto platform = Ref(entry)["platform"];
        if (platform["os"].str("linux") == "linux" && platform["architecture"].str(machine_arch) == machine_arch) {
            return std::string(Ref(entry)["digest"].str());
        }
    }
    return {};
}

}  // namespace

std::string sha256_hex(std::string_view bytes) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(), nullptr);
    std::string hex;
    for (unsigned int i = 0; i < size; ++i) hex += fmt::format("{:02x}", digest[i]);
    return hex;
}

std::vector<std::string> chain_ids(const std::vector<std::string>& diff_ids) {
    std::vector<std::string> chain;
    for (const auto& diff : diff_ids) {
        chain.push_back(chain.empty() ? diff : "sha256:" + sha256_hex(chain.back() + " " + diff));
    }
    return chain;
}

base::Result<std::string> Images::content(const std::string& digest) {
    wire::ReadContentRequest request;
    request.set_digest(digest);
    auto stream = rpc_.open("/containerd.services.content.v1.Content/Read", {});
    std::string bytes;
    if (!stream->write(request)) return base::fail(base::Code::unavailable, "containerd does not answer");
    stream->writes_done();
    for (wire::ReadContentResponse part; stream->read(part);) {
        bytes += part.data();
        if (std::ssize(bytes) > document_bytes_max) {
            stream->cancel();
            return base::fail(base::Code::too_large, "an image's document is larger than 8 MiB: " + digest);
        }
    }
    TRY(stream->finish());
    return bytes;
}

base::Result<json::value> Images::content_json(const std::string& digest) {
    const auto text = TRY(content(digest));
    boost::system::error_code error;
    auto value = json::parse(text, error);
    if (error) return base::fail(base::Code::invalid, "an image's document is no JSON: " + digest);
    return value;
}

base::Result<std::shared_ptr<const ImageFacts>> Images::facts(const std::string& target) {
    {
        const std::lock_guard lock(mutex_);
        if (const auto known = cache_.find(target); known != cache_.end()) return known->second;
    }
    auto read = TRY(read_facts(target));
    const std::lock_guard lock(mutex_);
    if (cache_.size() > 1000) cache_.clear();  // bounded; it fills again
    cache_[target] = read;
    return read;
}

base::Result<std::shared_ptr<const ImageFacts>> Images::read_facts(const std::string& target) {
    auto manifest = TRY(content_json(target));
    if (Ref(manifest)["manifests"]) {
        const auto digest = pick_platform(manifest);
        if (digest.empty())
            return base::fail(base::Code::not_found,
                              "no match for platform linux/" + std::string(machine_arch) + " in manifest");
        manifest = TRY(content_json(digest));
    }
    auto facts = std::make_shared<ImageFacts>();
    facts->config_digest = Ref(manifest)["config"]["digest"].str();
    facts->size = Ref(manifest)["config"]["size"].num();
    for (const auto& layer : Ref(manifest)["layers"].items()) {
        facts->layer_digests.emplace_back(Ref(layer)["digest"].str());
        facts->layer_types.emplace_back(Ref(layer)["mediaType"].str());
        facts->size += Ref(layer)["size"].num();
    }
    const auto document = TRY(content_json(facts->config_digest));
    const Ref config = Ref(document)["config"];
    facts->diff_ids = texts(Ref(document)["rootfs"]["diff_ids"]);
    if (const auto chain = chain_ids(facts->diff_ids); !chain.empty()) facts->chain = chain.back();
    facts->entrypoint = texts(config["Entrypoint"]);
    facts->cmd = texts(config["Cmd"]);
    facts->env = texts(config["Env"]);
    facts->working_dir = config["WorkingDir"].str();
    facts->user = config["User"].str();
    facts->stop_signal = config["StopSignal"].str();
    return std::shared_ptr<const ImageFacts>(std::move(facts));
}

base::Result<node::ImageInfo> Images::info(const std::string& name, const std::string& target) {
    const auto facts = TRY(this->facts(target));
    node::ImageInfo info{.ref = name,
                         .id = facts->config_digest,
                         .size_bytes = facts->size,
                         .entrypoint = facts->entrypoint,
                         .cmd = facts->cmd,
                         .env = facts->env,
                         .working_dir = facts->working_dir,
                         .stop_signal = facts->stop_signal};
    info.user = facts->user;  // a name that is nowhere is the pod's error, not the image's
    if (const auto user = user_of(*facts, facts->user)) info.user = fmt::format("{}:{}", user->uid, user->gid);
    if (!name.starts_with("sha256:")) {
        if (name.find('@') == std::string::npos) info.names.push_back(name);
        info.names.push_back(image_repository(name) + "@" + target);
    }
    return info;
}

base::Result<std::optional<node::ImageInfo>> Images::find(const std::string& name) {
    if (name.starts_with("sha256:")) {
        for (auto& image : TRY(list())) {
            if (image.id == name) return std::optional(std::move(image));
        }
        return std::optional<node::ImageInfo>();
    }
    wire::ImageName request;
    request.set_name(full_image_name(name));
    const auto found = rpc_.call<wire::ImageBox>("/containerd.services.images.v1.Images/Get", request);
    if (!found && found.error().code == base::Code::not_found) return std::optional<node::ImageInfo>();
    if (!found) return std::unexpected(found.error());
    return std::optional(TRY(info(found->image().name(), found->image().target().digest())));
}

base::Result<std::vector<node::ImageInfo>> Images::list() {
    const auto all =
        TRY(rpc_.call<wire::ListImagesResponse>("/containerd.services.images.v1.Images/List", wire::Empty()));
    std::map<std::string, node::ImageInfo> by_id;
    for (const auto& image : all.images()) {
        if (image.name().starts_with("sha256:")) continue;  // CRI's second record of an image that it pulled
        auto one = info(image.name(), image.target().digest());
        if (!one) continue;  // half removed, or of another platform
        auto& kept = by_id.try_emplace(one->id, *one).first->second;
        for (const auto& name : one->names) {
            if (std::ranges::find(kept.names, name) == kept.names.end()) kept.names.push_back(name);
        }
    }
    std::vector<node::ImageInfo> out;
    for (auto& [id, image] : by_id) out.push_back(std::move(image));
    return out;
}

base::Result<node::ImageInfo> Images::pull(const std::string& name, const std::string& auth) {
    wire::PullImageRequest request;
    request.mutable_image()->set_image(full_image_name(name));
    if (!auth.empty()) {
        const auto colon = auth.find(':');
        request.mutable_auth()->set_username(auth.substr(0, colon));
        if (colon != std::string::npos) request.mutable_auth()->set_password(auth.substr(colon + 1));
    }
    auto pulled = rpc_.call<wire::PullImageResponse>("/runtime.v1.ImageService/PullImage", request,
                                                     {.deadline = std::chrono::minutes(30)});
    if (!pulled) {
        auto error = std::move(pulled).error();
        const auto says = [&](std::string_view words) { return error.message.find(words) != std::string::npos; };
        if (says("401") || says("403") || says("authorization failed") || says("pull access denied")) {
            error.code = base::Code::unauthorized;
        } else if (error.code != base::Code::not_found && error.code != base::Code::bad_request) {
            error.code = says("not found") ? base::Code::not_found : base::Code::unavailable;
        }
        return std::unexpected(std::move(error));
    }
    auto found = TRY(find(name));
    if (!found) found = TRY(find(pulled->image_ref()));
    if (!found) return base::fail(base::Code::internal, "containerd pulled an image that it does not know: " + name);
    return *std::move(found);
}

base::Result<ImageUser> Images::user_of(const ImageFacts& facts, const std::string& user) {
    // One at a time: they would meet in the view that they make.
    const std::lock_guard lock(users_mutex_);
    auto known = users_.find(facts.config_digest);
    if (known == users_.end()) known = users_.emplace(facts.config_digest, TRY(user_tables(facts))).first;
    return resolve_user(user, known->second.passwd, known->second.group);
}

/// A view of the whole image tells where its layers stand on disk; they are read there, nothing is mounted.
base::Result<Images::UserTables> Images::user_tables(const ImageFacts& facts) {
    if (facts.chain.empty()) return UserTables{};
    TRY(unpack(facts));
    wire::PrepareSnapshotRequest request;
    request.set_snapshotter("overlayfs");
    request.set_key("slipway-user-" + facts.config_digest);
    request.set_parent(facts.chain);
    wire::SnapshotKey key;
    key.set_snapshotter("overlayfs");
    key.set_key(request.key());
    const auto view = rpc_.call<wire::SnapshotMounts>("/containerd.services.snapshots.v1.Snapshots/View", request);
    if (!view && view.error().code != base::Code::already_exists) return std::unexpected(view.error());
    const auto mounts =
        view ? *view : TRY(rpc_.call<wire::SnapshotMounts>("/containerd.services.snapshots.v1.Snapshots/Mounts", key));
    std::vector<std::string> layers;
    for (const auto& mount : mounts.mounts()) {
        if (mount.type() == "bind") layers.push_back(mount.source());
        for (const auto& option : mount.options()) {
            if (!option.starts_with("lowerdir=")) continue;
            for (std::size_t at = 9; at < option.size();) {
                const auto end = std::min(option.find(':', at), option.size());
                layers.push_back(option.substr(at, end - at));
                at = end + 1;
            }
        }
    }
    const auto table = [&](const char* path) {
        for (const auto& layer : layers) {
            if (auto text = read_file(layer + path)) return *std::move(text);
        }
        return std::string();
    };
    UserTables tables{table("/etc/passwd"), table("/etc/group")};
    (void)rpc_.tell("/containerd.services.snapshots.v1.Snapshots/Remove", key);
    return tables;
}

}  // namespace edge
