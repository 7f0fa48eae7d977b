// Services, real nftables and real connection tracking together: balancing, node ports, refusal, and an exclusion under
// load that loses no connection.
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <chrono>
#include <iostream>
#include <map>
#include <mutex>
#include <thread>

#include "edge/dns_socket.h"
#include "edge/nft_kernel.h"
#include "network/dns_message.h"
#include "network/services.h"
#include "playground.h"
#include "run/asio_loop.h"
#include "store/store.h"

namespace {

namespace json = object::json;
using namespace std::chrono_literals;
using playground::ask;

constexpr std::uint16_t backend_port = 8080, node_port = 30080;
constexpr auto cluster_ip = "10.96.0.50";

json::object service(std::string_view name, std::string_view ip, std::string_view affinity = "None") {
    return {{"apiVersion", "v1"},
            {"kind", "Service"},
            {"metadata", {{"name", name}, {"namespace", "default"}}},
            {"spec",
             {{"type", "NodePort"},
              {"clusterIP", ip},
              {"sessionAffinity", affinity},
              {"ports", json::array{json::object{{"port", 80}, {"protocol", "TCP"}, {"nodePort", node_port}}}}}}};
}

json::object slice(std::string_view service, const std::vector<std::string>& ips) {
    json::array endpoints;
    for (const auto& ip : ips)
        endpoints.emplace_back(json::object{{"addresses", json::array{ip}},
                                            {"conditions", {{"ready", true}}},
                                            {"targetRef", {{"kind", "Pod"}, {"uid", "uid-" + ip}}}});
    return {{"apiVersion", "discovery.k8s.io/v1"},
            {"kind", "EndpointSlice"},
            {"metadata",
             {{"name", service}, {"namespace", "default"}, {"labels", {{"kubernetes.io/service-name", service}}}}},
            {"addressType", "IPv4"},
            {"ports", json::array{json::object{{"port", backend_port}, {"protocol", "TCP"}}}},
            {"endpoints", endpoints}};
}

class Live : public testing::Test {
 protected:
    Live() : loop_(io_), store_(loop_, {}, nullptr), kernel_(loop_), services_(loop_, store_, kernel_, settings()) {}
    ~Live() override { io_.poll(); }

    static network::Settings settings() {
        return {.table = "slipway_test",
                .bridge = playground::bridge,
                .pod_cidr = playground::pod_cidr,
                .service_cidr = playground::service_cidr,
                .complain = [](std::string_view what) { ADD_FAILURE() << what; }};
    }
    store::Key service_key(std::string name) { return {{"", "services"}, "default", std::move(name)}; }
    store::Key slice_key(std::string name) {
        return {{"discovery.k8s.io", "endpointslices"}, "default", std::move(name)};
    }

    /// Runs the loop until `finished`; fails after a while.
    bool run_until(const std::function<bool()>& finished) {
        const auto end = std::chrono::steady_clock::now() + 10s;
        while (!finished() && std::chrono::steady_clock::now() < end) {
            io_.restart();
            io_.run_one_for(20ms);
        }
        EXPECT_TRUE(finished());
        return finished();
    }
    /// What is posted and in the kernel's queue is done: a marker went the same way.
    void settle() {
        for (int i = 0; i < 3; ++i) {
            bool done = false;
            loop_.post([&] { kernel_.forget_flows({}, network::Kernel::Flows::all, [&](auto) { done = true; }); });
            run_until([&] { return done; });
        }
    }
    void start() {
        services_.start();
        run_until([&] { return services_.ready(); });
    }
    void exclude(const std::string& ip) {
        bool done = false;
        services_.exclude("uid-" + ip, ip, [&] { done = true; });
        run_until([&] { return done; });
    }

    static constexpr auto a_ip = "10.244.7.10", b_ip = "10.244.7.11";
    boost::asio::io_context io_{1};
    run::AsioLoop loop_;
    store::Store store_;
    edge::NftKernel kernel_;
    network::Services services_;
    playground::BackendProcess a_{"A", a_ip, backend_port}, b_{"B", b_ip, backend_port};
};

std::map<std::string, int> ask_many(const std::string& ip, std::uint16_t port, int times) {
    std::map<std::string, int> answers;
    for (int i = 0; i < times; ++i) ++answers[ask(ip, port)];
    return answers;
}

TEST_F(Live, BalancesOverClusterIpAndNodePorts) {
    ASSERT_TRUE(store_.create(service_key("web"), service("web", cluster_ip)));
    ASSERT_TRUE(store_.create(slice_key("web"), slice("web", {a_ip, b_ip})));
    start();
    const std::pair<std::string, std::uint16_t> places[] = {
        {cluster_ip, 80}, {"127.0.0.1", node_port}, {playground::gateway, node_port}};
    for (const auto& [ip, port] : places) {
        auto answers = ask_many(ip, port, 60);
        EXPECT_GT(answers["A"], 10) << ip;
        EXPECT_GT(answers["B"], 10) << ip;
        EXPECT_EQ(answers["A"] + answers["B"], 60) << ip;
    }
}

TEST_F(Live, RefusesWhatLeadsNowhere) {
    ASSERT_TRUE(store_.create(service_key("idle"), service("idle", "10.96.0.51")));
    start();
    EXPECT_EQ(ask("10.96.0.51", 80), "refused");
    EXPECT_EQ(ask("10.96.44.44", 4444), "refused");
    EXPECT_EQ(ask("127.0.0.1", node_port), "refused");
}

TEST_F(Live, PodsReachServicesAndThemselvesThroughThem) {
    ASSERT_TRUE(store_.create(service_key("web"), service("web", cluster_ip)));
    ASSERT_TRUE(store_.create(slice_key("web"), slice("web", {a_ip})));
    start();
    EXPECT_EQ(b_.ask(cluster_ip, 80), "A");
    EXPECT_EQ(a_.ask(cluster_ip, 80), "A");  // the hairpin
    EXPECT_EQ(b_.ask(playground::gateway, node_port), "A");
    EXPECT_EQ(b_.ask("10.96.44.44", 4444), "refused");
}

TEST_F(Live, NamesAreAnsweredToPods) {
    ASSERT_TRUE(store_.create(service_key("web"), service("web", cluster_ip)));
    start();
    edge::DnsSocket dns(io_, services_, playground::gateway);
    ASSERT_TRUE(dns.start());
    const auto query = network::write_query(9, "web.default.svc.cluster.local", network::DnsType::a);
    boost::asio::ip::udp::socket asker(io_, {boost::asio::ip::udp::v4(), 0});
    asker.send_to(boost::asio::buffer(query), {boost::asio::ip::make_address(playground::gateway), 53});
    std::string answer(512, '\0');
    std::size_t size = 0;
    asker.async_receive(boost::asio::buffer(answer),
                        [&](const auto& error, std::size_t got) { size = error ? 0 : got; });
    ASSERT_TRUE(run_until([&] { return size > 0; }));
    const auto records = network::read_answers(std::string_view(answer).substr(0, size));
    ASSERT_EQ(records.size(), 1u);
    EXPECT_EQ(records[0].data, std::string("\x0a\x60\x00\x32", 4));
}

TEST_F(Live, ChangesAreFollowed) {
    start();
    EXPECT_EQ(ask(cluster_ip, 80), "refused");
    ASSERT_TRUE(store_.create(service_key("web"), service("web", cluster_ip)));
    ASSERT_TRUE(store_.create(slice_key("web"), slice("web", {a_ip})));
    settle();
    EXPECT_EQ(ask(cluster_ip, 80), "A");
    ASSERT_TRUE(store_.update(slice_key("web"), slice("web", {b_ip}), 0));
    settle();
    EXPECT_EQ(ask(cluster_ip, 80), "B");
    ASSERT_TRUE(store_.remove(service_key("web"), 0));
    settle();
    EXPECT_EQ(ask(cluster_ip, 80), "refused");
    EXPECT_EQ(ask("127.0.0.1", node_port), "refused");
}

TEST_F(Live, OneClientStaysWithOneBackendWhenAsked) {
    ASSERT_TRUE(store_.create(service_key("web"), service("web", cluster_ip, "ClientIP")));
    ASSERT_TRUE(store_.create(slice_key("web"), slice("web", {a_ip, b_ip})));
    start();
    EXPECT_EQ(ask_many(cluster_ip, 80, 20).size(), 1u);
}

TEST_F(Live, AClientKeepsItsBackendUntilItWasAwayForTheTimeout) {
    // Whatever the client's address would choose, one of the two services began with the other backend.
    const auto sticky = [](std::string_view name, std::string_view ip) {
        auto out = service(name, ip, "ClientIP");
        auto& spec = out["spec"].as_object();
        spec["type"] = "ClusterIP";
        spec["ports"].as_array()[0].as_object().erase("nodePort");
        spec["sessionAffinityConfig"] = {{"clientIP", {{"timeoutSeconds", 2}}}};
        return out;
    };
    constexpr auto other_ip = "10.96.0.51";
    ASSERT_TRUE(store_.create(service_key("web"), sticky("web", cluster_ip)));
    ASSERT_TRUE(store_.create(service_key("other"), sticky("other", other_ip)));
    ASSERT_TRUE(store_.create(slice_key("web"), slice("web", {a_ip})));
    ASSERT_TRUE(store_.create(slice_key("other"), slice("other", {b_ip})));
    start();
    EXPECT_EQ(ask(cluster_ip, 80), "A");
    EXPECT_EQ(ask(other_ip, 80), "B");
    for (const auto* name : {"web", "other"}) ASSERT_TRUE(store_.update(slice_key(name), slice(name, {a_ip, b_ip}), 0));
    settle();
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(ask(cluster_ip, 80), "A");
        EXPECT_EQ(ask(other_ip, 80), "B");
    }
    const auto back = std::chrono::steady_clock::now() + 3s;
    run_until([&] { return std::chrono::steady_clock::now() >= back; });
    EXPECT_EQ(ask(cluster_ip, 80), ask(other_ip, 80));
}

/// Connections one after the other from one address; few source ports, so that each comes round again soon.
struct Hammer {
    std::atomic<bool> stop = false;
    std::map<std::string, int> answers;
    std::thread thread{[this] {
        while (!stop) ++answers[ask(cluster_ip, 80)];
    }};
    ~Hammer() { finish(); }
    void finish() {
        stop = true;
        if (thread.joinable()) thread.join();
    }
};

TEST_F(Live, AnExclusionUnderLoadLosesNothing) {
    ASSERT_TRUE(playground::shell("echo '40000 40399' > /proc/sys/net/ipv4/ip_local_port_range"));
    ASSERT_TRUE(store_.create(service_key("web"), service("web", cluster_ip)));
    ASSERT_TRUE(store_.create(slice_key("web"), slice("web", {a_ip, b_ip})));
    start();
    Hammer one, two;
    const auto run_for = [&](std::chrono::milliseconds time) {
        const auto end = std::chrono::steady_clock::now() + time;
        run_until([&] { return std::chrono::steady_clock::now() >= end; });
    };
    run_for(700ms);  // every port has been used by now
    const auto began = std::chrono::steady_clock::now();
    exclude(a_ip);
    // measured under a load that takes both cores
    const auto took = std::chrono::steady_clock::now() - began;
    a_.terminate();
    ASSERT_TRUE(store_.update(slice_key("web"), slice("web", {b_ip}), 0));
    services_.forget(std::string("uid-") + a_ip, a_ip);
    run_for(700ms);
    one.finish();
    two.finish();
    int asked = 0;
    for (const auto* hammer : {&one, &two})
        for (const auto& [answer, times] : hammer->answers) {
            asked += times;
            EXPECT_TRUE(answer == "A" || answer == "B") << answer << " " << times << " times";
        }
    std::cout << asked << " connections; out of the rules after "
              << std::chrono::duration_cast<std::chrono::microseconds>(took).count() << " us\n";
    EXPECT_GT(asked, 1000);
    EXPECT_EQ(ask_many(cluster_ip, 80, 50), (std::map<std::string, int>{{"B", 50}}));
}

}  // namespace

int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    if (const auto why = playground::enter(); !why.empty()) {
        std::cout << "network_live cannot run: " << why << "\n";
        return 0;
    }
    return RUN_ALL_TESTS();
}
