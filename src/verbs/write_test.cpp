// Create and update over the real store and kinds: what is filled in, what is kept, what is refused and in whose name.
#include "verbs/testing.h"

namespace verbs {
namespace {

using base::Code;
using testing::cause_fields;
using testing::parsed;
using testing::Ref;

class WriteTest : public testing::VerbsTest {};

TEST_F(WriteTest, ANewObjectGetsWhatTheServerOwns) {
    const auto made = create("apps/v1", "Deployment", "default", R"({"metadata": {"name": "d", "uid": "mine",
        "creationTimestamp": "2001-01-01T00:00:00Z"}, "spec": {"selector": {"matchLabels": {"a": "b"}}, "template":
        {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}},
        "status": {"replicas": 7}})")
                          .value();
    EXPECT_TRUE(made.created);
    const auto& d = *made.object;
    EXPECT_NE(d.uid(), "mine");
    EXPECT_EQ(d.meta()["creationTimestamp"].str(), "2030-01-01T00:00:00Z");
    EXPECT_EQ(d.meta()["generation"].num(), 1);
    EXPECT_EQ(d.meta()["resourceVersion"].str(), std::to_string(store.revision()));
    EXPECT_EQ(d["spec"]["replicas"].num(), 1);
    EXPECT_TRUE(d["status"]["replicas"].missing());
    EXPECT_EQ(api->get(at("apps/v1", "Deployment", "default", "d")).value(), made.object);
}

TEST_F(WriteTest, AnEmptyListThatIsAlwaysWrittenComesBackAsNull) {
    const auto node =
        create("storage.k8s.io/v1", "CSINode", "", R"({"metadata": {"name": "n"}, "spec": {"drivers": []}})")
            .value()
            .object;
    const auto drivers = (*node)["spec"]["drivers"];
    EXPECT_TRUE(!drivers.missing() && drivers.value() && drivers.value()->is_null());
}

TEST_F(WriteTest, NamesAreGeneratedOnce) {
    const auto a = create_map(R"({"metadata": {"generateName": "m-"}})").value().object;
    const auto b = create_map(R"({"metadata": {"generateName": "m-"}})").value().object;
    EXPECT_TRUE(a->name().starts_with("m-"));
    EXPECT_EQ(a->name().size(), 7U);
    EXPECT_NE(a->name(), b->name());
    EXPECT_EQ(a->meta()["generateName"].str(), "m-");
    const auto long_one = create_map(R"({"metadata": {"generateName": ")" + std::string(70, 'x') + R"("}})").value();
    EXPECT_EQ(long_one.object->name().size(), 63U);
}

TEST_F(WriteTest, RefusalsNameTheObjectAndTheField) {
    create_map(R"({"metadata": {"name": "m"}})").value();
    const auto twice = create_map(R"({"metadata": {"name": "m"}})").error();
    EXPECT_EQ(twice.code, Code::already_exists);
    EXPECT_EQ(twice.message, R"(configmaps "m" already exists)");
    EXPECT_EQ(twice.details->kind, "configmaps");
    EXPECT_EQ(api->get(map("none")).error().message, R"(configmaps "none" not found)");
    const auto nameless = create_map("{}").error();
    EXPECT_EQ(nameless.code, Code::invalid);
    EXPECT_EQ(cause_fields(nameless), "metadata.name");
    const auto bad = create("v1", "Service", "default",
                            R"({"metadata": {"name": "s"}, "spec": {"ports": [{"port": 0}], "type": "Odd"}})")
                         .error();
    EXPECT_EQ(bad.code, Code::invalid);
    EXPECT_EQ(bad.details->kind, "Service");
    EXPECT_NE(cause_fields(bad).find("spec.ports[0].port"), std::string::npos) << cause_fields(bad);
    EXPECT_NE(cause_fields(bad).find("spec.type"), std::string::npos) << cause_fields(bad);
    EXPECT_EQ(create_map(R"({"metadata": {"name": "m2", "namespace": "other"}})").error().code, Code::bad_request);
    EXPECT_EQ(create_map(R"({"metadata": {"name": "m2"}, "data": {"a": 1}})").error().code, Code::bad_request);
}

TEST_F(WriteTest, ADryRunAnswersAndStoresNothing) {
    const auto before = store.revision();
    const auto made =
        create_map(R"({"metadata": {"name": "m"}, "data": {"a": "1"}})", {.dry_run = DryRun::all}).value();
    EXPECT_EQ((*made.object)["data"]["a"].str(), "1");
    EXPECT_FALSE(made.object->uid().empty());
    EXPECT_TRUE(made.object->meta()["resourceVersion"].str().empty());
    EXPECT_EQ(store.revision(), before);
    create_map(R"({"metadata": {"name": "m"}})").value();
    auto body = value(map("m"));
    body["data"] = {{"a", "2"}};
    EXPECT_EQ((*api->update(map("m"), body, {.dry_run = DryRun::all}).value().object)["data"]["a"].str(), "2");
    EXPECT_FALSE(Ref(value(map("m")))["data"]);
}

TEST_F(WriteTest, UnknownFieldsAreIgnoredWarnedOfOrRefused) {
    const std::string_view text = R"({"metadata": {"name": "NAME"}, "odd": 1, "data": {"a": "1"}})";
    const auto named = [&](std::string_view name) { return std::string(text).replace(text.find("NAME"), 4, name); };
    const auto quiet = create_map(named("a"), {.validation = FieldValidation::ignore}).value();
    EXPECT_TRUE(quiet.warnings.empty());
    EXPECT_FALSE((*quiet.object)["odd"]);
    const auto warned = create_map(named("b"), {.validation = FieldValidation::warn}).value();
    EXPECT_EQ(warned.warnings, (std::vector<std::string>{R"(unknown field "odd")"}));
    const auto refused = create_map(named("c"), {.validation = FieldValidation::strict}).error();
    EXPECT_EQ(refused.code, Code::bad_request);
    EXPECT_NE(refused.message.find(R"(unknown field "odd")"), std::string::npos);
}

TEST_F(WriteTest, AnUpdateOfWhatIsStaleIsAConflict) {
    create_map(R"({"metadata": {"name": "m"}, "data": {"a": "1"}})").value();
    const auto old = value(map("m"));
    auto next = old;
    next["data"] = {{"a", "2"}};
    const auto written = api->update(map("m"), next, {}).value();
    EXPECT_FALSE(written.created);
    next["data"] = {{"a", "3"}};
    const auto stale = api->update(map("m"), next, {}).error();
    EXPECT_EQ(stale.code, Code::conflict);
    EXPECT_EQ(stale.details->name, "m");
    object::child(next, "metadata").erase("resourceVersion");
    EXPECT_TRUE(api->update(map("m"), next, {})) << "without a revision the last one wins";
    object::child(next, "metadata")["uid"] = "another";
    EXPECT_EQ(api->update(map("m"), next, {}).error().code, Code::conflict);
    EXPECT_EQ(api->update(map("none"), parsed(R"({"metadata": {"name": "none"}})"), {}).error().code, Code::not_found);
}

TEST_F(WriteTest, WhatChangesNothingWritesNothing) {
    create_map(R"({"metadata": {"name": "m"}, "data": {"a": "1"}})").value();
    const auto before = store.revision();
    EXPECT_TRUE(api->update(map("m"), value(map("m")), {}));
    EXPECT_EQ(store.revision(), before);
}

TEST_F(WriteTest, SomeKindsAreMadeByAnUpdate) {
    const auto target = at("v1", "Service", "default", "s");
    const auto made = api->update(target, parsed(R"({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"},
        "spec": {"ports": [{"port": 80}]}})"),
                                  {});
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_TRUE(made->created);
    EXPECT_TRUE((*made->object)["spec"]["clusterIP"].str().starts_with("10.96."));
    const auto lease = at("coordination.k8s.io/v1", "Lease", "default", "l");
    auto body = parsed(R"({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "l"}})");
    EXPECT_TRUE(api->update(lease, body, {}).value().created);
    EXPECT_EQ(cause_fields(api->update(lease, body, {}).error()), "metadata.resourceVersion");
}

TEST_F(WriteTest, StatusAndTheRestAreWrittenApart) {
    create_pod("p").value();
    auto body = value(pod("p"));
    body["status"] = parsed(R"({"phase": "Running"})");
    object::child(object::child(body, "metadata"), "labels")["a"] = "b";
    api->update(pod("p"), body, {.subresource = "status"}).value();
    EXPECT_EQ(Ref(value(pod("p")))["status"]["phase"].str(), "Running");
    const auto generation = Ref(value(pod("p")))["metadata"]["generation"].num();
    body = value(pod("p"));
    body["status"] = parsed(R"({"phase": "Failed"})");
    object::child(object::child(body, "metadata"), "labels")["c"] = "d";
    api->update(pod("p"), body, {}).value();
    EXPECT_EQ(Ref(value(pod("p")))["status"]["phase"].str(), "Running");
    EXPECT_EQ(Ref(value(pod("p")))["metadata"]["labels"]["c"].str(), "d");
    EXPECT_EQ(Ref(value(pod("p")))["metadata"]["generation"].num(), generation);
    EXPECT_EQ(api->update(pod("none"), body, {.subresource = "status"}).error().code, Code::not_found);
}

TEST_F(WriteTest, ManagersAreTrackedByPath) {
    create_map(R"({"metadata": {"name": "m"}, "data": {"a": "1"}})", {.field_manager = "one"}).value();
    auto body = value(map("m"));
    object::child(body, "data")["b"] = "2";
    const auto made = api->update(map("m"), body, {.field_manager = "two"}).value();
    const auto managers = made.object->meta()["managedFields"];
    ASSERT_EQ(managers.size(), 2U);
    const auto owner_of = [&](std::string_view field) {
        for (const Ref one : managers.items())
            if (!one["fieldsV1"]["f:data"][field].missing()) return one["manager"].str();
        return std::string_view();
    };
    EXPECT_EQ(owner_of("f:a"), "one");
    EXPECT_EQ(owner_of("f:b"), "two");
}

TEST_F(WriteTest, ServiceAddressesAndPortsAreGivenOnce) {
    const auto service = [&](std::string name, const std::string& more) {
        return create("v1", "Service", "default",
                      R"({"metadata": {"name": ")" + name +
                          R"("}, "spec": {"type": "NodePort", "ports": [{"port": 80)" + more + "}]}}");
    };
    const auto a = service("a", R"(, "nodePort": 30100)").value().object;
    const auto taken = service("b", R"(, "nodePort": 30100)").error();
    EXPECT_EQ(cause_fields(taken), "spec.ports[0].nodePort");
    const auto b = service("b", "").value().object;
    EXPECT_NE((*a)["spec"]["clusterIP"].str(), (*b)["spec"]["clusterIP"].str());
    api->remove(at("v1", "Service", "default", "a"), {}, {}).value();
    EXPECT_TRUE(service("c", R"(, "nodePort": 30100)")) << "a port is free again after its service";
}

TEST_F(WriteTest, APodIsBoundOnce) {
    create("v1", "Pod", "default",
           R"({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}})")
        .value();
    const auto binding = parsed(R"({"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "p"},
        "target": {"kind": "Node", "name": "n"}})");
    const auto bound = api->update(pod("p"), binding, {.subresource = "binding"}).value();
    EXPECT_EQ((*bound.object)["spec"]["nodeName"].str(), "n");
    EXPECT_EQ((*bound.object)["status"]["conditions"][std::size_t{0}]["type"].str(), "PodScheduled");
    EXPECT_EQ(api->update(pod("p"), binding, {.subresource = "binding"}).error().code, Code::conflict);
}

TEST_F(WriteTest, AnotherUidIsAConflictForAWholeObjectAndInvalidInAPatch) {
    create_map(R"({"metadata": {"name": "m"}})").value();
    auto next = value(map("m"));
    object::child(next, "metadata")["uid"] = "another";
    EXPECT_EQ(api->update(map("m"), next, {}).error().code, Code::conflict);
    const auto refused =
        api->patch(map("m"), PatchType::merge, parsed(R"({"metadata": {"uid": "another"}})"), {}).error();
    EXPECT_EQ(refused.code, Code::invalid);
    EXPECT_EQ(cause_fields(refused), "metadata.uid metadata.uid");
}

TEST_F(WriteTest, NobodyMarksAnObjectAsDeletedByWritingIt) {
    create_map(R"({"metadata": {"name": "m"}})").value();
    const auto refused =
        api->patch(map("m"), PatchType::merge, parsed(R"({"metadata": {"deletionTimestamp": "2001-01-01T00:00:00Z",
                                               "deletionGracePeriodSeconds": 5}})"),
                   {})
            .error();
    EXPECT_EQ(cause_fields(refused),
              "metadata.deletionTimestamp metadata.deletionGracePeriodSeconds "
              "metadata.deletionTimestamp metadata.deletionGracePeriodSeconds");
}

TEST_F(WriteTest, ANewNodeKeepsItsStatusAndWaitsForItsConditions) {
    const auto made = create("v1", "Node", "", R"({"metadata": {"name": "n"}, "status": {"capacity": {"cpu": "4"}}})");
    const auto& node = *made.value().object;
    EXPECT_EQ(node["status"]["allocatable"]["cpu"].str(), "4");
    ASSERT_EQ(node["spec"]["taints"].size(), 1U);
    EXPECT_EQ(node["spec"]["taints"][std::size_t{0}]["key"].str(), "node.kubernetes.io/not-ready");
}

TEST_F(WriteTest, APodsPriorityIsItsClasss) {
    create("scheduling.k8s.io/v1", "PriorityClass", "", R"({"metadata": {"name": "high"}, "value": 7})").value();
    const auto pod = create_pod("a", R"("priorityClassName": "high", )").value().object;
    EXPECT_EQ((*pod)["spec"]["priority"].num(), 7);
    EXPECT_EQ(create_pod("b", R"("priorityClassName": "none", )").error().code, Code::forbidden);
    EXPECT_EQ(create_pod("b", R"("priority": 5, )").error().code, Code::forbidden);
    create("scheduling.k8s.io/v1", "PriorityClass", "",
           R"({"metadata": {"name": "usual"}, "value": 3, "globalDefault": true})")
        .value();
    EXPECT_EQ((*create_pod("b").value().object)["spec"]["priorityClassName"].str(), "usual");
}

TEST_F(WriteTest, ARuntimeClassGivesItsOverheadAndPlace) {
    create("node.k8s.io/v1", "RuntimeClass", "", R"({"metadata": {"name": "r"}, "handler": "h", "overhead": {"podFixed":
        {"cpu": "10m"}}, "scheduling": {"nodeSelector": {"a": "b"}}})")
        .value();
    const auto pod = create_pod("a", R"("runtimeClassName": "r", )").value().object;
    EXPECT_EQ((*pod)["spec"]["overhead"]["cpu"].str(), "10m");
    EXPECT_EQ((*pod)["spec"]["nodeSelector"]["a"].str(), "b");
    EXPECT_EQ(create_pod("b", R"("runtimeClassName": "none", )").error().code, Code::forbidden);
    EXPECT_EQ(create_pod("b", R"("runtimeClassName": "r", "nodeSelector": {"a": "c"}, )").error().code,
              Code::forbidden);
    EXPECT_EQ(create_pod("b", R"("overhead": {"cpu": "1"}, )").error().code, Code::forbidden);
}

TEST_F(WriteTest, PortsOfTheNodeAreNumbersOfOneServiceEach) {
    const auto service = [&](const std::string& name, const std::string& spec) {
        return create("v1", "Service", "default",
                      R"({"metadata": {"name": ")" + name + R"("}, "spec": {)" + spec + "}}");
    };
    const auto dns = service("dns", R"("type": "NodePort", "ports": [{"name": "u", "port": 53, "protocol": "UDP"},
        {"name": "t", "port": 53}])")
                         .value()
                         .object;
    const auto port = (*dns)["spec"]["ports"][std::size_t{0}]["nodePort"].num();
    EXPECT_EQ((*dns)["spec"]["ports"][std::size_t{1}]["nodePort"].num(), port);
    const auto other =
        R"("type": "NodePort", "ports": [{"port": 1, "protocol": "SCTP", "nodePort": )" + std::to_string(port) + "}]";
    EXPECT_EQ(cause_fields(service("other", other).error()), "spec.ports[0].nodePort");
    EXPECT_TRUE((*service("none", R"("clusterIP": "None")").value().object)["spec"]["ports"].missing());
    const auto local =
        service("lb", R"("type": "LoadBalancer", "externalTrafficPolicy": "Local", "ports": [{"port": 1}])");
    EXPECT_GE((*local.value().object)["spec"]["healthCheckNodePort"].num(), 30000);
}

}  // namespace
}  // namespace verbs
