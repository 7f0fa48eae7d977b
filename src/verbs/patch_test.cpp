// The patches over the real store and kinds.
#include "verbs/testing.h"

namespace verbs {
namespace {

using base::Code;
using testing::cause_fields;
using testing::Ref;

class PatchTest : public testing::VerbsTest {
 protected:
    void SetUp() override {
        VerbsTest::SetUp();
        create("apps/v1", "Deployment", "default", R"({"metadata": {"name": "d"}, "spec": {
            "selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec":
            {"containers": [{"name": "one", "image": "i:1"}, {"name": "two", "image": "i:2"}]}}}})",
               {.field_manager = "creator"})
            .value();
    }
    static Target deployment() { return at("apps/v1", "Deployment", "default", "d"); }
    base::Result<Written> patch(PatchType type, std::string_view text, const WriteOptions& options = {}) {
        return api->patch(deployment(), type, json::parse(json::string_view(text.data(), text.size())), options);
    }
    Ref containers() const { return (*store.get(key_of(deployment())))["spec"]["template"]["spec"]["containers"]; }
};

TEST_F(PatchTest, AJsonPatchIsCarriedOutInOrder) {
    const auto done = patch(PatchType::json_patch, R"([{"op": "test", "path": "/spec/replicas", "value": 1},
        {"op": "replace", "path": "/spec/replicas", "value": 3},
        {"op": "add", "path": "/metadata/labels", "value": {"x": "y"}}])")
                          .value();
    EXPECT_EQ((*done.object)["spec"]["replicas"].num(), 3);
    EXPECT_EQ(done.object->meta()["labels"]["x"].str(), "y");
    EXPECT_EQ(done.object->meta()["generation"].num(), 2);
    const auto failed = patch(PatchType::json_patch, R"([{"op": "remove", "path": "/spec/none"}])").error();
    EXPECT_EQ(failed.code, Code::invalid);
}

TEST_F(PatchTest, AMergePatchReplacesLists) {
    patch(PatchType::merge, R"({"spec": {"template": {"spec": {"containers": [{"name": "three", "image": "i:3"}]}}}})")
        .value();
    ASSERT_EQ(containers().size(), 1U);
    EXPECT_EQ(containers()[std::size_t{0}]["name"].str(), "three");
    patch(PatchType::merge, R"({"metadata": {"labels": {"x": "y"}}})").value();
    patch(PatchType::merge, R"({"metadata": {"labels": null}})").value();
    EXPECT_FALSE(store.get(key_of(deployment()))->meta()["labels"]);
}

TEST_F(PatchTest, AStrategicPatchMergesListsByTheirKeys) {
    patch(PatchType::strategic,
          R"({"spec": {"template": {"spec": {"containers": [{"name": "two", "image": "i:9"}]}}}})")
        .value();
    ASSERT_EQ(containers().size(), 2U);
    EXPECT_EQ(containers()[std::size_t{1}]["image"].str(), "i:9");
    patch(PatchType::strategic,
          R"({"spec": {"template": {"spec": {"containers": [{"name": "one", "$patch": "delete"}]}}}})")
        .value();
    ASSERT_EQ(containers().size(), 1U);
    EXPECT_EQ(containers()[std::size_t{0}]["name"].str(), "two");
}

TEST_F(PatchTest, AnApplyMakesOwnsConflictsAndTakesOver) {
    const WriteOptions as_one{.field_manager = "one"}, as_two{.field_manager = "two"};
    const auto text = [](int replicas) {
        return R"({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": {"replicas": )" +
               std::to_string(replicas) + "}}";
    };
    EXPECT_EQ((*patch(PatchType::apply, text(1), as_one).value().object)["spec"]["replicas"].num(), 1);
    const auto conflict = patch(PatchType::apply, text(5), as_two).error();
    EXPECT_EQ(conflict.code, Code::conflict);
    EXPECT_NE(cause_fields(conflict).find(".spec.replicas"), std::string::npos) << cause_fields(conflict);
    auto force = as_two;
    force.force = true;
    EXPECT_EQ((*patch(PatchType::apply, text(5), force).value().object)["spec"]["replicas"].num(), 5);
    const Target map_target = map("made");
    const auto made = api->patch(map_target, PatchType::apply,
                                 json::parse(R"({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "made"},
                                     "data": {"a": "1", "b": "2"}})"),
                                 as_one);
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_TRUE(made->created);
    api->patch(map_target, PatchType::apply,
               json::parse(R"({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "made"},
                   "data": {"a": "1"}})"),
               as_one)
        .value();
    EXPECT_FALSE(Ref(value(map_target))["data"]["b"]) << "what an applier no longer says goes";
}

TEST_F(PatchTest, WhatAPatchMayNotDo) {
    EXPECT_EQ(api->patch(map("none"), PatchType::merge, json::object{}, {}).error().code, Code::not_found);
    EXPECT_EQ(patch(PatchType::merge, "[]").error().code, Code::bad_request);
    EXPECT_EQ(cause_fields(patch(PatchType::merge, R"({"kind": "Pod"})").error()), "patch");
    EXPECT_EQ(patch(PatchType::merge, R"({"metadata": {"resourceVersion": "1"}})").error().code, Code::conflict);
    const auto strict = patch(PatchType::merge, R"({"spec": {"odd": 1}})", {.validation = FieldValidation::strict});
    EXPECT_EQ(strict.error().code, Code::invalid);
    EXPECT_EQ(cause_fields(strict.error()), "patch");
    const auto invalid = patch(PatchType::merge, R"({"spec": {"replicas": -1}})").error();
    EXPECT_EQ(cause_fields(invalid), "spec.replicas");
    const auto before = store.revision();
    patch(PatchType::merge, R"({"spec": {"replicas": 9}})", {.dry_run = DryRun::all}).value();
    EXPECT_EQ(store.revision(), before);
}

TEST_F(PatchTest, AnOperationsUnknownMemberCountsAsAnUnknownField) {
    constexpr auto text = R"([{"op": "add", "path": "/spec/paused", "value": true, "extra": 1}])";
    const auto refused = patch(PatchType::json_patch, text, {.validation = FieldValidation::strict}).error();
    EXPECT_EQ(refused.code, Code::invalid);
    EXPECT_EQ(cause_fields(refused), "patch");
    const auto done = patch(PatchType::json_patch, text).value();
    ASSERT_EQ(done.warnings.size(), 1U);
    EXPECT_EQ(done.warnings[0], "json patch unknown field \"[0].extra\"");
}

TEST_F(PatchTest, AStrategicPatchSaysNothingAboutTheKind) {
    EXPECT_EQ(patch(PatchType::strategic, R"({"$patch": "delete"})").error().code, Code::bad_request);
    EXPECT_EQ((*patch(PatchType::strategic, R"({"kind": "Other"})").value().object)["kind"].str(), "Deployment");
    EXPECT_EQ(patch(PatchType::merge, R"({"kind": "Other"})").error().code, Code::invalid);
}

TEST_F(PatchTest, WhatIsAppliedMustBeOfTheKindOfItsPath) {
    const auto apply = [&](const std::string& kind, const std::string& more) {
        const auto text = R"({"apiVersion": "v1", "kind": ")" + kind + R"(", "metadata": {"name": "c")" + more + "}}";
        return api->patch(map("c"), PatchType::apply, json::parse(text), {.field_manager = "a"});
    };
    EXPECT_EQ(apply("Secret", "").error().code, Code::bad_request);
    EXPECT_TRUE(apply("ConfigMap", R"(, "resourceVersion": "1")").value().created);
    EXPECT_EQ(apply("ConfigMap", R"(, "resourceVersion": "1")").error().code, Code::conflict);
}

}  // namespace
}  // namespace verbs
