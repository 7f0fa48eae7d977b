// From bytes to values: JSON with its duplicates, YAML as upstream reads it, protobuf by wire numbers.
#include "object/decode.h"

#include <gtest/gtest.h>

#include "object/scalar.h"

namespace object {
namespace {

std::string json_of(const base::Result<Parsed>& parsed) { return parsed ? json::serialize(parsed->value) : "refused"; }

TEST(ParseJson, ReadsWhatIsJson) {
    EXPECT_EQ(json_of(parse_json(R"( {"a": [1, "x", null, true, 18446744073709551615]} )")),
              R"({"a":[1,"x",null,true,18446744073709551615]})");
    for (const auto* text : {"", "{", R"({"a":1}})", "a: b", R"({"a":1,})", "\"\xff\"", "nul", "[1] 2"})
        EXPECT_EQ(json_of(parse_json(text)), "refused") << text;
    EXPECT_EQ(json_of(parse_json(std::string(100'000, '['))), "refused");
}

TEST(ParseJson, NamesKeysThatStandTwice) {
    const auto parsed =
        parse_json(R"({"metadata": {"name": "t", "name": "u"}, "list": [{}, {"x": 1, "x": 2, "x": 3}]})");
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->duplicates,
              (std::vector<std::string>{R"(duplicate field "metadata.name")", R"(duplicate field "list[1].x")",
                                        R"(duplicate field "list[1].x")"}));
    EXPECT_EQ(Ref(parsed->value)["metadata"]["name"].str(), "u");
    EXPECT_TRUE(parse_json(R"({"a": {"x": 1}, "b": {"x": 1}})")->duplicates.empty());
}

TEST(ParseYaml, ScalarsAreYaml11) {
    const std::pair<std::string_view, std::string_view> pairs[] = {
        {"a: yes", R"({"a":true})"},      {"a: Off", R"({"a":false})"},     {"a: 'yes'", R"({"a":"yes"})"},
        {"a: yes-1", R"({"a":"yes-1"})"}, {"a: 0x10", R"({"a":16})"},       {"a: 010", R"({"a":8})"},
        {"a: 0o10", R"({"a":8})"},        {"a: 1_000", R"({"a":1000})"},    {"a: -5", R"({"a":-5})"},
        {"a: 1.0", R"({"a":1})"},         {"a: ~", R"({"a":null})"},        {"a:", R"({"a":null})"},
        {"a: !!str 5", R"({"a":"5"})"},   {"a: 1.2.3", R"({"a":"1.2.3"})"}, {"a: 2026-01-01", R"({"a":"2026-01-01"})"},
        {"1: x", R"({"1":"x"})"},         {"on: x", R"({"true":"x"})"},     {"a: .inf", "refused"},
        {"a: 09", R"({"a":9})"},          {"a: 12:30", R"({"a":"12:30"})"}, {"a: +1", R"({"a":1})"},
        {"a: 64Mi", R"({"a":"64Mi"})"},   {"a: '5'", R"({"a":"5"})"},       {"a: -", "refused"}};
    for (const auto& [text, wanted] : pairs) EXPECT_EQ(json_of(parse_yaml(text)), wanted) << text;
}

TEST(ParseYaml, Documents) {
    EXPECT_EQ(json_of(parse_yaml("a: 1\n---\nb: 2\n")), R"({"a":1})");
    EXPECT_EQ(json_of(parse_yaml(R"({"a": [1, {"b": "c"}]})")), R"({"a":[1,{"b":"c"}]})");
    EXPECT_EQ(json_of(parse_yaml("b: |\n  line\n  more\nc: >-\n  x\n  z\n")), R"({"b":"line\nmore\n","c":"x z"})");
    EXPECT_EQ(json_of(parse_yaml("a: b: c\n- x")), "refused");
    EXPECT_EQ(json_of(parse_yaml("base: &b {x: 1, z: 2}\nuse: {<<: *b, z: 3}")),
              R"({"base":{"x":1,"z":2},"use":{"z":3,"x":1}})");
    EXPECT_EQ(parse_yaml("a: 1\na: 2").value().duplicates.size(), 1u);
}

TEST(ParseYaml, AliasesCannotBlowItUp) {
    std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 9; ++i) {
        const auto before = "*a" + std::to_string(i - 1);
        text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
        for (int k = 0; k < 8; ++k) text += ", " + before;
        text += "]\n";
    }
    EXPECT_EQ(json_of(parse_yaml(text)), "refused");
}

constexpr std::string_view key_names[] = {"name"};
extern const Message thing;
constexpr Field inner_fields[] = {{.name = "name", .wire_name = "name", .number = 1},
                                  {.name = "port", .wire_name = "port", .number = 2, .type = Type::int32}};
constexpr Message inner{.name = "Inner", .group = "test/v1", .fields = inner_fields};
constexpr Field thing_fields[] = {
    {.name = "text", .wire_name = "text", .number = 1},
    {.name = "count", .wire_name = "count", .number = 2, .type = Type::int64, .presence = Presence::pointer},
    {.name = "items",
     .wire_name = "items",
     .number = 3,
     .type = Type::message,
     .shape = Shape::list,
     .list_type = ListType::map,
     .list_keys = key_names,
     .message = &inner},
    {.name = "labels", .wire_name = "labels", .number = 4, .shape = Shape::map},
    {.name = "when", .wire_name = "when", .number = 5, .type = Type::time},
    {.name = "memory", .wire_name = "memory", .number = 6, .type = Type::quantity, .presence = Presence::pointer},
    {.name = "port", .wire_name = "port", .number = 7, .type = Type::int_or_string},
    {.name = "data", .wire_name = "data", .number = 8, .type = Type::bytes, .shape = Shape::map},
    {.name = "nested", .wire_name = "nested", .number = 9, .type = Type::message, .inlined = true, .message = &inner},
    {.name = "again",
     .wire_name = "again",
     .number = 10,
     .type = Type::message,
     .presence = Presence::pointer,
     .message = &thing},
    {.name = "numbers", .wire_name = "numbers", .number = 11, .type = Type::int64, .shape = Shape::list},
    {.name = "raw", .wire_name = "raw", .number = 12, .type = Type::raw},
    {.name = "flag", .wire_name = "flag", .number = 13, .type = Type::boolean}};
constexpr Message thing{.name = "Thing", .group = "test/v1", .fields = thing_fields};

/// Wire format by hand: numbers below 128 only.
std::string varint(int number, int value) { return {static_cast<char>(number << 3), static_cast<char>(value)}; }
std::string bytes(int number, const std::string& inside) {
    return std::string{static_cast<char>(number << 3 | 2), static_cast<char>(inside.size())} + inside;
}
std::string decoded(const std::string& wire) {
    const auto out = decode_protobuf(thing, wire);
    return out ? json::serialize(*out) : "refused";
}

TEST(Protobuf, Scalars) {
    EXPECT_EQ(decoded(bytes(1, "hi") + varint(2, 5) + varint(13, 1)), R"({"text":"hi","count":5,"flag":true})");
    EXPECT_EQ(decoded(std::string("\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11)), R"({"count":-1})");
    EXPECT_EQ(decoded(bytes(5, "\x08\x01")), R"({"when":"1970-01-01T00:00:01Z"})");
    EXPECT_EQ(decoded(bytes(6, bytes(1, "64Mi"))), R"({"memory":"64Mi"})");
    EXPECT_EQ(decoded(bytes(7, varint(1, 0) + varint(2, 80))), R"({"port":80})");
    EXPECT_EQ(decoded(bytes(7, varint(1, 1) + bytes(3, "http"))), R"({"port":"http"})");
    EXPECT_EQ(decoded(bytes(12, bytes(1, R"({"x":1})"))), R"({"raw":{"x":1}})");
}

TEST(Protobuf, ZeroValuesOfNonPointersAreUnset) {
    EXPECT_EQ(decoded(bytes(1, "") + varint(2, 0) + bytes(5, "") + varint(13, 0)), R"({"count":0})");
}

TEST(Protobuf, ListsMapsAndMessages) {
    EXPECT_EQ(decoded(bytes(3, bytes(1, "a") + varint(2, 80)) + bytes(3, bytes(1, "b"))),
              R"({"items":[{"name":"a","port":80},{"name":"b"}]})");
    EXPECT_EQ(decoded(bytes(4, bytes(1, "k") + bytes(2, "v")) + bytes(8, bytes(1, "f") + bytes(2, "hi"))),
              R"({"labels":{"k":"v"},"data":{"f":"aGk="}})");
    EXPECT_EQ(decoded(bytes(4, bytes(1, "k"))), R"({"labels":{"k":""}})");
    EXPECT_EQ(decoded(bytes(9, bytes(1, "in"))), R"({"name":"in"})");
    EXPECT_EQ(decoded(bytes(10, "")), R"({"again":{}})");
    EXPECT_EQ(decoded(varint(11, 1) + varint(11, 2) + bytes(11, "\x03\x04")), R"({"numbers":[1,2,3,4]})");
}

TEST(Protobuf, BrokenBodiesAreRefused) {
    EXPECT_EQ(decoded("\x0a\x05hi"), "refused");
    EXPECT_EQ(decoded("\x0a"), "refused");
    EXPECT_EQ(decoded(varint(1, 1)), "refused");
    EXPECT_EQ(decoded(bytes(1, "\xff")), "refused");
    EXPECT_EQ(decoded(bytes(12, bytes(1, "{"))), "refused");
    std::string deep;
    for (int i = 0; i < 40; ++i) deep = bytes(10, deep);
    EXPECT_EQ(decoded(deep).substr(0, 10), R"({"again":{)");
}

TEST(Protobuf, Envelope) {
    const auto type = bytes(1, "v1") + bytes(2, "Pod");
    const auto body = std::string("k8s\0", 4) + bytes(1, type) + bytes(2, "raw") + bytes(3, "") + bytes(4, "");
    const auto envelope = open_envelope(body);
    ASSERT_TRUE(envelope);
    EXPECT_EQ(envelope->api_version, "v1");
    EXPECT_EQ(envelope->kind, "Pod");
    EXPECT_EQ(envelope->raw, "raw");
    EXPECT_FALSE(open_envelope("{}"));
}

TEST(Scalar, Base64) {
    EXPECT_EQ(base64("hi"), "aGk=");
    EXPECT_EQ(parse_base64("aGVs\nbG8="), "hello");
    EXPECT_EQ(parse_base64("aGk"), std::nullopt);
    EXPECT_EQ(parse_base64("aGk=="), std::nullopt);
    EXPECT_EQ(parse_base64("a-_="), std::nullopt);
    EXPECT_TRUE(is_canonical_base64(""));
    EXPECT_TRUE(is_canonical_base64("aGk="));
    EXPECT_FALSE(is_canonical_base64("aGl="));
    EXPECT_FALSE(is_canonical_base64("===="));
}

TEST(Scalar, TimesAndDurations) {
    EXPECT_EQ(canonical_time("2026-01-01T02:00:00.9+02:00"), "2026-01-01T00:00:00Z");
    EXPECT_EQ(canonical_time("2026-01-01"), std::nullopt);
    EXPECT_EQ(canonical_micro_time("2026-01-01T00:00:00.123456Z"), "2026-01-01T00:00:00.123456Z");
    EXPECT_EQ(canonical_micro_time("2026-01-01T00:00:00Z"), std::nullopt);
    for (const auto* text : {"1h30m0s", "1.5s", "100ms", "0s", "-2m0s", "1µs", "72h3m0.5s"})
        EXPECT_EQ(duration_text(parse_duration(text).value()), text);
    EXPECT_EQ(duration_text(parse_duration("90m").value()), "1h30m0s");
    for (const auto* text : {"", "5", "h", "1x", "1.2.3s", "."}) EXPECT_FALSE(parse_duration(text)) << text;
}

}  // namespace
}  // namespace object
