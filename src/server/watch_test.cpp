// Watches: what is sent, in which form, and how they end.
#include "server/testing/fixture.h"

namespace server::testing {

namespace {

using namespace std::chrono_literals;

constexpr auto maps = "/api/v1/namespaces/default/configmaps";

std::string type_of(const json::value& event) { return std::string(event.at("type").as_string()); }
std::string name_of(const json::value& event) {
    return std::string(event.at("object").at("metadata").at("name").as_string());
}

class WatchTest : public Fixture {
 public:
    std::shared_ptr<Answer> watch(const std::string& query, Ask how = {}) {
        return ask(std::string("GET ") + maps + "?watch=1" + query, std::move(how));
    }
    void create(std::string_view name, std::string_view labels = "{}") {
        ask(std::string("POST ") + maps, {.body = config_map(name, labels)});
    }
    void label(std::string_view name, std::string_view labels) {
        ask(std::string("PATCH ") + maps + "/" + std::string(name),
            {.body = R"({"metadata":{"labels":)" + std::string(labels) + "}}", .type = "application/merge-patch+json"});
    }
    std::string version() { return std::to_string(store.revision()); }
};

std::vector<std::string> types(const Answer& answer) {
    std::vector<std::string> out;
    for (const auto& event : answer.events()) out.push_back(type_of(event));
    return out;
}

using Types = std::vector<std::string>;

}  // namespace

TEST_F(WatchTest, begins_with_what_there_is_and_goes_on_with_changes) {
    create("a");
    const auto seen = watch("");
    EXPECT_EQ(types(*seen), (Types{"ADDED"}));
    create("b");
    label("a", R"({"x":"y"})");
    ask(std::string("DELETE ") + maps + "/a");
    EXPECT_EQ(types(*seen), (Types{"ADDED", "ADDED", "MODIFIED", "DELETED"}));
    EXPECT_EQ(name_of(seen->events()[3]), "a");
}

TEST_F(WatchTest, from_a_version_replays_what_came_after) {
    const auto from = version();
    create("a");
    create("b");
    const auto seen = watch("&resourceVersion=" + from);
    EXPECT_EQ(types(*seen), (Types{"ADDED", "ADDED"}));
}

TEST_F(WatchTest, leaving_the_selection_is_a_deletion_at_the_new_version) {
    create("a", R"({"x":"1"})");
    const auto seen = watch("&labelSelector=x%3D1");
    label("a", R"({"x":"2"})");
    const auto left = version();
    label("a", R"({"x":"1"})");
    EXPECT_EQ(types(*seen), (Types{"ADDED", "DELETED", "ADDED"}));
    const auto meta = seen->events()[1].at("object").at("metadata");
    EXPECT_EQ(meta.at("labels").at("x").as_string(), "1");
    EXPECT_EQ(meta.at("resourceVersion").as_string(), left);
}

TEST_F(WatchTest, ends_cleanly_in_time_with_a_last_bookmark) {
    const auto seen = watch("&timeoutSeconds=90&allowWatchBookmarks=true&resourceVersion=" + version());
    pass(61s);
    EXPECT_EQ(types(*seen), (Types{"BOOKMARK"}));
    EXPECT_FALSE(seen->kept->ended);
    create("a");
    pass(30s);
    EXPECT_TRUE(seen->kept->ended);
    EXPECT_EQ(types(*seen), (Types{"BOOKMARK", "ADDED", "BOOKMARK"}));
    EXPECT_EQ(seen->events()[2].at("object").at("metadata").at("resourceVersion").as_string(), version());
}

TEST_F(WatchTest, a_watch_list_marks_where_the_initial_objects_end) {
    create("a");
    const auto seen = watch("&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true");
    ASSERT_EQ(types(*seen), (Types{"ADDED", "BOOKMARK"}));
    const auto mark = seen->events()[1].at("object");
    EXPECT_EQ(mark.at("kind").as_string(), "ConfigMap");
    EXPECT_EQ(mark.at("metadata").at("annotations").at("k8s.io/initial-events-end").as_string(), "true");
    create("b");
    EXPECT_EQ(seen->events().size(), 3U);
}

TEST_F(WatchTest, tables_describe_their_columns_once) {
    const auto seen = watch("", {.accept = "application/json;as=Table;v=v1;g=meta.k8s.io"});
    create("a");
    create("b");
    ASSERT_EQ(seen->events().size(), 2U);
    EXPECT_TRUE(seen->events()[0].at("object").at("columnDefinitions").is_array());
    EXPECT_TRUE(seen->events()[1].at("object").at("columnDefinitions").is_null());
}

TEST_F(WatchTest, a_client_that_reads_nothing_is_cut) {
    auto settings = test_settings();
    settings.watch_backlog_bytes_max = 100;
    server = std::make_unique<ApiServer>(std::move(settings), loop, *api, base::Rng(3));
    const auto seen = watch("&resourceVersion=" + version());
    seen->kept->stuck = true;
    create("a");
    create("b");
    settle();
    EXPECT_EQ(seen->events().size(), 1U);
    EXPECT_FALSE(seen->kept->ended);
    EXPECT_EQ(seen->kept.use_count(), 1);  // the server has let go of it
}

TEST_F(WatchTest, a_version_that_is_still_to_come_has_expired) {
    const auto seen = watch("&resourceVersion=99999");
    ASSERT_EQ(types(*seen), (Types{"ERROR"}));
    EXPECT_EQ(seen->events()[0].at("object").at("code").as_int64(), 410);
    EXPECT_TRUE(seen->kept->ended);
}

TEST_F(WatchTest, a_drain_ends_all_watches) {
    const auto seen = watch("");
    server->end_watches();
    EXPECT_TRUE(seen->kept->ended);
    EXPECT_TRUE(watch("")->kept->ended);
}

}  // namespace server::testing
