// Reading and writing over the API: codes, forms, lists, pages, errors, and the wait for durability.
#include "server/server.h"

#include "server/testing/fixture.h"

namespace server::testing {

namespace {

constexpr auto maps = "/api/v1/namespaces/default/configmaps";
constexpr auto table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

std::string at(const char* method, const std::string& rest = "") { return std::string(method) + " " + maps + rest; }

class ServerTest : public Fixture {};

}  // namespace

TEST_F(ServerTest, an_object_is_created_read_changed_and_removed) {
    EXPECT_EQ(ask(at("POST"), {.body = config_map("a")})->status, 201);
    EXPECT_EQ(ask(at("POST"), {.body = config_map("a")})->at("/reason"), "AlreadyExists");

    const auto read = ask(at("GET", "/a"));
    EXPECT_EQ(read->status, 200);
    EXPECT_EQ(read->at("/kind"), "ConfigMap");
    EXPECT_EQ(read->at("/data/k"), "v");

    const auto put = ask(at("PUT", "/a"), {.body = R"({"metadata":{"name":"a"},"data":{"k":"w"}})"});
    EXPECT_EQ(put->status, 200);
    EXPECT_EQ(put->at("/data/k"), "w");
    const auto patched =
        ask(at("PATCH", "/a"), {.body = R"({"data":{"l":"x"}})", .type = "application/merge-patch+json"});
    EXPECT_EQ(patched->at("/data/l"), "x");

    const auto removed = ask(at("DELETE", "/a"));
    EXPECT_EQ(removed->at("/status"), "Success");
    EXPECT_EQ(removed->at("/details/uid"), read->at("/metadata/uid"));
    EXPECT_EQ(ask(at("GET", "/a"))->status, 404);
}

TEST_F(ServerTest, list_items_say_neither_kind_nor_version) {
    ask(at("POST"), {.body = config_map("a")});
    const auto list = ask(at("GET"));
    EXPECT_EQ(list->at("/kind"), "ConfigMapList");
    EXPECT_EQ(list->at("/items/0/metadata/name"), "a");
    EXPECT_EQ(list->at("/items/0/kind"), "");
    EXPECT_EQ(ask("GET /api/v1/namespaces/default/secrets")->at("/items"), "[]");
}

TEST_F(ServerTest, pages_show_the_first_pages_snapshot) {
    for (const auto* name : {"a", "b", "c"}) ask(at("POST"), {.body = config_map(name)});
    const auto first = ask(at("GET", "?limit=2"));
    EXPECT_EQ(first->at("/metadata/remainingItemCount"), "1");
    const auto next = first->at("/metadata/continue");
    ask(at("DELETE", "/c"));
    ask(at("POST"), {.body = config_map("d")});
    const auto second = ask(at("GET", "?limit=2&continue=" + next));
    EXPECT_EQ(second->at("/items/0/metadata/name"), "c");
    EXPECT_EQ(second->at("/items/1"), "");
    EXPECT_EQ(second->at("/metadata/resourceVersion"), first->at("/metadata/resourceVersion"));
    EXPECT_EQ(second->at("/metadata/continue"), "");
    EXPECT_EQ(ask(at("GET", "?continue=nope"))->status, 400);
}

TEST_F(ServerTest, selectors_choose_and_unknown_fields_are_refused) {
    ask(at("POST"), {.body = config_map("a", R"({"app":"x"})")});
    ask(at("POST"), {.body = config_map("b")});
    EXPECT_EQ(ask(at("GET", "?labelSelector=app%3Dx"))->json().at("items").as_array().size(), 1U);
    EXPECT_EQ(ask(at("GET", "?fieldSelector=metadata.name%21%3Da"))->at("/items/0/metadata/name"), "b");
    const auto one = ask(at("GET", "?fieldSelector=metadata.name%3Da"));
    EXPECT_EQ(one->json().at("items").as_array().size(), 1U);
    EXPECT_EQ(ask(at("GET", "?fieldSelector=metadata.name%3Da&labelSelector=app%3Dy"))->at("/items"), "[]");
    EXPECT_EQ(ask("GET /api/v1/configmaps?fieldSelector=metadata.name%3Da")->at("/items/0/metadata/name"), "a");
    EXPECT_EQ(ask(at("GET", "?fieldSelector=data.k%3Dv"))->status, 400);
    EXPECT_EQ(ask(at("GET", "?labelSelector=%3D"))->status, 400);
}

TEST_F(ServerTest, tables_metadata_and_yaml_are_given_when_asked_for) {
    ask(at("POST"), {.body = config_map("a")});
    const auto rows = ask(at("GET"), {.accept = table});
    EXPECT_EQ(rows->at("/kind"), "Table");
    EXPECT_EQ(rows->at("/rows/0/cells/0"), "a");
    EXPECT_EQ(rows->at("/rows/0/object/kind"), "PartialObjectMetadata");
    EXPECT_EQ(ask(at("GET", "?includeObject=None"), {.accept = table})->at("/rows/0/object"), "null");
    const auto partial =
        ask(at("GET", "/a"), {.accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"});
    EXPECT_EQ(partial->at("/kind"), "PartialObjectMetadata");
    EXPECT_EQ(partial->at("/data"), "");
    const auto yaml = ask(at("GET", "/a"), {.accept = "application/yaml"});
    EXPECT_EQ(yaml->headers.get("Content-Type"), "application/yaml");
    EXPECT_NE(yaml->body.find("kind: ConfigMap\n"), std::string::npos);
    const auto html = ask(at("GET", "/a"), {.accept = "text/html"});
    EXPECT_EQ(html->status, 406);
    EXPECT_NE(html->body.find("\"details\":{}"), std::string::npos) << html->body;
    EXPECT_EQ(ask(at("GET", "/a"), {.accept = "application/vnd.kubernetes.protobuf,application/json"})->status, 200);
}

TEST_F(ServerTest, bodies_are_compared_with_the_path) {
    EXPECT_EQ(ask(at("POST"), {.body = R"({"kind":"Secret","metadata":{"name":"a"}})"})->status, 400);
    EXPECT_EQ(ask(at("POST"), {.body = R"({"apiVersion":"apps/v1","metadata":{"name":"a"}})"})->status, 400);
    EXPECT_EQ(ask(at("POST"), {.body = "a: b: c", .type = "application/yaml"})->status, 400);
    EXPECT_EQ(ask(at("POST"), {.body = "x", .type = "text/plain"})->status, 415);
    EXPECT_EQ(ask(at("POST"), {.body = "metadata: {name: why}\ndata: {a: 'no'}\n", .type = "application/yaml"})->status,
              201);
    EXPECT_EQ(ask(at("PATCH", "/why"), {.body = "{}", .type = "application/json"})->status, 415);
}

TEST_F(ServerTest, unknown_fields_are_warned_of_or_refused) {
    const auto* body = R"({"metadata":{"name":"a"},"datum":{}})";
    EXPECT_EQ(ask(at("POST", "?fieldValidation=Strict"), {.body = body})->status, 400);
    const auto warned = ask(at("POST"), {.body = body});
    EXPECT_EQ(warned->headers.get("Warning"), R"(299 - "unknown field \"datum\"")");
    EXPECT_EQ(ask(at("POST", "?fieldValidation=Maybe"), {.body = body})->at("/details/kind"), "CreateOptions");
}

TEST_F(ServerTest, paths_and_methods_that_are_not_served) {
    EXPECT_EQ(ask("GET /nope")->body, "404 page not found\n");
    EXPECT_EQ(ask("GET /apis/nope.io/v1/things")->body, "404 page not found\n");
    EXPECT_EQ(ask("GET /api/v1/nopes")->at("/details"), "{}");
    EXPECT_EQ(ask("GET /api/v1/namespaces/default/nodes")->status, 404);
    EXPECT_EQ(ask(at("PUT"))->status, 405);
    EXPECT_EQ(ask("POST /api/v1/configmaps", {.body = "{}"})->status, 405);
    EXPECT_EQ(ask("DELETE /api/v1/namespaces")->status, 405);
    EXPECT_EQ(ask("DELETE /version")->status, 405);
}

TEST_F(ServerTest, options_that_do_not_go_together) {
    EXPECT_EQ(ask(at("GET", "?resourceVersionMatch=Exact"))->at("/details/kind"), "ListOptions");
    EXPECT_EQ(ask(at("GET", "?resourceVersion=abc"))->status, 400);
    EXPECT_EQ(ask(at("GET", "?resourceVersion=99999"))->at("/details/causes/0/reason"), "ResourceVersionTooLarge");
    EXPECT_EQ(ask(at("GET", "?watch=1&resourceVersion=abc"))->status, 500);
    EXPECT_EQ(ask(at("GET", "?watch=1&sendInitialEvents=true"))->status, 422);
}

TEST_F(ServerTest, deletion_of_a_collection_answers_with_what_was_there) {
    for (const auto* name : {"a", "b"}) ask(at("POST"), {.body = config_map(name, R"({"x":"1"})")});
    ask(at("POST"), {.body = config_map("c")});
    const auto gone = ask(at("DELETE", "?labelSelector=x%3D1"));
    EXPECT_EQ(gone->at("/kind"), "ConfigMapList");
    EXPECT_EQ(gone->json().at("items").as_array().size(), 2U);
    EXPECT_EQ(ask(at("GET"))->json().at("items").as_array().size(), 1U);
}

namespace {

class SlowJournal final : public store::Journal {
 public:
    void append(store::EventPtr event) override { written = event->revision; }
    void on_durable(std::function<void(store::Revision)> durable) override { durable_ = std::move(durable); }
    void sync() { durable_(written); }
    store::Revision written = 0;

 private:
    std::function<void(store::Revision)> durable_;
};

struct WithJournal {
    SlowJournal journal;
};
class DurabilityTest : public WithJournal, public Fixture {
 public:
    DurabilityTest() : Fixture(&journal) {}
};

}  // namespace

TEST_F(DurabilityTest, nothing_is_shown_before_it_is_durable) {
    const auto made = ask("POST /api/v1/namespaces", {.body = R"({"metadata":{"name":"n"}})"});
    const auto read = ask("GET /api/v1/namespaces/n");
    const auto list = ask("GET /api/v1/namespaces");
    const auto watch = ask("GET /api/v1/namespaces?watch=1");
    EXPECT_EQ(made->status, 0);
    EXPECT_EQ(read->status, 0);
    EXPECT_EQ(list->status, 0);
    EXPECT_EQ(watch->status, 200);
    EXPECT_TRUE(watch->events().empty());
    journal.sync();
    settle();
    EXPECT_EQ(made->status, 201);
    EXPECT_EQ(read->status, 200);
    EXPECT_EQ(list->status, 200);
    EXPECT_EQ(watch->events().size(), 1U);
}

}  // namespace server::testing
