#include "documents/body.h"

#include <boost/json.hpp>
#include <cmath>
#include <limits>
#include <optional>

#include "kit/problem.h"

namespace documents {
namespace {

using Found = std::optional<kit::FieldProblem>;

Found problem_in(const boost::json::value& value, const std::string& path);

std::string below(const std::string& path, std::string_view name) {
    std::string text = path;
    if (!text.empty()) text += '.';
    text += name;
    return text;
}

Found problem_with_name(std::string_view name, const std::string& path) {
    const auto wrong = [&](const char* why) { return kit::FieldProblem{below(path, name.substr(0, 100)), why}; };
    if (name.empty()) return wrong("must not have an empty name within");
    if (name.front() == '$' || name.find('.') != std::string_view::npos)
        return wrong("must have a name without '.' that does not begin with '$'");
    if (name.find('\0') != std::string_view::npos) return wrong("must have a name without a zero character");
    return std::nullopt;
}

Found problem_in(const boost::json::object& object, const std::string& path) {
    for (const auto& [name, value] : object) {
        if (auto wrong = problem_with_name(name, path)) return wrong;
        if (auto wrong = problem_in(value, below(path, name))) return wrong;
    }
    return std::nullopt;
}

Found problem_in(const boost::json::value& value, const std::string& path) {
    if (const auto* object = value.if_object()) return problem_in(*object, path);
    if (const auto* list = value.if_array()) {
        for (std::size_t at = 0; at < list->size(); ++at) {
            if (auto wrong = problem_in((*list)[at], below(path, std::to_string(at)))) return wrong;
        }
    }
    const bool large = value.is_uint64() && value.get_uint64() > std::numeric_limits<std::int64_t>::max();
    if (large || (value.is_double() && !std::isfinite(value.get_double())))
        return kit::FieldProblem{path, "must be a number that fits into 64 bits"};
    if (value.is_string() && value.get_string().find('\0') != boost::json::string::npos)
        return kit::FieldProblem{path, "must be a text without zero characters"};
    return std::nullopt;
}

}  // namespace

base::Result<std::string> checked_body(std::string_view body) {
    if (body.size() > bytes_max) return base::fail(base::Code::too_large, "a document has at most 65536 bytes");
    boost::system::error_code error;
    const boost::json::parse_options options{.max_depth = depth_max};
    const auto value = boost::json::parse({body.data(), body.size()}, error, {}, options);
    if (error == boost::json::error::too_deep)
        return std::unexpected(kit::invalid_fields({{"document", "must not be nested deeper than 20"}}));
    if (error) return base::fail(base::Code::bad_request, "the body is no JSON: " + error.message());
    if (!value.is_object()) return base::fail(base::Code::bad_request, "the body must be a JSON object");
    if (auto wrong = problem_in(value.get_object(), "")) return std::unexpected(kit::invalid_fields({*wrong}));
    return boost::json::serialize(value);
}

}  // namespace documents
