// For tests of TLS: a certificate with its key, signed by itself or by another, good for an hour.
#pragma once

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

namespace kit::testing {

struct Signed {
    std::shared_ptr<EVP_PKEY> key{EVP_EC_gen("P-256"), &EVP_PKEY_free};
    std::shared_ptr<X509> certificate{X509_new(), &X509_free};

    Signed(const char* name, const char* organization, const Signed* by) {
        auto* const x = certificate.get();
        X509_set_version(x, 2);
        ASN1_INTEGER_set(X509_get_serialNumber(x), by ? 2 : 1);
        X509_gmtime_adj(X509_getm_notBefore(x), -60);
        X509_gmtime_adj(X509_getm_notAfter(x), 3600);
        X509_set_pubkey(x, key.get());
        auto* const subject = X509_get_subject_name(x);
        const auto add = [&](const char* field, const char* value) {
            X509_NAME_add_entry_by_txt(subject, field, MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(value), -1,
                                       -1, 0);
        };
        if (organization) add("O", organization);
        add("CN", name);
        X509_set_issuer_name(x, X509_get_subject_name(by ? by->certificate.get() : x));
        if (!by) {
            X509_EXTENSION* authority =
                X509V3_EXT_conf_nid(nullptr, nullptr, NID_basic_constraints, "critical,CA:TRUE");
            X509_add_ext(x, authority, -1);
            X509_EXTENSION_free(authority);
        }
        X509_sign(x, (by ? by : this)->key.get(), EVP_sha256());
    }
    std::string certificate_pem() const {
        return pem([&](BIO* to) { PEM_write_bio_X509(to, certificate.get()); });
    }
    std::string key_pem() const {
        return pem([&](BIO* to) { PEM_write_bio_PrivateKey(to, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
    }

 private:
    template <class Write>
    static std::string pem(Write write) {
        BIO* memory = BIO_new(BIO_s_mem());
        write(memory);
        char* data = nullptr;
        const auto length = BIO_get_mem_data(memory, &data);
        std::string text(data, static_cast<std::size_t>(length));
        BIO_free(memory);
        return text;
    }
};

}  // namespace kit::testing
