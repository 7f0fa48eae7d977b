// Built-in kinds through decode: what a real 1.36.2 answered is already in shape, so shaping it changes nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "kinds/registry.h"
#include "object/decode.h"

namespace kinds {
namespace {

namespace json = object::json;
using object::Ref;

constexpr auto golden_folder = RECORDINGS;

/// Marks that stand for what differs between runs ("<time>", "<gen>", "$NS") as values of the same type.
void fill_marks(json::value& value) {
    if (auto* object = value.if_object()) {
        for (auto& member : *object) {
            fill_marks(member.value());
            if (member.key() == "annotations" && member.value() == json::object()) member.value() = nullptr;
            if (member.key() == "nodePort" && member.value().is_string()) member.value() = 30'000;
        }
    } else if (auto* list = value.if_array()) {
        for (auto& item : *list) fill_marks(item);
    } else if (auto* text = value.if_string(); text && std::string_view(*text) == "<time>") {
        value = "2026-01-01T00:00:00Z";
    }
}

/// Whether an answer was recorded whole: what a step ignores is missing from it.
bool is_whole(const json::value& step) {
    for (const auto& path : Ref(step)["ignore"].items())
        if (!Ref(path).str().starts_with("metadata.")) return false;
    return true;
}

/// Calls `visit(kind, object)` for whole objects of built-in kinds inside a recorded answer.
template <class Visit>
void each_object(const json::value& value, Visit visit) {
    if (const auto* list = value.if_array())
        for (const auto& item : *list) each_object(item, visit);
    const auto* object = value.if_object();
    if (!object) return;
    const auto* kind = by_kind(Ref(*object)["apiVersion"].str(), Ref(*object)["kind"].str());
    if (kind && !Ref(*object)["metadata"]["uid"].str().empty()) return visit(*kind, *object);
    for (const auto& member : *object) each_object(member.value(), visit);
}

json::value read_file(const std::filesystem::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return object::parse_json(text.str()).value().value;
}

std::string first_difference(const json::value& was, const json::value& is, const std::string& path) {
    if (was == is) return "";
    const auto *a = was.if_object(), *b = is.if_object();
    if (a && b) {
        for (const auto& member : *b)
            if (!a->contains(member.key())) return path + "." + std::string(member.key()) + " was added";
        for (const auto& member : *a) {
            const auto* other = b->if_contains(member.key());
            if (!other) return path + "." + std::string(member.key()) + " went";
            const auto found = first_difference(member.value(), *other, path + "." + std::string(member.key()));
            if (!found.empty()) return found;
        }
    }
    const auto *x = was.if_array(), *y = is.if_array();
    if (x && y && x->size() == y->size())
        for (std::size_t i = 0; i < x->size(); ++i) {
            const auto found = first_difference((*x)[i], (*y)[i], path + "[" + std::to_string(i) + "]");
            if (!found.empty()) return found;
        }
    return path + ": " + json::serialize(was) + " became " + json::serialize(is);
}

void expect_in_shape(const Kind& kind, const json::object& recorded, const std::string& name) {
    json::value given = recorded;
    fill_marks(given);
    auto& meta = given.at("metadata").as_object();
    if (const auto* notes = meta.if_contains("annotations"); notes && notes->is_null()) meta.erase("annotations");
    const auto shaped = object::shape(*kind.message, given.get_object(), object::Gated::keep);
    ASSERT_TRUE(shaped) << name << ": " << shaped.error().message;
    EXPECT_EQ(first_difference(given, shaped->object, ""), "") << name << " " << kind.kind;
    EXPECT_TRUE(shaped->unknown.empty()) << name << " " << kind.kind << ": " << shaped->unknown[0];
}

TEST(Shape, WhatARealServerAnsweredIsInShape) {
    if (!std::filesystem::exists(golden_folder)) GTEST_SKIP() << "no recorded answers at " << golden_folder;
    int seen = 0;
    for (const auto& file : std::filesystem::directory_iterator(golden_folder)) {
        if (file.path().extension() != ".json") continue;
        const auto cases = read_file(file.path());
        for (const auto& each : cases.as_array()) {
            for (std::size_t i = 0; i < each.at("want").as_array().size(); ++i) {
                if (!is_whole(each.at("steps").at(i))) continue;
                each_object(each.at("want").at(i), [&](const Kind& kind, const json::object& recorded) {
                    ++seen;
                    expect_in_shape(kind, recorded, std::string(each.at("name").as_string()));
                });
            }
        }
    }
    EXPECT_GT(seen, 300);
}

base::Result<object::Shaped> shape(std::string_view kind, std::string_view text) {
    const auto api_version = kind == "Deployment" ? "apps/v1" : "v1";
    auto parsed = object::parse_json(text).value();
    return object::shape(*by_kind(api_version, kind)->message, parsed.value.get_object());
}
std::string shaped(std::string_view kind, std::string_view text) {
    const auto out = shape(kind, text);
    return out ? json::serialize(out->object) : "refused";
}

TEST(Shape, WrongTypesAreRefused) {
    for (const auto* spec :
         {R"({"containers": {"name": "c"}})", R"({"containers": [{"name": "c", "ports": [{"containerPort": "80"}]}]})",
          R"({"containers": [{"command": "sh"}]})", R"({"hostNetwork": "true"})",
          R"({"terminationGracePeriodSeconds": 1.5})", R"({"terminationGracePeriodSeconds": 1.0})",
          R"({"priority": 3000000000})", R"({"nodeSelector": {"a": 1}})",
          R"({"containers": [{"resources": {"limits": {"memory": "64MB"}}}]})", R"({"containers": [7]})"}) {
        const auto out = shape("Pod", std::string(R"({"spec": )") + spec + "}");
        ASSERT_FALSE(out) << spec;
        EXPECT_EQ(out.error().code, base::Code::bad_request);
        EXPECT_NE(out.error().message.find("spec."), std::string::npos) << out.error().message;
    }
    EXPECT_EQ(shaped("Pod", R"({"metadata": {"name": 5}})"), "refused");
    EXPECT_EQ(shaped("Pod", R"({"metadata": {"creationTimestamp": "yesterday"}})"), "refused");
    EXPECT_EQ(shaped("Secret", R"({"data": {"a": "no base 64"}})"), "refused");
}

TEST(Shape, UnknownFieldsGoAndAreNamed) {
    const auto out = shape("Pod", R"({"metadata": {"label": {}}, "Spec": {}, "spec": {"replica": 1, "containers":
        [{"name": "c", "envs": [], "ports": [{"containerPort": 1, "port": 2}]}]}})");
    ASSERT_TRUE(out);
    auto unknown = out->unknown;
    std::ranges::sort(unknown);
    EXPECT_EQ(unknown, (std::vector<std::string>{"Spec", "metadata.label", "spec.containers[0].envs",
                                                 "spec.containers[0].ports[0].port", "spec.replica"}));
    EXPECT_FALSE(Ref(out->object)["Spec"]);
    EXPECT_FALSE(Ref(out->object)["spec"]["replica"]);
}

TEST(Shape, NullsAndEmptyLeftoversGo) {
    EXPECT_EQ(shaped("ConfigMap", R"({"metadata": {"name": "c", "labels": null, "annotations": {},
        "creationTimestamp": null}, "data": {"a": null}, "immutable": false})"),
              R"({"metadata":{"name":"c"},"data":{"a":""},"immutable":false})");
    const auto pod = shape("Pod", R"({"spec": {"volumes": null, "nodeSelector": {}, "containers":
        [{"name": "c", "env": null, "command": [], "stdin": false}]}, "status": null})");
    ASSERT_TRUE(pod);
    EXPECT_EQ(json::serialize(*Ref(pod->object)["spec"].value()), R"({"containers":[{"name":"c","resources":{}}]})");
}

TEST(Shape, ValuesTakeTheirCanonicalText) {
    const auto out =
        shape("Pod", R"({"metadata": {"creationTimestamp": "2026-01-01T02:00:00.5+02:00"}, "spec": {"overhead":
        {"cpu": 0.5, "memory": "1024Mi"}, "containers": [{"name": "c", "resources": {"limits": {"cpu": 1}}}]}})");
    ASSERT_TRUE(out);
    EXPECT_EQ(Ref(out->object)["metadata"]["creationTimestamp"].str(), "2026-01-01T00:00:00Z");
    EXPECT_EQ(Ref(out->object)["spec"]["overhead"]["cpu"].str(), "500m");
    EXPECT_EQ(Ref(out->object)["spec"]["overhead"]["memory"].str(), "1Gi");
    EXPECT_EQ(Ref(out->object)["spec"]["containers"][0]["resources"]["limits"]["cpu"].str(), "1");
}

TEST(Shape, GatedFieldsGoSilently) {
    const auto text = R"({"spec": {"containers": [{"name": "c", "lifecycle": {"stopSignal": "SIGUSR1"}}]}})";
    const auto out = shape("Pod", text);
    ASSERT_TRUE(out && out->unknown.empty());
    EXPECT_FALSE(Ref(out->object)["spec"]["containers"][0]["lifecycle"]["stopSignal"]);
    auto kept = object::shape(*by_kind("v1", "Pod")->message, object::parse_json(text)->value.get_object(),
                              object::Gated::keep);
    ASSERT_TRUE(kept);
    EXPECT_TRUE(Ref(kept->object)["spec"]["containers"][0]["lifecycle"]["stopSignal"]);
    object::drop_gated(*by_kind("v1", "Pod")->message, kept->object);
    EXPECT_EQ(kept->object, out->object);
}

TEST(Shape, WhatIsAlwaysWrittenIsFilledIn) {
    auto slice = object::parse_json(R"({"addressType": "IPv4", "endpoints": []})")->value;
    const auto& message = *by_kind("discovery.k8s.io/v1", "EndpointSlice")->message;
    auto shaped = object::shape(message, slice.get_object())->object;
    EXPECT_EQ(json::serialize(shaped), R"({"addressType":"IPv4","endpoints":[],"metadata":{},"ports":null})");
    object::fill_always(message, shaped);
    EXPECT_EQ(json::serialize(shaped), R"({"addressType":"IPv4","endpoints":null,"metadata":{},"ports":null})");
    json::object service;
    object::fill_always(*by_kind("v1", "Service")->message, service);
    EXPECT_EQ(json::serialize(service), R"({"metadata":{},"spec":{},"status":{"loadBalancer":{}}})");
}

}  // namespace
}  // namespace kinds
