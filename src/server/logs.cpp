#include "server/logs.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "server/answer.h"

namespace server {

using base::Cause;
using base::Code;
using base::Result;
using object::Object;
using object::Ref;

namespace {

std::vector<std::string> names(Ref containers) {
    std::vector<std::string> out;
    for (const auto& container : containers.items()) out.emplace_back(Ref(container)["name"].str());
    return out;
}

std::string joined(const std::vector<std::string>& words) { return fmt::format("[{}]", fmt::join(words, " ")); }

Result<std::string> container_of(const Object& pod, std::string_view asked) {
    const auto spec = pod["spec"];
    const auto usual = names(spec["containers"]);
    const auto initial = names(spec["initContainers"]);
    const auto ephemeral = names(spec["ephemeralContainers"]);
    if (!asked.empty()) {
        for (const auto* list : std::array{&usual, &initial, &ephemeral})
            if (std::ranges::find(*list, asked) != list->end()) return std::string(asked);
        return base::fail(Code::bad_request, fmt::format("container {} is not valid for pod {}", asked, pod.name()));
    }
    // Which of several is meant by default is kubectl's to say (an annotation), not the server's.
    if (usual.size() == 1) return usual[0];
    auto text =
        fmt::format("a container name must be specified for pod {}, choose one of: {}", pod.name(), joined(usual));
    if (!initial.empty()) text += fmt::format(" or one of the init containers: {}", joined(initial));
    return base::fail(Code::bad_request, std::move(text));
}

Ref status_of_container(const Object& pod, std::string_view name) {
    for (const auto* list : {"containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"})
        for (const auto& status : pod["status"][list].items())
            if (Ref(status)["name"].str() == name) return status;
    return {};
}

Result<void> check_state(const Object& pod, std::string_view container, bool previous) {
    const auto status = status_of_container(pod, container);
    if (previous) {
        if (status["lastState"]["terminated"]) return {};
        return base::fail(Code::bad_request, fmt::format("previous terminated container \"{}\" in pod \"{}\" not found",
                                                         container, pod.name()));
    }
    const auto state = status["state"];
    if (state["running"] || state["terminated"] || status["lastState"]["terminated"]) return {};
    const auto reason = state["waiting"]["reason"].str("ContainerCreating");
    const auto message = state["waiting"]["message"].str();
    if (reason == "ContainerCreating" || reason == "PodInitializing" || message.empty())
        return base::fail(Code::bad_request, fmt::format("container \"{}\" in pod \"{}\" is waiting to start: {}",
                                                         container, pod.name(), reason));
    return base::fail(Code::bad_request, fmt::format("container \"{}\" in pod \"{}\" is waiting to start: {}",
                                                     container, pod.name(), message));
}

void at_least(std::vector<Cause>& causes, std::string_view field, std::optional<std::int64_t> value,
              std::int64_t least) {
    if (value && *value < least)
        causes.push_back({"FieldValueInvalid",
                          fmt::format("Invalid value: {}: must be greater than or equal to {}", *value, least),
                          std::string(field)});
}

Result<LogRequest> parse(Core& core, const Call& call) {
    const auto& query = call.query;
    const auto since_s = TRY(query.number("sinceSeconds"));
    LogRequest wanted{.ns = call.place.ns,
                      .pod = call.place.name,
                      .follow = query.flag("follow") ? Follow::yes : Follow::no,
                      .previous = query.flag("previous"),
                      .timestamps = query.flag("timestamps"),
                      .tail_lines = TRY(query.number("tailLines")),
                      .limit_bytes = TRY(query.number("limitBytes"))};
    std::vector<Cause> causes;
    at_least(causes, "tailLines", wanted.tail_lines, 0);
    at_least(causes, "limitBytes", wanted.limit_bytes, 1);
    if (since_s && !query.get("sinceTime").empty())
        causes.push_back(
            {"FieldValueForbidden", "Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified", "[]"});
    at_least(causes, "sinceSeconds", since_s, 1);
    if (query.has("stream")) causes.push_back({"FieldValueForbidden", "Forbidden: may not be specified", "stream"});
    if (since_s) wanted.since = core.loop.now() - std::chrono::seconds(*since_s);
    if (const auto time = query.get("sinceTime"); !time.empty()) {
        wanted.since = base::parse_rfc3339(time);
        if (!wanted.since)
            return base::fail(Code::bad_request, fmt::format("sinceTime: \"{}\" is no RFC 3339 time", time));
    }
    if (causes.empty()) return wanted;
    const auto text =
        fmt::format("PodLogOptions \"{}\" is invalid: {}: {}", call.place.name, causes[0].field, causes[0].message);
    return base::fail(Code::invalid, text,
                      base::Details{.name = call.place.name, .kind = "PodLogOptions", .causes = std::move(causes)});
}

Result<LogRequest> wanted_log(Core& core, const Call& call, const Object& pod) {
    auto wanted = TRY(parse(core, call));
    wanted.container = TRY(container_of(pod, call.query.get("container")));
    wanted.uid = pod.uid();
    if (!pod["spec"]["nodeName"].str().empty()) TRY(check_state(pod, wanted.container, wanted.previous));
    return wanted;
}

/// An answer that begins with its first chunk, so that an error before it is still told as a Status.
class LogAnswer : public std::enable_shared_from_this<LogAnswer> {
 public:
    LogAnswer(Core& core, Call call) : core_(core), call_(std::move(call)) {}

    void begin(LogRequest request) {
        const bool follows = request.follow == Follow::yes;
        call_->reply.on_close([weak = weak_from_this()] { stop(weak); });
        const auto self = shared_from_this();  // the sink keeps the answer, the answer the reading
        LogSink sink{.chunk = [self](std::string chunk) { self->chunk(std::move(chunk)); },
                     .end = [self] { self->finish(); },
                     .fail = [self](const base::Error& error) { self->fail(error); }};
        if (follows) start();
        auto reading = core_.ports.logs->read(std::move(request), std::move(sink));
        if (!done_) reading_ = std::move(reading);
    }

 private:
    static void stop(const std::weak_ptr<LogAnswer>& weak) {
        const auto self = weak.lock();
        if (!self) return;
        self->done_ = true;
        self->release();
    }
    void start() {
        if (stream_) return;
        auto headers = headers_of(*call_, "text/plain");
        stream_ = std::move(call_->reply).start(200, std::move(headers));
        stream_->on_close([weak = weak_from_this()] { stop(weak); });
        call_.reset();
    }
    void chunk(std::string text) {
        if (done_ || text.empty()) return;
        start();
        stream_->write(std::make_shared<const std::string>(std::move(text)));
        if (stream_->pending() <= core_.settings.watch_backlog_bytes_max) return;
        done_ = true;  // a reader this slow is cut
        release();
    }
    void finish() {
        if (done_) return;
        done_ = true;
        start();
        stream_->end();
        release();
    }
    void fail(const base::Error& error) {
        if (done_) return;
        done_ = true;
        if (call_) send_error(std::move(*call_), error);
        release();
    }
    /// The reading is dropped in a turn of its own: this may run within one of its calls.
    void release() {
        core_.loop.post([self = shared_from_this()] {
            self->reading_.reset();
            self->stream_.reset();
            self->call_.reset();
        });
    }

    Core& core_;
    std::optional<Call> call_;
    std::shared_ptr<http::Stream> stream_;
    std::unique_ptr<Logs::Reading> reading_;
    bool done_ = false;
};

}  // namespace

void read_log(Core& core, Call call) {
    const auto pod = core.api.get(call.target());
    if (!pod) return send_error(std::move(call), pod.error());
    auto wanted = wanted_log(core, call, **pod);
    if (!wanted) return send_error(std::move(call), wanted.error());
    if ((**pod)["spec"]["nodeName"].str().empty()) {
        auto headers = headers_of(call, "");
        return std::move(call.reply).send({204, std::move(headers), nullptr});
    }
    if (!core.ports.logs)
        return send_error(std::move(call), base::Error(Code::unavailable, "this server has no pod logs"));
    std::make_shared<LogAnswer>(core, std::move(call))->begin(std::move(*wanted));
}

}  // namespace server
