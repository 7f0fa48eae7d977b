#include "vehicles/csv.h"

#include <gtest/gtest.h>

namespace vehicles {
namespace {

using Cells = std::vector<std::vector<std::string>>;

/// All records of `text`, given in pieces of `piece` bytes.
Cells read(std::string_view text, std::size_t piece) {
    CsvReader reader;
    Cells all;
    const auto drain = [&] {
        CsvRecord record;
        while (true) {
            const auto found = reader.next(record);
            if (!found) return all.push_back({"error: " + found.error().message});
            if (!*found) return;
            all.push_back(record.cells);
        }
    };
    while (!text.empty()) {
        reader.add(text.substr(0, piece));
        text.remove_prefix(std::min(piece, text.size()));
        drain();
    }
    reader.finish();
    drain();
    return all;
}

TEST(Csv, ReadsWhatPeoplesProgramsWriteInPiecesOfAnySize) {
    const std::string_view text =
        "\xef\xbb\xbfname;price\r\n\"one; two\";1\r\n\r\n\"a \"\"quoted\"\"\r\nline\";2\nplain;\"\"\nlast;3";
    const Cells expected{
        {"name", "price"}, {"one; two", "1"}, {"a \"quoted\"\r\nline", "2"}, {"plain", ""}, {"last", "3"}};
    for (std::size_t piece = 1; piece <= text.size(); ++piece) EXPECT_EQ(read(text, piece), expected) << piece;
    EXPECT_EQ(read("a,b\n1,\n", 100), (Cells{{"a", "b"}, {"1", ""}}));
    EXPECT_EQ(read("", 1), Cells{});
    EXPECT_EQ(read("a", 1), Cells{{"a"}});
}

TEST(Csv, TellsLinesAndStopsAtWhatHasNoEnd) {
    CsvReader reader;
    reader.add("a,b\n\n\"x\ny\",2\nz,3\n");
    reader.finish();
    CsvRecord record;
    std::vector<std::int64_t> lines;
    while (*reader.next(record)) lines.push_back(record.line);
    EXPECT_EQ(lines, (std::vector<std::int64_t>{1, 3, 5}));
    EXPECT_EQ(read("a\n\"never closed", 3).back(), Cells::value_type{"error: a quote is never closed"});
    CsvReader endless;
    endless.add("a\n\"" + std::string(CsvReader::record_bytes_max + 10, 'x'));
    ASSERT_TRUE(*endless.next(record));
    EXPECT_FALSE(endless.next(record));
}

TEST(Csv, WritesCellsThatSpreadsheetsDoNotCalculate) {
    const auto cell = [](std::string_view text) {
        std::string out;
        append_csv_cell(out, text);
        return out;
    };
    EXPECT_EQ(cell("plain"), "plain");
    EXPECT_EQ(cell("a,\"b\"\n"), "\"a,\"\"b\"\"\n\"");
    EXPECT_EQ(cell("=1+1"), "\"'=1+1\"");
    EXPECT_EQ(cell(""), "");
}

}  // namespace
}  // namespace vehicles
