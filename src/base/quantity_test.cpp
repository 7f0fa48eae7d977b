// Quantities: what is accepted, the canonical text, and amounts in whole units and thousandths.
#include "base/quantity.h"

#include <gtest/gtest.h>

namespace base {
namespace {

std::string canonical(std::string_view text) {
    const auto out = canonical_quantity(text);
    return out ? *out : "refused";
}
Quantity quantity(std::string_view text) { return Quantity::parse(text).value(); }

TEST(Quantity, CanonicalText) {
    const std::pair<std::string_view, std::string_view> pairs[] = {{"0", "0"},
                                                                   {"1", "1"},
                                                                   {"-1", "-1"},
                                                                   {"1000", "1k"},
                                                                   {"1000m", "1"},
                                                                   {"1500m", "1500m"},
                                                                   {"0.5", "500m"},
                                                                   {".5", "500m"},
                                                                   {"1.", "1"},
                                                                   {"007", "7"},
                                                                   {"1000k", "1M"},
                                                                   {"1.5Gi", "1536Mi"},
                                                                   {"1024Mi", "1Gi"},
                                                                   {"0.5Ki", "512"},
                                                                   {"1Ki", "1Ki"},
                                                                   {"1023", "1023"},
                                                                   {"0.125Gi", "128Mi"},
                                                                   {"1e3", "1e3"},
                                                                   {"1E3", "1e3"},
                                                                   {"12e2", "1200"},
                                                                   {"+3", "+3"},
                                                                   {"0.1", "100m"},
                                                                   {"1u", "1u"},
                                                                   {"100n", "100n"},
                                                                   {"1E", "1E"},
                                                                   {"1.1Ki", "1126400m"},
                                                                   {"0Ki", "0"},
                                                                   {"0e3", "0"},
                                                                   {"2000Ki", "2000Ki"},
                                                                   {"1Ei", "1Ei"},
                                                                   {"0.1n", "1n"},
                                                                   {"-0.1n", "-1n"},
                                                                   {"1e-3", "1e-3"},
                                                                   {"5e-1", "500e-3"},
                                                                   {"1e+3", "1e3"},
                                                                   {"-1.5Gi", "-1536Mi"},
                                                                   {"1000000000000000000000", "9223372036854775807"}};
    for (const auto& [text, wanted] : pairs) EXPECT_EQ(canonical(text), wanted) << text;
}

TEST(Quantity, Refused) {
    for (const auto* text : {"",     "-",  ".",     "64MB", "1 Gi", " 1",  "1 ",  "Mi",  "1Kib",  "1..2", "1.2.3",
                             "0x10", "1e", "1e1.5", "1K",   "1mm",  "--1", "1,5", "one", "1e3Mi", "1i",   "1em"})
        EXPECT_EQ(canonical(text), "refused") << text;
}

TEST(Quantity, Amounts) {
    EXPECT_EQ(quantity("250m").milli_value(), 250);
    EXPECT_EQ(quantity("250m").value(), 1);
    EXPECT_EQ(quantity("-250m").value(), -1);
    EXPECT_EQ(quantity("64Mi").value(), 64ll << 20);
    EXPECT_EQ(quantity("1.5Gi").value(), 3ll << 29);
    EXPECT_EQ(quantity("100u").milli_value(), 1);
    EXPECT_EQ(quantity("8Ei").value(), std::numeric_limits<std::int64_t>::max());
    EXPECT_EQ(quantity("1e3").value(), 1000);
    EXPECT_TRUE(quantity("1500m") > quantity("1"));
    EXPECT_FALSE(quantity("1500m").is_whole());
    EXPECT_EQ(quantity("1e999999").value(), std::numeric_limits<std::int64_t>::max());
    EXPECT_EQ(quantity("1e-999999").text(), "1e-9");
}

TEST(Quantity, ComparesByAmount) {
    EXPECT_EQ(quantity("1000m"), quantity("1"));
    EXPECT_EQ(quantity("1Gi"), quantity("1073741824"));
    EXPECT_LT(quantity("1G"), quantity("1Gi"));
    EXPECT_LT(quantity("-1"), quantity("0"));
    EXPECT_EQ(quantity("-0").sign(), 0);
}

TEST(Quantity, Sums) {
    EXPECT_EQ((quantity("500m") + quantity("500m")).text(), "1");
    EXPECT_EQ((quantity("1Gi") - quantity("512Mi")).text(), "512Mi");
    EXPECT_EQ((Quantity() + quantity("2Ki")).text(), "2Ki");
    EXPECT_EQ((quantity("1") - quantity("3")).text(), "-2");
    EXPECT_EQ(Quantity::of_milli(1500).text(), "1500m");
    EXPECT_EQ(Quantity::of(2048, Quantity::Format::binary).text(), "2Ki");
    EXPECT_EQ(quantity("100u").rounded_up_to_milli().text(), "1m");
}

}  // namespace
}  // namespace base
