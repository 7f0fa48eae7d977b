// One request after the other out of a stream of bytes, by Boost.Beast's parser, straight into a Request.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "kit/http/server.h"

namespace kit::http {

struct ParseLimits {
    std::size_t header_bytes_max;
    std::size_t body_bytes_max;
    const std::function<BodyPlan(const Request&)>* plan_body = nullptr;  ///< may be empty
};

class RequestParser {
 public:
    enum class Step : std::uint8_t {
        more,
        head,  ///< once, for a body that is streamed: take() gives the request, take_body() what follows
        done,
        refused
    };

    explicit RequestParser(ParseLimits limits);
    ~RequestParser();

    /// Makes ready for the next request.
    void begin();
    /// Takes what it can of `bytes` and says how much in `taken`; what it left must be offered again with more.
    Step put(std::string_view bytes, std::size_t& taken);

    bool header_done() const;
    bool keep_alive() const;
    /// False for HTTP/1.0, which knows no chunks.
    bool http_1_1() const;
    /// The client waits for `100 Continue` before it sends the body.
    bool expects_continue() const;
    /// After `done` or `head`.
    Request take();
    /// What has come of a streamed body.
    std::string take_body();
    const BodyPlan& plan() const;
    /// After `refused`: the status to answer and why.
    int status() const;
    std::string_view message() const;

 private:
    class Machine;
    struct Slot;
    std::unique_ptr<Slot> slot_;
};

}  // namespace kit::http
