// Examples from upstream's documentation, and the cases that simulation found.
#include "control/deployment_math.h"

#include <gtest/gtest.h>

namespace control {
namespace {

json::value parsed(std::string_view text) { return json::parse(text); }
ObjectPtr object_of(std::string_view text) { return std::make_shared<const Object>(parsed(text).as_object()); }

Wish wish(std::int64_t replicas, std::string_view surge, std::string_view unavailable) {
    const auto text = R"({"spec": {"replicas": )" + std::to_string(replicas) +
                      R"(, "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": )" + std::string(surge) +
                      R"(, "maxUnavailable": )" + std::string(unavailable) + "}}}}";
    return Wish(*object_of(text));
}

Set set_of(std::string name, std::int64_t wanted, std::int64_t max) {
    const auto text = R"({"metadata": {"name": ")" + name + R"(", "creationTimestamp": "2030-01-01T00:00:0)" +
                      std::to_string(name.size()) +
                      R"(Z", "annotations": {"deployment.kubernetes.io/max-replicas": ")" + std::to_string(max) +
                      R"("}}, "spec": {"replicas": )" + std::to_string(wanted) + "}}";
    return Set(object_of(text));
}

TEST(DeploymentMath, PercentagesRoundSurgeUpAndUnavailableDown) {
    EXPECT_EQ(wish(10, R"("25%")", R"("25%")").bounds.surge, 3);
    EXPECT_EQ(wish(10, R"("25%")", R"("25%")").bounds.unavailable, 2);
    EXPECT_EQ(wish(2, R"("25%")", R"("25%")").most(), 3);
    EXPECT_EQ(wish(3, "1", "0").least(), 3);
    EXPECT_EQ(wish(3, "1", "7").bounds.unavailable, 3);
}

TEST(DeploymentMath, BothBoundsZeroLetOneGo) {
    EXPECT_EQ(wish(3, R"("0%")", R"("10%")").bounds.unavailable, 1);
    EXPECT_EQ(wish(3, "0", "0").bounds.surge, 0);
}

TEST(DeploymentMath, TheNewSetGrowsOnlyIntoTheRoomThatIsThere) {
    const auto four = wish(4, R"("25%")", R"("25%")");
    const Set fresh = set_of("bb", 0, 5);
    Set old = set_of("a", 4, 5);
    EXPECT_EQ(new_set_size(four, {old, fresh}, fresh), 1);
    old.wanted = 3;
    EXPECT_EQ(new_set_size(four, {old, fresh}, fresh), 2);
    old.standing = 4;  // told to shrink, not begun yet
    EXPECT_EQ(new_set_size(four, {old, fresh}, fresh), 1);
}

TEST(DeploymentMath, ScalingInMidRolloutKeepsTheProportions) {
    // 10 replicas with surge 3, rolled out to 8 old and 5 new, then scaled to 15: upstream's example.
    const auto fifteen = wish(15, "3", "2");
    const auto sizes = proportional_sizes(fifteen, 13, {set_of("a", 8, 13), set_of("bb", 5, 13)});
    EXPECT_EQ(sizes, (std::vector<std::int64_t>{11, 7}));
    EXPECT_EQ(proportional_sizes(wish(0, "3", "2"), 13, {set_of("a", 8, 13), set_of("bb", 5, 13)}),
              (std::vector<std::int64_t>{0, 0}));
}

TEST(DeploymentMath, TemplatesAreComparedWithoutTheirHash) {
    const auto a =
        parsed(R"({"metadata": {"labels": {"app": "x", "pod-template-hash": "1"}}, "spec": {"a": 1, "b": 2}})");
    const auto b = parsed(R"({"metadata": {"labels": {"app": "x"}}, "spec": {"b": 2, "a": 1}})");
    EXPECT_TRUE(same_template(Ref(a), Ref(b)));
    EXPECT_EQ(template_hash(Ref(a), 0), template_hash(Ref(b), 0));
    EXPECT_NE(template_hash(Ref(a), 0), template_hash(Ref(b), 1));
}

}  // namespace
}  // namespace control
