// The fixture that the server's tests share.
#include "server/testing/fixture.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

namespace server::testing {

namespace {

class FakeSink final : public kit::http::Reply::Sink {
 public:
    explicit FakeSink(std::shared_ptr<Answer> answer) : answer_(std::move(answer)) {}
    void send(kit::http::Response response) override {
        answer_->status = response.status;
        answer_->headers = std::move(response.headers);
        if (response.body) answer_->body = *response.body;
    }
    std::shared_ptr<kit::http::Stream> start(int status, kit::http::Headers headers) override {
        answer_->status = status;
        answer_->headers = std::move(headers);
        answer_->kept = std::make_shared<FakeStream>();
        return answer_->kept;
    }
    void on_close(run::Callback) override {}

 private:
    std::shared_ptr<Answer> answer_;
};

std::string new_key() {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
    char* text = nullptr;
    const auto size = BIO_get_mem_data(bio, &text);
    std::string pem(text, static_cast<std::size_t>(size));
    BIO_free(bio);
    EVP_PKEY_free(key);
    return pem;
}

}  // namespace

std::string Answer::at(std::string_view pointer) const {
    boost::system::error_code error;
    const auto value = json::parse(kept ? kept->text : body, error);
    if (error) return "";
    const auto* found = value.find_pointer(pointer, error);
    if (!found) return "";
    return found->is_string() ? std::string(found->get_string()) : json::serialize(*found);
}

std::vector<json::value> Answer::events() const {
    std::vector<json::value> out;
    std::string_view rest = kept ? std::string_view(kept->text) : std::string_view{};
    while (!rest.empty()) {
        const auto end = rest.find('\n');
        out.push_back(json::parse(rest.substr(0, end)));
        rest.remove_prefix(end + 1);
    }
    return out;
}

Settings Fixture::test_settings() { return {.admin_token = "admin", .token_key_pem = new_key()}; }

Fixture::Fixture(store::Journal* journal, Settings settings)
    : store(loop, {}, journal), api(verbs::make_api(store, loop, base::Rng(1))) {
    server = std::make_unique<ApiServer>(std::move(settings), loop, *api, base::Rng(2), ports);
    if (!journal) ask("POST /api/v1/namespaces", {.body = R"({"metadata":{"name":"default"}})"});
}

std::shared_ptr<Answer> Fixture::ask(std::string_view method_and_path, Ask ask) {
    kit::http::Request request;
    const auto space = method_and_path.find(' ');
    request.method = method_and_path.substr(0, space);
    request.target = method_and_path.substr(space + 1);
    const auto question = request.target.find('?');
    request.path = request.target.substr(0, question);
    if (question != request.target.npos) request.query = request.target.substr(question + 1);
    request.headers.add("Accept", ask.accept);
    if (!ask.body.empty()) request.headers.add("Content-Type", ask.type);
    if (!ask.token.empty()) request.headers.add("Authorization", "Bearer " + ask.token);
    for (const auto& [name, value] : ask.headers) request.headers.add(name, value);
    request.body = std::move(ask.body);
    auto answer = std::make_shared<Answer>();
    server->handler()(std::move(request), kit::http::Reply(std::make_unique<FakeSink>(answer)));
    settle();
    return answer;
}

std::string Fixture::config_map(std::string_view name, std::string_view labels) const {
    return R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":")" + std::string(name) + R"(","labels":)" +
           std::string(labels) + R"(},"data":{"k":"v"}})";
}

}  // namespace server::testing
