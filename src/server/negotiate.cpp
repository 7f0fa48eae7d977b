#include "server/negotiate.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace server {

namespace {

std::string_view trim(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

std::string lower(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

/// The part before `separator`, which is taken off `rest` together with it.
std::string_view next(std::string_view& rest, char separator) {
    const auto end = rest.find(separator);
    const auto part = rest.substr(0, end);
    rest = end == rest.npos ? std::string_view{} : rest.substr(end + 1);
    return trim(part);
}

Clause parse_clause(std::string_view text) {
    Clause clause;
    clause.type = lower(next(text, ';'));
    while (!text.empty()) {
        auto value = next(text, ';');
        const auto key = next(value, '=');
        if (key == "as") clause.as = value;
        if (key == "g") clause.group = value;
        if (key == "v") clause.version = value;
        if (key == "q") std::from_chars(value.data(), value.data() + value.size(), clause.quality);
    }
    return clause;
}

std::optional<Media> media_of(std::string_view type, Offer offer) {
    if (type == "application/json" || type == "*/*" || type == "application/vnd.kubernetes.protobuf")
        return Media::json;
    if (type == "application/yaml" && offer.yaml) return Media::yaml;
    return std::nullopt;
}

std::optional<Form> form_of(const Clause& clause, Offer offer) {
    if (clause.as.empty()) return Form::object;
    if (!offer.forms || clause.group != "meta.k8s.io" || (clause.version != "v1" && clause.version != "v1beta1"))
        return std::nullopt;
    if (clause.as == "Table") return Form::table;
    if (clause.as == "PartialObjectMetadata" || clause.as == "PartialObjectMetadataList") return Form::partial;
    return std::nullopt;
}

}  // namespace

std::vector<Clause> parse_accept(std::string_view header) {
    std::vector<Clause> clauses;
    if (trim(header).empty()) header = "*/*";
    while (!header.empty()) {
        const auto text = next(header, ',');
        if (!text.empty()) clauses.push_back(parse_clause(text));
    }
    std::ranges::stable_sort(clauses, std::ranges::greater{}, &Clause::quality);
    return clauses;
}

base::Result<Accepted> negotiate(std::string_view accept, Offer offer) {
    for (const auto& clause : parse_accept(accept)) {
        const auto media = media_of(clause.type, offer);
        const auto form = form_of(clause, offer);
        if (media && form) return Accepted{*media, *form, clause.version.empty() ? "v1" : clause.version};
    }
    // Upstream's router refuses what it has no media type for, with empty details; what comes later has none.
    const auto routed = [](const Clause& clause) {
        return clause.type == "*/*" || clause.type == "application/json" || clause.type == "application/yaml" ||
               clause.type == "application/vnd.kubernetes.protobuf";
    };
    constexpr auto text = "only the following media types are accepted: application/json, application/yaml";
    if (std::ranges::any_of(parse_accept(accept), routed)) return base::fail(base::Code::not_acceptable, text);
    return base::fail(base::Code::not_acceptable, text, base::Details{});
}

std::string media_type(std::string_view header) { return lower(next(header, ';')); }

}  // namespace server
