// Images in containerd: what is on the machine, what their configs say, pulls by CRI's image service, import of OCI
// archives. Blocking: for edge threads, any number at once.
#pragma once

#include <boost/json/value.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "edge/containerd/rpc.h"
#include "node/runtime.h"

namespace edge {

/// An image as its config says, cached by the digest of its target.
struct ImageFacts {
    std::string config_digest;
    std::vector<std::string> layer_digests;  ///< compressed, in the content store
    std::vector<std::string> layer_types;
    std::vector<std::string> diff_ids;
    std::string chain;  ///< the snapshot that a container's snapshot stands on
    std::int64_t size = 0;
    std::vector<std::string> entrypoint, cmd, env;
    std::string working_dir, user, stop_signal;
};

/// The names of the snapshots of an image's layers: chain[0] = diff_ids[0], then sha256(chain + " " + diff_id).
std::vector<std::string> chain_ids(const std::vector<std::string>& diff_ids);
std::string sha256_hex(std::string_view bytes);

/// A user of an image in numbers.
struct ImageUser {
    std::int64_t uid = 0, gid = 0;
    std::vector<std::int64_t> groups = {};  ///< those that list it among their members
    bool operator==(const ImageUser&) const = default;
};

class Images {
 public:
    explicit Images(Rpc& rpc) : rpc_(rpc) {}

    /// By name as people write it, or by the config's digest ("sha256:...").
    base::Result<std::optional<node::ImageInfo>> find(const std::string& name);
    base::Result<std::vector<node::ImageInfo>> list();
    base::Result<node::ImageInfo> pull(const std::string& name, const std::string& auth);
    /// All images of an OCI (or docker) archive, by their own names; unpacked.
    base::Result<std::vector<std::string>> import(const std::string& tar_path);
    /// For a start: the facts, with the snapshots made sure of.
    base::Result<std::shared_ptr<const ImageFacts>> unpacked(const std::string& ref);
    /// Who "app", "1000", "app:staff" and the like are by the image's own /etc/passwd and /etc/group.
    base::Result<ImageUser> user_of(const ImageFacts& facts, const std::string& user);

 private:
    base::Result<std::string> content(const std::string& digest);
    base::Result<boost::json::value> content_json(const std::string& digest);
    base::Result<std::shared_ptr<const ImageFacts>> facts(const std::string& target);
    base::Result<std::shared_ptr<const ImageFacts>> read_facts(const std::string& target);
    base::Result<node::ImageInfo> info(const std::string& name, const std::string& target);
    base::Result<void> unpack(const ImageFacts& facts);
    base::Result<void> unpack_layer(const ImageFacts& facts, std::size_t index, const std::string& lease);
    base::Result<void> upload(const std::string& digest, const std::string& file, std::int64_t offset,
                              std::int64_t size, const std::map<std::string, std::string>& labels,
                              const std::string& lease);
    base::Result<void> put_image(const std::string& name, const std::string& media_type, const std::string& digest,
                                 std::int64_t size);

    Rpc& rpc_;
    std::mutex mutex_;  ///< of the cache
    std::map<std::string, std::shared_ptr<const ImageFacts>> cache_;
    struct UserTables {
        std::string passwd, group;
    };
    base::Result<UserTables> user_tables(const ImageFacts& facts);
    std::mutex users_mutex_;                   ///< held while an image is looked into
    std::map<std::string, UserTables> users_;  ///< by config digest
};

/// An image's user ("", "1000", "app", "app:staff", "1000:1000") by the text of passwd and group; Error when a name is
/// not there, in the words of a kubelet.
base::Result<ImageUser> resolve_user(const std::string& user, const std::string& passwd, const std::string& group);

}  // namespace edge
