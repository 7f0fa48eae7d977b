// Ownership on messages of the test's own: the comparison's rules, entries' identity, apply's conflicts and pruning.
#include "object/managed.h"

#include <gtest/gtest.h>

#include <array>

#include "object/field_set.h"

namespace object {
namespace {

json::value js(std::string_view text) { return json::parse(json::string_view(text.data(), text.size())); }

constexpr std::array port_keys = {std::string_view("port"), std::string_view("protocol")};
const std::array port_fields = {
    Field{.name = "port", .number = 1, .type = Type::int32, .presence = Presence::always},
    Field{.name = "protocol", .number = 2, .default_json = "\"TCP\""},
    Field{.name = "target", .number = 3, .type = Type::int_or_string},
};
const Message port{.name = "Port", .fields = port_fields};
const std::array selector_fields = {Field{.name = "app", .number = 1}};
const Message selector{.name = "Selector", .fields = selector_fields, .atomic = true};
const std::array meta_fields = {
    Field{.name = "name", .number = 1},
    Field{.name = "uid", .number = 5},
    Field{.name = "labels", .number = 11, .shape = Shape::map},
    Field{.name = "annotations", .number = 12, .shape = Shape::map},
    Field{.name = "finalizers", .number = 14, .shape = Shape::list, .list_type = ListType::set},
};
const Message meta{.name = "ObjectMeta", .fields = meta_fields};
const std::array spec_fields = {
    Field{.name = "replicas", .number = 1, .type = Type::int32, .presence = Presence::pointer},
    Field{.name = "ports",
          .number = 2,
          .type = Type::message,
          .shape = Shape::list,
          .list_type = ListType::map,
          .list_keys = port_keys,
          .message = &port},
    Field{.name = "args", .number = 3, .shape = Shape::list},
    Field{.name = "selector", .number = 4, .type = Type::message, .presence = Presence::pointer, .message = &selector},
    Field{.name = "free", .number = 5, .type = Type::any},
    Field{.name = "nested", .number = 6, .type = Type::message, .presence = Presence::pointer, .message = &port},
};
const Message spec{.name = "Spec", .fields = spec_fields};
const std::array root_fields = {
    Field{.name = "metadata", .number = 1, .type = Type::message, .message = &meta},
    Field{.name = "spec", .number = 2, .type = Type::message, .message = &spec},
    Field{.name = "data", .number = 3, .shape = Shape::map},
};
const Message root{.name = "Thing", .fields = root_fields};

base::Time at(int second) { return base::Time(std::chrono::seconds(1'000'000 + second)); }
Manager who(std::string name, int second = 0, std::string subresource = "") {
    return {.name = std::move(name), .api_version = "v1", .subresource = std::move(subresource), .time = at(second)};
}

/// An object that lives through writes.
class Life {
 public:
    void update(std::string_view text, const Manager& manager) {
        auto updated = js(text).as_object();
        updated["metadata"].as_object()["uid"] = "u";
        track_update(root, object ? &*object : nullptr, updated, manager);
        object = std::move(updated);
    }
    base::Result<json::object> try_apply(std::string_view text, const Manager& manager, Force force = Force::no) const {
        const auto finish = [](json::object merged) -> base::Result<json::object> {
            merged["metadata"].as_object()["uid"] = "u";
            for (auto* name : {"data", "spec"}) {
                if (auto* value = merged.if_contains(name); value && value->is_null()) merged.erase(name);
            }
            return merged;
        };
        return apply(root, object ? &*object : nullptr, js(text).as_object(), manager, force, finish);
    }
    void applied(std::string_view text, const Manager& manager, Force force = Force::no) {
        auto result = try_apply(text, manager, force);
        ASSERT_TRUE(result) << result.error().message;
        object = std::move(*result);
    }
    /// "manager/operation" to fields, in order.
    std::string owners() const {
        std::string out;
        for (const auto& entry : Ref(*object)["metadata"]["managedFields"].items()) {
            const Ref e(entry);
            out += std::string(e["manager"].str()) + "/" + std::string(e["operation"].str());
            if (e["subresource"]) out += "/" + std::string(e["subresource"].str());
            out += " " + json::serialize(*e["fieldsV1"].value()) + "\n";
        }
        return out;
    }
    json::value without_owners() const {
        auto copy = *object;
        copy["metadata"].as_object().erase("managedFields");
        copy["metadata"].as_object().erase("uid");
        return copy;
    }

    std::optional<json::object> object;
};

TEST(FieldSet, reads_and_writes_fields_v1) {
    const auto text = js(R"({"f:spec":{"f:ports":{".":{},"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:port":{}}}},
        "f:set":{"v:\"a\"":{},"i:3":{}}})");
    const auto set = FieldSet::from_json(text);
    ASSERT_TRUE(set);
    EXPECT_EQ(set->to_json(), text);
    std::vector<std::string> paths;
    set->each_path([&](const std::string& path) { paths.push_back(path); });
    EXPECT_EQ(paths, (std::vector<std::string>{R"(.set[3])", R"(.set[="a"])", ".spec.ports",
                                               R"(.spec.ports[port=80,protocol="TCP"])",
                                               R"(.spec.ports[port=80,protocol="TCP"].port)"}));
    for (const auto* bad : {R"([])", R"({"x":{}})", R"({"f:a":3})", R"({"k:oops":{}})", R"({"i:x":{}})"}) {
        EXPECT_FALSE(FieldSet::from_json(js(bad))) << bad;
    }
}

TEST(TrackUpdate, owns_what_it_sets_with_the_dots_of_maps_and_lists) {
    Life life;
    life.update(R"({"apiVersion":"v1","kind":"Thing","metadata":{"name":"n","labels":{"a":"1"},"finalizers":["x"]},
        "spec":{"ports":[{"port":80}],"args":["a"],"selector":{"app":"z"},"free":{"l":[1],"m":{}}},"data":{"k":"v"}})",
                who("u"));
    EXPECT_EQ(
        life.owners(),
        "u/Update "
        R"({"f:data":{".":{},"f:k":{}},"f:metadata":{"f:finalizers":{".":{},"v:\"x\"":{}},"f:labels":{".":{},"f:a":{}}},)"
        R"("f:spec":{"f:args":{},"f:free":{".":{},"f:l":{},"f:m":{}},)"
        R"("f:ports":{".":{},"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:port":{}}},"f:selector":{}}})"
        "\n");
}

TEST(TrackUpdate, takes_what_changes_and_forgets_what_is_gone) {
    Life life;
    life.update(R"({"metadata":{},"data":{"a":"1","b":"2"}})", who("one"));
    life.update(R"({"metadata":{},"data":{"a":"1","b":"3"}})", who("two", 1));
    EXPECT_EQ(life.owners(), "one/Update {\"f:data\":{\".\":{},\"f:a\":{}}}\ntwo/Update {\"f:data\":{\"f:b\":{}}}\n");
    life.update(R"({"metadata":{},"data":{"a":"1"}})", who("three", 2));
    EXPECT_EQ(life.owners(), "one/Update {\"f:data\":{\".\":{},\"f:a\":{}}}\n");
    const auto before = *life.object;
    life.update(R"({"metadata":{},"data":{"a":"1"}})", who("four", 3));
    EXPECT_EQ(*life.object, before);
}

TEST(TrackUpdate, tells_subresources_apart_and_caps_managers) {
    Life life;
    life.update(R"({"metadata":{},"data":{"k0":"1"}})", who("m"));
    life.update(R"({"metadata":{},"data":{"k0":"1","k1":"1"}})", who("m", 1, "status"));
    EXPECT_EQ(life.owners(),
              "m/Update {\"f:data\":{\".\":{},\"f:k0\":{}}}\nm/Update/status {\"f:data\":{\"f:k1\":{}}}\n");
    std::string data = R"("k0":"1","k1":"1")";
    for (int i = 2; i < 14; ++i) {
        data += R"(,"k)" + std::to_string(i) + R"(":"1")";
        life.update(R"({"metadata":{},"data":{)" + data + "}}", who("m" + std::to_string(i), i));
    }
    EXPECT_EQ(Ref(*life.object)["metadata"]["managedFields"].size(), 10u);
    EXPECT_EQ(Ref(*life.object)["metadata"]["managedFields"][0]["manager"].str(), "ancient-changes");
}

TEST(TrackUpdate, is_cleared_by_request_until_the_next_apply) {
    for (const auto* clear : {"[]", "[{}]"}) {
        Life life;
        life.update(R"({"metadata":{},"data":{"a":"1"}})", who("one"));
        life.update(R"({"metadata":{"managedFields":)" + std::string(clear) + R"(},"data":{"a":"1"}})", who("one"));
        EXPECT_EQ(life.owners(), "");
        life.update(R"({"metadata":{},"data":{"a":"2"}})", who("one"));
        EXPECT_EQ(life.owners(), "");
        life.applied(R"({"metadata":{},"data":{"b":"2"}})", who("two"));
        EXPECT_EQ(
            life.owners(),
            "two/Apply {\"f:data\":{\"f:b\":{}}}\nbefore-first-apply/Update {\"f:data\":{\".\":{},\"f:a\":{}}}\n");
    }
}

TEST(Apply, merges_shares_prunes_and_conflicts) {
    Life life;
    life.applied(R"({"metadata":{},"data":{"a":"1","b":"2"}})", who("one"));
    EXPECT_EQ(life.owners(), "one/Apply {\"f:data\":{\"f:a\":{},\"f:b\":{}}}\n");
    life.applied(R"({"metadata":{},"data":{"b":"2","c":"3"}})", who("two", 1));
    life.applied(R"({"metadata":{},"data":{"a":"1"}})", who("one", 2));
    EXPECT_EQ(life.without_owners(), js(R"({"metadata":{},"data":{"a":"1","b":"2","c":"3"}})"));
    life.applied(R"({"metadata":{}})", who("two", 3));
    EXPECT_EQ(life.without_owners(), js(R"({"metadata":{},"data":{"a":"1"}})"));
    EXPECT_EQ(life.owners(), "one/Apply {\"f:data\":{\"f:a\":{}}}\n");

    const auto refused = life.try_apply(R"({"metadata":{},"data":{"a":"9"}})", who("two", 4));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, base::Code::conflict);
    EXPECT_EQ(refused.error().message, R"(Apply failed with 1 conflict: conflict with "one": .data.a)");
    EXPECT_EQ(refused.error().details->causes,
              (std::vector<base::Cause>{{"FieldManagerConflict", "conflict with \"one\"", ".data.a"}}));
    life.applied(R"({"metadata":{},"data":{"a":"9"}})", who("two", 5), Force::yes);
    EXPECT_EQ(life.owners(), "two/Apply {\"f:data\":{\"f:a\":{}}}\n");
}

TEST(Apply, names_list_items_by_keys_with_their_defaults) {
    Life life;
    life.applied(R"({"metadata":{},"spec":{"ports":[{"port":80,"target":1}]}})", who("one"));
    EXPECT_EQ(life.owners(),
              "one/Apply {\"f:spec\":{\"f:ports\":{\"k:{\\\"port\\\":80,\\\"protocol\\\":\\\"TCP\\\"}\":"
              "{\".\":{},\"f:port\":{},\"f:target\":{}}}}}\n");
    life.applied(R"({"metadata":{},"spec":{"ports":[{"port":80,"protocol":"UDP"},{"port":80,"protocol":"TCP"}]}})",
                 who("two", 1));
    EXPECT_EQ(life.without_owners().at("spec").at("ports"),
              js(R"([{"port":80,"protocol":"UDP"},{"port":80,"target":1,"protocol":"TCP"}])"));
    const auto refused = life.try_apply(R"({"metadata":{},"spec":{"ports":[{"port":80,"target":2}]}})", who("two", 2));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().details->causes[0].field, R"(.spec.ports[port=80,protocol="TCP"].target)");
    EXPECT_EQ(life.try_apply(R"({"metadata":{},"spec":{"ports":[{"port":1},{"port":1}]}})", who("x")).error().code,
              base::Code::bad_request);
    EXPECT_EQ(life.try_apply(R"({"metadata":{},"spec":{"ports":{"port":1}}})", who("x")).error().code,
              base::Code::bad_request);
    EXPECT_EQ(life.try_apply(R"({"metadata":{},"spec":{"replica":1}})", who("x")).error().message,
              ".spec.replica: field not declared in schema");
    EXPECT_EQ(life.try_apply(R"({"metadata":{"managedFields":[]}})", who("x")).error().code, base::Code::bad_request);
}

TEST(Apply, changes_no_time_when_nothing_changed) {
    Life life;
    life.applied(R"({"metadata":{},"data":{"a":"1"}})", who("one"));
    const auto before = *life.object;
    life.applied(R"({"metadata":{},"data":{"a":"1"}})", who("one", 60));
    EXPECT_EQ(*life.object, before);
    life.applied(R"({"metadata":{},"data":{"a":"2"}})", who("one", 60));
    EXPECT_NE(Ref(*life.object)["metadata"]["managedFields"][0]["time"].str(),
              Ref(before)["metadata"]["managedFields"][0]["time"].str());
}

TEST(Apply, lets_kubectl_take_over_what_it_once_wrote) {
    Life life;
    life.update(R"({"metadata":{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":
        "{\"apiVersion\":\"v1\",\"data\":{\"a\":\"1\"},\"metadata\":{\"annotations\":{}}}"}},"data":{"a":"1","b":"2"}})",
                who("kubectl-client-side-apply"));
    EXPECT_FALSE(life.try_apply(R"({"apiVersion":"v1","metadata":{},"data":{"a":"9"}})", who("other", 1)));
    EXPECT_FALSE(life.try_apply(R"({"apiVersion":"v1","metadata":{},"data":{"b":"9"}})", who("kubectl", 1)));
    life.applied(R"({"apiVersion":"v1","metadata":{},"data":{"a":"9"}})", who("kubectl", 1));
    EXPECT_EQ(Ref(*life.object)["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"].str(),
              "{\"apiVersion\":\"v1\",\"data\":{\"a\":\"9\"},\"metadata\":{}}\n");
}

TEST(Apply, orders_list_items_as_the_configuration_has_them) {
    Life life;
    life.applied(R"({"metadata":{"finalizers":["a","b"]}})", who("one"));
    life.applied(R"({"metadata":{"finalizers":["c","a"]}})", who("two", 1));
    EXPECT_EQ(life.without_owners().at("metadata").at("finalizers"), js(R"(["c","a","b"])"));
}

}  // namespace
}  // namespace object
