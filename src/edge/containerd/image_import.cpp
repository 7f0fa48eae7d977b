// Archives into containerd: blobs to the content store, a record by name, layers unpacked into snapshots. A lease holds
// all of it until the record does.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <ctime>

#include "edge/containerd/image_name.h"
#include "edge/containerd/images.h"
#include "edge/containerd/tar_index.h"
#include "edge/fd.h"
#include "edge/proto/containerd.pb.h"
#include "object/json.h"

namespace edge {
namespace {

namespace json = boost::json;
using object::Ref;

constexpr const char* snapshotter = "overlayfs";

/// Deletes the lease at the end; it would end by itself after a day.
class Lease {
 public:
    static base::Result<std::unique_ptr<Lease>> take(Rpc& rpc, const std::string& id) {
        wire::Lease request;
        request.set_id(id);
        const auto tomorrow = std::chrono::system_clock::now() + std::chrono::hours(24);
        (*request.mutable_labels())["containerd.io/gc.expire"] =
            base::rfc3339(std::chrono::time_point_cast<base::Duration>(tomorrow));
        const auto made = rpc.tell("/containerd.services.leases.v1.Leases/Create", request);
        if (!made && made.error().code != base::Code::already_exists) return std::unexpected(made.error());
        return std::unique_ptr<Lease>(new Lease(rpc, id));
    }
    ~Lease() {
        wire::LeaseId request;
        request.set_id(id_);
        (void)rpc_.tell("/containerd.services.leases.v1.Leases/Delete", request);
    }
    const std::string& id() const { return id_; }

 private:
    Lease(Rpc& rpc, std::string id) : rpc_(rpc), id_(std::move(id)) {}
    Rpc& rpc_;
    std::string id_;
};

base::Result<std::string> read_entry(const std::string& tar, const std::map<std::string, TarEntry>& entries,
                                     const std::string& name) {
    const auto found = entries.find(name);
    if (found == entries.end())
        return base::fail(base::Code::invalid, tar + ": no " + name + " in it: not an OCI image archive");
    if (found->second.size > (8 << 20))
        return base::fail(base::Code::too_large, tar + ": " + name + " is larger than 8 MiB");
    const Fd file(::open(tar.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return fail_errno(tar);
    std::string text(static_cast<std::size_t>(found->second.size), '\0');
    if (::pread(file.get(), text.data(), text.size(), found->second.offset) != std::ssize(text)) return fail_errno(tar);
    return text;
}

base::Result<json::value> read_json(const std::string& tar, const std::map<std::string, TarEntry>& entries,
                                    const std::string& name) {
    const auto text = TRY(read_entry(tar, entries, name));
    boost::system::error_code error;
    auto value = json::parse(text, error);
    if (error) return base::fail(base::Code::invalid, tar + ": " + name + " is no JSON");
    return value;
}

std::string blob_path(const std::string& digest) {
    auto path = "blobs/" + digest;
    path[path.find(':')] = '/';
    return path;
}

}  // namespace

base::Result<void> Images::upload(const std::string& digest, const std::string& file, std::int64_t offset,
                                  std::int64_t size, const std::map<std::string, std::string>& labels,
                                  const std::string& lease) {
    const Fd source(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!source) return fail_errno(file);
    auto stream = rpc_.open("/containerd.services.content.v1.Content/Write",
                            {.deadline = std::chrono::minutes(10), .lease = lease});
    std::string chunk(1 << 20, '\0');
    wire::WriteContentRequest request;
    request.set_ref("slipway-import-" + digest);
    request.set_total(size);
    request.set_expected(digest);
    for (const auto& [key, value] : labels) (*request.mutable_labels())[key] = value;
    bool open = true;
    for (std::int64_t done = 0; open;) {
        const auto want = std::min<std::int64_t>(std::ssize(chunk), size - done);
        const auto got =
            want == 0 ? 0 : ::pread(source.get(), chunk.data(), static_cast<std::size_t>(want), offset + done);
        if (got < want) return base::fail(base::Code::invalid, file + ": the archive is cut short");
        request.set_offset(done);
        request.set_data(chunk.data(), static_cast<std::size_t>(got));
        done += got;
        request.set_action(done == size ? wire::COMMIT : wire::WRITE);
        wire::WriteContentResponse answer;
        open = stream->write(request) && stream->read(answer) && done < size;
    }
    stream->writes_done();
    for (wire::WriteContentResponse rest; stream->read(rest);) {
    }  // the status comes after the last answer was read
    const auto result = stream->finish();
    if (!result && result.error().code != base::Code::already_exists) return result;
    return {};
}

base::Result<void> Images::put_image(const std::string& name, const std::string& media_type, const std::string& digest,
                                     std::int64_t size) {
    wire::ImageBox box;
    auto& image = *box.mutable_image();
    image.set_name(name);
    // The label by which CRI's image service knows an image as its own.
    (*image.mutable_labels())["io.cri-containerd.image"] = "managed";
    image.mutable_target()->set_media_type(media_type);
    image.mutable_target()->set_digest(digest);
    image.mutable_target()->set_size(size);
    image.mutable_created_at()->set_seconds(std::time(nullptr));
    const auto made = rpc_.call<wire::ImageBox>("/containerd.services.images.v1.Images/Create", box);
    if (made || made.error().code != base::Code::already_exists)
        return made ? base::Result<void>() : std::unexpected(made.error());
    return rpc_.tell("/containerd.services.images.v1.Images/Update", box);
}

base::Result<std::vector<std::string>> Images::import(const std::string& tar) {
    const auto entries = TRY(tar_index(tar));
    const auto index = TRY(read_json(tar, entries, "index.json"));
    const auto lease = TRY(Lease::take(rpc_, "slipway-import-" + sha256_hex(tar)));
    std::vector<std::string> names;
    for (const auto& item : Ref(index)["manifests"].items()) {
        const Ref annotations = Ref(item)["annotations"];
        const std::string name(
            annotations["io.containerd.image.name"].str(annotations["org.opencontainers.image.ref.name"].str()));
        if (name.empty()) return base::fail(base::Code::invalid, tar + ": an image in it has no name");
        const auto digest = std::string(Ref(item)["digest"].str());
        const auto manifest = TRY(read_json(tar, entries, blob_path(digest)));
        const auto config = std::string(Ref(manifest)["config"]["digest"].str());
        const auto document = TRY(read_json(tar, entries, blob_path(config)));
        const auto put = [&](const std::string& blob,
                             const std::map<std::string, std::string>& labels) -> base::Result<void> {
            const auto entry = entries.find(blob_path(blob));
            if (entry == entries.end()) return base::fail(base::Code::invalid, tar + ": no " + blob + " in it");
            return upload(blob, tar, entry->second.offset, entry->second.size, labels, lease->id());
        };
        // Labels by which containerd's garbage collector finds what belongs together.
        std::map<std::string, std::string> refs{{"containerd.io/gc.ref.content.config", config}};
        for (const auto& layer : Ref(manifest)["layers"].items()) {
            refs[fmt::format("containerd.io/gc.ref.content.l.{}", refs.size() - 1)] = Ref(layer)["digest"].str();
            TRY(put(std::string(Ref(layer)["digest"].str()), {}));
        }
        std::vector<std::string> diffs;
        for (const auto& diff : Ref(document)["rootfs"]["diff_ids"].items()) diffs.emplace_back(Ref(diff).str());
        const auto chain = chain_ids(diffs);
        TRY(put(config, chain.empty() ? std::map<std::string, std::string>()
                                      : std::map<std::string, std::string>{
                                            {"containerd.io/gc.ref.snapshot.overlayfs", chain.back()}}));
        TRY(put(digest, refs));
        names.push_back(full_image_name(name));
        TRY(unpack(*TRY(facts(digest))));
        const auto type = std::string(Ref(item)["mediaType"].str("application/vnd.oci.image.manifest.v1+json"));
        TRY(put_image(names.back(), type, digest, Ref(item)["size"].num()));
    }
    if (names.empty()) return base::fail(base::Code::invalid, tar + ": no image in it");
    return names;
}

base::Result<void> Images::unpack(const ImageFacts& facts) {
    const auto chain = chain_ids(facts.diff_ids);
    if (chain.empty()) return {};
    wire::SnapshotKey key;
    key.set_snapshotter(snapshotter);
    key.set_key(chain.back());
    if (rpc_.tell("/containerd.services.snapshots.v1.Snapshots/Stat", key)) return {};
    if (facts.layer_digests.size() != chain.size()) {
        return base::fail(base::Code::invalid, "an image with " + std::to_string(facts.layer_digests.size()) +
                                                   " layers and " + std::to_string(chain.size()) + " diff ids");
    }
    const auto lease = TRY(Lease::take(rpc_, "slipway-unpack-" + chain.back()));
    for (std::size_t i = 0; i < chain.size(); ++i) TRY(unpack_layer(facts, i, lease->id()));
    return {};
}

base::Result<void> Images::unpack_layer(const ImageFacts& facts, std::size_t i, const std::string& lease) {
    const auto chain = chain_ids(facts.diff_ids);
    const RpcOptions options{.deadline = std::chrono::minutes(10), .lease = lease};
    wire::SnapshotKey key;
    key.set_snapshotter(snapshotter);
    key.set_key(chain[i]);
    if (rpc_.tell("/containerd.services.snapshots.v1.Snapshots/Stat", key)) return {};

    wire::PrepareSnapshotRequest prepare;
    prepare.set_snapshotter(snapshotter);
    prepare.set_key("slipway-unpack-" + chain[i]);
    if (i > 0) prepare.set_parent(chain[i - 1]);
    key.set_key(prepare.key());
    (void)rpc_.tell("/containerd.services.snapshots.v1.Snapshots/Remove", key);  // of an unpacking cut short
    const auto mounts =
        TRY(rpc_.call<wire::SnapshotMounts>("/containerd.services.snapshots.v1.Snapshots/Prepare", prepare, options));
    wire::ApplyDiffRequest apply;
    apply.mutable_diff()->set_media_type(facts.layer_types[i]);
    apply.mutable_diff()->set_digest(facts.layer_digests[i]);
    wire::ContentDigest blob;
    blob.set_digest(facts.layer_digests[i]);
    const auto stored = TRY(rpc_.call<wire::ContentInfoBox>("/containerd.services.content.v1.Content/Info", blob));
    apply.mutable_diff()->set_size(stored.info().size());
    *apply.mutable_mounts() = mounts.mounts();
    TRY(rpc_.call<wire::ApplyDiffResponse>("/containerd.services.diff.v1.Diff/Apply", apply, options));
    wire::CommitSnapshotRequest commit;
    commit.set_snapshotter(snapshotter);
    commit.set_key(prepare.key());
    commit.set_name(chain[i]);
    const auto done = rpc_.tell("/containerd.services.snapshots.v1.Snapshots/Commit", commit, options);
    if (!done && done.error().code != base::Code::already_exists) return std::unexpected(done.error());
    return {};
}

base::Result<std::shared_ptr<const ImageFacts>> Images::unpacked(const std::string& ref) {
    wire::ImageName request;
    request.set_name(full_image_name(ref));
    const auto found = TRY(rpc_.call<wire::ImageBox>("/containerd.services.images.v1.Images/Get", request));
    auto facts = TRY(this->facts(found.image().target().digest()));
    TRY(unpack(*facts));
    return facts;
}

}  // namespace edge
