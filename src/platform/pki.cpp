#include "platform/pki.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <memory>
#include <sstream>

namespace platform {

using base::Code;
using base::Result;

namespace {

template <auto Free>
struct Freed {
    template <class T>
    void operator()(T* value) const {
        Free(value);
    }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Bio = std::unique_ptr<BIO, Freed<BIO_free_all>>;

constexpr long year_s = 365L * 24 * 3600;

Bio memory(std::string_view text) { return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

std::string drained(BIO* bio) {
    char* data = nullptr;
    const auto size = BIO_get_mem_data(bio, &data);
    return {data, static_cast<std::size_t>(size)};
}

std::string pem(EVP_PKEY* key) {
    const Bio bio(BIO_new(BIO_s_mem()));
    PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
    return drained(bio.get());
}

std::string pem(X509* certificate) {
    const Bio bio(BIO_new(BIO_s_mem()));
    PEM_write_bio_X509(bio.get(), certificate);
    return drained(bio.get());
}

Key read_key(const std::string& text) {
    return Key(PEM_read_bio_PrivateKey(memory(text).get(), nullptr, nullptr, nullptr));
}
Certificate read_certificate(const std::string& text) {
    return Certificate(PEM_read_bio_X509(memory(text).get(), nullptr, nullptr, nullptr));
}

struct Wanted {
    std::string common_name;
    std::vector<std::string> organizations;
    std::vector<std::string> names;  ///< DNS names and addresses
    std::string usage;               ///< extendedKeyUsage; "" for a CA
    long lifetime_s = year_s;
};

void add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    auto* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    base::check(extension != nullptr, "a certificate extension is well formed");
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

bool is_address(const std::string& name) {
    in_addr address{};
    return inet_pton(AF_INET, name.c_str(), &address) == 1;
}

std::string alternative_names(const std::vector<std::string>& names) {
    std::string text;
    for (const auto& name : names)
        text += fmt::format("{}{}:{}", text.empty() ? "" : ",", is_address(name) ? "IP" : "DNS", name);
    return text;
}

Certificate issue(const Wanted& wanted, EVP_PKEY* key, X509* ca, EVP_PKEY* ca_key) {
    Certificate made(X509_new());
    X509* x = made.get();
    X509_set_version(x, 2);
    unsigned char serial[8];
    RAND_bytes(serial, sizeof serial);
    std::uint64_t number = 0;
    for (const auto byte : serial) number = number << 8 | byte;
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), number >> 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -60);  // clocks of clients may be a little behind
    X509_gmtime_adj(X509_getm_notAfter(x), wanted.lifetime_s);
    auto* subject = X509_get_subject_name(x);
    const auto add = [&](const char* field, const std::string& text) {
        X509_NAME_add_entry_by_txt(subject, field, MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()), -1, 0);
    };
    for (const auto& organization : wanted.organizations) add("O", organization);
    add("CN", wanted.common_name);
    X509* issuer = ca ? ca : x;
    X509_set_issuer_name(x, X509_get_subject_name(issuer));
    X509_set_pubkey(x, key);
    add_extension(x, issuer, NID_basic_constraints, ca ? "critical,CA:FALSE" : "critical,CA:TRUE");
    add_extension(x, issuer, NID_key_usage,
                  ca ? "critical,digitalSignature" : "critical,keyCertSign,cRLSign,digitalSignature");
    add_extension(x, issuer, NID_subject_key_identifier, "hash");
    if (ca) add_extension(x, issuer, NID_authority_key_identifier, "keyid");
    if (!wanted.usage.empty()) add_extension(x, issuer, NID_ext_key_usage, wanted.usage);
    if (!wanted.names.empty()) add_extension(x, issuer, NID_subject_alt_name, alternative_names(wanted.names));
    base::check(X509_sign(x, ca ? ca_key : key, EVP_sha256()) > 0, "a certificate can be signed");
    return made;
}

bool still_good(X509* certificate, const std::vector<std::string>& names, base::Time now) {
    if (!certificate) return false;
    auto soon = std::chrono::system_clock::to_time_t(
        std::chrono::time_point_cast<std::chrono::system_clock::duration>(now + std::chrono::days(30)));
    if (X509_cmp_time(X509_get0_notAfter(certificate), &soon) <= 0) return false;
    for (const auto& name : names) {
        const bool has = is_address(name) ? X509_check_ip_asc(certificate, name.c_str(), 0) == 1
                                          : X509_check_host(certificate, name.data(), name.size(), 0, nullptr) == 1;
        if (!has) return false;
    }
    return true;
}

Result<std::string> load_or_make_key(const std::filesystem::path& file) {
    std::error_code error;
    if (std::filesystem::exists(file, error)) return read_file(file);
    const Key key(EVP_EC_gen("P-256"));
    auto text = pem(key.get());
    TRY(write_file(file, text, 0600));
    return text;
}

/// Reads the certificate beside its key, or issues it when it is missing or no longer good.
Result<std::string> load_or_issue(const std::filesystem::path& file, const std::string& key, const Wanted& wanted,
                                  const Pki& pki, base::Time now) {
    if (auto text = read_file(file); text && still_good(read_certificate(*text).get(), wanted.names, now)) return text;
    const auto own = read_key(key);
    if (!own) return base::fail(Code::internal, fmt::format("the key beside {} cannot be read", file.string()));
    const auto ca = pki.ca_certificate.empty() ? nullptr : read_certificate(pki.ca_certificate);
    const auto ca_key = ca ? read_key(pki.ca_key) : nullptr;
    auto text = pem(issue(wanted, own.get(), ca.get(), ca_key.get()).get());
    TRY(write_file(file, text, 0600));
    return text;
}

std::string base64(std::string_view text) {
    std::string out(4 * ((text.size() + 2) / 3) + 1, '\0');
    const int size =
        EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                        reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
    out.resize(static_cast<std::size_t>(size));
    return out;
}

}  // namespace

Result<Pki> load_pki(const std::filesystem::path& folder, const std::vector<std::string>& names, base::Time now) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
    Pki pki;
    pki.ca_key = TRY(load_or_make_key(folder / "ca.key"));
    pki.ca_certificate = TRY(load_or_issue(folder / "ca.crt", pki.ca_key,
                                           {.common_name = "slipway-ca", .lifetime_s = 10 * year_s}, Pki{}, now));
    pki.server_key = TRY(load_or_make_key(folder / "server.key"));
    pki.server_certificate =
        TRY(load_or_issue(folder / "server.crt", pki.server_key,
                          {.common_name = "kube-apiserver", .names = names, .usage = "serverAuth"}, pki, now));
    pki.admin_key = TRY(load_or_make_key(folder / "admin.key"));
    pki.admin_certificate = TRY(load_or_issue(
        folder / "admin.crt", pki.admin_key,
        {.common_name = "kubernetes-admin", .organizations = {"system:masters"}, .usage = "clientAuth"}, pki, now));
    pki.account_key = TRY(load_or_make_key(folder / "accounts.key"));
    return pki;
}

std::string kubeconfig(const Pki& pki, const std::string& server, const std::string& name) {
    return fmt::format(
        "apiVersion: v1\n"
        "kind: Config\n"
        "clusters:\n"
        "- name: {0}\n"
        "  cluster:\n"
        "    server: {1}\n"
        "    certificate-authority-data: {2}\n"
        "users:\n"
        "- name: {0}-admin\n"
        "  user:\n"
        "    client-certificate-data: {3}\n"
        "    client-key-data: {4}\n"
        "contexts:\n"
        "- name: {0}\n"
        "  context:\n"
        "    cluster: {0}\n"
        "    user: {0}-admin\n"
        "current-context: {0}\n",
        name, server, base64(pki.ca_certificate), base64(pki.admin_certificate), base64(pki.admin_key));
}

}  // namespace platform
