// Requests in pieces of any size through the parser, whole and streamed. The first two bytes choose those.
#include "base/result.h"
#include "fuzz.h"
#include "kit/http/parser.h"

namespace {

constexpr std::size_t header_max = 4096;
constexpr std::size_t body_max = 8192;

using kit::http::BodyPlan;
using kit::http::Request;
using kit::http::RequestParser;

void check_request(const Request& request) {
    base::check(!request.method.empty(), "a request has a method");
    base::check(request.path == "*" || request.path.starts_with('/'), "a path begins with a slash");
    base::check(request.path.find('?') == std::string::npos, "the query is not in the path");
    base::check(request.body.size() <= body_max, "a body keeps its limit");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto input = fuzz::text(data, size);
    const std::size_t piece = 1 + fuzz::first(input);
    const auto way = (fuzz::first(input) & 1) != 0 ? BodyPlan::Way::streamed : BodyPlan::Way::whole;
    const std::function<BodyPlan(const Request&)> plan = [way](const Request&) {
        return BodyPlan{.way = way, .bytes_max = body_max};
    };
    RequestParser parser({header_max, body_max, &plan});
    parser.begin();
    std::string kept;
    std::size_t streamed = 0;
    while (!input.empty()) {
        kept += input.substr(0, piece);
        input.remove_prefix(std::min(piece, input.size()));
        for (bool goes_on = true; goes_on;) {
            std::size_t taken = 0;
            const auto step = parser.put(kept, taken);
            base::check(taken <= kept.size(), "no more is taken than was given");
            kept.erase(0, taken);
            goes_on = taken > 0 && !kept.empty();
            if (step == RequestParser::Step::refused) {
                base::check(parser.status() >= 400 && parser.status() < 600 && !parser.message().empty(),
                            "it says why");
                return 0;
            }
            if (step == RequestParser::Step::head) check_request(parser.take()), goes_on = !kept.empty(), streamed = 0;
            if (way == BodyPlan::Way::streamed && parser.header_done()) streamed += parser.take_body().size();
            base::check(streamed <= body_max, "a streamed body keeps its limit");
            if (step != RequestParser::Step::done) continue;
            if (way == BodyPlan::Way::whole) check_request(parser.take());
            parser.begin();
            streamed = 0;
        }
    }
    return 0;
}
