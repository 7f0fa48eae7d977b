// What is refused of a pod, by the fields that are named.
#include <gtest/gtest.h>

#include "kinds/registry.h"
#include "kinds/rules.h"

namespace kinds {
namespace {

json::object pod_of(const std::string& spec, const std::string& container) {
    auto pod =
        json::parse(R"({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n"}, "spec": {)" +
                    spec + (spec.empty() ? "" : ", ") + R"("containers": [{"name": "c", "image": "i:1")" +
                    (container.empty() ? "" : ", ") + container + "}]}}")
            .as_object();
    set_defaults(*by_kind("v1", "Pod"), pod);
    return pod;
}

std::string fields(const Causes& causes) {
    std::string out;
    for (const auto& cause : causes) out += (out.empty() ? "" : " ") + cause.field;
    return out;
}

std::string refused(const std::string& spec, const std::string& container = "") {
    return fields(validate_create(*by_kind("v1", "Pod"), pod_of(spec, container)));
}

std::string of_container(const std::string& container) { return refused("", container); }

TEST(PodValidation, ResizePoliciesNameTheirList) {
    EXPECT_EQ(of_container(R"("resizePolicy": [{"resourceName": "gpu", "restartPolicy": "Odd"},
        {"resourceName": "cpu", "restartPolicy": "NotRequired"}, {"resourceName": "cpu", "restartPolicy": "NotRequired"}])"),
              "spec.containers[0].resizePolicy spec.containers[0].resizePolicy spec.containers[0].resizePolicy[2]");
    EXPECT_EQ(refused(R"("restartPolicy": "Never")",
                      R"("resizePolicy": [{"resourceName": "cpu", "restartPolicy": "RestartContainer"}])"),
              "spec.containers[0].resizePolicy");
}

TEST(PodValidation, AHookMayNotOutlastTheGracePeriod) {
    constexpr auto sleep = R"("lifecycle": {"preStop": {"sleep": {"seconds": 10}}})";
    EXPECT_EQ(refused(R"("terminationGracePeriodSeconds": 5)", sleep), "spec.containers[0].lifecycle.preStop.sleep");
    EXPECT_EQ(refused(R"("terminationGracePeriodSeconds": 10)", sleep), "");
}

TEST(PodValidation, MountsReachOutOnlyFromThePrivileged) {
    const auto mount = [](const std::string& more, const std::string& container) {
        return refused(R"("volumes": [{"name": "v", "emptyDir": {}}])",
                       R"("volumeMounts": [{"name": "v", "mountPath": "/v", )" + more + "}]" + container);
    };
    constexpr auto both_ways = R"("mountPropagation": "Bidirectional")";
    EXPECT_EQ(mount(both_ways, ""), "spec.containers[0].volumeMounts.mountPropagation");
    EXPECT_EQ(mount(both_ways, R"(, "securityContext": {"privileged": true})"), "");
    EXPECT_EQ(mount(R"("recursiveReadOnly": "Enabled")", ""), "spec.containers[0].volumeMounts.recursiveReadOnly");
    EXPECT_EQ(mount(R"("recursiveReadOnly": "Enabled", "readOnly": true)", ""), "");
}

TEST(PodValidation, SourcesOfTheEnvironmentHaveValidNames) {
    EXPECT_EQ(of_container(R"("envFrom": [{}, {"configMapRef": {"name": "A_"}}, {"secretRef": {}}])"),
              "spec.containers[0].envFrom spec.containers[0].envFrom[1].configMapRef.name "
              "spec.containers[0].envFrom[2].secretRef.name");
    EXPECT_EQ(of_container(R"("env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"key": "k"}}}])"),
              "spec.containers[0].env[0].valueFrom.configMapKeyRef.name");
}

TEST(PodValidation, UsersOfItsOwnGoWithNoNamespaceOfTheHost) {
    EXPECT_EQ(refused(R"("hostUsers": false, "hostNetwork": true, "hostPID": true)"), "spec.hostNetwork spec.HostPID");
    EXPECT_EQ(of_container(R"("securityContext": {"procMount": "Unmasked"})"),
              "spec.containers[0].securityContext.procMount");
}

TEST(PodValidation, AnOperatingSystemHasItsOwnFields) {
    EXPECT_EQ(refused(R"("os": {"name": "linux"}, "securityContext": {"windowsOptions": {}})"),
              "spec.securityContext.windowsOptions");
    EXPECT_EQ(refused(R"("os": {"name": "windows"}, "hostPID": true)", R"("securityContext": {"runAsUser": 1})"),
              "spec.hostPID spec.containers[0].securityContext.runAsUser");
    EXPECT_EQ(refused(R"("os": {"name": "Windows"})"), "spec.os.name");
}

TEST(PodValidation, SysctlsOfANamespaceOfTheHostStay) {
    const auto sysctl = [](const std::string& name) {
        return refused(R"("hostNetwork": true, "securityContext": {"sysctls": [{"name": ")" + name +
                       R"(", "value": "1"}]})");
    };
    EXPECT_EQ(sysctl("net.ipv4.ip_forward"), "spec.securityContext.sysctls[0].name");
    EXPECT_EQ(sysctl("kernel.shm_rmid_forced"), "");
    EXPECT_EQ(sysctl("kernel..sem"), "spec.securityContext.sysctls[0].name");
}

TEST(PodValidation, LabelKeysNeedASelectorToGoInto) {
    EXPECT_EQ(refused(R"("topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "a", "whenUnsatisfiable":
        "DoNotSchedule", "matchLabelKeys": ["b"]}])"),
              "spec.topologySpreadConstraints[0].matchLabelKeys");
}

TEST(PodValidation, WhatIsRequiredOfANodeIsALabelsValue) {
    const auto term = [](const std::string& path) { return refused(R"("affinity": {"nodeAffinity": {)" + path); };
    EXPECT_EQ(term(R"("requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions":
        [{"key": "a", "operator": "In", "values": ["b c"]}]}]}}})"),
              "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0]"
              ".matchExpressions[0].values[0]");
    EXPECT_EQ(term(R"("preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "preference":
        {"matchExpressions": [{"key": "a", "operator": "In", "values": ["b c"]}]}}]}})"),
              "");
}

TEST(PodValidation, ACostOfDeletionIsANumber) {
    auto pod = pod_of("", "");
    const auto cost = [&](std::string_view text) {
        pod["metadata"].as_object()["annotations"] = json::object{{"controller.kubernetes.io/pod-deletion-cost", text}};
        return fields(validate_create(*by_kind("v1", "Pod"), pod));
    };
    EXPECT_EQ(cost("-100"), "");
    EXPECT_EQ(cost("+1"), "metadata.annotations[controller.kubernetes.io/pod-deletion-cost]");
    EXPECT_EQ(cost("2147483648"), "metadata.annotations[controller.kubernetes.io/pod-deletion-cost]");
}

TEST(PodValidation, AnUpdateTellsOfWhatIsWrongAndOfWhatMayNotChange) {
    const auto live = pod_of("", "");
    const auto update = [&](const std::string& spec, const std::string& container) {
        return fields(validate_update(*by_kind("v1", "Pod"), pod_of(spec, container), live, ""));
    };
    EXPECT_EQ(update(R"("dnsPolicy": "Odd")", ""), "spec.dnsPolicy spec");
    EXPECT_EQ(update("", R"("image": " i")"), "spec.containers[0].image spec.containers[0].image");
}

TEST(PodValidation, HugePagesComeWhole) {
    const auto limit = [](const std::string& amount) {
        return of_container(R"("resources": {"limits": {"cpu": "1", "hugepages-2Mi": ")" + amount + R"("}})");
    };
    EXPECT_EQ(limit("4Mi"), "");
    EXPECT_EQ(limit("3Mi"),
              "spec.containers[0].resources.limits[hugepages-2Mi] "
              "spec.containers[0].resources.requests[hugepages-2Mi]");
}

TEST(PodValidation, WhatEndedForGoodStaysEnded) {
    auto live = pod_of(R"("restartPolicy": "Never")", "");
    live["status"] = json::parse(R"({"qosClass": "BestEffort", "containerStatuses": [{"name": "c", "state":
        {"terminated": {"exitCode": 1}}}]})");
    const auto write = [&](std::string_view status) {
        auto next = live;
        next["status"] = json::parse(json::string_view(status.data(), status.size()));
        prepare_update(*by_kind("v1", "Pod"), next, live, "status");
        return fields(validate_update(*by_kind("v1", "Pod"), next, live, "status"));
    };
    EXPECT_EQ(write(R"({"phase": "Failed"})"), "");
    EXPECT_EQ(write(R"({"containerStatuses": [{"name": "c", "state": {"running": {}}}]})"),
              "status.containerStatuses[0].state");
    EXPECT_EQ(write(R"({"qosClass": "Guaranteed"})"), "status.qosClass");
    EXPECT_EQ(write(R"({"hostIP": "10.0.0.2", "hostIPs": [{"ip": "10.0.0.1"}], "podIPs": [{"ip": "x"}]})"),
              "status.podIPs[0] status.hostIPs[0].ip");
}

}  // namespace
}  // namespace kinds
