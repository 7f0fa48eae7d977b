// YAML text to a JSON value as upstream reads it: YAML 1.1 booleans and integers, merge keys, and no more nodes than
// the text deserves, so that aliases cannot blow it up.
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "object/decode.h"

namespace object {
namespace {

using base::Code;
using base::Result;

constexpr std::size_t depth_max = 512;
constexpr std::size_t nodes_min = 100'000;  ///< any text may become this many values

std::optional<bool> boolean(std::string_view s) {
    for (const auto* word : {"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"})
        if (s == word) return true;
    for (const auto* word : {"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"})
        if (s == word) return false;
    return {};
}

bool is_null(std::string_view s) { return s.empty() || s == "~" || s == "null" || s == "Null" || s == "NULL"; }

/// 12, -0x1F, 0o17, 017, 0b101, with underscores between digits.
std::optional<json::value> integer(std::string digits) {
    std::erase(digits, '_');
    std::string_view rest = digits;
    const bool negative = rest.starts_with('-');
    if (negative || rest.starts_with('+')) rest.remove_prefix(1);
    int radix = 10;
    if (rest.size() > 1 && rest[0] == '0') {
        const char kind = rest[1];
        radix = kind == 'x' || kind == 'X' ? 16 : kind == 'b' || kind == 'B' ? 2 : 8;
        const bool letter = radix != 8 || kind == 'o' || kind == 'O';
        rest.remove_prefix(letter ? 2 : 1);
    }
    std::uint64_t value = 0;
    const auto [end, problem] = std::from_chars(rest.data(), rest.data() + rest.size(), value, radix);
    if (rest.empty() || problem != std::errc() || end != rest.data() + rest.size()) return {};
    constexpr std::uint64_t low = std::uint64_t(1) << 63;
    if (negative) return value > low ? std::nullopt : std::optional<json::value>(static_cast<std::int64_t>(0 - value));
    if (value < low) return json::value(static_cast<std::int64_t>(value));
    return json::value(value);
}

std::optional<double> real(std::string_view s) {
    auto rest = s;
    if (rest.starts_with('+')) rest.remove_prefix(1);
    if (rest.empty() || s.find_first_not_of("0123456789+-.eE") != std::string_view::npos) return {};
    if (s.find_first_of("0123456789") == std::string_view::npos) return {};
    double value = 0;
    const auto [end, problem] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    if (problem != std::errc() || end != rest.data() + rest.size()) return {};
    return value;
}

bool is_infinite(std::string_view s) {
    if (s.starts_with('+') || s.starts_with('-')) s.remove_prefix(1);
    for (const auto* word : {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"})
        if (s == word) return true;
    return false;
}

Result<json::value> plain(const std::string& text) {
    if (is_null(text)) return nullptr;
    if (const auto b = boolean(text)) return *b;
    if (auto i = integer(text)) return std::move(*i);
    if (is_infinite(text)) return base::fail(Code::bad_request, "error converting YAML to JSON: no JSON for " + text);
    if (const auto d = real(text)) {
        constexpr double exact_max = 9007199254740992.0;
        if (std::trunc(*d) == *d && std::fabs(*d) < exact_max) return static_cast<std::int64_t>(*d);
        return *d;
    }
    return json::string(text);
}

Result<json::value> scalar(const YAML::Node& node) {
    const auto& tag = node.Tag();
    if (tag == "?" || tag.empty()) return plain(node.Scalar());
    if (tag == "tag:yaml.org,2002:int" || tag == "tag:yaml.org,2002:bool" || tag == "tag:yaml.org,2002:float" ||
        tag == "tag:yaml.org,2002:null")
        return plain(node.Scalar());
    return json::string(node.Scalar());
}

class Reader {
 public:
    explicit Reader(std::size_t nodes_max) : nodes_max_(nodes_max) {}

    Result<json::value> read(const YAML::Node& node, std::size_t depth) {
        if (depth > depth_max || ++nodes_ > nodes_max_)
            return base::fail(Code::bad_request,
                              "error converting YAML to JSON: the document is too deep or too large");
        switch (node.Type()) {
            case YAML::NodeType::Scalar:
                return scalar(node);
            case YAML::NodeType::Sequence:
                return sequence(node, depth);
            case YAML::NodeType::Map:
                return map(node, depth);
            default:
                return nullptr;
        }
    }
    std::vector<std::string> duplicates;

 private:
    static Result<std::string> key_text(const YAML::Node& node) {
        if (!node.IsScalar()) return base::fail(Code::bad_request, "error converting YAML to JSON: a key is no text");
        const auto value = TRY(scalar(node));
        if (const auto* s = value.if_string()) return std::string(*s);
        if (value.is_null()) return base::fail(Code::bad_request, "error converting YAML to JSON: a key is null");
        return json::serialize(value);
    }

    Result<json::value> sequence(const YAML::Node& node, std::size_t depth) {
        json::array out;
        for (const auto& item : node) out.push_back(TRY(read(item, depth + 1)));
        return out;
    }

    Result<json::value> map(const YAML::Node& node, std::size_t depth) {
        json::object out;
        std::vector<YAML::Node> merged;
        for (const auto& entry : node) {
            if (entry.first.IsScalar() && entry.first.Tag() == "?" && entry.first.Scalar() == "<<") {
                merged.push_back(entry.second);
                continue;
            }
            const auto key = TRY(key_text(entry.first));
            if (out.contains(key))
                duplicates.push_back("line " + std::to_string(entry.first.Mark().line + 1) + ": key \"" + key +
                                     "\" already set in map");
            out[key] = TRY(read(entry.second, depth + 1));
        }
        for (const auto& from : merged) TRY(merge(out, from, depth));
        return out;
    }

    /// "<<": what is not said in the map itself comes from there; of a list the first wins.
    Result<void> merge(json::object& into, const YAML::Node& from, std::size_t depth) {
        if (from.IsSequence()) {
            for (const auto& item : from) TRY(merge(into, item, depth + 1));
            return {};
        }
        auto value = TRY(read(from, depth + 1));
        auto* members = value.if_object();
        if (!members) return base::fail(Code::bad_request, "error converting YAML to JSON: map merge requires a map");
        for (auto& member : *members)
            if (!into.contains(member.key())) into.emplace(member.key(), std::move(member.value()));
        return {};
    }

    std::size_t nodes_max_;
    std::size_t nodes_ = 0;
};

}  // namespace

base::Result<Parsed> parse_yaml(std::string_view text) {
    try {
        const auto document = YAML::Load(std::string(text));
        Reader reader(std::max(nodes_min, text.size()));
        auto value = TRY(reader.read(document, 0));
        return Parsed{.value = std::move(value), .duplicates = std::move(reader.duplicates)};
    } catch (const YAML::Exception& problem) {
        return base::fail(Code::bad_request, std::string("error converting YAML to JSON: ") + problem.what());
    }
}

}  // namespace object
