#include "server/body.h"

#include <fmt/format.h>

#include "kinds/registry.h"
#include "object/decode.h"

namespace server {

using base::Code;
using base::Result;
using object::Ref;

namespace {

Result<object::Parsed> parse_text(std::string_view type, std::string_view text) {
    auto parsed = type == "application/yaml" ? object::parse_yaml(text) : object::parse_json(text);
    if (!parsed) return base::fail(Code::bad_request, "the request body could not be read: " + parsed.error().message);
    return parsed;
}

std::string_view group_of(std::string_view api_version) {
    const auto slash = api_version.find('/');
    return slash == api_version.npos ? std::string_view{} : api_version.substr(0, slash);
}

Result<void> compare(const Expected& expected, std::string_view api_version, std::string_view kind) {
    if (!kind.empty() && kind != expected.kind)
        return base::fail(Code::bad_request,
                          fmt::format("{0} in version \"{1}\" cannot be handled as a {2}: the object provided is a {0}",
                                      kind, api_version.empty() ? expected.api_version : api_version, expected.kind));
    if (expected.any_version || api_version.empty() || api_version == expected.api_version) return {};
    if (group_of(api_version) != group_of(expected.api_version) && api_version.find('/') != api_version.rfind('/'))
        return base::fail(Code::bad_request, fmt::format("unexpected GroupVersion string: {}", api_version));
    return base::fail(Code::bad_request,
                      fmt::format("the API version in the data ({}) does not match the expected API version ({})",
                                  api_version, expected.api_version));
}

Result<Body> finish(const Expected& expected, json::object object, std::vector<std::string> duplicates) {
    TRY(compare(expected, Ref(object)["apiVersion"].str(), Ref(object)["kind"].str()));
    object["apiVersion"] = expected.api_version;
    object["kind"] = expected.kind;
    return Body{std::move(object), std::move(duplicates)};
}

Result<Body> decode_protobuf(std::string_view bytes, const Expected& expected) {
    const auto envelope = TRY(object::open_envelope(bytes));
    TRY(compare(expected, envelope.api_version, envelope.kind));
    if (!expected.message) return base::fail(Code::unsupported_media_type, "this path takes no protobuf");
    auto object = TRY(object::decode_protobuf(*expected.message, envelope.raw));
    return finish(expected, std::move(object), {});
}

}  // namespace

Expected Expected::of(const object::Kind& kind) {
    return {.api_version = kind.api_version(), .kind = std::string(kind.kind), .message = kind.message};
}

Expected Expected::of(std::string_view api_version, std::string_view message_group, std::string_view name) {
    return {.api_version = std::string(api_version),
            .kind = std::string(name),
            .message = kinds::message(message_group, name)};
}

Result<Body> decode_body(const http::Request& request, const Expected& expected) {
    const auto type = media_type(request.headers.get("Content-Type"));
    if (type == "application/vnd.kubernetes.protobuf") return decode_protobuf(request.body, expected);
    if (!type.empty() && type != "application/json" && type != "application/yaml")
        return base::fail(Code::unsupported_media_type,
                          "the body of the request was in an unknown format - accepted media types include: "
                          "application/json, application/yaml, application/vnd.kubernetes.protobuf");
    auto parsed = TRY(parse_text(type, request.body));
    if (!parsed.value.is_object())
        return base::fail(Code::bad_request, fmt::format("the request body is no {}: not an object", expected.kind));
    return finish(expected, std::move(parsed.value.get_object()), std::move(parsed.duplicates));
}

Result<Body> decode_optional_body(const http::Request& request, const Expected& expected) {
    if (request.body.empty()) return finish(expected, {}, {});
    return decode_body(request, expected);
}

}  // namespace server
