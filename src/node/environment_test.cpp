// Environment, container setup, volumes and pod files against what a real kubelet gave.
#include "node/environment.h"

#include <gtest/gtest.h>

#include "node/container_setup.h"
#include "node/image_name.h"
#include "node/pod_files.h"
#include "node/resources.h"
#include "node/volumes.h"

namespace {

namespace json = boost::json;
using node::PodView;

object::ObjectPtr make(std::string_view text) {
    return std::make_shared<const object::Object>(json::parse(text).as_object());
}
PodView pod(std::string_view container, std::string_view more = "") {
    return PodView(make(R"j({"metadata":{"name":"p","namespace":"ns","uid":"u","labels":{"b":"two","a":"one"},
        "annotations":{"z":"x\"y\nz"},"creationTimestamp":"2026-01-01T00:00:00Z"},"spec":{"nodeName":"n1","containers":[)j" +
                        std::string(container) + "]" + std::string(more) + "}}"));
}
node::Sources sources() {
    node::Sources s;
    s.config_map = [](std::string_view, std::string_view name) {
        return name == "m" ? make(R"j({"metadata":{"name":"m"},"data":{"a":"$(X)","k":"1"}})j") : nullptr;
    };
    s.secret = [](std::string_view, std::string_view name) {
        return name == "s" ? make(R"j({"metadata":{"name":"s"},"data":{"p":"d29yZA=="}})j") : nullptr;
    };
    s.api_service = make(
        R"j({"metadata":{"name":"kubernetes"},"spec":{"clusterIP":"10.96.0.1","ports":[{"name":"https","port":443,"protocol":"TCP"}]}})j");
    s.services = {make(
        R"j({"metadata":{"name":"my-web"},"spec":{"clusterIP":"10.96.1.1","ports":[{"port":80,"protocol":"TCP"}]}})j")};
    s.host_ip = "192.0.2.1";
    s.pod_ip = "10.0.0.2";
    s.allocatable_cpu = "2";
    s.allocatable_memory = "4Gi";
    return s;
}
std::map<std::string, std::string> variables(std::string_view container, std::string_view more = "") {
    const auto view = pod(container, more);
    const auto made = environment(view, view.containers[0], sources());
    EXPECT_TRUE(made) << made.error().message;
    return made ? std::map<std::string, std::string>(made->begin(), made->end()) : std::map<std::string, std::string>();
}

TEST(Environment, ExpandsInOrderAndLeavesWhatIsUnknown) {
    auto v = variables(R"j({"name":"c","env":[{"name":"A","value":"one"},{"name":"B","value":"x$(A)y"},
        {"name":"C","value":"$$(A)"},{"name":"D","value":"$(NOPE)"},{"name":"F","value":"$$$(A)"},{"name":"G","value":"$A"},
        {"name":"H","value":"$(A"},{"name":"I","value":"$()"},{"name":"J"},{"name":"K","value":"$(KUBERNETES_SERVICE_PORT)"},
        {"name":"TWICE","value":"a"},{"name":"TWICE","value":"b$(TWICE)"}]
})j");
    EXPECT_EQ(v["B"], "xoney");
    EXPECT_EQ(v["C"], "$(A)");
    EXPECT_EQ(v["D"], "$(NOPE)");
    EXPECT_EQ(v["F"], "$one");
    EXPECT_EQ(v["G"], "$A");
    EXPECT_EQ(v["H"], "$(A");
    EXPECT_EQ(v["I"], "$()");
    EXPECT_EQ(v["K"], "443");
    EXPECT_EQ(v["TWICE"], "ba");
    EXPECT_EQ(v["MY_WEB_SERVICE_HOST"], "10.96.1.1");
    EXPECT_EQ(v["KUBERNETES_PORT_443_TCP"], "tcp://10.96.0.1:443");
    EXPECT_FALSE(variables(R"j({"name":"c"})j", R"j(,"enableServiceLinks":false)j").contains("MY_WEB_PORT"));
}

TEST(Environment, ReadsReferences) {
    auto v = variables(R"j({"name":"c","resources":{"requests":{"cpu":"50m"},"limits":{"cpu":"1500m","memory":"33Mi"}},
        "envFrom":[{"prefix":"P_","configMapRef":{"name":"m"}},{"secretRef":{"name":"none","optional":true}}],
        "env":[{"name":"X","value":"x"},{"name":"A","valueFrom":{"configMapKeyRef":{"name":"m","key":"a"}}},
        {"name":"B","valueFrom":{"secretKeyRef":{"name":"s","key":"p"}}},
        {"name":"C","valueFrom":{"configMapKeyRef":{"name":"m","key":"none","optional":true}}},
        {"name":"E","value":"$(B)-$(A)"},{"name":"L","valueFrom":{"fieldRef":{"fieldPath":"metadata.labels['a']"}}},
        {"name":"IP","valueFrom":{"fieldRef":{"fieldPath":"status.podIP"}}},
        {"name":"R1","valueFrom":{"resourceFieldRef":{"resource":"limits.cpu"}}},
        {"name":"R2","valueFrom":{"resourceFieldRef":{"resource":"limits.cpu","divisor":"1m"}}},
        {"name":"R3","valueFrom":{"resourceFieldRef":{"resource":"limits.memory","divisor":"1Mi"}}},
        {"name":"R4","valueFrom":{"resourceFieldRef":{"resource":"requests.memory"}}}]
})j");
    EXPECT_EQ(v["A"], "$(X)");
    EXPECT_EQ(v["E"], "word-$(X)");
    EXPECT_EQ(v["P_k"], "1");
    EXPECT_FALSE(v.contains("C"));
    EXPECT_EQ(v["L"] + v["IP"], "one10.0.0.2");
    EXPECT_EQ(v["R1"] + " " + v["R2"] + " " + v["R3"] + " " + v["R4"], "2 1500 33 0");
    const auto view = pod(R"j({"name":"c","env":[{"name":"A","valueFrom":{"secretKeyRef":{"name":"s","key":"b"}}}]})j");
    EXPECT_EQ(environment(view, view.containers[0], sources()).error().message, "couldn't find key b in Secret ns/s");
}

TEST(ContainerSetup, ChoosesUserGroupsAndWords) {
    node::ImageInfo image;
    image.ref = "docker.io/library/x:1";
    image.entrypoint = {"/run"};
    image.cmd = {"serve"};
    image.user = "1000:2000";
    const auto setup = [&](std::string_view container, std::string_view more = "") {
        const auto view = pod(container, more);
        const node::Variables none;
        return node::container_setup(
            {.pod = &view, .container = &view.containers[0], .image = &image, .variables = &none});
    };
    auto made = setup(R"j({"name":"c","args":["a"]})j");
    EXPECT_EQ(made->argv, (std::vector<std::string>{"/run", "a"}));
    EXPECT_EQ(made->uid, 1000);
    EXPECT_EQ(made->gid, 2000);
    made = setup(R"j({"name":"c","command":["b"],"securityContext":{"runAsUser":5,"allowPrivilegeEscalation":false}})j",
                 R"j(,"securityContext":{"runAsGroup":6,"supplementalGroups":[7],"fsGroup":8})j");
    EXPECT_EQ(made->argv, (std::vector<std::string>{"b"}));
    EXPECT_TRUE(made->no_new_privileges);
    EXPECT_EQ(made->uid, 5);
    EXPECT_EQ(node::groups_of(*made, made->gid), (std::vector<std::int64_t>{6, 7, 8}));
    image.user = "nobody";
    EXPECT_EQ(setup(R"j({"name":"c"})j")->user, "nobody");
    EXPECT_FALSE(setup(R"j({"name":"c","securityContext":{"runAsNonRoot":true}})j"));
    image.user = "";
    EXPECT_EQ(setup(R"j({"name":"c","securityContext":{"runAsNonRoot":true}})j").error().message,
              "container has runAsNonRoot and image will run as root (pod: \"p_ns(u)\", container: c)");
}

TEST(Resources, AreCountedAsTheKernelIsTold) {
    EXPECT_EQ(node::divided("30M", "1M"), 30);
    EXPECT_EQ(node::divided("30Mi", "1M"), 32);
    EXPECT_EQ(node::divided("1500m", "1"), 2);
    EXPECT_EQ(node::divided("1500m", "1m"), 1500);
    EXPECT_EQ(node::divided("2", ""), 2);
    EXPECT_EQ(node::divided("", "1"), 0);
    EXPECT_EQ(node::cpu_shares(250), 256);
    EXPECT_EQ(node::cpu_quota_us(250), 25'000);
    EXPECT_EQ(node::oom_score_adj(node::Qos::burstable, 1 << 30, std::int64_t{4} << 30), 750);
}

TEST(Resources, OfThePodStandForWhatItsContainersDoNotSay) {
    const auto spec =
        boost::json::parse(R"({"resources":{"limits":{"cpu":"1","memory":"100Mi"},"requests":{"cpu":"250m"}},
        "containers":[{"name":"a"},{"name":"b","resources":{"limits":{"memory":"10Mi"}}}]})");
    const object::Ref pod(spec);
    const auto all = node::pod_resources(pod);
    EXPECT_EQ(all.milli_cpu_request, 250);
    EXPECT_EQ(all.milli_cpu_limit, 1000);
    EXPECT_EQ(all.memory_limit, 100 << 20);
    EXPECT_EQ(node::limit_of(pod, pod["containers"][std::size_t{0}], "memory").str(), "100Mi");
    EXPECT_EQ(node::limit_of(pod, pod["containers"][std::size_t{1}], "memory").str(), "10Mi");
}

TEST(ImageName, IsWrittenInFull) {
    EXPECT_EQ(node::full_image_name("busybox:1.36"), "docker.io/library/busybox:1.36");
    EXPECT_EQ(node::full_image_name("a/b"), "docker.io/a/b:latest");
    EXPECT_EQ(node::full_image_name("127.0.0.1:1/none:1"), "127.0.0.1:1/none:1");
    EXPECT_EQ(node::full_image_name("Not:::A-Name"), "");
    EXPECT_EQ(node::full_image_name("UPPER"), "");
}

TEST(Volumes, HoldTheDownwardApiAndNamedKeys) {
    struct NoTokens final : node::Tokens {
        base::Result<std::string> token(const Request& r) override { return "t-" + r.audience; }
    } tokens;
    const auto view =
        pod(R"j({"name":"c"})j",
            R"j(,"securityContext":{"runAsUser":9},"volumes":[{"name":"v","projected":{"defaultMode":292,"sources":[
        {"configMap":{"name":"m","items":[{"key":"k","path":"x/k","mode":256}]}},
        {"downwardAPI":{"items":[{"path":"labels","fieldRef":{"fieldPath":"metadata.labels"}}]}},
        {"serviceAccountToken":{"path":"tok","audience":"me","expirationSeconds":600}},
        {"configMap":{"name":"absent","optional":true}}]}}])j");
    const auto made = node::volume_files(view, view.spec["volumes"][0], sources(), tokens);
    ASSERT_TRUE(made) << made.error().message;
    ASSERT_EQ(made->files.size(), 3u);
    EXPECT_EQ(made->files[0].path, "x/k");
    EXPECT_EQ(made->files[0].mode, 0400);
    EXPECT_EQ(made->files[1].content, "a=\"one\"\nb=\"two\"");
    EXPECT_EQ(made->files[2].mode, 0600);
    EXPECT_EQ(made->files[2].uid, 9);
    EXPECT_EQ(made->renew_after, std::chrono::seconds(480));
}

TEST(PodFiles, SayWhoThePodIs) {
    const auto view =
        pod(R"j({"name":"c"})j",
            R"j(,"hostname":"box","subdomain":"sub","hostAliases":[{"ip":"192.0.2.1","hostnames":["one","two"]}])j");
    const auto hosts = node::hosts_file(view, "10.0.0.2", "cluster.local", "");
    EXPECT_TRUE(hosts.ends_with(
        "10.0.0.2\tbox.sub.ns.svc.cluster.local\tbox\n\n# Entries added by HostAliases.\n192.0.2.1\tone\ttwo\n"));
    EXPECT_EQ(node::resolv_conf(view, {.service_ip = "10.96.0.10"}, "nameserver 1.1.1.1\n"),
              "search ns.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n");
}

}  // namespace
