// Log text, tails and limits on files in memory.
#include "node/logs.h"

#include <gtest/gtest.h>

namespace {

using node::LogQuery;
using node::LogText;

std::string shown(const LogQuery& query, std::string_view raw) { return LogText(query).feed(raw); }

constexpr std::string_view three =
    "2026-01-01T00:00:01.000000000Z stdout F one\n"
    "2026-01-01T00:00:02.000000000Z stderr F two\n"
    "2026-01-01T00:00:03.000000000Z stdout P thr\n"
    "2026-01-01T00:00:03.500000000Z stdout F ee\n";

TEST(LogText, JoinsPartialLinesAndKeepsLimits) {
    EXPECT_EQ(shown({}, three), "one\ntwo\nthree\n");
    EXPECT_EQ(shown({.limit_bytes = 5}, three), "one\nt");
    EXPECT_EQ(shown({.since = base::parse_rfc3339("2026-01-01T00:00:02Z")}, three), "two\nthree\n");
    EXPECT_EQ(shown({.timestamps = true}, three),
              "2026-01-01T00:00:01.000000000Z one\n2026-01-01T00:00:02.000000000Z two\n"
              "2026-01-01T00:00:03.000000000Z three\n");
    LogText text{LogQuery{}};
    EXPECT_EQ(text.feed(three.substr(0, 30)), "");
    EXPECT_EQ(text.feed(three.substr(30)), "one\ntwo\nthree\n");
}

TEST(LogLines, TakesTheLastLines) {
    EXPECT_EQ(node::last_lines(three, 2), "two\nthree\n");
    EXPECT_EQ(node::last_lines(three.substr(10), 9), "two\nthree\n");
    EXPECT_EQ(node::last_lines("2026-01-01T00:00:01Z stdout P cut", 3), "cut");
}

/// Files in memory that grow, and tell it.
class Disk final : public node::LogFiles {
 public:
    std::map<std::string, std::string> files;
    std::map<std::string, std::uint64_t> identities;
    std::vector<std::string> old;
    std::function<void()> changed;

    base::Result<std::string> read(const std::string& path, std::uint64_t offset, std::size_t max) override {
        if (!files.contains(path)) return base::fail(base::Code::not_found, "no " + path);
        const auto& text = files[path];
        return offset >= text.size() ? "" : text.substr(offset, max);
    }
    base::Result<Facts> facts(const std::string& path) override {
        if (!files.contains(path)) return base::fail(base::Code::not_found, "no " + path);
        return Facts{files[path].size(), identities[path]};
    }
    std::vector<std::string> rotated(const std::string&) override { return old; }
    std::unique_ptr<Watching> watch(const std::string&, std::function<void()> c) override {
        changed = std::move(c);
        return std::make_unique<Watching>();
    }
};

TEST(LogTail, FindsWhereTheLastLinesBegin) {
    Disk disk;
    disk.files["f"] = "a\nbb\nccc\n";
    EXPECT_EQ(node::tail_offset(disk, "f", 9, 1), 5u);
    EXPECT_EQ(node::tail_offset(disk, "f", 9, 2), 2u);
    EXPECT_EQ(node::tail_offset(disk, "f", 9, 3), 0u);
    EXPECT_EQ(node::tail_offset(disk, "f", 9, 0), 9u);
    disk.files["g"] = std::string(200'000, 'x') + "\n" + std::string(100'000, 'y') + "\n";
    EXPECT_EQ(node::tail_offset(disk, "g", 300'002, 1), 200'001u);
}

}  // namespace
