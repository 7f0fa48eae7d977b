// JSON patch (RFC 6902) and JSON merge patch (RFC 7386), as the API server's library reads them: `replace` of a missing
// member adds it, `copy` of one gives null, negative indices count from the end. See strategic.cpp for the third kind.
#include "object/patch.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

namespace object {

namespace {

constexpr std::size_t operations_max = 10'000;
/// What all copies of one patch may add up to, so that a small patch cannot make a huge object.
constexpr std::size_t copies_bytes_max = 3 * 1024 * 1024;

base::Error failed(std::string message) { return {base::Code::invalid, std::move(message), base::Details{}}; }
std::unexpected<base::Error> fail_op(std::string message) { return std::unexpected(failed(std::move(message))); }

std::string unescaped(std::string_view part) {
    std::string out;
    for (std::size_t i = 0; i < part.size(); ++i) {
        const bool escape = part[i] == '~' && i + 1 < part.size() && (part[i + 1] == '0' || part[i + 1] == '1');
        out += !escape ? part[i] : part[i + 1] == '0' ? '~' : '/';
        if (escape) ++i;
    }
    return out;
}

std::optional<std::int64_t> number(std::string_view text) {
    if (text.starts_with('+')) text.remove_prefix(1);
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

/// The container that a path leads into and the last part of the path.
struct Target {
    json::value* container = nullptr;  ///< an object or an array; null when the path leads nowhere
    std::string key;

    /// The index into an array of that size; -1 is its last item.
    std::optional<std::size_t> index(std::size_t size) const {
        auto at = number(key);
        if (at && *at < 0) *at += static_cast<std::int64_t>(size);
        if (!at || *at < 0 || *at >= static_cast<std::int64_t>(size)) return std::nullopt;
        return static_cast<std::size_t>(*at);
    }
};

Target find_target(json::value& document, std::string_view path) {
    const auto start = path.find('/');
    if (start == std::string_view::npos) return {};
    path.remove_prefix(start + 1);
    auto* at = &document;
    for (auto slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/')) {
        const Target step{at, unescaped(path.substr(0, slash))};
        path.remove_prefix(slash + 1);
        if (auto* object = at->if_object()) {
            at = object->if_contains(step.key);
        } else if (auto* array = at->if_array()) {
            const auto index = step.index(array->size());
            at = index ? &(*array)[*index] : nullptr;
        } else {
            at = nullptr;
        }
        if (!at) return {};
    }
    if (!at->is_structured()) return {};
    return {at, unescaped(path)};
}

/// One application of one patch to one document.
class JsonPatch {
 public:
    explicit JsonPatch(json::value& document) : document_(document) {}

    base::Result<int> run(const json::object& operation) {
        const Ref op(operation);
        const auto kind = op["op"].str();
        if (!op["path"].value() || !op["path"].value()->is_string()) return fail_op("an operation lacks its path");
        const auto path = op["path"].str();
        const auto value = op["value"].missing() ? json::value(nullptr) : *op["value"].value();
        if (kind == "add") return add(path, value);
        if (kind == "remove") return remove(path);
        if (kind == "replace") return replace(path, value);
        if (kind == "test") return test(path, value);
        if (kind != "move" && kind != "copy") return fail_op(fmt::format("unexpected kind of operation: {}", kind));
        if (!op["from"].value() || !op["from"].value()->is_string()) return fail_op("an operation lacks its from");
        return kind == "move" ? move(op["from"].str(), path) : copy(op["from"].str(), path);
    }

 private:
    static std::unexpected<base::Error> nowhere(std::string_view kind, std::string_view path) {
        return fail_op(fmt::format("{} operation does not apply: doc is missing path: {}", kind, path));
    }

    /// What is there: null when an object has no such member; an array's missing item is an error.
    base::Result<json::value> get(const Target& target, std::string_view kind, std::string_view path) const {
        if (!target.container) return nowhere(kind, path);
        if (const auto* object = target.container->if_object()) {
            const auto* found = object->if_contains(target.key);
            return found ? *found : json::value(nullptr);
        }
        const auto& array = target.container->get_array();
        const auto index = target.index(array.size());
        if (!index) return nowhere(kind, path);
        return array[*index];
    }

    base::Result<int> add(std::string_view path, json::value value) {
        const auto target = find_target(document_, path);
        if (!target.container) return nowhere("add", path);
        if (auto* object = target.container->if_object()) {
            (*object)[target.key] = std::move(value);
            return 0;
        }
        auto& array = target.container->get_array();
        const auto index = target.key == "-" ? array.size() : target.index(array.size() + 1);
        if (!index) return nowhere("add", path);
        array.insert(array.begin() + static_cast<std::ptrdiff_t>(*index), std::move(value));
        return 0;
    }

    base::Result<int> remove(std::string_view path) {
        const auto target = find_target(document_, path);
        if (!target.container) return nowhere("remove", path);
        if (auto* object = target.container->if_object()) {
            const auto at = object->find(target.key);
            if (at == object->end()) return nowhere("remove", path);
            object->stable_erase(at);
            return 0;
        }
        auto& array = target.container->get_array();
        const auto index = target.index(array.size());
        if (!index) return nowhere("remove", path);
        array.erase(array.begin() + static_cast<std::ptrdiff_t>(*index));
        return 0;
    }

    base::Result<int> replace(std::string_view path, json::value value) {
        if (path.empty()) {
            if (!value.is_structured()) return fail_op("replace operation value must be object or array");
            document_ = std::move(value);
            return 0;
        }
        const auto target = find_target(document_, path);
        TRY(get(target, "replace", path));
        if (auto* object = target.container->if_object()) {
            (*object)[target.key] = std::move(value);
        } else {
            auto& array = target.container->get_array();
            array[*target.index(array.size())] = std::move(value);
        }
        return 0;
    }

    base::Result<int> test(std::string_view path, const json::value& value) {
        const auto found = path.empty() ? document_ : TRY(get(find_target(document_, path), "test", path));
        if (found != value) return fail_op(fmt::format("testing path {}: test failed", path));
        return 0;
    }

    base::Result<int> move(std::string_view from, std::string_view path) {
        auto value = TRY(get(find_target(document_, from), "move", from));
        TRY(remove(from));
        return add(path, std::move(value));
    }

    base::Result<int> copy(std::string_view from, std::string_view path) {
        auto value = TRY(get(find_target(document_, from), "copy", from));
        copied_ += json::serialize(value).size();
        if (copied_ > copies_bytes_max) return fail_op("the copies of this patch are too large");
        return add(path, std::move(value));
    }

    json::value& document_;
    std::size_t copied_ = 0;
};

/// What a merge patch brings where nothing was: its nulls delete nothing and are dropped.
json::value without_nulls(const json::value& value) {
    if (const auto* object = value.if_object()) {
        json::object out;
        for (const auto& [key, member] : *object) {
            if (!member.is_null()) out[key] = without_nulls(member);
        }
        return out;
    }
    if (const auto* array = value.if_array()) {
        json::array out;
        for (const auto& item : *array) out.push_back(without_nulls(item));
        return out;
    }
    return value;
}

}  // namespace

base::Result<json::value> json_patch(json::value document, const json::value& patch) {
    const auto* operations = patch.if_array();
    if (!operations) return base::fail(base::Code::bad_request, "a JSON patch must be a list of operations");
    if (operations->size() > operations_max) {
        return base::fail(base::Code::too_large,
                          fmt::format("The allowed maximum operations in a JSON patch is {}, got {}", operations_max,
                                      operations->size()));
    }
    for (const auto& operation : *operations) {
        if (!operation.is_object()) return base::fail(base::Code::bad_request, "a patch operation must be an object");
    }
    JsonPatch applying(document);
    for (const auto& operation : *operations) TRY(applying.run(operation.get_object()));
    return document;
}

json::value merge_patch(json::value document, const json::value& patch) {
    const auto* changes = patch.if_object();
    auto* object = document.if_object();
    if (!changes || !object) return without_nulls(patch);
    for (const auto& [key, change] : *changes) {
        const auto at = object->find(key);
        if (change.is_null()) {
            if (at != object->end()) object->stable_erase(at);
        } else if (at == object->end()) {
            (*object)[key] = without_nulls(change);
        } else {
            at->value() = merge_patch(std::move(at->value()), change);
        }
    }
    return document;
}

}  // namespace object
