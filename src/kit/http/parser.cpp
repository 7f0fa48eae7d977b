#include "kit/http/parser.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <optional>
#include <utility>

#include "kit/http/ascii.h"
#include "kit/http/last_chunk.h"

namespace kit::http {
namespace {

namespace beast = boost::beast;
using Failure = boost::system::error_code;

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

/// Splits the target into path and query; "http://host/path" (as proxies send) loses its front.
bool split_target(Request& request) {
    std::string_view rest = request.target;
    if (rest.starts_with("http://") || rest.starts_with("https://")) {
        const auto slash = rest.find('/', rest.find("//") + 2);
        rest = slash == std::string_view::npos ? std::string_view("/") : rest.substr(slash);
    }
    const auto fragment = rest.find('#');
    if (fragment != std::string_view::npos) rest = rest.substr(0, fragment);
    if (rest != "*" && !rest.starts_with('/')) return false;
    const auto mark = rest.find('?');
    request.path = rest.substr(0, mark);
    if (mark != std::string_view::npos) request.query = rest.substr(mark + 1);
    return true;
}

}  // namespace

class RequestParser::Machine final : public beast::http::basic_parser<true> {
 public:
    explicit Machine(const ParseLimits& limits) : limits_(limits) {
        eager(true);
        header_limit(static_cast<std::uint32_t>(limits.header_bytes_max));
        body_limit(boost::none);  // kept by take_in(): the plan is made after Beast would have checked
        plan.bytes_max = limits.body_bytes_max;
    }

    Request request;
    BodyPlan plan;
    bool head_given = false;
    LastChunkGuard last_chunk;
    int version = 11;
    int refusal = 0;
    std::string_view reason;

 private:
    void refuse(Failure& failure, int status, std::string_view why) {
        refusal = status;
        reason = why;
        failure = beast::http::error::bad_value;
    }

    void on_request_impl(beast::http::verb, beast::string_view method, beast::string_view target, int http_version,
                         Failure& failure) override {
        request.method = view(method);
        request.target = view(target);
        version = http_version;
        if (!split_target(request)) refuse(failure, 400, "the request target must be a path");
    }
    void on_response_impl(int, beast::string_view, int, Failure&) override {}

    void on_field_impl(beast::http::field, beast::string_view name, beast::string_view value, Failure&) override {
        if (!is_header_done()) request.headers.add(view(name), view(value));  // a trailer must not pass for a header
    }

    void on_header_impl(Failure& failure) override {
        const auto hosts = std::ranges::count_if(request.headers.all(),
                                                 [](const auto& field) { return same_text(field.first, "Host"); });
        if (hosts > 1 || (hosts == 0 && version >= 11)) return refuse(failure, 400, "there must be one Host header");
        const auto length = content_length();
        if (!chunked() && (!length || *length == 0)) return;
        if (limits_.plan_body && *limits_.plan_body) plan = (*limits_.plan_body)(request);
        if (length && *length > plan.bytes_max) return refuse(failure, 413, too_large);
        if (plan.way == BodyPlan::Way::streamed) eager(false);  // stop after the head
    }

    std::size_t take_in(beast::string_view bytes, Failure& failure) {
        taken_ += bytes.size();
        if (taken_ > plan.bytes_max) {
            refuse(failure, 413, too_large);
        } else {
            request.body.append(bytes.data(), bytes.size());
        }
        return bytes.size();
    }

    void on_body_init_impl(const boost::optional<std::uint64_t>& length, Failure&) override {
        if (length && plan.way == BodyPlan::Way::whole)
            request.body.reserve(std::min<std::uint64_t>(*length, 64 * 1024));
    }
    std::size_t on_body_impl(beast::string_view bytes, Failure& failure) override { return take_in(bytes, failure); }
    void on_chunk_header_impl(std::uint64_t, beast::string_view, Failure&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view bytes, Failure& failure) override {
        return take_in(bytes, failure);
    }
    void on_finish_impl(Failure&) override {}

    static constexpr std::string_view too_large = "the request's body is too large";
    const ParseLimits& limits_;
    std::uint64_t taken_ = 0;
};

struct RequestParser::Slot {
    ParseLimits limits;
    std::optional<Machine> machine;
};

RequestParser::RequestParser(ParseLimits limits) : slot_(new Slot{limits, std::nullopt}) {}
RequestParser::~RequestParser() = default;

void RequestParser::begin() { slot_->machine.emplace(slot_->limits); }

RequestParser::Step RequestParser::put(std::string_view bytes, std::size_t& taken) {
    auto& machine = *slot_->machine;
    Failure failure;
    taken = 0;
    if (machine.last_chunk.holds(bytes.size())) return Step::more;
    taken = machine.put(boost::asio::const_buffer(bytes.data(), bytes.size()), failure);
    const bool wants_more = !failure || failure == beast::http::error::need_more;
    if (wants_more && machine.is_header_done() && machine.chunked()) machine.last_chunk.left_over(bytes.size() - taken);
    if (wants_more && machine.plan.way == BodyPlan::Way::streamed && !std::exchange(machine.head_given, true)) {
        machine.eager(true);
        return Step::head;
    }
    if (!failure) return machine.is_done() ? Step::done : Step::more;
    if (wants_more) return Step::more;
    if (machine.refusal != 0) return Step::refused;
    if (failure == beast::http::error::header_limit) {
        machine.refusal = 431;
        machine.reason = "the request's header is too large";
    } else if (failure == beast::http::error::bad_version) {
        machine.refusal = 505;
        machine.reason = "only HTTP/1.0 and HTTP/1.1 are spoken here";
    } else {
        machine.refusal = 400;
        machine.reason = "the request is not well-formed HTTP/1.1";
    }
    return Step::refused;
}

bool RequestParser::header_done() const { return slot_->machine->is_header_done(); }
bool RequestParser::keep_alive() const { return slot_->machine->keep_alive(); }
bool RequestParser::http_1_1() const { return slot_->machine->version >= 11; }
bool RequestParser::expects_continue() const {
    return http_1_1() && same_text(slot_->machine->request.headers.get("Expect"), "100-continue");
}
Request RequestParser::take() { return std::exchange(slot_->machine->request, {}); }
std::string RequestParser::take_body() { return std::exchange(slot_->machine->request.body, {}); }
const BodyPlan& RequestParser::plan() const { return slot_->machine->plan; }
int RequestParser::status() const { return slot_->machine->refusal; }
std::string_view RequestParser::message() const { return slot_->machine->reason; }

}  // namespace kit::http
