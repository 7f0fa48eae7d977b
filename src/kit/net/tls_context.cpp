// What a TLS server of ours is: TLS 1.2 or later, HTTP/1.1 by ALPN, client certificates verified when shown. And what a
// TLS client of ours is: the same, and it believes nobody who is not signed by whom it trusts.
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <memory>

#include "kit/net/transport.h"

namespace kit::net {
namespace {

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

Bio reader(std::string_view pem) { return {BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free}; }

std::unexpected<base::Error> failed(const std::string& what) {
    const auto code = ERR_get_error();
    const char* reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
    ERR_clear_error();
    return base::fail(base::Code::invalid, reason ? what + ": " + reason : what);
}

Certificate next_certificate(BIO* from) { return {PEM_read_bio_X509(from, nullptr, nullptr, nullptr), &X509_free}; }

base::Result<void> use_certificate(SSL_CTX* context, std::string_view pem) {
    const auto bio = reader(pem);
    const auto leaf = next_certificate(bio.get());
    if (!leaf) return failed("the TLS certificate is not PEM");
    if (SSL_CTX_use_certificate(context, leaf.get()) != 1) return failed("the TLS certificate cannot be used");
    while (auto link = next_certificate(bio.get())) {
        if (SSL_CTX_add_extra_chain_cert(context, link.release()) != 1) return failed("the TLS chain cannot be used");
    }
    ERR_clear_error();  // the end of the text reads as an error
    return {};
}

base::Result<void> use_key(SSL_CTX* context, std::string_view pem) {
    const auto bio = reader(pem);
    const Key key{PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr), &EVP_PKEY_free};
    if (!key) return failed("the TLS key is not PEM");
    if (SSL_CTX_use_PrivateKey(context, key.get()) != 1) return failed("the TLS key does not fit its certificate");
    return {};
}

/// Calls `also` for each certificate that the context trusts from now on; how many there were.
template <class Also>
int trust(SSL_CTX* context, std::string_view pem, Also also) {
    const auto bio = reader(pem);
    int found = 0;
    while (const auto authority = next_certificate(bio.get())) {
        X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.get());
        also(authority.get());
        ++found;
    }
    ERR_clear_error();  // the end of the text reads as an error
    return found;
}

base::Result<void> ask_for_clients(SSL_CTX* context, std::string_view pem) {
    if (trust(context, pem, [&](X509* authority) { SSL_CTX_add_client_CA(context, authority); }) == 0) {
        return failed("the client CA is not PEM");
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    return {};
}

SSL_CTX* with_habits(SSL_CTX* context) {
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_mode(context,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(context, 1);
    return context;
}

int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* length, const unsigned char* offered,
                    unsigned int offered_length, void*) {
    static constexpr unsigned char ours[] = "\x08http/1.1";
    unsigned char* match = nullptr;
    if (SSL_select_next_proto(&match, length, ours, sizeof ours - 1, offered, offered_length) !=
        OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_NOACK;
    }
    *chosen = match;
    return SSL_TLSEXT_ERR_OK;
}

}  // namespace

base::Result<std::shared_ptr<TlsContext>> TlsContext::create(std::string_view certificate_pem, std::string_view key_pem,
                                                             std::string_view client_ca_pem) {
    SSL_CTX* context = SSL_CTX_new(TLS_server_method());
    if (!context) return failed("OpenSSL cannot make a TLS context");
    std::shared_ptr<TlsContext> made(new TlsContext(with_habits(context)));
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    static constexpr unsigned char session_context[] = "kit";
    SSL_CTX_set_session_id_context(context, session_context, sizeof session_context - 1);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
    TRY(use_certificate(context, certificate_pem));
    TRY(use_key(context, key_pem));
    if (!client_ca_pem.empty()) TRY(ask_for_clients(context, client_ca_pem));
    return made;
}

base::Result<std::shared_ptr<TlsContext>> TlsContext::for_client(std::string_view ca_pem) {
    SSL_CTX* context = SSL_CTX_new(TLS_client_method());
    if (!context) return failed("OpenSSL cannot make a TLS context");
    std::shared_ptr<TlsContext> made(new TlsContext(with_habits(context)));
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    static constexpr unsigned char ours[] = "\x08http/1.1";
    SSL_CTX_set_alpn_protos(context, ours, sizeof ours - 1);
    if (ca_pem.empty()) {
        SSL_CTX_set_default_verify_paths(context);
    } else if (trust(context, ca_pem, [](X509*) {}) == 0) {
        return failed("the CA of https hosts is not PEM");
    }
    return made;
}

TlsContext::~TlsContext() { SSL_CTX_free(context_); }

}  // namespace kit::net
