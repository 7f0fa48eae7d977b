// The surface's shape: look-ups find what stands in the tables, and the tables keep the rules others rely on.
#include "kinds/registry.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

namespace kinds {
namespace {

using object::Field;
using object::Type;

const Field& field(std::string_view group, std::string_view message_name, std::string_view name) {
    const auto* found = message(group, message_name)->find(name);
    EXPECT_NE(found, nullptr) << message_name << "." << name;
    return *found;
}

TEST(Registry, FindsEveryKindByBothNames) {
    for (const auto& kind : all()) {
        EXPECT_EQ(by_resource(kind.group, kind.version, kind.plural), &kind);
        EXPECT_EQ(by_kind(kind.api_version(), kind.kind), &kind);
        EXPECT_EQ(message(kind.message->group, kind.message->name), kind.message);
        EXPECT_NE(kind.message->find("metadata"), nullptr) << kind.kind;
    }
}

TEST(Registry, FindsNothingForWhatIsNotServed) {
    EXPECT_EQ(by_resource("", "v1", "deployments"), nullptr);
    EXPECT_EQ(by_resource("apps", "v1", "deployment"), nullptr);
    EXPECT_EQ(by_kind("apps/v1beta1", "Deployment"), nullptr);
    EXPECT_EQ(by_kind("", ""), nullptr);
    EXPECT_EQ(message("core/v1", "NoSuch"), nullptr);
    EXPECT_EQ(message("core/v1", "PodSpec")->find("nodename"), nullptr);
}

TEST(Registry, GroupsComeInDiscoveryOrder) {
    std::vector<std::string> groups;
    for (const auto& kind : all())
        if (groups.empty() || groups.back() != kind.group) groups.emplace_back(kind.group);
    const std::vector<std::string> wanted = {"",
                                             "apiregistration.k8s.io",
                                             "apps",
                                             "events.k8s.io",
                                             "authentication.k8s.io",
                                             "authorization.k8s.io",
                                             "autoscaling",
                                             "batch",
                                             "certificates.k8s.io",
                                             "networking.k8s.io",
                                             "policy",
                                             "rbac.authorization.k8s.io",
                                             "storage.k8s.io",
                                             "admissionregistration.k8s.io",
                                             "apiextensions.k8s.io",
                                             "scheduling.k8s.io",
                                             "coordination.k8s.io",
                                             "node.k8s.io",
                                             "discovery.k8s.io",
                                             "resource.k8s.io",
                                             "flowcontrol.apiserver.k8s.io",
                                             "metrics.k8s.io"};
    EXPECT_EQ(groups, wanted);
}

TEST(Registry, PreferredVersionsComeFirst) {
    const auto* v2 = by_kind("autoscaling/v2", "HorizontalPodAutoscaler");
    const auto* v1 = by_kind("autoscaling/v1", "HorizontalPodAutoscaler");
    ASSERT_TRUE(v1 && v2);
    EXPECT_LT(v2, v1);
}

TEST(Registry, PodIsWhatDiscoverySays) {
    const auto& pod = *by_kind("v1", "Pod");
    EXPECT_EQ(pod.plural, "pods");
    EXPECT_EQ(pod.singular, "pod");
    EXPECT_TRUE(pod.has_generation);
    EXPECT_TRUE(pod.has_verb("deletecollection"));
    EXPECT_TRUE(pod.has_subresource("ephemeralcontainers"));
    EXPECT_FALSE(pod.has_subresource("scale"));
    EXPECT_EQ(std::ranges::count(pod.field_selectors, "spec.nodeName"), 1);
    const auto eviction = std::ranges::find(pod.subresources, "eviction", &object::Subresource::name);
    EXPECT_EQ(eviction->group, "policy");
    EXPECT_EQ(eviction->kind, "Eviction");
    EXPECT_EQ(by_kind("apps/v1", "Deployment")->qualified(), "deployments.apps");
}

TEST(Registry, FieldsCarryWhatPatchesNeed) {
    const auto& ports = field("core/v1", "Container", "ports");
    EXPECT_EQ(ports.patch_merge_key, "containerPort");
    ASSERT_EQ(ports.list_keys.size(), 2u);
    EXPECT_EQ(ports.list_keys[1], "protocol");
    EXPECT_TRUE(field("core/v1", "PodSpec", "volumes").patch_retain_keys);
    EXPECT_TRUE(field("core/v1", "ServiceSpec", "selector").atomic_map);
    EXPECT_TRUE(message("meta/v1", "LabelSelector")->atomic);
    EXPECT_TRUE(field("core/v1", "PersistentVolumeSpec", "claimRef").granular);
}

TEST(Registry, InlinedFieldsAreFoundInTheParent) {
    EXPECT_EQ(field("core/v1", "Volume", "emptyDir").message->name, "EmptyDirVolumeSource");
    EXPECT_EQ(field("core/v1", "EphemeralContainer", "image").type, Type::string);
    EXPECT_EQ(message("core/v1", "Probe")->find("handler"), nullptr);
}

TEST(Registry, GatesOnlyNameWhatIsOff) {
    EXPECT_EQ(field("core/v1", "Lifecycle", "stopSignal").gate, "ContainerStopSignals");
    EXPECT_EQ(field("core/v1", "Container", "resizePolicy").gate, "");
}

TEST(Registry, EveryMessageFieldHasItsMessage) {
    for (const auto* each : messages()) {
        std::set<std::string_view> names;
        for (const auto& f : each->fields) {
            EXPECT_EQ(f.message != nullptr, f.type == Type::message) << each->name << "." << f.name;
            EXPECT_TRUE(names.insert(f.name).second) << each->name << "." << f.name;
        }
    }
}

}  // namespace
}  // namespace kinds
