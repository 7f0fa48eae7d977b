#include "server/list_options.h"

#include <fmt/format.h>

#include <charconv>

#include "server/status.h"
#include "server/tokens.h"

namespace server {

using base::Cause;
using base::Code;
using base::Result;

namespace {

std::vector<Cause> refuse_for_list(const Query& query) {
    std::vector<Cause> causes;
    const auto forbid = [&](std::string_view field, std::string_view why) {
        causes.push_back({"FieldValueForbidden", fmt::format("Forbidden: {}", why), std::string(field)});
    };
    if (const auto match = query.get("resourceVersionMatch"); !match.empty()) {
        if (query.get("resourceVersion").empty())
            forbid("resourceVersionMatch", "resourceVersionMatch is forbidden unless resourceVersion is provided");
        if (!query.get("continue").empty())
            forbid("resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided");
        if (match != "Exact" && match != "NotOlderThan")
            causes.push_back(
                {"FieldValueNotSupported",
                 fmt::format("Unsupported value: \"{}\": supported values: \"Exact\", \"NotOlderThan\"", match),
                 "resourceVersionMatch"});
        if (match == "Exact" && query.get("resourceVersion") == "0")
            forbid("resourceVersionMatch", "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"");
    }
    if (query.has("sendInitialEvents")) forbid("sendInitialEvents", "sendInitialEvents is forbidden for list");
    return causes;
}

std::vector<Cause> refuse_for_watch(const Query& query) {
    std::vector<Cause> causes;
    const auto match = query.get("resourceVersionMatch");
    const bool initial = query.has("sendInitialEvents");
    const auto forbid = [&](std::string_view why) {
        causes.push_back({"FieldValueForbidden", fmt::format("Forbidden: {}", why), "resourceVersionMatch"});
    };
    if (initial && match != "NotOlderThan")
        forbid("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
    if (match.empty()) return causes;
    if (!initial) forbid("resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
    if (match != "NotOlderThan")
        causes.push_back({"FieldValueNotSupported",
                          fmt::format("Unsupported value: \"{}\": supported values: \"NotOlderThan\"", match),
                          "resourceVersionMatch"});
    if (!query.get("continue").empty()) forbid("resourceVersionMatch is forbidden when continue is provided");
    return causes;
}

std::optional<store::Revision> revision_of(std::string_view text) {
    store::Revision revision = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), revision);
    if (error != std::errc{} || end != text.data() + text.size() || revision < 0) return std::nullopt;
    return revision;
}

}  // namespace

Result<ListOptions> parse_list_options(const Query& query, Reading reading) {
    auto causes = reading == Reading::list ? refuse_for_list(query) : refuse_for_watch(query);
    if (!causes.empty()) return std::unexpected(invalid_options("ListOptions", std::move(causes)));
    ListOptions options;
    if (const auto text = query.get("resourceVersion"); !text.empty()) {
        options.version = revision_of(text);
        if (!options.version)
            return base::fail(reading == Reading::list ? Code::bad_request : Code::unspecified,
                              fmt::format("Invalid value: \"{}\": resourceVersion must be a decimal number", text));
    }
    if (const auto match = query.get("resourceVersionMatch"); !match.empty())
        options.match = match == "Exact" ? Match::exact : Match::not_older;
    options.limit = TRY(query.number("limit")).value_or(0);
    options.next = query.get("continue");
    if (query.has("sendInitialEvents")) options.initial_events = query.flag("sendInitialEvents");
    options.bookmarks = query.flag("allowWatchBookmarks");
    options.timeout_s = TRY(query.number("timeoutSeconds"));
    return options;
}

std::string continue_text(const Continue& token) {
    return base64url(json::serialize(
        json::object{{"v", "slipway/v1"}, {"rv", token.revision}, {"ns", token.ns}, {"name", token.name}}));
}

Result<Continue> parse_continue(std::string_view text) {
    const auto refuse = [] { return base::fail(Code::bad_request, "continue key is not valid"); };
    const auto decoded = from_base64url(text);
    if (!decoded) return refuse();
    boost::system::error_code error;
    const auto value = json::parse(*decoded, error);
    if (error || object::Ref(value)["v"].str() != "slipway/v1") return refuse();
    const object::Ref ref(value);
    return Continue{ref["rv"].num(), std::string(ref["ns"].str()), std::string(ref["name"].str())};
}

}  // namespace server
