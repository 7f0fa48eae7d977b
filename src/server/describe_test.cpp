// What the server says about itself: discovery, OpenAPI, health; and pods' logs, which come from elsewhere.
#include "server/represent.h"
#include "server/testing/fixture.h"

namespace server::testing {

namespace {

constexpr auto aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

class DescribeTest : public Fixture {};

class FakeLogs final : public Logs {
 public:
    std::unique_ptr<Reading> read(LogRequest request, LogSink sink) override {
        asked = std::move(request);
        out = std::move(sink);
        return std::make_unique<Reading>();
    }
    LogRequest asked;
    LogSink out;
};

class LogTest : public Fixture {
 public:
    LogTest() {
        ports.logs = &logs;
        server = std::make_unique<ApiServer>(test_settings(), loop, *api, base::Rng(4), ports);
        // Stored as the node would have left it: how it came to run is not at stake here.
        store.create({{"", "pods"}, "default", "p"}, json::parse(R"({"kind":"Pod","apiVersion":"v1",
            "metadata":{"name":"p","namespace":"default","uid":"u"},
            "spec":{"nodeName":"n","containers":[{"name":"c","image":"i"},{"name":"d","image":"i"}]},
            "status":{"containerStatuses":[{"name":"c","state":{"running":{}}},
                                           {"name":"d","state":{"waiting":{"reason":"ContainerCreating"}}}]}})")
                                                         .as_object());
        settle();
    }
    std::shared_ptr<Answer> log(const std::string& query) {
        return ask("GET /api/v1/namespaces/default/pods/p/log" + query);
    }
    FakeLogs logs;
};

}  // namespace

TEST_F(DescribeTest, both_discoveries_say_what_is_served) {
    EXPECT_EQ(ask("GET /api")->at("/versions/0"), "v1");
    EXPECT_EQ(ask("GET /apis")->at("/kind"), "APIGroupList");
    EXPECT_EQ(ask("GET /apis/apps")->at("/preferredVersion/groupVersion"), "apps/v1");
    EXPECT_EQ(ask("GET /apis/apps/v1")->at("/groupVersion"), "apps/v1");
    EXPECT_EQ(ask("GET /apis/autoscaling")->at("/preferredVersion/version"), "v2");
    const auto all = ask("GET /apis", {.accept = aggregated});
    EXPECT_EQ(all->at("/kind"), "APIGroupDiscoveryList");
    EXPECT_EQ(all->headers.get("Content-Type"), "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
    const std::string etag(all->headers.get("ETag"));
    EXPECT_EQ(ask("GET /apis", {.accept = aggregated, .headers = {{"If-None-Match", etag}}})->status, 304);
}

TEST_F(DescribeTest, openapi_lists_documents_that_are_there) {
    const auto index = ask("GET /openapi/v3");
    const auto url = index->at("/paths/apis~1apps~1v1/serverRelativeURL");
    ASSERT_TRUE(url.starts_with("/openapi/v3/apis/apps/v1?hash="));
    const auto apps = ask("GET " + url);
    EXPECT_EQ(apps->status, 200);
    const std::string path = "/paths/~1apis~1apps~1v1~1namespaces~1{namespace}~1deployments~1{name}/patch/";
    EXPECT_EQ(apps->at(path + "x-kubernetes-group-version-kind/kind"), "Deployment");
    EXPECT_NE(apps->at(path + "parameters").find("fieldValidation"), std::string::npos);
    EXPECT_EQ(ask("GET /openapi/v3/apis/apps/v1?hash=AB")->status, 301);
    EXPECT_EQ(ask("GET /openapi/v3/apis/nope/v1")->status, 404);
}

TEST_F(DescribeTest, every_reference_in_a_document_leads_somewhere) {
    const auto document = ask("GET /openapi/v3/api/v1")->json();
    const auto& schemas = document.at("components").at("schemas").as_object();
    const auto text = json::serialize(document);
    constexpr std::string_view mark = "\"#/components/schemas/";
    for (auto at = text.find(mark); at != text.npos; at = text.find(mark, at + 1)) {
        const auto begin = at + mark.size();
        const auto name = text.substr(begin, text.find('"', begin) - begin);
        EXPECT_TRUE(schemas.contains(name)) << name;
    }
}

TEST_F(DescribeTest, the_old_openapi_is_a_small_protobuf) {
    const auto old = ask("GET /openapi/v2", {.accept = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"});
    EXPECT_EQ(old->body.substr(0, 5), std::string("\x0a\x03") + "2.0");
    EXPECT_EQ(ask("GET /openapi/v2", {.accept = "application/yaml"})->status, 406);
}

TEST_F(DescribeTest, health_names_what_is_not_ready) {
    ports.unready = [] { return std::vector<std::string>{"node"}; };
    server = std::make_unique<ApiServer>(test_settings(), loop, *api, base::Rng(4), ports);
    EXPECT_EQ(ask("GET /livez")->body, "ok");
    const auto ready = ask("GET /readyz");
    EXPECT_EQ(ready->status, 500);
    EXPECT_NE(ready->body.find("[-]node failed"), std::string::npos);
    EXPECT_EQ(ask("GET /readyz?exclude=node")->status, 200);
    EXPECT_EQ(ask("GET /livez/ping")->body, "ok");
    EXPECT_EQ(ask("GET /livez/etcd")->status, 404);
}

TEST_F(LogTest, the_container_is_chosen_or_asked_for) {
    EXPECT_EQ(log("")->status, 400);
    EXPECT_EQ(log("?container=x")->status, 400);
    EXPECT_NE(log("?container=d")->body.find("is waiting to start: ContainerCreating"), std::string::npos);
    EXPECT_EQ(log("?container=c&tailLines=-1")->at("/details/kind"), "PodLogOptions");
    EXPECT_EQ(log("?container=c&tailLines=x")->status, 400);
    EXPECT_EQ(log("?container=c&previous=true")->status, 400);
}

TEST_F(LogTest, the_only_container_is_meant_also_beside_initial_ones) {
    store.create({{"", "pods"}, "default", "q"}, json::parse(R"({"kind":"Pod","apiVersion":"v1",
        "metadata":{"name":"q","namespace":"default","uid":"u"},
        "spec":{"nodeName":"n","initContainers":[{"name":"i","image":"i"}],"containers":[{"name":"c","image":"i"}]},
        "status":{"containerStatuses":[{"name":"c","state":{"running":{}}}]}})")
                                                     .as_object());
    settle();
    ask("GET /api/v1/namespaces/default/pods/q/log");
    EXPECT_EQ(logs.asked.container, "c");
}

TEST_F(LogTest, text_goes_out_as_it_comes) {
    const auto answer = log("?container=c&tailLines=3&timestamps=true&follow=true");
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(logs.asked.container, "c");
    EXPECT_EQ(logs.asked.uid, "u");
    EXPECT_EQ(logs.asked.tail_lines, 3);
    logs.out.chunk("one\n");
    EXPECT_EQ(answer->kept->text, "one\n");
    logs.out.chunk("two\n");
    logs.out.end();
    settle();
    EXPECT_EQ(answer->kept->text, "one\ntwo\n");
    EXPECT_TRUE(answer->kept->ended);
}

TEST_F(LogTest, an_error_before_the_first_text_is_a_status) {
    const auto answer = log("?container=c");
    EXPECT_EQ(answer->status, 0);
    logs.out.fail(base::Error(base::Code::not_found, "the log is gone"));
    settle();
    EXPECT_EQ(answer->status, 404);
}

}  // namespace server::testing
