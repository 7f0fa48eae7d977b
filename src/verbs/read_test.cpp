// What readers see of writes: lists by selector, pages of one moment, watches; and admission that looks at others.
#include "object/selector.h"
#include "verbs/testing.h"

namespace verbs {
namespace {

using base::Code;
using testing::cause_fields;
using testing::Ref;

class ReadTest : public testing::VerbsTest {
 protected:
    static inline const store::Resource maps{"", "configmaps"};
    void create_labelled(const std::string& name, const std::string& tier) {
        create_map(R"({"metadata": {"name": ")" + name + R"(", "labels": {"tier": ")" + tier + R"("}}})").value();
    }
    static std::string names(const std::vector<ObjectPtr>& objects) {
        std::string out;
        for (const auto& object : objects) out += std::string(object->name()) + " ";
        return out;
    }
};

TEST_F(ReadTest, ListsAreInOrderAndSelectedByLabel) {
    create_labelled("c", "web");
    create_labelled("a", "web");
    create_labelled("b", "data");
    EXPECT_EQ(names(store.list(maps, "default")), "a b c ");
    EXPECT_EQ(names(store.list(maps, "other")), "");
    const auto selected = [&](std::string_view text) {
        auto all = store.list(maps);
        const auto selector = object::LabelSelector::parse(text).value();
        std::erase_if(all, [&](const ObjectPtr& one) { return !selector.matches(one->meta()["labels"]); });
        return names(all);
    };
    EXPECT_EQ(selected("tier=web"), "a c ");
    EXPECT_EQ(selected("tier!=web"), "b ");
    EXPECT_EQ(selected("tier in (web, data),tier"), "a b c ");
    EXPECT_EQ(selected("!tier"), "");
}

TEST_F(ReadTest, APageLaterShowsTheFirstPagesMoment) {
    for (const auto* name : {"a", "b", "c"}) create_labelled(name, "web");
    const auto first_page_at = store.revision();
    api->remove(map("b"), {}, {}).value();
    create_labelled("d", "web");
    EXPECT_EQ(names(store.list_at(maps, "default", first_page_at).value()), "a b c ");
    EXPECT_EQ(names(store.list(maps, "default")), "a c d ");
}

TEST_F(ReadTest, AWatchTellsEveryWriteInOrder) {
    std::string seen;
    const auto watch = store
                           .watch(maps, store.revision(),
                                  [&](const store::EventPtr& event) {
                                      static constexpr char acts[] = {'+', '~', '-'};
                                      seen += acts[static_cast<int>(event->type)] + event->key.name;
                                  })
                           .value();
    create_labelled("a", "web");
    auto body = value(map("a"));
    body["data"] = {{"x", "y"}};
    api->update(map("a"), body, {}).value();
    create_labelled("b", "web");
    api->remove(map("a"), {}, {}).value();
    create("v1", "Secret", "default", R"({"metadata": {"name": "other"}})").value();
    settle();
    EXPECT_EQ(seen, "+a~a+b-a");
}

TEST_F(ReadTest, ADeletionWithGraceIsSeenAsAChangeFirst) {
    create_pod("p").value();
    std::string seen;
    const auto watch = store
                           .watch({"", "pods"}, store.revision(),
                                  [&](const store::EventPtr& event) {
                                      seen += event->type == store::EventType::deleted ? "gone" : "marked ";
                                      EXPECT_TRUE(event->object->deleting());
                                  })
                           .value();
    api->remove(pod("p"), {.grace_s = 0}, {}).value();
    settle();
    EXPECT_EQ(seen, "marked gone");
}

TEST_F(ReadTest, AnObjectIsReadInTheVersionThatIsAskedFor) {
    create("events.k8s.io/v1", "Event", "default", R"({"metadata": {"name": "e"}, "reason": "Made", "note": "hello",
        "regarding": {"kind": "Pod", "name": "p", "namespace": "default"}, "type": "Normal", "action": "Make",
        "eventTime": "2030-01-01T00:00:00.000000Z", "reportingController": "me", "reportingInstance": "me-1"})")
        .value();
    const auto core = api->get(at("v1", "Event", "default", "e")).value();
    EXPECT_EQ((*core)["apiVersion"].str(), "v1");
    EXPECT_EQ((*core)["message"].str(), "hello");
    EXPECT_EQ((*core)["involvedObject"]["name"].str(), "p");
    const auto newer = api->get(at("events.k8s.io/v1", "Event", "default", "e")).value();
    EXPECT_EQ((*newer)["note"].str(), "hello");
}

TEST_F(ReadTest, WhatANewObjectNeedsMustBeThere) {
    const auto nowhere = create("v1", "ConfigMap", "none", R"({"metadata": {"name": "m"}})").error();
    EXPECT_EQ(nowhere.code, Code::not_found);
    EXPECT_EQ(nowhere.message, R"(namespaces "none" not found)");
    const auto nobody = create_pod("p", R"("serviceAccountName": "absent", )").error();
    EXPECT_EQ(nobody.code, Code::forbidden);
    EXPECT_NE(nobody.message.find(R"(serviceaccount "absent" not found)"), std::string::npos);
    const auto made = create_pod("p").value().object;
    EXPECT_EQ((*made)["spec"]["serviceAccountName"].str(), "default");
    const auto token = (*made)["spec"]["containers"][std::size_t{0}]["volumeMounts"][std::size_t{0}]["mountPath"];
    EXPECT_EQ(token.str(), "/var/run/secrets/kubernetes.io/serviceaccount");
}

}  // namespace
}  // namespace verbs
