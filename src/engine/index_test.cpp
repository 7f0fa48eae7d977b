// Indexes and sums of requests.
#include "engine/index.h"

#include <gtest/gtest.h>

namespace engine {
namespace {

using object::Object;

Object pod(std::string_view revision, std::string_view node, std::string_view app, std::string_view phase = "Running") {
    return Object({{"metadata",
                    {{"name", "p"},
                     {"namespace", "n"},
                     {"resourceVersion", revision},
                     {"labels", {{"app", app}}},
                     {"ownerReferences", object::json::array{object::json::object{{"uid", "owner"}}}}}},
                   {"spec",
                    {{"nodeName", node},
                     {"containers", object::json::array{object::json::object{
                                        {"resources", {{"requests", {{"cpu", "250m"}, {"memory", "1Gi"}}}}}}}}}},
                   {"status", {{"phase", phase}}}});
}

const store::Key key{{"", "pods"}, "n", "p"};

TEST(Index, FollowsAPodThroughItsLife) {
    Index index;
    index.put(key, pod("1", "", "web"));
    EXPECT_TRUE(index.dependents("owner").contains(key));
    EXPECT_TRUE(index.pods_labelled("n", "app", "web").contains("p"));
    EXPECT_TRUE(index.pods_on("").contains(key));
    index.put(key, pod("2", "machine", "api"));
    EXPECT_TRUE(index.pods_labelled("n", "app", "web").empty());
    EXPECT_TRUE(index.pods_on("").empty());
    EXPECT_EQ(index.used_on("machine").cpu_milli, 250);
    EXPECT_EQ(index.used_on("machine").memory_bytes, std::int64_t{1} << 30);
    index.put(key, pod("3", "machine", "api", "Succeeded"));
    EXPECT_EQ(index.used_on("machine"), PodUse{});
    index.erase(key);
    EXPECT_TRUE(index.dependents("owner").empty());
    EXPECT_TRUE(index.pods_on("machine").empty());
}

TEST(Index, AnOlderStateChangesNothing) {
    Index index;
    index.put(key, pod("5", "machine", "web"));
    index.put(key, pod("4", "", "old"));
    EXPECT_TRUE(index.pods_on("machine").contains(key));
    EXPECT_TRUE(index.pods_labelled("n", "app", "old").empty());
}

TEST(PodUse, TakesTheLargestInitContainerWithTheSidecarsBeforeIt) {
    const auto value = object::json::parse(R"({"spec": {
        "containers": [{"resources": {"requests": {"cpu": "100m"}}}],
        "initContainers": [{"restartPolicy": "Always", "resources": {"requests": {"cpu": "50m"}}},
                           {"resources": {"requests": {"cpu": "1"}}}]}})");
    EXPECT_EQ(requests_of(object::Ref(value)).cpu_milli, 1050);
    const auto whole = object::json::parse(R"({"spec": {"resources": {"requests": {"cpu": 2}},
        "containers": [{"resources": {"requests": {"cpu": "100m"}}}]}})");
    EXPECT_EQ(requests_of(object::Ref(whole)).cpu_milli, 2000);
}

}  // namespace
}  // namespace engine
