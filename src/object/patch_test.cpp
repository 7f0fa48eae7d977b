#include "object/patch.h"

#include <gtest/gtest.h>

#include <array>

namespace object {
namespace {

json::value js(std::string_view text) { return json::parse(json::string_view(text.data(), text.size())); }

constexpr std::array env_keys = {std::string_view("name")};
const std::array env_fields = {
    Field{.name = "name", .number = 1, .presence = Presence::always},
    Field{.name = "value", .number = 2},
};
const Message env{.name = "EnvVar", .fields = env_fields};
const std::array container_fields = {
    Field{.name = "name", .number = 1, .presence = Presence::always},
    Field{.name = "image", .number = 2},
    Field{.name = "env",
          .number = 3,
          .type = Type::message,
          .shape = Shape::list,
          .list_type = ListType::map,
          .list_keys = env_keys,
          .patch_merge = true,
          .patch_merge_key = "name",
          .message = &env},
    Field{.name = "args", .number = 4, .shape = Shape::list},
};
const Message container{.name = "Container", .fields = container_fields};
const std::array fields = {
    Field{.name = "finalizers", .number = 1, .shape = Shape::list, .list_type = ListType::set, .patch_merge = true},
    Field{.name = "labels", .number = 2, .shape = Shape::map},
    Field{.name = "containers",
          .number = 3,
          .type = Type::message,
          .shape = Shape::list,
          .list_type = ListType::map,
          .list_keys = env_keys,
          .patch_merge = true,
          .patch_merge_key = "name",
          .message = &container},
    Field{.name = "strategy", .number = 4, .type = Type::message, .patch_retain_keys = true, .message = &container},
};
const Message root{.name = "Root", .fields = fields};

json::value strategic(std::string_view live, std::string_view patch) {
    auto result = strategic_merge(root, js(live).as_object(), js(patch).as_object());
    if (!result) return json::value("error: " + result.error().message);
    return *result;
}
bool refused(std::string_view live, std::string_view patch) {
    const auto result = strategic_merge(root, js(live).as_object(), js(patch).as_object());
    return !result && result.error().code == base::Code::bad_request;
}

json::value patched(std::string_view document, std::string_view patch) {
    auto result = json_patch(js(document), js(patch));
    if (!result) return json::value("error: " + result.error().message);
    return *result;
}
base::Code patch_code(std::string_view document, std::string_view patch) {
    const auto result = json_patch(js(document), js(patch));
    return result ? base::Code::internal : result.error().code;
}

TEST(JsonPatch, does_each_operation) {
    EXPECT_EQ(patched(R"({"a":1})", R"([{"op":"add","path":"/b","value":2}])"), js(R"({"a":1,"b":2})"));
    EXPECT_EQ(patched(R"({"a":[1,3]})", R"([{"op":"add","path":"/a/1","value":2}])"), js(R"({"a":[1,2,3]})"));
    EXPECT_EQ(patched(R"({"a":[1]})", R"([{"op":"add","path":"/a/-","value":2}])"), js(R"({"a":[1,2]})"));
    EXPECT_EQ(patched(R"({"a":1})", R"([{"op":"remove","path":"/a"}])"), js("{}"));
    EXPECT_EQ(patched(R"({"a":[1,2,3]})", R"([{"op":"remove","path":"/a/1"}])"), js(R"({"a":[1,3]})"));
    EXPECT_EQ(patched(R"({"a":[1,2]})", R"([{"op":"replace","path":"/a/0","value":5}])"), js(R"({"a":[5,2]})"));
    EXPECT_EQ(patched(R"({"a":{"x":1},"b":{}})", R"([{"op":"move","from":"/a/x","path":"/b/y"}])"),
              js(R"({"a":{},"b":{"y":1}})"));
    EXPECT_EQ(patched(R"({"a":{"x":1}})", R"([{"op":"copy","from":"/a","path":"/b"}])"),
              js(R"({"a":{"x":1},"b":{"x":1}})"));
    EXPECT_EQ(patched(R"({"a":{"x":1,"y":[2]}})", R"([{"op":"test","path":"/a","value":{"y":[2],"x":1}}])"),
              js(R"({"a":{"x":1,"y":[2]}})"));
    EXPECT_EQ(patched(R"({"a":1})", R"([{"op":"replace","path":"","value":{"b":2}}])"), js(R"({"b":2})"));
    EXPECT_EQ(
        patched(R"({"m":{"x/y":1,"~":2}})", R"([{"op":"remove","path":"/m/x~1y"},{"op":"remove","path":"/m/~0"}])"),
        js(R"({"m":{}})"));
}

TEST(JsonPatch, is_as_lenient_as_upstream) {
    EXPECT_EQ(patched("{}", R"([{"op":"replace","path":"/a","value":1}])"), js(R"({"a":1})"));
    EXPECT_EQ(patched("{}", R"([{"op":"copy","from":"/none","path":"/a"}])"), js(R"({"a":null})"));
    EXPECT_EQ(patched(R"({"a":[1,2]})", R"([{"op":"remove","path":"/a/-1"}])"), js(R"({"a":[1]})"));
    EXPECT_EQ(patched("{}", R"([{"op":"test","path":"/a","value":null}])"), js("{}"));
    EXPECT_EQ(patched("{}", R"([{"op":"add","path":"/a"}])"), js(R"({"a":null})"));
}

TEST(JsonPatch, says_what_failed) {
    for (const auto* patch :
         {R"([{"op":"remove","path":"/none"}])", R"([{"op":"move","from":"/none","path":"/a"}])",
          R"([{"op":"add","path":"/none/a","value":1}])", R"([{"op":"add","path":"/l/7","value":1}])",
          R"([{"op":"test","path":"/s","value":1}])", R"([{"op":"test","path":"/none/x","value":1}])",
          R"([{"op":"jump","path":"/s"}])", R"([{"op":"add","value":1}])", R"([{"op":"move","path":"/s"}])",
          R"([{"op":"remove","path":""}])", R"([{"op":"replace","path":"","value":3}])",
          R"([{"op":"add","path":"/s/x","value":1}])", R"([{"op":"remove","path":"/l/x"}])"}) {
        EXPECT_EQ(patch_code(R"({"s":"1","l":[1]})", patch), base::Code::invalid) << patch;
    }
    EXPECT_EQ(patch_code("{}", R"({"op":"add"})"), base::Code::bad_request);
    EXPECT_EQ(patch_code("{}", R"(["add"])"), base::Code::bad_request);
    json::array many(10'001, json::object{{"op", "test"}, {"path", "/a"}});
    EXPECT_EQ(json_patch(json::object(), many).error().code, base::Code::too_large);
}

TEST(MergePatch, follows_rfc_7386) {
    const auto merged = [](std::string_view a, std::string_view b) { return merge_patch(js(a), js(b)); };
    EXPECT_EQ(merged(R"({"a":"b"})", R"({"a":"c"})"), js(R"({"a":"c"})"));
    EXPECT_EQ(merged(R"({"a":"b","b":"c"})", R"({"a":null})"), js(R"({"b":"c"})"));
    EXPECT_EQ(merged(R"({"a":["b"]})", R"({"a":"c"})"), js(R"({"a":"c"})"));
    EXPECT_EQ(merged(R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})"), js(R"({"a":{"b":"d"}})"));
    EXPECT_EQ(merged(R"({"a":[{"b":"c"}]})", R"({"a":[1]})"), js(R"({"a":[1]})"));
    EXPECT_EQ(merged(R"(["a"])", R"(["c"])"), js(R"(["c"])"));
    EXPECT_EQ(merged(R"({"e":null})", R"({"a":1})"), js(R"({"e":null,"a":1})"));
    EXPECT_EQ(merged(R"([1,2])", R"({"a":"b","c":null})"), js(R"({"a":"b"})"));
    EXPECT_EQ(merged("{}", R"({"a":{"bb":{"ccc":null}}})"), js(R"({"a":{"bb":{}}})"));
}

TEST(StrategicMerge, merges_items_by_key_and_puts_the_patch_first) {
    EXPECT_EQ(strategic(R"({"containers":[{"name":"a","image":"1"},{"name":"b"}]})",
                        R"({"containers":[{"name":"a","image":"2"},{"name":"c"}]})"),
              js(R"({"containers":[{"name":"a","image":"2"},{"name":"c"},{"name":"b"}]})"));
    EXPECT_EQ(strategic(R"({"containers":[{"name":"a","env":[{"name":"X","value":"1"},{"name":"Y","value":"2"}]}]})",
                        R"({"containers":[{"name":"a","env":[{"name":"Y","value":null},{"name":"X","value":"3"}]}]})"),
              js(R"({"containers":[{"name":"a","env":[{"name":"Y"},{"name":"X","value":"3"}]}]})"));
    EXPECT_EQ(
        strategic(R"({"containers":[{"name":"a","args":["1","2"]}]})", R"({"containers":[{"name":"a","args":["3"]}]})"),
        js(R"({"containers":[{"name":"a","args":["3"]}]})"));
    EXPECT_EQ(strategic(R"({"labels":{"a":"1","b":"2"}})", R"({"labels":{"a":null,"c":"3"}})"),
              js(R"({"labels":{"b":"2","c":"3"}})"));
}

TEST(StrategicMerge, unites_and_removes_scalars) {
    EXPECT_EQ(strategic(R"({"finalizers":["a","b"]})", R"({"finalizers":["c","a"]})"),
              js(R"({"finalizers":["c","a","b"]})"));
    EXPECT_EQ(strategic(R"({"finalizers":["a","b","c"]})", R"({"$deleteFromPrimitiveList/finalizers":["b","z"]})"),
              js(R"({"finalizers":["a","c"]})"));
    EXPECT_EQ(
        strategic(
            R"({"finalizers":["a","b"]})",
            R"({"$deleteFromPrimitiveList/finalizers":["a"],"$setElementOrder/finalizers":["c","b"],"finalizers":["c"]})"),
        js(R"({"finalizers":["c","b"]})"));
    EXPECT_EQ(strategic("{}", R"({"$deleteFromPrimitiveList/finalizers":["a"]})"), js("{}"));
}

TEST(StrategicMerge, obeys_directives) {
    EXPECT_EQ(strategic(R"({"containers":[{"name":"a"},{"name":"b"}]})",
                        R"({"containers":[{"name":"a","$patch":"delete"}]})"),
              js(R"({"containers":[{"name":"b"}]})"));
    EXPECT_EQ(strategic(R"({"containers":[{"name":"a"},{"name":"b"}]})",
                        R"({"containers":[{"$patch":"replace"},{"name":"c"}]})"),
              js(R"({"containers":[{"name":"c"}]})"));
    EXPECT_EQ(strategic(R"({"labels":{"a":"1"}})", R"({"labels":{"$patch":"replace","b":"2"}})"),
              js(R"({"labels":{"b":"2"}})"));
    EXPECT_EQ(strategic(R"({"labels":{"a":"1"}})", R"({"labels":{"$patch":"delete"}})"), js(R"({"labels":{}})"));
    EXPECT_EQ(
        strategic(R"({"strategy":{"name":"x","image":"y"}})", R"({"strategy":{"$retainKeys":["name"],"name":"z"}})"),
        js(R"({"strategy":{"name":"z"}})"));
    EXPECT_EQ(
        strategic("{}",
                  R"({"strategy":{"$retainKeys":["name"],"name":"z"},"containers":[{"name":"q","$patch":"delete"}]})"),
        js(R"({"strategy":{"name":"z"},"containers":[]})"));
}

TEST(StrategicMerge, keeps_the_order_that_was_asked_for) {
    EXPECT_EQ(strategic(R"({"containers":[{"name":"a"},{"name":"s"},{"name":"b"}]})",
                        R"({"$setElementOrder/containers":[{"name":"b"},{"name":"a"}]})"),
              js(R"({"containers":[{"name":"s"},{"name":"b"},{"name":"a"}]})"));
    EXPECT_EQ(
        strategic(
            R"({"containers":[{"name":"a"},{"name":"b"}]})",
            R"({"$setElementOrder/containers":[{"name":"n"},{"name":"a"},{"name":"b"}],"containers":[{"name":"n","image":"i"}]})"),
        js(R"({"containers":[{"name":"n","image":"i"},{"name":"a"},{"name":"b"}]})"));
}

TEST(StrategicMerge, refuses_what_upstream_cannot_read) {
    constexpr auto live = R"({"containers":[{"name":"web","image":"1"}],"labels":{"a":"1"},"strategy":{"name":"x"}})";
    for (const auto* patch :
         {R"({"containers":[{"name":"web","$patch":"remove"}]})", R"({"labels":{"$patch":"wipe"}})",
          R"({"containers":[{"$patch":"delete"}]})", R"({"containers":["text"]})", R"({"containers":[{"image":"2"}]})",
          R"({"$setElementOrder/containers":[{"name":"side"}],"containers":[{"name":"web","image":"x"}]})",
          R"({"strategy":{"$retainKeys":"text"}})", R"({"strategy":{"$retainKeys":["name"],"image":"y"}})"}) {
        EXPECT_TRUE(refused(live, patch)) << patch;
    }
    // Another type replaces: the decoder refuses it afterwards.
    EXPECT_EQ(strategic(live, R"({"containers":{"name":"web"}})").at("containers"), js(R"({"name":"web"})"));
}

}  // namespace
}  // namespace object
