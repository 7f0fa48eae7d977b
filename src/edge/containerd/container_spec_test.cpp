// The specification that runc gets, and the small pure rules beside it.
#include "edge/containerd/container_spec.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "edge/containerd/image_name.h"
#include "edge/containerd/images.h"
#include "object/json.h"

namespace {

namespace json = boost::json;
using object::Ref;

struct Spec : testing::Test {
    node::ContainerSetup setup{.pod_uid = "u1", .name = "web", .argv = {"/app", "-v"}, .env = {{"A", "1"}}};
    edge::PodRecord pod{.uid = "u1", .hostname = "web-0", .cgroup = "/slipway/burstable/podu1"};
    edge::MachineFacts machine{.capabilities = {"CAP_CHOWN", "CAP_KILL", "CAP_NET_ADMIN"}, .oom_score_adj = 10};

    json::value make() const {
        return edge::container_spec(
            {.setup = setup, .pod = pod, .machine = machine, .id = "c1", .pod_folder = "/run/p/u1"});
    }
    static const json::value* mount(const json::value& spec, std::string_view target) {
        for (const auto& m : Ref(spec)["mounts"].items()) {
            if (Ref(m)["destination"].str() == target) return &m;
        }
        return nullptr;
    }
};

TEST_F(Spec, JoinsThePodsNamespacesAndShim) {
    const auto spec = make();
    std::map<std::string, std::string> found;
    for (const auto& ns : Ref(spec)["linux"]["namespaces"].items())
        found[std::string(Ref(ns)["type"].str())] = Ref(ns)["path"].str();
    const std::map<std::string, std::string> wanted{
        {"mount", ""}, {"pid", ""}, {"ipc", "/run/p/u1/ipc"}, {"network", "/run/p/u1/net"}, {"uts", "/run/p/u1/uts"}};
    EXPECT_EQ(found, wanted);
    EXPECT_EQ(Ref(spec)["annotations"]["io.containerd.runc.v2.group"].str(), "u1");
    EXPECT_EQ(Ref(spec)["linux"]["cgroupsPath"].str(), "/slipway/burstable/podu1/c1");
    EXPECT_TRUE(Ref(spec)["hostname"].missing());
}

TEST_F(Spec, LeavesTheHostsNamespacesOut) {
    pod.host_network = pod.host_pid = pod.host_ipc = true;
    EXPECT_EQ(json::serialize(*Ref(make())["linux"]["namespaces"].value()), R"([{"type":"mount"}])");
    EXPECT_EQ(Ref(*mount(make(), "/dev/shm"))["source"].str(), "/dev/shm");
}

TEST_F(Spec, ProcessHasEnvUserAndClampedScore) {
    setup.uid = 1000;
    setup.gid = 1001;
    setup.supplemental_gids = {5};
    setup.oom_score_adj = -997;
    const auto spec = make();
    const Ref process = Ref(spec)["process"];
    EXPECT_EQ(json::serialize(*process["env"].value()),
              R"(["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin","HOSTNAME=web-0","A=1"])");
    EXPECT_EQ(json::serialize(*process["user"].value()), R"({"uid":1000,"gid":1001,"additionalGids":[1001,5]})");
    EXPECT_EQ(process["oomScoreAdj"].num(), 10);
    EXPECT_EQ(process["cwd"].str(), "/");
}

TEST_F(Spec, MountsOfThePodReplaceDefaultsAndComeOuterFirst) {
    setup.mounts = {{.host_path = "/v/b", .container_path = "/data/inner", .read_only = true},
                    {.host_path = "/v/a", .container_path = "/data", .propagation = "rslave"},
                    {.host_path = "/v/shm", .container_path = "/dev/shm"}};
    const auto spec = make();
    EXPECT_EQ(Ref(*mount(spec, "/dev/shm"))["source"].str(), "/v/shm");
    const auto& all = Ref(spec)["mounts"].items();
    EXPECT_EQ(Ref(all[all.size() - 3])["destination"].str(), "/data");
    EXPECT_EQ(json::serialize(*Ref(*mount(spec, "/data"))["options"].value()), R"(["rbind","rslave","rw"])");
    EXPECT_EQ(json::serialize(*Ref(*mount(spec, "/data/inner"))["options"].value()), R"(["rbind","rprivate","ro"])");
    EXPECT_EQ(Ref(spec)["linux"]["rootfsPropagation"].str(), "rslave");
}

TEST_F(Spec, CapabilitiesAreWhatWasAskedForAndWeHave) {
    using Names = std::vector<std::string>;
    EXPECT_EQ(edge::capabilities_for(setup, machine.capabilities), (Names{"CAP_CHOWN", "CAP_KILL"}));
    setup.capabilities_drop = {"ALL"};
    setup.capabilities_add = {"net_admin", "SYS_RESOURCE"};
    EXPECT_EQ(edge::capabilities_for(setup, machine.capabilities), (Names{"CAP_NET_ADMIN"}));
    setup.privileged = true;
    EXPECT_EQ(edge::capabilities_for(setup, machine.capabilities), (Names{"CAP_CHOWN", "CAP_KILL", "CAP_NET_ADMIN"}));
}

TEST_F(Spec, ThePrivilegedSeeEverything) {
    EXPECT_FALSE(Ref(make())["linux"]["maskedPaths"].missing());
    setup.privileged = true;
    machine.devices = {{.path = "/dev/kvm", .major = 10, .minor = 232, .mode = 0660}};
    const auto spec = make();
    EXPECT_TRUE(Ref(spec)["linux"]["maskedPaths"].missing());
    EXPECT_EQ(Ref(spec)["linux"]["devices"].size(), 1u);
    EXPECT_EQ(Ref(spec)["linux"]["resources"]["devices"][0]["allow"].flag(), true);
}

TEST(Seccomp, RulesGoByCapability) {
    const auto profile = json::parse(R"({"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":38,
        "archMap":[{"architecture":"SCMP_ARCH_X86_64","subArchitectures":["SCMP_ARCH_X86"]}],
        "syscalls":[{"names":["read"],"action":"SCMP_ACT_ALLOW","args":[],"includes":{},"excludes":{}},
                    {"names":["mount"],"action":"SCMP_ACT_ALLOW","includes":{"caps":["CAP_SYS_ADMIN"]}},
                    {"names":["socket"],"action":"SCMP_ACT_ERRNO","errnoRet":22,"excludes":{"caps":["CAP_AUDIT_WRITE"]}}]})");
    const auto names = [&](const std::vector<std::string>& caps) {
        std::string found;
        const auto filter = edge::seccomp_filter(profile, caps).value();
        for (const auto& rule : Ref(filter)["syscalls"].items())
            found += std::string(Ref(rule)["names"][0].str()) + " ";
        return found;
    };
    EXPECT_EQ(names({}), "read socket ");
    EXPECT_EQ(names({"CAP_SYS_ADMIN", "CAP_AUDIT_WRITE"}), "read mount ");
    EXPECT_FALSE(edge::seccomp_filter(json::parse("{}"), {}));
}

TEST(ImageName, HasAllItsParts) {
    using edge::full_image_name;
    EXPECT_EQ(full_image_name("busybox"), "docker.io/library/busybox:latest");
    EXPECT_EQ(full_image_name("busybox:1.36"), "docker.io/library/busybox:1.36");
    EXPECT_EQ(full_image_name("grafana/grafana"), "docker.io/grafana/grafana:latest");
    EXPECT_EQ(full_image_name("localhost:5000/a"), "localhost:5000/a:latest");
    EXPECT_EQ(full_image_name("registry.k8s.io/pause@sha256:ab"), "registry.k8s.io/pause@sha256:ab");
    EXPECT_EQ(edge::image_repository("localhost:5000/a:1"), "localhost:5000/a");
    EXPECT_EQ(edge::image_repository("localhost:5000/a@sha256:ab"), "localhost:5000/a");
}

TEST(ImageUser, IsLookedUpInTheImage) {
    using User = edge::ImageUser;
    const std::string passwd = "root:x:0:0::/:/bin/sh\napp:x:1000:2000::/:/bin/sh\n",
                      group = "staff:x:50:\nwheel:x:10:root\naudio:x:18:root,app\n";
    EXPECT_EQ(edge::resolve_user("", passwd, group).value(), (User{0, 0, {10, 18}}));
    EXPECT_EQ(edge::resolve_user("app", passwd, group).value(), (User{1000, 2000, {18}}));
    EXPECT_EQ(edge::resolve_user("1000", passwd, group).value(), (User{1000, 2000, {18}}));
    EXPECT_EQ(edge::resolve_user("77", passwd, group).value(), (User{77, 0}));
    EXPECT_EQ(edge::resolve_user("app:staff", passwd, group).value(), (User{1000, 50, {18}}));
    EXPECT_EQ(edge::resolve_user("1:2", "", "").value(), (User{1, 2}));
    EXPECT_FALSE(edge::resolve_user("nobody", passwd, group));
}

TEST(ChainIds, FollowTheImageSpecification) {
    EXPECT_EQ(edge::chain_ids({"sha256:a", "sha256:b"}),
              (std::vector<std::string>{"sha256:a", "sha256:" + edge::sha256_hex("sha256:a sha256:b")}));
}

TEST(Cgroup, PathsByQos) {
    EXPECT_EQ(edge::pod_cgroup("slipway", "burstable", "u"), "/slipway/burstable/podu");
    EXPECT_EQ(edge::pod_cgroup("slipway", "guaranteed", "u"), "/slipway/podu");
    EXPECT_EQ(edge::cpu_weight(1024), 39);
    EXPECT_EQ(edge::cpu_weight(2), 1);
}

}  // namespace
