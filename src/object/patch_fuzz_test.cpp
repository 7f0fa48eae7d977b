// Properties of patches and ownership on random objects. A failure prints its seed; SLIPWAY_SEED=n replays that one.
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <string>

#include "base/rng.h"
#include "object/field_set.h"
#include "object/managed.h"
#include "object/managed_entries.h"
#include "object/managed_walk.h"
#include "object/patch.h"

namespace object {
namespace {

constexpr std::array item_keys = {std::string_view("name")};
const std::array item_fields = {
    Field{.name = "name", .number = 1, .presence = Presence::always},
    Field{.name = "image", .number = 2},
    Field{.name = "args", .number = 3, .shape = Shape::list},
    Field{.name = "env", .number = 4, .shape = Shape::map},
};
const Message item{.name = "Item", .fields = item_fields};
const std::array meta_fields = {
    Field{.name = "labels", .number = 11, .shape = Shape::map},
    Field{.name = "finalizers", .number = 14, .shape = Shape::list, .list_type = ListType::set, .patch_merge = true},
};
const Message meta{.name = "ObjectMeta", .fields = meta_fields};
const std::array root_fields = {
    Field{.name = "metadata", .number = 1, .type = Type::message, .message = &meta},
    Field{.name = "items",
          .number = 2,
          .type = Type::message,
          .shape = Shape::list,
          .list_type = ListType::map,
          .list_keys = item_keys,
          .patch_merge = true,
          .patch_merge_key = "name",
          .message = &item},
    Field{.name = "free", .number = 3, .type = Type::any},
    Field{.name = "one", .number = 4, .type = Type::message, .presence = Presence::pointer, .message = &item},
};
const Message root{.name = "Thing", .fields = root_fields};

/// Random objects of that message; small alphabets, so that they meet.
class Maker {
 public:
    explicit Maker(base::Rng& rng) : rng_(rng) {}

    json::object object() {
        json::object out;
        auto& metadata = out["metadata"].emplace_object();
        if (rng_.chance(0.6)) metadata["labels"] = map();
        if (rng_.chance(0.5)) metadata["finalizers"] = words();
        if (rng_.chance(0.8)) out["items"] = items();
        if (rng_.chance(0.5)) out["free"] = any(3);
        if (rng_.chance(0.4)) out["one"] = one(word());
        return out;
    }
    json::value any(int depth) {
        const auto choice = rng_.below(depth > 0 ? 6 : 4);
        if (choice == 0) return json::value(static_cast<std::int64_t>(rng_.below(3)));
        if (choice == 1) return json::value(rng_.chance(0.5));
        if (choice < 4) return json::value(word());
        if (choice == 4) {
            json::array out;
            for (auto n = rng_.below(3); n > 0; --n) out.push_back(any(depth - 1));
            return out;
        }
        json::object out;
        for (auto n = rng_.below(3) + 1; n > 0; --n) out[word()] = any(depth - 1);
        return out;
    }
    std::string word() { return std::string(1, static_cast<char>('a' + rng_.below(4))); }

 private:
    json::object map() {
        json::object out;
        for (auto n = rng_.below(3) + 1; n > 0; --n) out[word()] = word();
        return out;
    }
    json::array words() {
        json::array out;
        for (char c = 'a'; c < 'e'; ++c) {
            if (rng_.chance(0.4)) out.push_back(json::value(std::string(1, c)));
        }
        if (out.empty()) out.emplace_back("a");
        return out;
    }
    json::object one(std::string name) {
        json::object out{{"name", name}};
        if (rng_.chance(0.5)) out["image"] = word();
        if (rng_.chance(0.3)) out["args"] = words();
        if (rng_.chance(0.3)) out["env"] = map();
        return out;
    }
    json::array items() {
        json::array out;
        for (char c = 'a'; c < 'e'; ++c) {
            if (rng_.chance(0.5)) out.push_back(one(std::string(1, c)));
        }
        if (out.empty()) out.push_back(one("a"));
        return out;
    }

    base::Rng& rng_;
};

void each_seed(int count, const std::function<void(base::Rng&)>& run) {
    const auto* given = std::getenv("SLIPWAY_SEED");
    const std::uint64_t first = given ? std::strtoull(given, nullptr, 10) : 1;
    const std::uint64_t last = given ? first : first + static_cast<std::uint64_t>(count) - 1;
    for (auto seed = first; seed <= last; ++seed) {
        SCOPED_TRACE("replay with SLIPWAY_SEED=" + std::to_string(seed));
        base::Rng rng(seed);
        run(rng);
        if (::testing::Test::HasFailure()) return;
    }
}

/// The merge patch that leads from one document to another that holds no nulls.
json::value difference(const json::value& from, const json::value& to) {
    if (!from.is_object() || !to.is_object()) return to;
    json::object out;
    for (const auto& [key, value] : from.get_object()) {
        const auto* then = to.get_object().if_contains(key);
        if (!then) {
            out[key] = nullptr;
        } else if (*then != value) {
            out[key] = difference(value, *then);
        }
    }
    for (const auto& [key, value] : to.get_object()) {
        if (!from.get_object().contains(key)) out[key] = value;
    }
    return out;
}

TEST(PatchProperties, a_merge_patch_of_the_difference_leads_there) {
    each_seed(2000, [](base::Rng& rng) {
        Maker maker(rng);
        const json::value from = maker.object(), to = maker.object();
        EXPECT_EQ(merge_patch(from, difference(from, to)), to);
    });
}

TEST(PatchProperties, a_strategic_merge_is_done_when_it_is_done) {
    each_seed(2000, [](base::Rng& rng) {
        Maker maker(rng);
        const auto live = maker.object(), patch = maker.object();
        const auto once = strategic_merge(root, live, patch);
        ASSERT_TRUE(once) << once.error().message;
        const auto twice = strategic_merge(root, *once, patch);
        ASSERT_TRUE(twice);
        EXPECT_EQ(json::value(*once), json::value(*twice));
        // Nothing that is live only was lost, and what the patch says holds.
        const auto empty = strategic_merge(root, live, json::object());
        ASSERT_TRUE(empty);
        EXPECT_EQ(json::value(*empty), json::value(live));
        for (const auto& item : Ref(patch)["items"].items()) {
            const auto items = Ref(*once)["items"].items();
            const auto holds = [&](const json::value& other) {
                return Ref(other)["name"].str() == Ref(item)["name"].str();
            };
            EXPECT_EQ(std::count_if(items.begin(), items.end(), holds), 1);
        }
    });
}

TEST(PatchProperties, odd_json_patches_fail_or_work_but_never_end_the_process) {
    each_seed(3000, [](base::Rng& rng) {
        Maker maker(rng);
        constexpr std::array ops = {"add", "remove", "replace", "move", "copy", "test", "odd"};
        json::array patch;
        for (auto n = rng.below(5); n > 0; --n) {
            const auto path = [&] {
                std::string out;
                for (auto steps = rng.below(4); steps > 0; --steps) {
                    constexpr std::array parts = {"items", "free", "metadata", "labels", "a", "0",
                                                  "-1",    "-",    "~1",       "9",      ""};
                    out += std::string("/") + parts[rng.below(parts.size())];
                }
                return out;
            };
            patch.push_back(
                {{"op", ops[rng.below(ops.size())]}, {"path", path()}, {"from", path()}, {"value", maker.any(2)}});
        }
        const auto result = json_patch(maker.object(), patch);
        if (!result) {
            EXPECT_EQ(result.error().code, base::Code::invalid);
        }
    });
}

FieldSet everything(const json::object& object) { return compare_objects(root, json::object(), object).changed; }

TEST(OwnershipProperties, sets_follow_the_laws_of_sets) {
    each_seed(1000, [](base::Rng& rng) {
        Maker maker(rng);
        const auto a = everything(maker.object()), b = everything(maker.object());
        auto both = a;
        both.unite(b);
        auto rest = both;
        rest.subtract(b);
        auto again = a;
        again.subtract(b);
        EXPECT_EQ(rest, again);
        auto common = a.intersection(b);
        EXPECT_EQ(common, b.intersection(a));
        again.unite(common);
        EXPECT_EQ(again, a);
        const auto read = FieldSet::from_json(json::value(both.to_json()));
        ASSERT_TRUE(read);
        EXPECT_EQ(*read, both);
    });
}

TEST(OwnershipProperties, nobody_owns_what_is_not_there) {
    each_seed(200, [](base::Rng& rng) {
        Maker maker(rng);
        std::optional<json::object> live;
        for (int write = 0; write < 8; ++write) {
            const Manager who{
                .name = maker.word(), .api_version = "v1", .time = base::Time(std::chrono::seconds(write))};
            const auto finish = [](json::object merged) -> base::Result<json::object> { return merged; };
            const auto wish = maker.object();
            if (rng.chance(0.5)) {
                auto updated = wish;
                track_update(root, live ? &*live : nullptr, updated, who);
                live = std::move(updated);
            } else {
                auto result = apply(root, live ? &*live : nullptr, wish, who, Force::yes, finish);
                ASSERT_TRUE(result) << result.error().message;
                // The same again changes nothing, not even a time, and what was asked for holds.
                auto later = who;
                later.time += std::chrono::hours(1);
                const auto again = apply(root, &*result, wish, later, Force::no, finish);
                ASSERT_TRUE(again) << again.error().message;
                EXPECT_EQ(json::value(*again), json::value(*result));
                live = std::move(*result);
            }
            const auto owners = read_owners(Ref(*live)["metadata"]["managedFields"]);
            ASSERT_TRUE(owners);
            for (const auto& owner : *owners) {
                auto beyond = owner.fields;
                beyond.subtract(everything(*live));
                std::string paths;
                beyond.each_path([&](const std::string& path) { paths += path + " "; });
                EXPECT_EQ(paths, "") << owner.manager << " in " << json::serialize(*live);
            }
        }
    });
}

}  // namespace
}  // namespace object
