// Rules that hold without any recorded answer: ages, pull policies, scales, kept node ports, quality of service.
#include "kinds/rules.h"

#include <gtest/gtest.h>

#include "kinds/admission.h"
#include "kinds/defaults.h"
#include "kinds/registry.h"
#include "kinds/scale.h"

namespace kinds {
namespace {

using object::Ref;
using std::chrono::hours;
using std::chrono::seconds;

json::object parsed(std::string_view text) {
    return json::parse(json::string_view(text.data(), text.size())).as_object();
}

TEST(HumanDuration, GetsCoarserWithAge) {
    EXPECT_EQ(human_duration(seconds(0)), "0s");
    EXPECT_EQ(human_duration(seconds(119)), "119s");
    EXPECT_EQ(human_duration(seconds(150)), "2m30s");
    EXPECT_EQ(human_duration(seconds(180)), "3m");
    EXPECT_EQ(human_duration(seconds(600)), "10m");
    EXPECT_EQ(human_duration(hours(3)), "3h");
    EXPECT_EQ(human_duration(hours(47)), "47h");
    EXPECT_EQ(human_duration(hours(7 * 24 + 5)), "7d5h");
    EXPECT_EQ(human_duration(hours(24 * 100)), "100d");
    EXPECT_EQ(human_duration(hours(24 * (365 * 3 + 4))), "3y4d");
    EXPECT_EQ(human_duration(seconds(-5)), "<invalid>");
}

TEST(PullPolicy, FollowsTheTag) {
    EXPECT_EQ(pull_policy("busybox"), "Always");
    EXPECT_EQ(pull_policy("busybox:latest"), "Always");
    EXPECT_EQ(pull_policy("busybox:1.36"), "IfNotPresent");
    EXPECT_EQ(pull_policy("localhost:5000/app"), "Always");
    EXPECT_EQ(pull_policy("localhost:5000/app:1"), "IfNotPresent");
    EXPECT_EQ(pull_policy("app@sha256:0123"), "IfNotPresent");
    EXPECT_EQ(pull_policy("Not/A_Name"), "IfNotPresent");
}

TEST(Scale, OmitsZeroAndWritesReplicasBack) {
    const auto set = parsed(R"({"kind":"ReplicaSet","metadata":{"name":"r"},"spec":{"replicas":0,
        "selector":{"matchLabels":{"b":"c","a":"d"}}},"status":{"replicas":2}})");
    const auto scale = scale_of(set);
    EXPECT_TRUE(Ref(scale)["spec"]["replicas"].missing());
    EXPECT_EQ(Ref(scale)["status"]["selector"].str(), "a=d,b=c");
    EXPECT_EQ(Ref(scale)["status"]["replicas"].num(), 2);
    const auto scaled = with_scale(set, parsed(R"({"spec":{"replicas":3}})"));
    EXPECT_EQ(Ref(scaled)["spec"]["replicas"].num(), 3);
    EXPECT_EQ(validate_scale(parsed(R"({"spec":{"replicas":-1}})"), set).size(), 1U);
}

TEST(ServiceUpdate, KeepsNodePortsByName) {
    const auto* kind = by_kind("v1", "Service");
    auto live =
        parsed(R"({"metadata":{"name":"s"},"spec":{"type":"NodePort","clusterIP":"10.0.0.1","clusterIPs":["10.0.0.1"],
        "ports":[{"name":"a","port":1,"nodePort":30001},{"name":"b","port":2,"nodePort":30002}]}})");
    auto updated = parsed(R"({"metadata":{"name":"s"},"spec":{"type":"NodePort",
        "ports":[{"name":"b","port":2},{"name":"c","port":3,"nodePort":30001},{"name":"a","port":1}]}})");
    prepare_update(*kind, updated, live, "");
    const Ref ports = Ref(updated)["spec"]["ports"];
    EXPECT_EQ(ports[0UL]["nodePort"].num(), 30002);
    EXPECT_TRUE(ports[2UL]["nodePort"].missing()) << "the number went to another port";
    EXPECT_EQ(Ref(updated)["spec"]["clusterIP"].str(), "10.0.0.1");
}

TEST(PodAdmission, AddsWhatIsMissingOnlyOnce) {
    auto pod = parsed(R"({"spec":{"containers":[{"name":"c"}]}})");
    for (int pass = 0; pass < 2; ++pass) {
        admit_pod(pod);
        add_service_account(pod, "default", {}, "abcde");
    }
    EXPECT_EQ(Ref(pod)["spec"]["tolerations"].size(), 2U);
    EXPECT_EQ(Ref(pod)["spec"]["volumes"].size(), 1U);
    EXPECT_EQ(Ref(pod)["spec"]["containers"][0UL]["volumeMounts"].size(), 1U);
}

TEST(Defaults, AreIdempotentForEveryKind) {
    for (const auto& kind : all()) {
        json::object once;
        set_defaults(kind, once);
        json::object twice = once;
        set_defaults(kind, twice);
        EXPECT_EQ(json::value(once), json::value(twice)) << kind.kind;
    }
}

TEST(Cells, MatchTheColumnsOfEveryKind) {
    for (const auto& kind : all())
        if (!kind.columns.empty()) {
            const auto row = cells(kind, parsed(R"({"metadata":{"name":"x"}})"), base::Time());
            EXPECT_EQ(row.size(), kind.columns.size()) << kind.api_version() << " " << kind.kind;
        }
}

}  // namespace
}  // namespace kinds
