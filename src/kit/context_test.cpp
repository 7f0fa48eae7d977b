#include "kit/context.h"

#include <gtest/gtest.h>

namespace kit {
namespace {

using namespace std::chrono_literals;

TEST(Trace, GoesOnWithTheCallersOrBeginsAnew) {
    base::Rng rng(7);
    const std::string id = "4bf92f3577b34da6a3ce929d0e0e4736";
    const auto trace = Trace::of("00-" + id + "-00f067aa0ba902b7-01", rng);
    EXPECT_EQ(trace.id, id);
    EXPECT_EQ(trace.parent, "00f067aa0ba902b7");
    EXPECT_TRUE(trace.sampled);
    EXPECT_NE(trace.span, trace.parent);
    EXPECT_EQ(trace.traceparent(), "00-" + id + "-" + trace.span + "-01");
    EXPECT_EQ(Trace::of("cc-" + id + "-00f067aa0ba902b7-00-more", rng).id, id) << "a later version may say more";
    for (const std::string& broken :
         {std::string(), "00-" + id, "00-" + id + "-00f067aa0ba902b7-01-more", "ff-" + id + "-00f067aa0ba902b7-01",
          "00-" + std::string(32, '0') + "-00f067aa0ba902b7-01", "00-" + id + "-" + std::string(16, '0') + "-01",
          std::string("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"),
          "00_" + id + "_00f067aa0ba902b7_01"}) {
        const auto fresh = Trace::of(broken, rng);
        EXPECT_NE(fresh.id, id) << broken;
        EXPECT_EQ(fresh.id.size(), 32U);
        EXPECT_EQ(fresh.span.size(), 16U);
        EXPECT_EQ(fresh.parent, "");
    }
}

TEST(Context, SaysWhatIsLeftAndWhenNobodyWaits) {
    base::Rng rng(7);
    const run::Time start{100s};
    const Context context(Trace::of("", rng), start + 5s);
    EXPECT_EQ(context.left(start, 3s), 3s);
    EXPECT_EQ(context.left(start + 4s, 3s), 1s);
    EXPECT_EQ(context.left(start + 9s, 3s), 0s);
    EXPECT_FALSE(context.over(start + 4s));
    EXPECT_TRUE(context.over(start + 5s));
    const Context copy = context;
    context.cancel();
    EXPECT_TRUE(copy.over(start)) << "copies see it";
    EXPECT_EQ(Context().left(start, 2s), 2s) << "work that nobody waits for has no end";
}

}  // namespace
}  // namespace kit
