#include "object/selector.h"

#include <gtest/gtest.h>

namespace object {
namespace {

json::value js(std::string_view text) { return json::parse(json::string_view(text.data(), text.size())); }

bool matches(std::string_view selector, std::string_view labels) {
    const auto parsed = LabelSelector::parse(selector);
    EXPECT_TRUE(parsed) << selector;
    const auto value = js(labels);
    return parsed && parsed->matches(value);
}

TEST(LabelSelector, reads_each_operator) {
    constexpr auto labels = R"({"app":"web","tier":"front","empty":"","n":"5","example.com/x":"1"})";
    for (const auto* yes : {"", "app=web", "app==web,tier=front", "app!=db", "nope!=x", "app", "!nope", "empty=",
                            "app in (web,db)", "app notin (db)", "nope notin (a)", "example.com/x=1", "n>4", "n<6",
                            " app = web , tier in ( front , back ) ", "empty in (,x)", "empty in ()", "in!=x", "!in"}) {
        EXPECT_TRUE(matches(yes, labels)) << yes;
    }
    for (const auto* no : {"app=db", "app!=web", "!app", "nope", "nope=", "app in (db)", "app notin (web,db)", "n>5",
                           "n<5", "app>1", "app=web,tier=back"}) {
        EXPECT_FALSE(matches(no, labels)) << no;
    }
}

TEST(LabelSelector, refuses_bad_syntax) {
    for (const auto* bad : {"a===b", "a in b", "a in (b", ",", "bad/key/x=1", "a=not a value", "n>x", "-a=1", "=", "a,",
                            "a b", "!a=b", "a in (b c)", "a=b=c", "A.B/c", "a=-b", "a in", "(a)", "!"}) {
        const auto parsed = LabelSelector::parse(bad);
        ASSERT_FALSE(parsed) << bad;
        EXPECT_EQ(parsed.error().code, base::Code::bad_request);
    }
    EXPECT_FALSE(LabelSelector::parse("a=" + std::string(64, 'x')));
    EXPECT_TRUE(LabelSelector::parse("a=" + std::string(63, 'x')));
}

TEST(LabelSelector, comes_from_json_and_goes_to_text) {
    const auto json = js(R"({"matchLabels":{"app":"web"},"matchExpressions":[
        {"key":"tier","operator":"In","values":["b","a"]},{"key":"old","operator":"DoesNotExist"}]})");
    const auto selector = LabelSelector::from_json(json);
    ASSERT_TRUE(selector);
    EXPECT_EQ(selector->text(), "app=web,!old,tier in (a,b)");
    EXPECT_TRUE(selector->matches(js(R"({"app":"web","tier":"a"})")));
    EXPECT_FALSE(selector->matches(js(R"({"app":"web","tier":"a","old":""})")));
    EXPECT_FALSE(LabelSelector::from_json(Ref())->matches(js(R"({"app":"web"})")));
    EXPECT_FALSE(LabelSelector::from_json(Ref())->selects_everything());
    const auto all = js("{}");
    EXPECT_TRUE(LabelSelector::from_json(all)->selects_everything());
    const auto wrong = js(R"({"matchExpressions":[{"key":"a","operator":"in"}]})");
    EXPECT_FALSE(LabelSelector::from_json(wrong));
    const auto again = LabelSelector::parse(selector->text());
    ASSERT_TRUE(again);
    EXPECT_EQ(again->text(), selector->text());
}

TEST(FieldSelector, splits_terms_and_escapes) {
    const auto terms = parse_field_selector(R"(metadata.name=a,spec.nodeName!=,x==1\,2)");
    ASSERT_TRUE(terms);
    ASSERT_EQ(terms->size(), 3u);
    EXPECT_EQ((*terms)[0].path, "metadata.name");
    EXPECT_EQ((*terms)[0].value, "a");
    EXPECT_FALSE((*terms)[1].equal);
    EXPECT_EQ((*terms)[1].value, "");
    EXPECT_EQ((*terms)[2].value, "1,2");
    EXPECT_TRUE(parse_field_selector("")->empty());
    for (const auto* bad : {"nonsense", "a=b=c", R"(a=\x)", R"(a=b\)"}) EXPECT_FALSE(parse_field_selector(bad)) << bad;
}

}  // namespace
}  // namespace object
