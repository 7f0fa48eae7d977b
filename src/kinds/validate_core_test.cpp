// What is refused of the small core kinds, by the fields that are named.
#include <gtest/gtest.h>

#include "kinds/registry.h"
#include "kinds/rules.h"

namespace kinds {
namespace {

json::object made(std::string_view version, std::string_view kind, const std::string& fields) {
    const auto& of = *by_kind(version, kind);
    auto object =
        json::parse(R"({"metadata": {"name": "o")" + std::string(of.namespaced() ? R"(, "namespace": "n")" : "") + "}" +
                    (fields.empty() ? "" : ", ") + fields + "}")
            .as_object();
    set_defaults(of, object);
    return object;
}

std::string fields(const Causes& causes) {
    std::string out;
    for (const auto& cause : causes) out += (out.empty() ? "" : " ") + cause.field;
    return out;
}

std::string refused(std::string_view version, std::string_view kind, const std::string& of) {
    return fields(validate_create(*by_kind(version, kind), made(version, kind, of)));
}

TEST(CoreValidation, ANodesTaintsAndRanges) {
    EXPECT_EQ(refused("v1", "Node", R"("spec": {"taints": [{"key": "a", "effect": "Odd"}]})"),
              "metadata.taints[0].effect");
    EXPECT_EQ(refused("v1", "Node", R"("spec": {"podCIDRs": ["10.0.0.0/24", "10.0.1.0/24"]})"), "spec.podCIDRs");
    EXPECT_EQ(refused("v1", "Node", R"("spec": {"podCIDR": "x"})"), "spec.podCIDRs[0]");
    EXPECT_EQ(refused("v1", "Node", R"("status": {"capacity": {"cpu": "-1"}})"),
              "status.capacity.cpu status.allocatable.cpu");
}

TEST(CoreValidation, ANodesRangesAndAddressesOnUpdate) {
    const auto live = made("v1", "Node", R"("spec": {"podCIDR": "10.0.0.0/24"})");
    const auto update = [&](const std::string& of, std::string_view path) {
        return fields(validate_update(*by_kind("v1", "Node"), made("v1", "Node", of), live, path));
    };
    EXPECT_EQ(update(R"("spec": {"podCIDR": "10.0.1.0/24"})", ""), "spec.podCIDRs");
    EXPECT_EQ(update(R"("status": {"addresses": [{"type": "Hostname", "address": "h"}, {"type": "Hostname",
        "address": "h"}]})",
                     "status"),
              "status.addresses[1]");
}

TEST(CoreValidation, EventsOfBothFaces) {
    EXPECT_EQ(
        refused("v1", "Event", R"("eventTime": "2026-01-01T00:00:00.000000Z", "involvedObject": {"namespace": "m"},
        "reportingComponent": "c", "reportingInstance": "i", "action": "a", "reason": "r")"),
        "");
    EXPECT_EQ(refused("v1", "Event", R"("involvedObject": {"namespace": "m"})"), "involvedObject.namespace");
    const std::string text =
        R"("eventTime": "2026-01-01T00:00:00.000000Z", "regarding": {"namespace": "n"}, "type": "Normal",
        "reportingController": "c", "reportingInstance": "i", "action": "a", "reason": "r")";
    EXPECT_EQ(refused("events.k8s.io/v1", "Event", text), "");
    EXPECT_EQ(refused("events.k8s.io/v1", "Event", text + R"(, "series": {"count": 1}, "deprecatedCount": 1)"),
              "series.count series.lastObservedTime count");
    const auto& kind = *by_kind("events.k8s.io/v1", "Event");
    const auto live = made("events.k8s.io/v1", "Event", text);
    auto next = live;
    next["note"] = "another";
    EXPECT_EQ(fields(validate_update(kind, next, live, "")), "message");
}

TEST(CoreValidation, ABalancersAddressesAreOfABalancer) {
    const auto& kind = *by_kind("v1", "Service");
    const auto write = [&](std::string_view type, std::string_view ingress) {
        const auto live = made("v1", "Service", R"("spec": {"type": ")" + std::string(type) + R"("})");
        auto next = live;
        next["status"] = json::parse(R"({"loadBalancer": {"ingress": [)" + std::string(ingress) + "]}}");
        return fields(validate_update(kind, next, live, "status"));
    };
    EXPECT_EQ(write("ClusterIP", R"({"ip": "10.0.0.1", "ipMode": "VIP"})"), "status.loadBalancer.ingress");
    EXPECT_EQ(write("LoadBalancer", R"({"ip": "10.0.0.1", "ipMode": "VIP"}, {"hostname": "a.b"})"), "");
    EXPECT_EQ(write("LoadBalancer", R"({"ip": "10.0.0.1", "ipMode": "Odd"}, {"hostname": "a.b", "ipMode": "VIP"})"),
              "status.loadBalancer.ingress[0].ipMode status.loadBalancer.ingress[1].ipMode");
}

TEST(CoreValidation, MetadataIsToldOfOnceForAllKindsAndOnceMoreByTheKind) {
    const auto label = [](std::string_view kind) {
        const auto live = made("v1", kind, "");
        auto next = live;
        next["metadata"].as_object()["labels"] = json::object{{"a b", "c"}};
        return fields(validate_update(*by_kind("v1", kind), next, live, ""));
    };
    for (const auto* kind : {"Node", "Namespace", "ConfigMap"})
        EXPECT_EQ(label(kind), "metadata.labels metadata.labels metadata.labels metadata.labels") << kind;
}

TEST(CoreValidation, HintsOfASliceAreFewAndEachOnce) {
    EXPECT_EQ(refused("discovery.k8s.io/v1", "EndpointSlice", R"("addressType": "IPv4", "endpoints": [{"addresses":
        ["10.0.0.1"], "hints": {"forZones": [{"name": "z"}, {"name": "z"}, {"name": "a b"}]}}])"),
              "endpoints[0].hints.forZones[1].name endpoints[0].hints.forZones[2].name");
}

}  // namespace
}  // namespace kinds
