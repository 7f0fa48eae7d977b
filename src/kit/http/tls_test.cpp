// TLS as a client sees it: certificates, protocols, client identities.
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "kit/http/server.h"
#include "kit/testing/certificate.h"
#include "kit/testing/http_fixture.h"

namespace kit::http {
namespace {

using testing::Client;
using testing::get;
using testing::Signed;

class TlsServer : public ::testing::Test {
 protected:
    void SetUp() override {
        loop_.run([&] {
            ServerOptions options;
            options.tls = TlsFiles{leaf_.certificate_pem(), leaf_.key_pem(), authority_.certificate_pem()};
            auto made = serve(loop_.io, std::move(options), [](Request request, Reply reply) {
                std::string who = "nobody";
                if (request.identity) {
                    who = request.identity->common_name + " of";
                    for (const auto& one : request.identity->organizations) who += " " + one;
                }
                Response response;
                response.body =
                    std::make_shared<const std::string>(request.path == "/big" ? std::string(3'000'000, 'x') : who);
                std::move(reply).send(std::move(response));
            });
            ASSERT_TRUE(made) << made.error().message;
            server_ = std::move(*made);
        });
    }
    void TearDown() override {
        loop_.run([&] { server_.reset(); });
    }

    /// Sends one request through TLS; what came back, or "refused".
    std::string ask(const Signed* as, const std::string& path = "/", int version = TLS1_3_VERSION) {
        const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                                        &SSL_CTX_free);
        SSL_CTX_set_max_proto_version(context.get(), version);
        SSL_CTX_set_options(context.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
        if (as) {
            SSL_CTX_use_certificate(context.get(), as->certificate.get());
            SSL_CTX_use_PrivateKey(context.get(), as->key.get());
        }
        static constexpr unsigned char offered[] = "\x02h2\x08http/1.1";
        SSL_CTX_set_alpn_protos(context.get(), offered, sizeof offered - 1);
        Client socket(server_->port());
        const std::unique_ptr<SSL, decltype(&SSL_free)> tls(SSL_new(context.get()), &SSL_free);
        SSL_set_fd(tls.get(), socket.fd());
        if (SSL_connect(tls.get()) != 1) return "refused";
        const unsigned char* chosen = nullptr;
        unsigned int length = 0;
        SSL_get0_alpn_selected(tls.get(), &chosen, &length);
        protocol_.assign(reinterpret_cast<const char*>(chosen), length);
        const auto request = get(path, "Connection: close\r\n");
        if (SSL_write(tls.get(), request.data(), static_cast<int>(request.size())) <= 0) return "refused";
        std::string answer;
        char bytes[16 * 1024];
        for (int got = 0; (got = SSL_read(tls.get(), bytes, sizeof bytes)) > 0;)
            answer.append(bytes, static_cast<std::size_t>(got));
        const auto body = answer.find("\r\n\r\n");
        return body == std::string::npos ? "refused" : answer.substr(body + 4);
    }

    Signed authority_{"test CA", nullptr, nullptr};
    Signed leaf_{"localhost", nullptr, &authority_};
    Signed admin_{"admin", "system:masters", &authority_};
    testing::LoopThread loop_;
    std::unique_ptr<Server> server_;
    std::string protocol_;
};

TEST_F(TlsServer, KnowsWhoShowsACertificateAndLetsOthersIn) {
    EXPECT_EQ(ask(&admin_), "admin of system:masters");
    EXPECT_EQ(protocol_, "http/1.1");
    EXPECT_EQ(ask(&admin_, "/", TLS1_2_VERSION), "admin of system:masters");
    EXPECT_EQ(ask(nullptr), "nobody");
    EXPECT_EQ(ask(nullptr, "/big").size(), 3'000'000U);
}

TEST_F(TlsServer, RefusesABadCertificateAndOldProtocols) {
    const Signed stranger("admin", "system:masters", nullptr);
    const Signed liar("admin", "system:masters", &stranger);
    EXPECT_EQ(ask(&stranger), "refused");
    EXPECT_EQ(ask(&liar), "refused");
    EXPECT_EQ(ask(nullptr, "/", TLS1_1_VERSION), "refused");
    EXPECT_EQ(ask(nullptr), "nobody") << "and lives on";
}

TEST_F(TlsServer, TellsPlainClientsToUseHttps) {
    Client client(server_->port());
    client.send(get("/"));
    EXPECT_NE(client.read_to_end().find("use https://"), std::string::npos);
}

TEST_F(TlsServer, SaysWhichFileIsWrong) {
    loop_.run([&] {
        const auto reason = [&](TlsFiles files) {
            ServerOptions options;
            options.tls = std::move(files);
            const auto made = serve(loop_.io, std::move(options), [](Request, Reply) {});
            return made ? std::string() : made.error().message;
        };
        EXPECT_TRUE(reason({"x", leaf_.key_pem(), ""}).starts_with("the TLS certificate is not PEM"));
        EXPECT_TRUE(reason({leaf_.certificate_pem(), "x", ""}).starts_with("the TLS key is not PEM"));
        EXPECT_TRUE(reason({leaf_.certificate_pem(), admin_.key_pem(), ""}).starts_with("the TLS key does not fit"));
        EXPECT_TRUE(reason({leaf_.certificate_pem(), leaf_.key_pem(), "x"}).starts_with("the client CA is not PEM"));
    });
}

}  // namespace
}  // namespace kit::http
