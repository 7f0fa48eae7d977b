// Lines to records.
#include "edge/logs/log_format.h"

#include <gtest/gtest.h>

namespace {

using edge::log_records;
using edge::Tail;
const base::Time at = base::parse_rfc3339("2026-11-21T12:00:00.5Z").value();
const std::string head = "2026-11-21T12:00:00.500000000Z stdout ";

TEST(LogFormat, LeavesAnUnfinishedLine) {
    const auto out = log_records("one\n\ntwo", "stdout", at, Tail::leave);
    EXPECT_EQ(out.text, head + "F one\n" + head + "F \n");
    EXPECT_EQ(out.consumed, 5u);
    EXPECT_EQ(log_records("two", "stdout", at, Tail::take).text, head + "P two\n");
}

TEST(LogFormat, SplitsLongLines) {
    const std::string line(edge::log_record_bytes_max, 'x');
    EXPECT_EQ(log_records(line + "\n", "stdout", at, Tail::leave).text, head + "F " + line + "\n");
    EXPECT_EQ(log_records(line, "stdout", at, Tail::leave).consumed, 0u);
    EXPECT_EQ(log_records(line + "yz\n", "stdout", at, Tail::leave).text, head + "P " + line + "\n" + head + "F yz\n");
    const auto unfinished = log_records(line + "yz", "stdout", at, Tail::leave);
    EXPECT_EQ(unfinished.text, head + "P " + line + "\n");
    EXPECT_EQ(unfinished.consumed, line.size());
}

}  // namespace
