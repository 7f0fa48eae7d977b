// This machine as the API shows it: the Node object, written when it changes, and its Lease, renewed while we live.
#pragma once

#include <string>
#include <vector>

#include "node/context.h"

namespace node {

/// The Node's status, as a kubelet writes it; `current` keeps transition times.
json::object node_status(const Settings& settings, const std::vector<ImageInfo>& images, Ref current, Time now);
/// Labels that every node has, with the settings' own.
std::map<std::string, std::string> node_labels(const Settings& settings);

class NodeObject {
 public:
    explicit NodeObject(Context& context) : context_(context) {}
    /// Makes or updates the Node, Ready from the start, and begins to renew the Lease.
    void start();
    /// A container runs this image: the list is read again when it is not on it.
    void image_seen(const ImageInfo& image);

 private:
    void list_images();
    enum class Beat : std::uint8_t { when_changed, always };
    void write(Beat beat);
    void renew_lease();
    void make_lease_namespace();

    Context& context_;
    std::vector<ImageInfo> images_;
    run::Timer renew_, relist_;
    std::shared_ptr<NodeObject*> alive_ = std::make_shared<NodeObject*>(this);
};

}  // namespace node
