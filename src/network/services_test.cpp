// Services against a kernel that only remembers: what is sent, how often, and when an exclusion counts as done.
#include "network/services.h"

#include <gtest/gtest.h>

#include "run/virtual_loop.h"

namespace network {
namespace {

namespace json = object::json;

/// Answers in the next turn of the loop; may be told to refuse.
class RecordingKernel final : public Kernel {
 public:
    explicit RecordingKernel(run::Loop& loop) : loop_(loop) {}
    void apply(std::string text, std::move_only_function<void(base::Result<void>)> done) override {
        log.push_back("apply");
        transactions.push_back(std::move(text));
        answer(std::move(done));
    }
    void forget_flows(std::vector<std::string> addresses, Flows which,
                      std::move_only_function<void(base::Result<void>)> done) override {
        for (const auto& each : addresses) log.push_back((which == Flows::all ? "forget all " : "forget past ") + each);
        answer(std::move(done));
    }
    std::vector<std::string> log, transactions;
    int refusals = 0;

 private:
    void answer(std::move_only_function<void(base::Result<void>)> done) {
        const bool refused = refusals > 0 && refusals-- > 0;
        loop_.post([done = std::move(done), refused]() mutable {
            done(refused ? base::fail(base::Code::internal, "no") : base::Result<void>());
        });
    }
    run::Loop& loop_;
};

class ServicesTest : public testing::Test {
 protected:
    store::Key service_key() { return {{"", "services"}, "default", "web"}; }
    store::Key slice_key() { return {{"discovery.k8s.io", "endpointslices"}, "default", "web-1"}; }
    json::object service() {
        return json::parse(R"({"metadata": {"name": "web", "namespace": "default"}, "spec": {"clusterIP": "10.96.0.50",
            "type": "NodePort", "externalIPs": ["192.0.2.1"], "ports": [{"port": 80, "protocol": "TCP", "nodePort": 30080}]}})")
            .as_object();
    }
    json::object slice(const std::vector<std::string>& ips, std::string_view conditions = R"({"ready": true})") {
        auto out = json::parse(R"({"metadata": {"name": "web-1", "namespace": "default", "labels":
            {"kubernetes.io/service-name": "web"}}, "addressType": "IPv4", "ports": [{"port": 8080, "protocol": "TCP"}],
            "endpoints": []})")
                       .as_object();
        for (const auto& ip : ips)
            out["endpoints"].as_array().emplace_back(json::object{{"addresses", json::array{ip}},
                                                                  {"conditions", json::parse(conditions)},
                                                                  {"targetRef", {{"uid", "uid-" + ip}}}});
        return out;
    }
    void settle() { loop.run_until(loop.now() + std::chrono::milliseconds(1)); }
    void serve(const std::vector<std::string>& ips) {
        ASSERT_TRUE(store.create(service_key(), service()));
        ASSERT_TRUE(store.create(slice_key(), slice(ips)));
        services.start();
        settle();
    }
    bool last_names(std::string_view text) const { return kernel.transactions.back().find(text) != std::string::npos; }

    run::VirtualLoop loop{1};
    store::Store store{loop, {}, nullptr};
    RecordingKernel kernel{loop};
    Services services{loop, store, kernel, {}};
};

TEST_F(ServicesTest, TheFirstTransactionReplacesTheTable) {
    serve({"10.244.0.7"});
    ASSERT_EQ(kernel.transactions.size(), 1u);
    EXPECT_TRUE(services.ready());
    EXPECT_TRUE(last_names(R"({"delete":{"table")"));
    EXPECT_TRUE(last_names(R"(["10.96.0.50","tcp",80])"));
    EXPECT_TRUE(last_names(R"(["192.0.2.1","tcp",80])"));
    EXPECT_TRUE(last_names(R"(["tcp",30080])"));
    EXPECT_TRUE(last_names(R"(["10.244.0.7",8080])"));
}

TEST_F(ServicesTest, ManyChangesOfOneTurnAreOneTransaction) {
    serve({"10.244.0.7"});
    for (const auto* ip : {"10.244.0.8", "10.244.0.9", "10.244.0.10"}) (void)store.update(slice_key(), slice({ip}), 0);
    settle();
    ASSERT_EQ(kernel.transactions.size(), 2u);
    EXPECT_FALSE(last_names("table\":{"));
    EXPECT_TRUE(last_names("10.244.0.10"));
    EXPECT_FALSE(last_names("10.244.0.9"));
}

TEST_F(ServicesTest, WhatChangesNothingIsNotSent) {
    serve({"10.244.0.7"});
    (void)store.update(slice_key(), slice({"10.244.0.7"}), 0);
    settle();
    EXPECT_EQ(kernel.transactions.size(), 1u);
}

TEST_F(ServicesTest, AnExclusionIsDoneAfterRulesAndFlows) {
    serve({"10.244.0.7", "10.244.0.8"});
    bool done = false;
    services.exclude("uid-10.244.0.7", "10.244.0.7", [&] {
        done = true;
        kernel.log.push_back("done");
    });
    EXPECT_FALSE(done);
    settle();
    EXPECT_EQ(kernel.log, (std::vector<std::string>{"apply", "apply", "forget past 10.244.0.7", "done"}));
    EXPECT_TRUE(last_names(R"(["10.244.0.8",8080])"));
    EXPECT_FALSE(last_names(R"(["10.244.0.7",8080])"));
}

TEST_F(ServicesTest, AnExcludedPodStaysOutUntilNoSliceNamesIt) {
    serve({"10.244.0.7", "10.244.0.8"});
    services.exclude("uid-10.244.0.7", "10.244.0.7", [] {});
    settle();
    services.forget("uid-10.244.0.7", "10.244.0.7");
    (void)store.update(slice_key(), slice({"10.244.0.7", "10.244.0.8", "10.244.0.9"}), 0);
    settle();
    EXPECT_EQ(kernel.log.back(), "apply");
    EXPECT_FALSE(last_names(R"(["10.244.0.7",8080])"));
    EXPECT_TRUE(last_names(R"(["10.244.0.9",8080])"));
    // the address comes again with another pod
    auto again = slice({"10.244.0.7"});
    again["endpoints"].as_array()[0].as_object()["targetRef"] = {{"uid", "another"}};
    (void)store.update(slice_key(), std::move(again), 0);
    settle();
    EXPECT_TRUE(last_names(R"(["10.244.0.7",8080])"));
}

TEST_F(ServicesTest, AnExclusionOfWhatNobodyServesStillForgetsFlows) {
    services.start();
    settle();
    bool done = false;
    services.exclude("uid", "10.244.0.99", [&] { done = true; });
    settle();
    EXPECT_TRUE(done);
    EXPECT_EQ(kernel.log, (std::vector<std::string>{"apply", "forget past 10.244.0.99"}));
}

TEST_F(ServicesTest, APodOnTheHostsNetworkIsExcludedByItselfAlone) {
    auto both = slice({"192.0.2.1", "192.0.2.1"});
    both["endpoints"].as_array()[1].as_object().erase("targetRef");  // the host itself, written by hand
    ASSERT_TRUE(store.create(service_key(), service()));
    ASSERT_TRUE(store.create(slice_key(), std::move(both)));
    services.start();
    settle();
    bool done = false;
    services.exclude("uid-192.0.2.1", "", [&] { done = true; });
    settle();
    EXPECT_TRUE(done);
    EXPECT_TRUE(last_names(R"(["192.0.2.1",8080])"));
    services.forget("uid-192.0.2.1", "");
    settle();
    EXPECT_EQ(std::ranges::count(kernel.log, "apply"), std::ssize(kernel.log));
}

TEST_F(ServicesTest, ARefusalIsFollowedByAFullReplacement) {
    serve({"10.244.0.7", "10.244.0.8"});
    kernel.refusals = 1;
    bool done = false;
    services.exclude("uid-10.244.0.7", "10.244.0.7", [&] { done = true; });
    settle();
    EXPECT_FALSE(done);
    loop.run_until(loop.now() + std::chrono::seconds(2));
    EXPECT_TRUE(done);
    EXPECT_TRUE(last_names(R"({"delete":{"table")"));
    EXPECT_FALSE(last_names(R"(["10.244.0.7",8080])"));
}

TEST_F(ServicesTest, EndingPodsServeWhenThereIsNobodyElse) {
    ASSERT_TRUE(store.create(service_key(), service()));
    ASSERT_TRUE(
        store.create(slice_key(), slice({"10.244.0.7"}, R"({"ready": false, "serving": true, "terminating": true})")));
    services.start();
    settle();
    EXPECT_TRUE(last_names(R"(["10.244.0.7",8080])"));
    services.exclude("uid-10.244.0.7", "10.244.0.7", [] {});
    settle();
    EXPECT_TRUE(last_names(R"({"delete":{"chain")"));
    EXPECT_TRUE(last_names("refused"));
}

TEST_F(ServicesTest, AtStartWhatEndsIsLeftOutWhateverItsSliceSays) {
    ASSERT_TRUE(store.create(service_key(), service()));
    auto old = slice({"10.244.0.7", "10.244.0.8", "10.244.0.9"});
    const auto pod = [&](int at, const std::string& name, const char* uid) {
        const auto target = json::parse(R"({"kind": "Pod", "namespace": "default"})").as_object();
        auto& named = old["endpoints"].as_array()[at].as_object()["targetRef"].emplace_object() = target;
        named["name"] = name;
        named["uid"] = uid;
    };
    pod(0, "stands", "1");
    pod(1, "ends", "2");
    pod(2, "gone", "3");
    ASSERT_TRUE(store.create(slice_key(), std::move(old)));
    ASSERT_TRUE(store.create({{"", "pods"}, "default", "stands"},
                             json::parse(R"({"metadata": {"name": "stands", "uid": "1"}})").as_object()));
    ASSERT_TRUE(store.create(
        {{"", "pods"}, "default", "ends"},
        json::parse(R"({"metadata": {"name": "ends", "uid": "2", "deletionTimestamp": "2030-01-01T00:00:00Z"}})")
            .as_object()));
    services.start();
    settle();
    EXPECT_TRUE(last_names(R"(["10.244.0.7",8080])"));
    EXPECT_FALSE(last_names(R"(["10.244.0.8",8080])"));
    EXPECT_FALSE(last_names(R"(["10.244.0.9",8080])"));
}

TEST_F(ServicesTest, AClientIsRememberedByEachBackendForTheTimeItSays) {
    auto sticky = service();
    auto& spec = sticky["spec"].as_object();
    spec["sessionAffinity"] = "ClientIP";
    ASSERT_TRUE(store.create(service_key(), sticky));
    ASSERT_TRUE(store.create(slice_key(), slice({"10.244.0.7", "10.244.0.8"})));
    services.start();
    settle();
    const std::string chain = "svc/default/web/tcp/80/10.244.0.7/8080";
    EXPECT_TRUE(last_names(R"("name":"clients/10800/)" + chain + R"(","type":"ipv4_addr","flags":["timeout"])"));
    EXPECT_TRUE(
        last_names(R"({"set":{"op":"update","elem":{"payload":{"protocol":"ip","field":"saddr"}},"set":"@clients)"));
    (void)store.update(slice_key(), slice({"10.244.0.8"}), 0);
    settle();
    EXPECT_TRUE(last_names(R"({"delete":{"set":{"name":"clients/10800/)" + chain));
    EXPECT_TRUE(last_names(R"({"delete":{"chain":{"name":")" + chain));
    EXPECT_FALSE(last_names(R"({"add":{"set")"));
    spec["sessionAffinityConfig"] = {{"clientIP", {{"timeoutSeconds", 60}}}};
    (void)store.update(service_key(), sticky, 0);
    settle();
    EXPECT_TRUE(last_names(R"({"add":{"set":{"name":"clients/60/svc)"));
    EXPECT_TRUE(last_names(R"("timeout":60)"));
    EXPECT_TRUE(last_names(R"({"delete":{"set":{"name":"clients/10800/svc)"));
}

TEST_F(ServicesTest, ANodePortThatLeadsNowhereIsRefusedByName) {
    serve({"10.244.0.7"});
    EXPECT_FALSE(last_names(R"("refused_nodeports","elem")"));
    (void)store.update(slice_key(), slice({}), 0);
    settle();
    EXPECT_TRUE(last_names(R"({"add":{"element":{"name":"refused_nodeports","elem":[{"concat":["tcp",30080]}])"));
    (void)store.update(slice_key(), slice({"10.244.0.8"}), 0);
    settle();
    EXPECT_TRUE(last_names(R"({"delete":{"element":{"name":"refused_nodeports","elem":[{"concat":["tcp",30080]}])"));
}

TEST_F(ServicesTest, NamesFollow) {
    serve({"10.244.0.7"});
    ASSERT_TRUE(services.zone().find("default", "web"));
    EXPECT_EQ(services.zone().name_of("10.96.0.50"), "web.default.svc");
    (void)store.remove(service_key(), 0);
    settle();
    EXPECT_FALSE(services.zone().find("default", "web"));
    EXPECT_EQ(services.zone().name_of("10.96.0.50"), "");
}

TEST_F(ServicesTest, PodsAreMetAtTheirHostPortsUntilTheyAreToldToStop) {
    services.start();
    const store::Key key{{"", "pods"}, "default", "p"};
    auto pod = json::parse(R"({"metadata": {"name": "p", "namespace": "default", "uid": "u1"}, "spec": {"containers": [{
        "ports": [{"containerPort": 8080, "hostPort": 80}, {"containerPort": 53, "hostPort": 53, "protocol": "UDP",
                   "hostIP": "127.0.0.1"}, {"containerPort": 9090}]}]}, "status": {"phase": "Pending"}})")
                   .as_object();
    ASSERT_TRUE(store.create(key, pod));
    settle();
    EXPECT_EQ(kernel.transactions.size(), 1u);  // no address yet
    pod["status"] = {{"phase", "Running"}, {"podIP", "10.244.0.7"}};
    ASSERT_TRUE(store.update(key, pod, 0));
    settle();
    EXPECT_TRUE(last_names(R"(["tcp",80])"));
    EXPECT_TRUE(last_names(R"(["10.244.0.7",8080])"));
    EXPECT_TRUE(last_names(R"(["127.0.0.1","udp",53])"));
    EXPECT_FALSE(last_names("9090"));
    bool done = false;
    services.exclude("u1", "10.244.0.7", [&] { done = true; });
    settle();
    EXPECT_TRUE(done);
    EXPECT_TRUE(last_names(R"({"delete":{"element":{"name":"nodeports","elem":[{"concat":["tcp",80]}])"));
    services.forget("u1", "10.244.0.7");
    const auto sent = kernel.transactions.size();
    ASSERT_TRUE(store.remove(key, 0));
    settle();
    EXPECT_EQ(kernel.transactions.size(), sent);
}

TEST_F(ServicesTest, APodThatEndedByItselfGivesItsHostPortsBack) {
    services.start();
    const store::Key key{{"", "pods"}, "default", "p"};
    auto pod = json::parse(R"({"metadata": {"name": "p", "namespace": "default", "uid": "u1"}, "spec": {"containers": [{
        "ports": [{"containerPort": 8080, "hostPort": 80}]}]}, "status": {"phase": "Running", "podIP": "10.244.0.7"}})")
                   .as_object();
    ASSERT_TRUE(store.create(key, pod));
    settle();
    EXPECT_TRUE(last_names(R"(["tcp",80])"));
    pod["status"].as_object()["phase"] = "Succeeded";
    ASSERT_TRUE(store.update(key, pod, 0));
    settle();
    EXPECT_TRUE(last_names(R"({"delete":{"element":{"name":"nodeports")"));
}

TEST(BucketBackends, FewClientsMoveWhenABackendComes) {
    std::vector<Backend> backends;
    for (int i = 0; i < 4; ++i) backends.push_back({"10.244.0." + std::to_string(i + 2), 80});
    const auto before = bucket_backends(backends);
    backends.push_back({"10.244.0.9", 80});
    const auto after = bucket_backends(backends);
    std::size_t moved = 0;
    std::vector<int> shares(backends.size());
    for (std::size_t i = 0; i < before.size(); ++i) {
        EXPECT_TRUE(after[i] == before[i] || after[i] == 4u);
        moved += after[i] != before[i];
        ++shares[after[i]];
    }
    EXPECT_LT(moved, before.size() / 2);
    for (const int share : shares) EXPECT_GT(share, 8);
}

}  // namespace
}  // namespace network
