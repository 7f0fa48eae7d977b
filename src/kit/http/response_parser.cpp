#include "kit/http/response_parser.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>

#include "kit/http/last_chunk.h"

namespace kit::http {
namespace {

namespace beast = boost::beast;
using Failure = boost::system::error_code;

constexpr std::uint32_t header_bytes_max = 64 * 1024;
constexpr std::uint64_t reserved_bytes_max = 64 * 1024;

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

}  // namespace

class ResponseParser::Machine final : public beast::http::basic_parser<false> {
 public:
    explicit Machine(const Request& request) : gathers_(request.body_max.has_value()) {
        eager(true);
        skip(request.head);
        header_limit(header_bytes_max);
        if (request.body_max) {
            body_limit(*request.body_max);
        } else {
            body_limit(boost::none);
        }
    }

    int status = 0;
    Headers headers;
    std::string body;

    LastChunkGuard last_chunk;

 private:
    void on_request_impl(beast::http::verb, beast::string_view, beast::string_view, int, Failure&) override {}
    void on_response_impl(int code, beast::string_view, int, Failure&) override { status = code; }
    void on_field_impl(beast::http::field, beast::string_view name, beast::string_view value, Failure&) override {
        if (!is_header_done()) headers.add(view(name), view(value));  // a trailer must not pass for a header
    }
    void on_header_impl(Failure&) override {}
    void on_body_init_impl(const boost::optional<std::uint64_t>& length, Failure&) override {
        if (length && gathers_) body.reserve(std::min(*length, reserved_bytes_max));
    }
    std::size_t on_body_impl(beast::string_view bytes, Failure&) override {
        body.append(bytes.data(), bytes.size());
        return bytes.size();
    }
    void on_chunk_header_impl(std::uint64_t, beast::string_view, Failure&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view bytes, Failure&) override {
        body.append(bytes.data(), bytes.size());
        return bytes.size();
    }
    void on_finish_impl(Failure&) override {}

    bool gathers_;
};

struct ResponseParser::Slot {
    Request request;
    std::optional<Machine> machine;
    bool interim() const { return machine->status >= 100 && machine->status < 200 && machine->status != 101; }
};

ResponseParser::ResponseParser() : slot_(new Slot) {}
ResponseParser::~ResponseParser() = default;

void ResponseParser::begin(const Request& request) {
    slot_->request = request;
    restart();
}

void ResponseParser::restart() { slot_->machine.emplace(slot_->request); }

ResponseParser::Step ResponseParser::put(std::string_view bytes, std::size_t& taken) {
    for (taken = 0;;) {
        const auto rest = bytes.substr(taken);
        Failure failure;
        auto& machine = *slot_->machine;
        if (machine.last_chunk.holds(rest.size())) return Step::more;
        const auto now = machine.put(boost::asio::const_buffer(rest.data(), rest.size()), failure);
        taken += now;
        const bool wants_more = !failure || failure == beast::http::error::need_more;
        if (wants_more && machine.is_header_done() && machine.chunked())
            machine.last_chunk.left_over(rest.size() - now);
        if (failure == beast::http::error::need_more) return Step::more;
        if (failure == beast::http::error::body_limit) return Step::too_large;
        if (failure) return Step::invalid;
        if (!machine.is_done()) return Step::more;
        if (!slot_->interim()) return Step::done;
        restart();
        if (taken == bytes.size()) return Step::more;
    }
}

ResponseParser::Step ResponseParser::end() {
    auto& machine = *slot_->machine;
    if (!machine.is_header_done() || !machine.need_eof()) return Step::invalid;
    Failure failure;
    machine.put_eof(failure);
    return failure || !machine.is_done() ? Step::invalid : Step::done;
}

bool ResponseParser::header_done() const { return slot_->machine->is_header_done() && !slot_->interim(); }
int ResponseParser::status() const { return slot_->machine->status; }
Headers& ResponseParser::headers() { return slot_->machine->headers; }
std::string& ResponseParser::body() { return slot_->machine->body; }
bool ResponseParser::keep_alive() const { return slot_->machine->keep_alive(); }

}  // namespace kit::http
