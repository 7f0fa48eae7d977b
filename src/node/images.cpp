// From a container's image name to an image on this machine, or to the reason why there is none yet.
#include "node/images.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "node/encoding.h"
#include "node/image_name.h"

namespace node {
namespace {

using std::chrono::seconds;
constexpr base::Duration delay_first = seconds(10), delay_max = seconds(300);
/// A failed pull shows ErrImagePull this long before it shows its back-off.
constexpr base::Duration error_shown = seconds(1);
/// While a pull waits, an image may come by another way (`slipway load`): how often that is looked for, as a kubelet
/// does.
constexpr base::Duration look_again = seconds(10);

std::string text_of(base::Duration d) {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(d).count();
    return ms < 1000 ? fmt::format("{}ms", ms) : fmt::format("{:g}s", static_cast<double>(ms) / 1000);
}

/// "user:password" of a docker config's entry.
std::string login_of(Ref entry) {
    if (const auto auth = entry["auth"].str(); !auth.empty()) return decode_base64(auth);
    const auto user = entry["username"].str();
    return user.empty() ? "" : std::string(user) + ":" + std::string(entry["password"].str());
}

bool serves(std::string_view entry, std::string_view full_name) {
    for (const std::string_view scheme : {"https://", "http://"})
        if (entry.starts_with(scheme)) entry.remove_prefix(scheme.size());
    if (const auto rest = entry.find('/'); entry.substr(rest == entry.npos ? entry.size() : rest).starts_with("/v"))
        entry = entry.substr(0, rest);
    while (entry.ends_with('/')) entry.remove_suffix(1);
    if (entry == "index.docker.io" || entry == "registry-1.docker.io") entry = "docker.io";
    return full_name.starts_with(entry) &&
           (full_name.size() == entry.size() || full_name[entry.size()] == '/' || full_name[entry.size()] == ':');
}

}  // namespace

void Images::ensure(std::shared_ptr<const PodView> pod, const ContainerView& container, ImageDone done) {
    auto request = std::make_shared<Request>();
    request->pod = std::move(pod);
    request->container = request->pod->find(container.name);
    request->image = container.spec["image"].str();
    request->full_name = full_image_name(request->image);
    request->done = std::move(done);
    request->asked = loop_.now();
    if (request->full_name.empty()) {
        const auto message = fmt::format(
            "Failed to apply default image tag \"{0}\": couldn't parse image name \"{0}\": "
            "invalid reference format",
            request->image);
        events_.say(*request->pod, request->container, EventKind::warning, "InspectFailed", message);
        return refuse(*request, {"InvalidImageName", message, loop_.now() + delay_first});
    }
    runtime_.image(request->full_name,
                   [this, request](base::Result<std::optional<ImageInfo>> image) { found(request, std::move(image)); });
}

void Images::forget(const std::string& pod_uid) { backoffs_.erase(pod_uid); }

Images::Backoff& Images::backoff(const Request& request) { return backoffs_[request.pod->uid][request.full_name]; }

void Images::refuse(Request& request, NoImage why) {
    events_.say(*request.pod, request.container, EventKind::warning, "Failed", "Error: " + why.reason);
    request.done(std::unexpected(std::move(why)));
}

void Images::found(const RequestPtr& request, base::Result<std::optional<ImageInfo>> image) {
    auto& r = *request;
    const auto policy = r.container->spec["imagePullPolicy"].str("IfNotPresent");
    if (!image) {
        const auto message = fmt::format("Failed to inspect image \"{}\": {}", r.image, image.error().message);
        events_.say(*r.pod, r.container, EventKind::warning, "InspectFailed", message);
        return refuse(r, {"ImageInspectError", message, loop_.now() + delay_first});
    }
    if (*image && policy != "Always") {
        events_.say(
            *r.pod, r.container, EventKind::normal, "Pulled",
            fmt::format("Container image \"{}\" already present on machine and can be accessed by the pod", r.image));
        if (seen_) seen_(**image);
        return r.done(std::move(**image));
    }
    if (policy == "Never") {
        const auto message = fmt::format("Container image \"{}\" is not present with pull policy of Never", r.image);
        events_.say(*r.pod, r.container, EventKind::warning, "ErrImageNeverPull", message);
        return refuse(r, {"ErrImageNeverPull", message, loop_.now() + delay_first});
    }
    auto& wait = backoff(r);
    if (wait.until > loop_.now()) {
        const auto said = fmt::format("Back-off pulling image \"{}\"", r.image);
        NoImage why{"ImagePullBackOff", said + ": ErrImagePull: " + wait.message,
                    std::min(wait.until, loop_.now() + look_again)};
        if (std::exchange(wait.told, true)) return r.done(std::unexpected(std::move(why)));
        events_.say(*r.pod, r.container, EventKind::normal, "BackOff", said);
        return refuse(r, std::move(why));
    }
    pull(request);
}

void Images::pull(const RequestPtr& request) {
    events_.say(*request->pod, request->container, EventKind::normal, "Pulling",
                fmt::format("Pulling image \"{}\"", request->image));
    auto login = credentials(*request->pod, request->full_name);
    const auto key = request->full_name + " " + login;
    auto& waiting = pulling_[key];
    waiting.push_back(request);
    if (waiting.size() > 1) return;
    runtime_.pull(request->full_name, std::move(login),
                  [this, key](base::Result<ImageInfo> image) { pulled(key, std::move(image)); });
}

void Images::pulled(const std::string& key, base::Result<ImageInfo> image) {
    const auto waiting = std::move(pulling_[key]);
    pulling_.erase(key);
    for (const auto& request : waiting) answer_pull(*request, image);
}

void Images::answer_pull(Request& r, const base::Result<ImageInfo>& image) {
    if (image) {
        backoffs_[r.pod->uid].erase(r.full_name);
        const auto took = text_of(loop_.now() - r.asked);
        events_.say(*r.pod, r.container, EventKind::normal, "Pulled",
                    fmt::format("Successfully pulled image \"{}\" in {} ({} including waiting). Image size: {} bytes.",
                                r.image, took, took, image->size_bytes));
        if (seen_) seen_(*image);
        return r.done(*image);
    }
    auto& wait = backoff(r);
    wait.delay = wait.delay == base::Duration{} ? delay_first : std::min(wait.delay * 2, delay_max);
    wait.until = loop_.now() + wait.delay;
    wait.message = image.error().message;
    wait.told = false;
    events_.say(*r.pod, r.container, EventKind::warning, "Failed",
                fmt::format("Failed to pull image \"{}\": {}", r.image, wait.message));
    refuse(r, {"ErrImagePull", wait.message, loop_.now() + error_shown});
}

std::string Images::credentials(const PodView& pod, std::string_view full_name) const {
    for (const Ref named : pod.spec["imagePullSecrets"].items()) {
        const auto secret = store_.get({{"", "secrets"}, pod.ns, std::string(named["name"].str())});
        if (!secret) continue;
        for (const auto key : {".dockerconfigjson", ".dockercfg"}) {
            const auto data = (*secret)["data"][key];
            if (!data) continue;
            boost::system::error_code bad;
            const auto config = json::parse(decode_base64(data.str()), bad);
            if (bad) continue;
            const auto auths = Ref(config)["auths"] ? Ref(config)["auths"] : Ref(config);
            for (const auto& [host, entry] : auths.members())
                if (serves(host, full_name)) return login_of(Ref(entry));
        }
    }
    return "";
}

}  // namespace node
