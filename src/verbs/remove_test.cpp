// Deletion: preconditions, grace, finalizers, propagation.
#include "verbs/testing.h"

namespace verbs {
namespace {

using base::Code;
using testing::Ref;

class RemoveTest : public testing::VerbsTest {
 protected:
    std::string finalizers(const Target& target) const {
        std::string out;
        const auto object = value(target);
        for (const Ref one : Ref(object)["metadata"]["finalizers"].items()) out += std::string(one.str()) + " ";
        return out;
    }
    base::Result<Written> create_set(const std::string& name) {
        return create("apps/v1", "ReplicaSet", "default", R"({"metadata": {"name": ")" + name + R"("}, "spec": {
            "selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec":
            {"containers": [{"name": "c", "image": "i"}]}}}})");
    }
    static Target set(std::string name) { return at("apps/v1", "ReplicaSet", "default", std::move(name)); }
};

TEST_F(RemoveTest, GoesAtOnceWhenNothingHoldsIt) {
    create_map(R"({"metadata": {"name": "m"}, "data": {"a": "1"}})").value();
    const auto gone = api->remove(map("m"), {}, {}).value();
    EXPECT_TRUE(gone.gone);
    EXPECT_EQ((*gone.object)["data"]["a"].str(), "1");
    EXPECT_EQ(api->remove(map("m"), {}, {}).error().code, Code::not_found);
}

TEST_F(RemoveTest, PreconditionsMustHold) {
    const auto made = create_map(R"({"metadata": {"name": "m"}})").value().object;
    const auto other_uid = api->remove(map("m"), {.precondition_uid = "another"}, {}).error();
    EXPECT_EQ(other_uid.code, Code::conflict);
    EXPECT_NE(other_uid.message.find("UID in precondition: another"), std::string::npos);
    EXPECT_EQ(api->remove(map("m"), {.precondition_version = "1"}, {}).error().code, Code::conflict);
    EXPECT_TRUE(api->remove(map("m"), {.dry_run = DryRun::all}, {}));
    EXPECT_TRUE(store.get(key_of(map("m")))) << "a dry run removes nothing";
    EXPECT_TRUE(api->remove(map("m"),
                            {.precondition_uid = std::string(made->uid()),
                             .precondition_version = std::string(made->meta()["resourceVersion"].str())},
                            {}));
}

TEST_F(RemoveTest, FinalizersHoldItUntilTheLastIsTaken) {
    create_map(R"({"metadata": {"name": "m", "finalizers": ["a.test/x", "a.test/y"]}})").value();
    const auto marked = api->remove(map("m"), {}, {}).value();
    EXPECT_FALSE(marked.gone);
    EXPECT_TRUE(marked.object->deleting());
    auto body = value(map("m"));
    object::list(object::child(body, "metadata"), "finalizers").push_back("a.test/z");
    EXPECT_EQ(api->update(map("m"), body, {}).error().code, Code::invalid) << "none may come while it is deleted";
    for (const auto* left : {"a.test/y", ""}) {
        body = value(map("m"));
        auto& meta = object::child(body, "metadata");
        meta.erase("finalizers");
        if (*left) meta["finalizers"] = json::array{left};
        api->update(map("m"), body, {}).value();
    }
    EXPECT_FALSE(store.get(key_of(map("m"))));
}

TEST_F(RemoveTest, APropagationIsAFinalizer) {
    for (const auto& [how, finalizer] :
         {std::pair{Propagation::foreground, "foregroundDeletion "}, std::pair{Propagation::orphan, "orphan "}}) {
        create_set("s").value();
        EXPECT_FALSE(api->remove(set("s"), {.propagation = how}, {}).value().gone);
        EXPECT_EQ(finalizers(set("s")), finalizer);
        EXPECT_TRUE(api->remove(set("s"), {.propagation = Propagation::background}, {}).value().gone);
    }
    create("batch/v1", "Job", "default", R"({"metadata": {"name": "j"}, "spec": {"template": {"spec": {
        "restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}}})")
        .value();
    const auto job = at("batch/v1", "Job", "default", "j");
    EXPECT_FALSE(api->remove(job, {}, {}).value().gone);
    EXPECT_EQ(finalizers(job), "orphan ");
}

TEST_F(RemoveTest, ABoundPodHasItsGraceAndItCanOnlyShrink) {
    create_pod("p", R"("terminationGracePeriodSeconds": 20, )").value();
    const auto begun = loop.now();
    const auto grace = [&] { return Ref(value(pod("p")))["metadata"]["deletionGracePeriodSeconds"].num(); };
    EXPECT_FALSE(api->remove(pod("p"), {}, {}).value().gone);
    EXPECT_EQ(grace(), 20);
    EXPECT_EQ(store.get(key_of(pod("p")))->meta()["deletionTimestamp"].str(),
              base::rfc3339(begun + std::chrono::seconds(20)));
    api->remove(pod("p"), {.grace_s = 60}, {}).value();
    EXPECT_EQ(grace(), 20);
    api->remove(pod("p"), {.grace_s = 5}, {}).value();
    EXPECT_EQ(grace(), 5);
    EXPECT_TRUE(api->remove(pod("p"), {.grace_s = 0}, {}).value().gone);
}

TEST_F(RemoveTest, AnUnboundPodGoesAtOnce) {
    create("v1", "Pod", "default",
           R"({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}})")
        .value();
    EXPECT_TRUE(api->remove(pod("p"), {}, {}).value().gone);
}

TEST_F(RemoveTest, ANamespaceEndsByItsOwnFinalizer) {
    create("v1", "Namespace", "", R"({"metadata": {"name": "shop"}})").value();
    const auto shop = at("v1", "Namespace", "", "shop");
    EXPECT_FALSE(api->remove(shop, {}, {}).value().gone);
    EXPECT_EQ(Ref(value(shop))["status"]["phase"].str(), "Terminating");
    const auto late = create("v1", "ConfigMap", "shop", R"({"metadata": {"name": "m"}})").error();
    EXPECT_EQ(late.code, Code::forbidden);
    EXPECT_EQ(late.details->causes.at(0).reason, "NamespaceTerminating");
    auto body = value(shop);
    object::child(body, "spec").erase("finalizers");
    api->update(shop, body, {.subresource = "finalize"}).value();
    EXPECT_FALSE(store.get(key_of(shop)));
    EXPECT_EQ(api->remove(at("v1", "Namespace", "", "default"), {}, {}).error().code, Code::forbidden);
}

}  // namespace
}  // namespace verbs
