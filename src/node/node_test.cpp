// The node with the real store and API over a machine in memory: whole stories of pods in virtual time.
#include "node/node.h"

#include <gtest/gtest.h>

#include "kinds/registry.h"
#include "node/fake_machine.h"

namespace {

using namespace std::chrono_literals;
namespace json = boost::json;
using object::Ref;

/// A platform of the node alone: store, API and a machine in memory.
class NodeTest : public ::testing::Test {
 protected:
    run::VirtualLoop loop{7};
    store::Store store{loop, {}, nullptr};
    std::unique_ptr<verbs::Api> api = verbs::make_api(store, loop, base::Rng(1));
    node::testing::FakeMachine machine{loop};
    std::unique_ptr<node::Node> node;

    void SetUp() override {
        create("v1", "Namespace", "", R"({"metadata":{"name":"default"}})");
        create("v1", "ServiceAccount", "default", R"({"metadata":{"name":"default"}})");
        create("v1", "ConfigMap", "default", R"({"metadata":{"name":"kube-root-ca.crt"},"data":{"ca.crt":"x"}})");
        boot();
    }
    void boot() {
        node::Settings settings;
        settings.node_name = "n1";
        settings.host_ip = "192.0.2.1";
        settings.cpu = "2";
        settings.memory = "4Gi";
        settings.dns.service_ip = "10.96.0.10";
        node = std::make_unique<node::Node>(loop, *api, node::Ports{machine, machine, machine, machine, machine},
                                            base::Rng(2), settings);
        node->start();
        run(0ms);
    }
    void run(base::Duration d) { loop.run_until(loop.now() + d); }

    verbs::Target at(std::string_view version, std::string_view kind, std::string ns, std::string name) {
        return {kinds::by_kind(version, kind), std::move(ns), std::move(name)};
    }
    void create(std::string_view version, std::string_view kind, const std::string& ns, std::string_view text) {
        auto body = json::parse(text).as_object();
        body["apiVersion"] = version;
        body["kind"] = kind;
        const std::string name(body["metadata"].as_object()["name"].as_string());
        const auto made = api->create(at(version, kind, ns, name), body, {});
        ASSERT_TRUE(made) << made.error().message;
    }
    /// A pod "p" bound to this node.
    void pod(std::string spec, std::string metadata = "") {
        create("v1", "Pod", "default",
               R"({"metadata":{"name":"p")" + metadata + R"(},"spec":{"nodeName":"n1",)" + spec + "}}");
    }
    object::ObjectPtr get(const std::string& name = "p") { return store.get({{"", "pods"}, "default", name}); }
    json::value status() {
        const auto p = get();
        const auto* value = p ? (*p)["status"].value() : nullptr;
        return value ? *value : json::value();
    }
    std::string text(std::string_view pointer) {
        const auto s = status();
        boost::system::error_code missing;
        const auto* found = s.find_pointer(pointer, missing);
        return found ? json::serialize(*found) : "";
    }
    bool remove(std::optional<std::int64_t> grace = {}) {
        verbs::DeleteOptions options;
        options.grace_s = grace;
        return api->remove(at("v1", "Pod", "default", "p"), options, {}).has_value();
    }
    std::vector<std::string> reasons() {
        std::vector<std::string> result;
        std::vector<object::ObjectPtr> events = store.list({"", "events"}, "default");
        std::ranges::sort(events, {}, [](const auto& e) { return e->revision(); });
        for (const auto& e : events)
            if ((*e)["involvedObject"]["kind"].str() == "Pod") result.emplace_back((*e)["reason"].str());
        return result;
    }
    static constexpr const char* sleeper =
        R"("containers":[{"name":"c","image":"busybox:1.36","command":["sleep","600"]}])";
};

TEST_F(NodeTest, RunsAPodUntilItIsDeletedAndLeavesNothing) {
    pod(sleeper);
    run(10ms);
    EXPECT_EQ(text("/phase"), R"("Running")");
    EXPECT_EQ(text("/conditions/2/type") + text("/conditions/2/status"), R"("Ready""True")");
    EXPECT_EQ(text("/containerStatuses/0/image"), R"("docker.io/library/busybox:1.36")");
    EXPECT_EQ(text("/containerStatuses/0/user"), R"({"linux":{"uid":0,"gid":0,"supplementalGroups":[0]}})");
    EXPECT_EQ(text("/podIP"), R"("10.0.0.2")");
    EXPECT_EQ(reasons(), (std::vector<std::string>{"Pulled", "Created", "Started"}));
    machine.log.clear();
    ASSERT_TRUE(remove());
    run(10ms);
    EXPECT_FALSE(get());
    EXPECT_EQ(machine.log, (std::vector<std::string>{"exclude 10.0.0.2", "signal c 15", "teardown", "forget 10.0.0.2",
                                                     "remove files"}));
    EXPECT_EQ(node->pods(), 0u);
}

TEST_F(NodeTest, NothingIsStoppedBeforeTrafficIsExcluded) {
    machine.hold_exclusion = true;
    pod(sleeper);
    run(10ms);
    machine.log.clear();
    ASSERT_TRUE(remove());
    run(5s);
    EXPECT_EQ(machine.log, (std::vector<std::string>{"exclude 10.0.0.2"}));
    ASSERT_EQ(machine.held.size(), 1u);
    machine.held[0]();
    run(10ms);
    EXPECT_FALSE(get());
}

TEST_F(NodeTest, AnAddressIsGivenBackOnlyWhenNoRuleLeadsThere) {
    machine.exits_at_once["c"] = 0;
    machine.hold_exclusion = true;
    pod(std::string(R"("restartPolicy":"Never",)") + sleeper);
    run(1s);
    EXPECT_EQ(text("/phase"), R"("Succeeded")");
    EXPECT_EQ(machine.log, (std::vector<std::string>{"setup p", "start c 0", "exclude 10.0.0.2"}));
    ASSERT_EQ(machine.held.size(), 1u);
    machine.held[0]();
    run(10ms);
    EXPECT_EQ(machine.log.back(), "forget 10.0.0.2");
}

TEST_F(NodeTest, APodOnTheHostsNetworkDoesNotTakeTheHostOutOfRules) {
    pod(std::string(R"("hostNetwork":true,)") + sleeper);
    run(10ms);
    EXPECT_EQ(text("/podIP"), R"("192.0.2.1")");
    machine.log.clear();
    ASSERT_TRUE(remove());
    run(10ms);
    EXPECT_FALSE(get());
    EXPECT_EQ(machine.log,
              (std::vector<std::string>{"exclude ", "signal c 15", "teardown", "forget ", "remove files"}));
}

TEST_F(NodeTest, APodPastItsDeadlineIsFailedOnceNothingOfItRuns) {
    machine.on_term["c"] = -1;
    pod(std::string(R"("activeDeadlineSeconds":2,"terminationGracePeriodSeconds":5,)") + sleeper);
    run(3s);
    EXPECT_EQ(text("/phase"), R"("Running")");
    EXPECT_EQ(text("/reason"), "");
    EXPECT_EQ(text("/conditions/2/status") + text("/conditions/2/reason"), R"("False""PodFailed")");
    run(6s);
    EXPECT_EQ(text("/phase") + text("/reason"), R"("Failed""DeadlineExceeded")");
    EXPECT_EQ(text("/containerStatuses/0/state/terminated/exitCode"), "137");
}

TEST_F(NodeTest, APodThatTakesMoreDiskThanItMayIsEvicted) {
    pod(R"("terminationGracePeriodSeconds":60,"containers":[{"name":"c","image":"busybox:1.36",
           "resources":{"limits":{"ephemeral-storage":"2Mi"}}}],"volumes":[{"name":"v","emptyDir":{"sizeLimit":"1Mi"}}])");
    machine.on_term["c"] = -1;
    machine.disk["c"] = 1 << 20;
    run(25s);
    EXPECT_EQ(text("/phase"), R"("Running")");
    const std::string uid(get()->uid());
    machine.disk["/volumes/" + uid + "/v"] = (1 << 20) + 1;
    run(12s);
    EXPECT_EQ(text("/phase") + text("/reason"), R"("Failed""Evicted")");
    EXPECT_EQ(text("/message"), R"("Usage of EmptyDir volume \"v\" exceeds the limit \"1Mi\". ")");
    EXPECT_EQ(text("/conditions/5/type") + text("/conditions/5/reason"), R"("DisruptionTarget""TerminationByKubelet")");
    EXPECT_EQ(text("/containerStatuses/0/state/terminated/exitCode"), "137");
    const auto said = reasons();
    EXPECT_TRUE(std::ranges::find(said, "Evicted") != said.end());
}

TEST(StorageExcess, NamesWhatIsOverItsLimit) {
    const auto pod = node::PodView(std::make_shared<object::Object>(json::parse(R"({"metadata":{"name":"p"},"spec":{
        "containers":[{"name":"a","resources":{"limits":{"ephemeral-storage":"1Mi"}}},
                      {"name":"b","resources":{"limits":{"ephemeral-storage":"3Mi"}}}],
        "volumes":[{"name":"v","emptyDir":{}},{"name":"m","emptyDir":{"medium":"Memory"}}]}})")
                                                                        .as_object()));
    const std::int64_t mi = 1 << 20;
    EXPECT_EQ(node::storage_excess(pod, {{{"v", mi}, {"m", 9 * mi}}, {{"a", mi}, {"b", mi}}}), "");
    EXPECT_EQ(node::storage_excess(pod, {{}, {{"a", 2 * mi}, {"b", mi}}}),
              "Container a exceeded its local ephemeral storage limit \"1Mi\". ");
    EXPECT_EQ(node::storage_excess(pod, {{{"v", 3 * mi}}, {{"a", mi}, {"b", mi}}}),
              "Pod ephemeral local storage usage exceeds the total limit of containers 4Mi. ");
}

TEST_F(NodeTest, WhatKeepsAContainerFromBeingMadeIsTriedAgain) {
    machine.fails_to_create["c"] = "cannot load seccomp profile";
    pod(std::string(R"("restartPolicy":"Never",)") + sleeper);
    run(1s);
    EXPECT_EQ(text("/phase"), R"("Pending")");
    EXPECT_EQ(text("/containerStatuses/0/state/waiting/reason"), R"("CreateContainerError")");
    machine.fails_to_create.clear();
    run(11s);
    EXPECT_EQ(text("/phase") + text("/containerStatuses/0/restartCount"), R"("Running"0)");
}

TEST_F(NodeTest, KillsAfterTheGraceAndADeleteCanOnlyShortenIt) {
    machine.on_term["c"] = -1;
    pod(sleeper);
    run(10ms);
    ASSERT_TRUE(remove(20));
    run(2s);
    EXPECT_TRUE(get());
    ASSERT_TRUE(remove(5));
    run(2900ms);
    EXPECT_TRUE(get());
    run(200ms);
    EXPECT_FALSE(get());
    EXPECT_EQ(machine.log.back(), "remove files");
}

TEST_F(NodeTest, AForcedDeleteKillsAtOnce) {
    machine.on_term["c"] = -1;
    pod(sleeper);
    run(10ms);
    machine.log.clear();
    ASSERT_TRUE(remove(0));
    EXPECT_FALSE(get());
    run(10ms);
    EXPECT_EQ(machine.log, (std::vector<std::string>{"signal c 9", "exclude 10.0.0.2", "teardown", "forget 10.0.0.2",
                                                     "remove files"}));
}

TEST_F(NodeTest, APodThatEndsSucceedsOrFails) {
    machine.exits_at_once = {{"c", 0}, {"d", 2}};
    pod(R"("restartPolicy":"Never","containers":[{"name":"d","image":"busybox:1.36"},{"name":"c","image":"busybox:1.36"}])");
    run(1s);
    EXPECT_EQ(text("/phase"), R"("Failed")");
    EXPECT_EQ(text("/containerStatuses/0/name") + text("/containerStatuses/1/name"), R"("c""d")");
    EXPECT_EQ(text("/containerStatuses/1/state/terminated/exitCode"), "2");
    EXPECT_EQ(text("/containerStatuses/0/state/terminated/reason"), R"("Completed")");
    EXPECT_EQ(text("/conditions/0/status"), R"("False")");
    EXPECT_EQ(text("/conditions/2/reason"), R"("PodFailed")");
}

TEST_F(NodeTest, CrashesBackOffTwiceAsLongEachTime) {
    machine.exits_at_once["c"] = 7;
    pod(sleeper);
    run(100ms);
    EXPECT_EQ(text("/phase"), R"("Running")");
    EXPECT_EQ(text("/containerStatuses/0/state/waiting/reason"), R"("CrashLoopBackOff")");
    EXPECT_EQ(text("/containerStatuses/0/lastState/terminated/exitCode"), "7");
    EXPECT_EQ(text("/containerStatuses/0/restartCount"), "1");
    run(10s);
    EXPECT_EQ(text("/containerStatuses/0/restartCount"), "2");
    run(19s);
    EXPECT_EQ(text("/containerStatuses/0/restartCount"), "2");
    run(2s);
    EXPECT_EQ(text("/containerStatuses/0/restartCount"), "3");
    run(1h);
    EXPECT_EQ(text("/containerStatuses/0/restartCount"), "17");
}

TEST_F(NodeTest, APodThatRanIsNotPendingWhileItIsRestarted) {
    pod(R"("containers":[{"name":"c","image":"busybox:1.36"},{"name":"d","image":"busybox:1.36"}])");
    run(100ms);
    std::vector<std::string> phases;
    const auto watch = store.subscribe([&](const store::EventPtr& event) {
        if (event->key.resource.plural == "pods") phases.emplace_back((*event->object)["status"]["phase"].str());
    });
    for (int crash = 0; crash < 3; ++crash) {
        machine.exit(machine.find("c")->seen.id, 1);
        run(1min);
    }
    EXPECT_EQ(text("/containerStatuses/0/restartCount"), "3");
    EXPECT_GE(phases.size(), 6u);
    EXPECT_EQ(std::ranges::count(phases, "Running"), std::ssize(phases));
}

TEST_F(NodeTest, AMissingImageIsPulledWithBackOff) {
    pod(R"("containers":[{"name":"c","image":"127.0.0.1:1/none:1"}])");
    run(100ms);
    EXPECT_EQ(text("/containerStatuses/0/state/waiting/reason"), R"("ErrImagePull")");
    run(2s);
    EXPECT_EQ(text("/containerStatuses/0/state/waiting/reason"), R"("ImagePullBackOff")");
    EXPECT_EQ(text("/containerStatuses/0/image"), R"("127.0.0.1:1/none:1")");
    EXPECT_EQ(text("/conditions/0/status"), R"("True")");
    EXPECT_EQ(std::ranges::count(machine.log, "pull 127.0.0.1:1/none:1"), 1);
    run(10s);
    EXPECT_EQ(std::ranges::count(machine.log, "pull 127.0.0.1:1/none:1"), 2);
    ASSERT_TRUE(remove());
    run(10ms);
    EXPECT_FALSE(get());
}

TEST_F(NodeTest, AnImageThatComesByAnotherWayEndsTheBackOff) {
    pod(R"("containers":[{"name":"c","image":"loaded:1"}])");
    run(10min);
    const auto pulls = std::ranges::count(machine.log, "pull docker.io/library/loaded:1");
    EXPECT_EQ(pulls, 6) << "at 0, 10, 30, 70, 150 and 310 s";
    const auto events = store.list({"", "events"}, "default");
    const auto told = std::ranges::find_if(events, [](const auto& e) { return (*e)["reason"].str() == "BackOff"; });
    ASSERT_NE(told, events.end());
    EXPECT_EQ((**told)["count"].num(), pulls) << "looking again says nothing";
    machine.load("docker.io/library/loaded:1");
    run(11s);
    EXPECT_EQ(text("/containerStatuses/0/ready"), "true");
    EXPECT_EQ(std::ranges::count(machine.log, "pull docker.io/library/loaded:1"), pulls);
}

TEST_F(NodeTest, AMissingConfigMapHoldsThePodUntilItComes) {
    pod(R"("containers":[{"name":"c","image":"busybox:1.36","volumeMounts":[{"name":"v","mountPath":"/v"}]}],
           "volumes":[{"name":"v","configMap":{"name":"absent"}}])");
    run(1s);
    EXPECT_EQ(text("/containerStatuses/0/state"), R"({"waiting":{"reason":"ContainerCreating"}})");
    EXPECT_EQ(text("/conditions/0/status"), R"("False")");
    EXPECT_EQ(text("/podIP"), "");
    EXPECT_EQ(reasons().front(), "FailedMount");
    create("v1", "ConfigMap", "default", R"({"metadata":{"name":"absent"},"data":{"a":"1"}})");
    run(10ms);
    EXPECT_EQ(text("/containerStatuses/0/ready"), "true");
    ASSERT_EQ(machine.projected["v"].size(), 1u);
    EXPECT_EQ(machine.find("c")->setup.mounts[0].read_only, true);
}

TEST_F(NodeTest, ReadyComesWithTheFirstAnswerNotWithThePeriod) {
    machine.http_refusals = 3;
    pod(R"("containers":[{"name":"c","image":"busybox:1.36","readinessProbe":{"httpGet":{"port":80},"periodSeconds":10}}])");
    run(20ms);
    EXPECT_EQ(text("/containerStatuses/0/ready"), "false");
    EXPECT_EQ(text("/conditions/2/reason"), R"("ContainersNotReady")");
    run(100ms);
    EXPECT_EQ(text("/containerStatuses/0/ready"), "true");
    machine.http_status = 500;
    run(35s);
    EXPECT_EQ(text("/containerStatuses/0/ready"), "false");
    EXPECT_EQ(reasons().back(), "Unhealthy");
}

TEST_F(NodeTest, AGrpcProbeAsksTheServiceThatItNames) {
    machine.healthy = false;
    pod(R"("containers":[{"name":"c","image":"busybox:1.36",
           "readinessProbe":{"grpc":{"port":50051,"service":"orders"},"periodSeconds":1,"failureThreshold":1}}])");
    run(1500ms);
    EXPECT_EQ(text("/containerStatuses/0/ready"), "false");
    EXPECT_EQ(reasons().back(), "Unhealthy");
    EXPECT_TRUE(std::ranges::find(machine.log, "grpc 50051 orders") != machine.log.end());
    machine.healthy = true;
    run(1500ms);
    EXPECT_EQ(text("/containerStatuses/0/ready"), "true");
}

TEST_F(NodeTest, AProbeFollowsRedirectionsOfItsOwnHostAlone) {
    machine.redirects = {{"/local", "/healthz"}, {"/away", "http://192.0.2.9/"}};
    machine.http_status = 500;
    const auto live = [](std::string path) {
        return R"("containers":[{"name":"c","image":"busybox:1.36","livenessProbe":{"httpGet":{"port":80,"path":")" +
               path + R"("},"periodSeconds":1,"failureThreshold":1}}])";
    };
    pod(live("/local"));
    run(1500ms);
    EXPECT_EQ(text("/containerStatuses/0/restartCount"), "1");
    ASSERT_TRUE(remove(0));
    run(10ms);
    pod(live("/away"));
    run(2500ms);
    EXPECT_EQ(text("/containerStatuses/0/restartCount"), "0");
    EXPECT_EQ(reasons().back(), "ProbeWarning");
}

TEST(Redirected, ReadsEveryFormOfALocation) {
    const node::Prober::Http from{.scheme = "http", .host = "10.0.0.2", .path = "/a/b?x", .port = 8080};
    const auto to = [&](std::string_view location) {
        const auto next = node::redirected(from, location);
        return next ? next->scheme + " " + std::to_string(next->port) + " " + next->path : std::string("none");
    };
    EXPECT_EQ(to("/c?d=1#e"), "http 8080 /c?d=1");
    EXPECT_EQ(to("c"), "http 8080 /a/c");
    EXPECT_EQ(to("http://10.0.0.2:81/x"), "http 81 /x");
    EXPECT_EQ(to("https://10.0.0.2"), "https 443 /");
    EXPECT_EQ(to("//10.0.0.2/y"), "http 80 /y");
    EXPECT_EQ(to("http://10.0.0.3:8080/x"), "none");
    EXPECT_EQ(to(""), "none");
}

TEST_F(NodeTest, AFailedLivenessProbeRestarts) {
    machine.exec_codes["false"] = 1;
    pod(R"("containers":[{"name":"c","image":"busybox:1.36",
           "livenessProbe":{"exec":{"command":["false"]},"periodSeconds":1,"failureThreshold":2}}])");
    run(1900ms);
    EXPECT_EQ(text("/containerStatuses/0/restartCount"), "0");
    run(500ms);
    EXPECT_EQ(text("/containerStatuses/0/restartCount"), "1");
    const auto said = reasons();
    EXPECT_TRUE(std::ranges::find(said, "Killing") != said.end());
}

TEST_F(NodeTest, InitContainersRunInOrderAndSidecarsGoLast) {
    machine.exits_at_once = {{"a", 0}, {"b", 0}, {"c", 0}};
    pod(R"("restartPolicy":"Never","containers":[{"name":"c","image":"busybox:1.36"}],"initContainers":[
           {"name":"a","image":"busybox:1.36"},{"name":"side","image":"busybox:1.36","restartPolicy":"Always"},
           {"name":"b","image":"busybox:1.36"}])");
    run(1s);
    EXPECT_EQ(machine.log,
              (std::vector<std::string>{"setup p", "start a 0", "start side 0", "start b 0", "start c 0",
                                        "signal side 15", "exclude 10.0.0.2", "teardown", "forget 10.0.0.2"}));
    EXPECT_EQ(text("/phase"), R"("Succeeded")");
    EXPECT_EQ(text("/initContainerStatuses/1/state/terminated/exitCode"), "0");
}

TEST_F(NodeTest, ARestartedDaemonAdoptsWhatRuns) {
    pod(sleeper);
    run(10ms);
    const auto before = status();
    node.reset();
    machine.log.clear();
    const auto last = store.revision();
    run(1s);
    boot();
    EXPECT_GT(store.get({{"", "nodes"}, "", "n1"})->revision(), last);
    run(1s);
    EXPECT_TRUE(machine.log.empty()) << machine.log.front();
    EXPECT_EQ(status(), before);
    node.reset();
    machine.exit(machine.find("c")->seen.id, 3);
    run(1ms);
    boot();
    run(10ms);
    EXPECT_EQ(text("/containerStatuses/0/restartCount"), "1");
    EXPECT_EQ(text("/containerStatuses/0/lastState/terminated/exitCode"), "3");
    node.reset();
    ASSERT_TRUE(remove(0));
    machine.log.clear();
    boot();
    run(10ms);
    EXPECT_EQ(machine.log,
              (std::vector<std::string>{"exclude 10.0.0.2", "teardown", "forget 10.0.0.2", "remove files"}));
}

TEST_F(NodeTest, TheNodeIsReadyAtOnceAndItsLeaseIsRenewed) {
    const auto n = store.get({{"", "nodes"}, "", "n1"});
    ASSERT_TRUE(n);
    EXPECT_EQ((*n)["status"]["conditions"][3]["status"].str(), "True");
    EXPECT_EQ((*n)["status"]["images"][0]["names"][0].str(), "docker.io/library/busybox:1.36");
    const auto lease = [&] { return store.get({{"coordination.k8s.io", "leases"}, "kube-node-lease", "n1"}); };
    ASSERT_TRUE(lease());
    const auto first = lease()->revision();
    run(41s);
    EXPECT_GT(lease()->revision(), first);
}

TEST_F(NodeTest, AnUnsafeSysctlIsRefused) {
    pod(std::string(sleeper) + R"(,"securityContext":{"sysctls":[{"name":"kernel.msgmax","value":"1"}]})");
    run(10ms);
    EXPECT_EQ(text("/phase") + text("/reason"), R"("Failed""SysctlForbidden")");
    EXPECT_EQ(text("/containerStatuses") + text("/conditions"), "");
    ASSERT_TRUE(remove());
    run(10ms);
    EXPECT_FALSE(get());
    EXPECT_EQ(node->pods(), 0u);
}

}  // namespace
