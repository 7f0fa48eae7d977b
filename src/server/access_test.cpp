// Who is let in, and what they may do.
#include "server/testing/fixture.h"

namespace server::testing {

namespace {

using namespace std::chrono_literals;

constexpr auto accounts = "/api/v1/namespaces/default/serviceaccounts";
constexpr auto pods = "GET /api/v1/namespaces/default/pods";
constexpr auto who_am_i = "POST /apis/authentication.k8s.io/v1/selfsubjectreviews";

class AccessTest : public Fixture {
 public:
    AccessTest() { ask(std::string("POST ") + accounts, {.body = R"({"metadata":{"name":"robot"}})"}); }
    std::string token(const std::string& spec = "{}") {
        return ask(std::string("POST ") + accounts + "/robot/token", {.body = R"({"spec":)" + spec + "}"})
            ->at("/status/token");
    }
};

}  // namespace

TEST_F(AccessTest, nobody_sees_health_and_version_alone) {
    EXPECT_EQ(ask("GET /healthz", {.token = ""})->body, "ok");
    EXPECT_EQ(ask("GET /version", {.token = ""})->at("/gitVersion"), "v1.36.2");
    const auto refused = ask(pods, {.token = ""});
    EXPECT_EQ(refused->status, 403);
    EXPECT_EQ(refused->at("/details/kind"), "pods");
    EXPECT_EQ(refused->at("/message"),
              "pods is forbidden: User \"system:anonymous\" cannot list resource \"pods\" in API group \"\" in the "
              "namespace \"default\"");
    EXPECT_EQ(ask("GET /version", {.token = "nonsense"})->status, 401);
}

TEST_F(AccessTest, a_token_speaks_for_its_account_as_long_as_that_lives) {
    const auto mine = token();
    const auto me = ask(who_am_i, {.body = "{}", .token = mine});
    EXPECT_EQ(me->at("/status/userInfo/username"), "system:serviceaccount:default:robot");
    EXPECT_EQ(ask(pods, {.token = mine})->status, 403);
    ask("POST /apis/rbac.authorization.k8s.io/v1/clusterroles",
        {.body = R"({"metadata":{"name":"see"},"rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["list"]}]})"});
    ask("POST /apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings",
        {.body = R"({"metadata":{"name":"see"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole",
                    "name":"see"},"subjects":[{"kind":"ServiceAccount","name":"robot","namespace":"default"}]})"});
    EXPECT_EQ(ask(pods, {.token = mine})->status, 200);
    EXPECT_EQ(ask("GET /api/v1/pods", {.token = mine})->status, 403);
    ask(std::string("DELETE ") + accounts + "/robot");
    EXPECT_EQ(ask(pods, {.token = mine})->status, 401);
}

TEST_F(AccessTest, tokens_for_others_and_old_tokens_do_not_count) {
    EXPECT_EQ(ask(pods, {.token = token(R"({"audiences":["vault"]})")})->status, 401);
    const auto brief = token(R"({"expirationSeconds":600})");
    EXPECT_EQ(ask(pods, {.token = brief})->status, 403);
    pass(601s);
    EXPECT_EQ(ask(pods, {.token = brief})->status, 401);
    auto forged = token();
    forged[forged.size() / 2] = forged[forged.size() / 2] == 'A' ? 'B' : 'A';
    EXPECT_EQ(ask(pods, {.token = forged})->status, 401);
    EXPECT_EQ(token(R"({"expirationSeconds":5})"), "");
}

TEST_F(AccessTest, a_token_review_names_the_account) {
    const auto review =
        ask("POST /apis/authentication.k8s.io/v1/tokenreviews", {.body = R"({"spec":{"token":")" + token() + R"("}})"});
    EXPECT_EQ(review->at("/status/authenticated"), "true");
    EXPECT_EQ(review->at("/status/user/username"), "system:serviceaccount:default:robot");
}

TEST_F(AccessTest, the_administrator_may_be_taken_for_somebody_else) {
    const auto alice =
        ask(who_am_i, {.body = "{}", .headers = {{"Impersonate-User", "alice"}, {"Impersonate-Group", "dev"}}});
    EXPECT_EQ(alice->at("/status/userInfo/username"), "alice");
    EXPECT_EQ(alice->at("/status/userInfo/groups"), R"(["dev","system:authenticated"])");
    EXPECT_EQ(ask(pods, {.headers = {{"Impersonate-User", "alice"}}})->status, 403);
    EXPECT_EQ(ask(pods, {.headers = {{"Impersonate-Group", "dev"}}})->status, 400);
    EXPECT_EQ(ask(who_am_i, {.body = "{}", .token = token(), .headers = {{"Impersonate-User", "alice"}}})->status, 403);
}

TEST_F(AccessTest, nobody_gives_away_more_than_he_has) {
    ask("POST /apis/rbac.authorization.k8s.io/v1/clusterroles",
        {.body = R"({"metadata":{"name":"roles"},"rules":[{"apiGroups":["rbac.authorization.k8s.io"],
                    "resources":["roles"],"verbs":["create","patch"]}]})"});
    ask("POST /apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
        {.body = R"({"metadata":{"name":"roles"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole",
                    "name":"roles"},"subjects":[{"kind":"ServiceAccount","name":"robot","namespace":"default"}]})"});
    const auto* path = "POST /apis/rbac.authorization.k8s.io/v1/namespaces/default/roles";
    const auto mine = token();
    const auto role = [](std::string_view name, std::string_view group, std::string_view resource) {
        return R"({"metadata":{"name":")" + std::string(name) + R"("},"rules":[{"apiGroups":[")" + std::string(group) +
               R"("],"resources":[")" + std::string(resource) + R"("],"verbs":["create"]}]})";
    };
    EXPECT_EQ(ask(path, {.body = role("a", "rbac.authorization.k8s.io", "roles"), .token = mine})->status, 201);
    const auto refused = ask(path, {.body = role("b", "", "secrets"), .token = mine});
    EXPECT_EQ(refused->status, 403);
    EXPECT_EQ(refused->at("/details/name"), "b");
    const auto widen = R"({"rules":[{"apiGroups":["*"],"resources":["*"],"verbs":["*"]}]})";
    const auto* item = "PATCH /apis/rbac.authorization.k8s.io/v1/namespaces/default/roles/a";
    EXPECT_EQ(ask(item, {.body = widen, .type = "application/merge-patch+json", .token = mine})->status, 403);
}

TEST_F(AccessTest, access_reviews_answer_for_anybody) {
    const auto* path = "POST /apis/authorization.k8s.io/v1/subjectaccessreviews";
    const auto root = ask(path, {.body = R"({"spec":{"user":"r","groups":["system:masters"],
                                             "resourceAttributes":{"verb":"get","resource":"pods"}}})"});
    EXPECT_EQ(root->at("/status/allowed"), "true");
    const auto alice =
        ask(path, {.body = R"({"spec":{"user":"alice","resourceAttributes":{"verb":"get","resource":"pods"}}})"});
    EXPECT_EQ(alice->at("/status/allowed"), "false");
    EXPECT_EQ(ask(path, {.body = R"({"spec":{"user":"alice"}})"})->status, 422);
}

}  // namespace server::testing
