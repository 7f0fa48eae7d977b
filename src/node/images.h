// Images for containers: pull policies, pull secrets, back-off, and one pull at a time of the same name.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "node/events.h"
#include "node/runtime.h"

namespace node {

/// Why a container has no image yet, as its waiting state shows it, and when to ask again.
struct NoImage {
    std::string reason, message;
    base::Time retry_at{};
};
using ImageDone = std::move_only_function<void(std::expected<ImageInfo, NoImage>)>;

class Images {
 public:
    Images(run::Loop& loop, Runtime& runtime, Events& events, store::Store& store)
        : loop_(loop), runtime_(runtime), events_(events), store_(store) {}

    /// `pod` must outlive the call's answer: the caller keeps it.
    void ensure(std::shared_ptr<const PodView> pod, const ContainerView& container, ImageDone done);
    /// Called with each image that a container is about to run.
    void when_seen(std::function<void(const ImageInfo&)> seen) { seen_ = std::move(seen); }
    /// The pod is gone: its back-offs are forgotten.
    void forget(const std::string& pod_uid);

 private:
    struct Backoff {
        base::Duration delay{};
        base::Time until{};
        std::string message;
        bool told = false;  ///< that it waits, since its last failure
    };
    struct Request {
        std::shared_ptr<const PodView> pod;
        const ContainerView* container;
        std::string image, full_name;
        ImageDone done;
        base::Time asked{};
    };
    using RequestPtr = std::shared_ptr<Request>;

    void refuse(Request& request, NoImage why);
    void found(const RequestPtr& request, base::Result<std::optional<ImageInfo>> image);
    void pull(const RequestPtr& request);
    void pulled(const std::string& key, base::Result<ImageInfo> image);
    void answer_pull(Request& request, const base::Result<ImageInfo>& image);
    std::string credentials(const PodView& pod, std::string_view full_name) const;
    Backoff& backoff(const Request& request);

    std::function<void(const ImageInfo&)> seen_;
    run::Loop& loop_;
    Runtime& runtime_;
    Events& events_;
    store::Store& store_;
    std::map<std::string, std::map<std::string, Backoff>> backoffs_;  ///< pod uid -> image
    std::map<std::string, std::vector<RequestPtr>> pulling_;          ///< by name and credentials
};

}  // namespace node
