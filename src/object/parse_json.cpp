// JSON text to a value by Boost's SAX parser. Keys that stand twice are found by counting members: only a text that has
// some is read a second time, keeping the path.
#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <string>
#include <vector>

#include "object/decode.h"

namespace object {
namespace {

constexpr std::size_t depth_max = 512;

json::parse_options options() {
    json::parse_options out;
    out.max_depth = depth_max;
    return out;
}

/// Builds the value, and counts the members that were written.
struct Builder {
    static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);
    using Ec = boost::system::error_code;
    using View = json::string_view;

    json::value_stack stack;
    std::size_t members = 0;

    bool on_document_begin(Ec&) { return true; }
    bool on_document_end(Ec&) { return true; }
    bool on_object_begin(Ec&) { return true; }
    bool on_object_end(std::size_t n, Ec&) {
        members += n;
        stack.push_object(n);
        return true;
    }
    bool on_array_begin(Ec&) { return true; }
    bool on_array_end(std::size_t n, Ec&) { return stack.push_array(n), true; }
    bool on_key_part(View s, std::size_t, Ec&) { return stack.push_chars(s), true; }
    bool on_key(View s, std::size_t, Ec&) { return stack.push_key(s), true; }
    bool on_string_part(View s, std::size_t, Ec&) { return stack.push_chars(s), true; }
    bool on_string(View s, std::size_t, Ec&) { return stack.push_string(s), true; }
    bool on_number_part(View, Ec&) { return true; }
    bool on_int64(std::int64_t i, View, Ec&) { return stack.push_int64(i), true; }
    bool on_uint64(std::uint64_t u, View, Ec&) { return stack.push_uint64(u), true; }
    bool on_double(double d, View, Ec&) { return stack.push_double(d), true; }
    bool on_bool(bool b, Ec&) { return stack.push_bool(b), true; }
    bool on_null(Ec&) { return stack.push_null(), true; }
    bool on_comment_part(View, Ec&) { return true; }
    bool on_comment(View, Ec&) { return true; }
};

/// Says where each key stands that its object already has.
struct DuplicateFinder {
    static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t found_max = 100;
    using Ec = boost::system::error_code;
    using View = json::string_view;

    struct Level {
        bool list = false;
        std::size_t index = 0;
        std::string path;               ///< of this object or list
        std::string key;                ///< the member being read
        std::vector<std::string> keys;  ///< sorted
    };
    std::vector<Level> levels;
    std::string key_so_far;
    std::vector<std::string> found;

    std::string place() const {
        if (levels.empty()) return "";
        const auto& top = levels.back();
        if (top.list) return top.path + "[" + std::to_string(top.index) + "]";
        return top.path.empty() ? top.key : top.path + "." + top.key;
    }
    bool value_done() {
        if (!levels.empty() && levels.back().list) ++levels.back().index;
        return true;
    }
    bool open(bool list) {
        levels.push_back({.list = list, .path = place()});
        return true;
    }
    bool close() {
        levels.pop_back();
        return value_done();
    }

    bool on_document_begin(Ec&) { return true; }
    bool on_document_end(Ec&) { return true; }
    bool on_object_begin(Ec&) { return open(false); }
    bool on_object_end(std::size_t, Ec&) { return close(); }
    bool on_array_begin(Ec&) { return open(true); }
    bool on_array_end(std::size_t, Ec&) { return close(); }
    bool on_key_part(View s, std::size_t, Ec&) { return key_so_far.append(s.data(), s.size()), true; }
    bool on_key(View s, std::size_t, Ec&) {
        auto& top = levels.back();
        key_so_far.append(s.data(), s.size());
        top.key = std::exchange(key_so_far, {});
        const auto at = std::ranges::lower_bound(top.keys, top.key);
        if (at != top.keys.end() && *at == top.key) {
            if (found.size() < found_max) found.push_back("duplicate field \"" + place() + "\"");
        } else {
            top.keys.insert(at, top.key);
        }
        return true;
    }
    bool on_string_part(View, std::size_t, Ec&) { return true; }
    bool on_string(View, std::size_t, Ec&) { return value_done(); }
    bool on_number_part(View, Ec&) { return true; }
    bool on_int64(std::int64_t, View, Ec&) { return value_done(); }
    bool on_uint64(std::uint64_t, View, Ec&) { return value_done(); }
    bool on_double(double, View, Ec&) { return value_done(); }
    bool on_bool(bool, Ec&) { return value_done(); }
    bool on_null(Ec&) { return value_done(); }
    bool on_comment_part(View, Ec&) { return true; }
    bool on_comment(View, Ec&) { return true; }
};

std::size_t count_members(const json::value& value) {
    std::size_t count = 0;
    if (const auto* object = value.if_object()) {
        count = object->size();
        for (const auto& member : *object) count += count_members(member.value());
    } else if (const auto* list = value.if_array()) {
        for (const auto& item : *list) count += count_members(item);
    }
    return count;
}

}  // namespace

base::Result<Parsed> parse_json(std::string_view text) {
    json::basic_parser<Builder> parser(options());
    parser.handler().stack.reset();
    boost::system::error_code problem;
    const auto used = parser.write_some(false, text.data(), text.size(), problem);
    if (!problem && used < text.size()) problem = json::error::extra_data;
    if (problem)
        return base::fail(base::Code::bad_request,
                          "invalid JSON at byte " + std::to_string(used) + ": " + problem.message());
    Parsed out{.value = parser.handler().stack.release(), .duplicates = {}};
    if (count_members(out.value) != parser.handler().members) {
        json::basic_parser<DuplicateFinder> finder(options());
        finder.write_some(false, text.data(), text.size(), problem);
        out.duplicates = std::move(finder.handler().found);
    }
    return out;
}

}  // namespace object
