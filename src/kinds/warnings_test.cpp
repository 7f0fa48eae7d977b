// What is warned of, and what is not.
#include "kinds/warnings.h"

#include <gtest/gtest.h>

#include "kinds/registry.h"

namespace kinds {
namespace {

namespace json = object::json;

std::size_t warned(std::string_view version, std::string_view kind, const std::string& text,
                   const json::object* live = nullptr) {
    return warnings(*by_kind(version, kind), json::parse(text).as_object(), live).size();
}

std::size_t of_pod(const std::string& spec) {
    return warned("v1", "Pod", R"({"metadata": {"name": "p"}, "spec": {)" + spec + "}}");
}

std::size_t of_ports(const std::string& first, const std::string& second) {
    return of_pod(R"("containers": [{"name": "a", "ports": [)" + first + R"(]}, {"name": "b", "ports": [)" + second +
                  "]}]");
}

TEST(Warnings, OfVolumesOnlyThoseThatDoNothingAnyMore) {
    EXPECT_EQ(of_pod(R"("volumes": [{"name": "a", "rbd": {}}, {"name": "b", "glusterfs": {}}])"), 2U);
    EXPECT_EQ(of_pod(R"("volumes": [{"name": "a", "nfs": {}}, {"name": "b", "awsElasticBlockStore": {}}])"), 0U);
}

TEST(Warnings, OfAVariableThatHidesAnother) {
    const auto env = [](const std::string& second) {
        return of_pod(R"("containers": [{"name": "c", "env": [{"name": "A", "value": "1"}, )" + second + "]}]");
    };
    EXPECT_EQ(env(R"({"name": "A", "value": "2"})"), 1U);
    EXPECT_EQ(env(R"x({"name": "A", "value": "$(A)"})x"), 1U);
    EXPECT_EQ(env(R"({"name": "A", "value": "$(A)/more"})"), 0U);
    EXPECT_EQ(env(R"({"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}})"), 1U);
}

TEST(Warnings, OfPortsAcrossAllContainers) {
    EXPECT_EQ(of_ports(R"({"containerPort": 80})", R"({"containerPort": 80, "protocol": "UDP"})"), 0U);
    EXPECT_EQ(of_ports(R"({"containerPort": 80})", R"({"containerPort": 80})"), 1U);
    EXPECT_EQ(of_ports(R"({"containerPort": 80, "hostPort": 1})", R"({"containerPort": 80})"), 1U);
    EXPECT_EQ(of_ports(R"({"containerPort": 80, "hostPort": 1})", R"({"containerPort": 80, "hostPort": 2})"), 0U);
    EXPECT_EQ(of_ports(R"({"containerPort": 80, "hostPort": 1})",
                       R"({"containerPort": 80, "hostPort": 1, "hostIP": "10.0.0.1"})"),
              1U);
    EXPECT_EQ(of_ports(R"({"name": "web", "containerPort": 80})", R"({"name": "web", "containerPort": 81})"), 1U);
}

TEST(Warnings, OfSelectorsThatMatchNothingAndOldLabels) {
    EXPECT_EQ(of_pod(R"("nodeSelector": {"beta.kubernetes.io/os": "linux"})"), 1U);
    EXPECT_EQ(of_pod(R"("topologySpreadConstraints": [{"topologyKey": "a"}])"), 1U);
    EXPECT_EQ(of_pod(R"("affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution":
        [{"topologyKey": "a"}]}})"),
              1U);
    EXPECT_EQ(of_pod(R"("imagePullSecrets": [{"name": "a"}, {"name": "a"}, {}])"), 2U);
}

TEST(Warnings, OfATemplateOnlyWhenSomethingNewIsAsked) {
    const std::string text = R"({"metadata": {"name": "d", "generation": 1}, "spec": {"template": {"spec":
        {"volumes": [{"name": "a", "gitRepo": {}}]}}}})";
    const auto live = json::parse(text).as_object();
    EXPECT_EQ(warned("apps/v1", "Deployment", text), 1U);
    EXPECT_EQ(warned("apps/v1", "Deployment", text, &live), 0U);
    auto next = live;
    next["metadata"].as_object()["generation"] = 2;
    EXPECT_EQ(warned("apps/v1", "Deployment", json::serialize(next), &live), 1U);
    EXPECT_EQ(warned("apps/v1", "Deployment", R"({"metadata": {"name": "a.b"}})"), 1U);
}

TEST(Warnings, OfAServicesFieldsThatAreIgnored) {
    const auto service = [](const std::string& spec) {
        return warned("v1", "Service", R"({"metadata": {"name": "s"}, "spec": {)" + spec + "}}");
    };
    EXPECT_EQ(service(R"("clusterIP": "None", "sessionAffinity": "ClientIP")"), 1U);
    EXPECT_EQ(service(R"("externalName": "a.b")"), 1U);
    EXPECT_EQ(service(R"("type": "ExternalName", "externalName": "a.b", "externalIPs": ["10.0.0.1"])"), 1U);
}

}  // namespace
}  // namespace kinds
