// An event through both of its faces: nothing is lost on the way, and each says what its form always says.
#include "kinds/convert.h"

#include <gtest/gtest.h>

#include "kinds/registry.h"

namespace kinds {
namespace {

const object::Kind& core() { return *by_kind("v1", "Event"); }
const object::Kind& newer() { return *by_kind("events.k8s.io/v1", "Event"); }

TEST(Convert, EventsAreStoredAsCoreOnes) {
    EXPECT_EQ(&stored_as(newer()), &core());
    EXPECT_EQ(&stored_as(core()), &core());
}

TEST(Convert, AnEventComesBackAsItWent) {
    const auto event = json::parse(R"({
        "kind": "Event", "apiVersion": "events.k8s.io/v1", "metadata": {"name": "e", "namespace": "n"},
        "eventTime": "2026-01-01T00:00:00.000000Z", "regarding": {"kind": "Pod", "name": "p"}, "note": "hello",
        "reportingController": "me", "reportingInstance": "me-1", "deprecatedSource": {"component": "old"},
        "deprecatedFirstTimestamp": null, "deprecatedLastTimestamp": null, "deprecatedCount": 2,
        "series": {"count": 3, "lastObservedTime": "2026-01-01T00:00:01.000000Z"}})")
                           .as_object();
    const auto stored = converted(core(), event);
    const object::Ref shown(stored);
    EXPECT_EQ(shown["apiVersion"].str(), "v1");
    EXPECT_EQ(shown["involvedObject"]["name"].str(), "p");
    EXPECT_EQ(shown["message"].str(), "hello");
    EXPECT_EQ(shown["source"]["component"].str(), "old");
    EXPECT_EQ(shown["reportingComponent"].str(), "me");
    EXPECT_EQ(shown["count"].num(), 2);
    EXPECT_FALSE(stored.contains("note"));
    EXPECT_EQ(converted(newer(), stored), event);
}

}  // namespace
}  // namespace kinds
