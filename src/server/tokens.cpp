#include "server/tokens.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <array>
#include <vector>

namespace server {

namespace json = object::json;
using base::Code;
using base::Result;

namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::size_t p256_bytes = 32;

struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
    void operator()(BIO* bio) const { BIO_free(bio); }
    void operator()(ECDSA_SIG* signature) const { ECDSA_SIG_free(signature); }
    void operator()(BIGNUM* number) const { BN_free(number); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

std::string number_bytes(const BIGNUM* number, std::size_t size) {
    std::string out(size, '\0');
    BN_bn2binpad(number, reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(size));
    return out;
}

/// ECDSA signatures are DER in OpenSSL and two plain numbers in a JWT.
std::string der_to_plain(std::string_view der) {
    const auto* at = bytes_of(der);
    const Owned<ECDSA_SIG> signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
    if (!signature) return {};
    return number_bytes(ECDSA_SIG_get0_r(signature.get()), p256_bytes) +
           number_bytes(ECDSA_SIG_get0_s(signature.get()), p256_bytes);
}

std::string plain_to_der(std::string_view plain) {
    if (plain.size() != 2 * p256_bytes) return {};
    const Owned<ECDSA_SIG> signature(ECDSA_SIG_new());
    ECDSA_SIG_set0(signature.get(), BN_bin2bn(bytes_of(plain), p256_bytes, nullptr),
                   BN_bin2bn(bytes_of(plain) + p256_bytes, p256_bytes, nullptr));
    unsigned char* der = nullptr;
    const int size = i2d_ECDSA_SIG(signature.get(), &der);
    if (size < 0) return {};
    std::string out(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
    return out;
}

std::string number_parameter(const EVP_PKEY* key, const char* name) {
    BIGNUM* raw = nullptr;
    if (EVP_PKEY_get_bn_param(key, name, &raw) != 1) return {};
    const Owned<BIGNUM> number(raw);
    return number_bytes(number.get(), static_cast<std::size_t>(BN_num_bytes(number.get())));
}

base::Error untrue(std::string_view why) { return {Code::unauthorized, std::string(why)}; }

}  // namespace

struct Tokens::Key {
    Owned<EVP_PKEY> pkey;
    bool rsa = false;
    std::string id;  ///< `kid`: from the public key's digest

    std::string public_der() const {
        unsigned char* der = nullptr;
        const int size = i2d_PUBKEY(pkey.get(), &der);
        if (size < 0) return {};
        std::string out(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
        OPENSSL_free(der);
        return out;
    }
};

Tokens::Tokens(Tokens&&) noexcept = default;
Tokens& Tokens::operator=(Tokens&&) noexcept = default;
Tokens::~Tokens() = default;

Result<Tokens> Tokens::create(std::string_view key_pem) {
    Tokens tokens;
    if (key_pem.empty()) return tokens;
    const Owned<BIO> bio(BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size())));
    auto key = std::make_unique<Key>();
    key->pkey.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
    if (!key->pkey) return base::fail(Code::bad_request, "the token key is no private key in PEM form");
    key->rsa = EVP_PKEY_base_id(key->pkey.get()) == EVP_PKEY_RSA;
    if (!key->rsa && EVP_PKEY_base_id(key->pkey.get()) != EVP_PKEY_EC)
        return base::fail(Code::bad_request, "the token key is neither RSA nor EC");
    const auto der = key->public_der();
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    EVP_Digest(der.data(), der.size(), digest.data(), &size, EVP_sha256(), nullptr);
    key->id = base64url({reinterpret_cast<char*>(digest.data()), size});
    tokens.key_ = std::move(key);
    return tokens;
}

std::string_view Tokens::algorithm() const { return key_ && !key_->rsa ? "ES256" : "RS256"; }

Result<std::string> Tokens::sign(const json::object& claims) const {
    if (!key_) return base::fail(Code::unavailable, "this server has no key to sign tokens with");
    const json::object header{{"alg", algorithm()}, {"kid", key_->id}};
    auto text = base64url(json::serialize(header)) + "." + base64url(json::serialize(claims));
    const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
    std::size_t size = 0;
    if (EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_->pkey.get()) != 1 ||
        EVP_DigestSign(context.get(), nullptr, &size, bytes_of(text), text.size()) != 1)
        return base::fail(Code::internal, "a token could not be signed");
    std::string signature(size, '\0');
    if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, bytes_of(text),
                       text.size()) != 1)
        return base::fail(Code::internal, "a token could not be signed");
    signature.resize(size);
    return text + "." + base64url(key_->rsa ? signature : der_to_plain(signature));
}

Result<json::object> Tokens::verify(std::string_view token, base::Time now) const {
    const auto first = token.find('.');
    const auto last = token.rfind('.');
    if (!key_ || first == token.npos || first == last) return std::unexpected(untrue("invalid bearer token"));
    const auto header_text = TRY(from_base64url(token.substr(0, first)));
    const auto claims_text = TRY(from_base64url(token.substr(first + 1, last - first - 1)));
    auto signature = TRY(from_base64url(token.substr(last + 1)));
    if (!key_->rsa) signature = plain_to_der(signature);
    boost::system::error_code error;
    const auto header = json::parse(header_text, error);
    if (error || object::Ref(header)["alg"].str() != algorithm())
        return std::unexpected(untrue("a token signed in another way"));
    const auto signed_text = token.substr(0, last);
    const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
    if (EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key_->pkey.get()) != 1 ||
        EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(signed_text),
                         signed_text.size()) != 1)
        return std::unexpected(untrue("a token with a wrong signature"));
    auto claims = json::parse(claims_text, error);
    if (error || !claims.is_object()) return std::unexpected(untrue("a token without claims"));
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
    if (object::Ref(claims)["exp"].num() <= seconds) return std::unexpected(untrue("the token has expired"));
    if (object::Ref(claims)["nbf"].num() > seconds) return std::unexpected(untrue("the token is not valid yet"));
    return std::move(claims.get_object());
}

json::object Tokens::key_set() const {
    json::array keys;
    if (key_) {
        json::object key{{"use", "sig"}, {"kid", key_->id}, {"alg", algorithm()}};
        if (key_->rsa) {
            key["kty"] = "RSA";
            key["n"] = base64url(number_parameter(key_->pkey.get(), OSSL_PKEY_PARAM_RSA_N));
            key["e"] = base64url(number_parameter(key_->pkey.get(), OSSL_PKEY_PARAM_RSA_E));
        } else {
            key["kty"] = "EC";
            key["crv"] = "P-256";
            key["x"] = base64url(number_parameter(key_->pkey.get(), OSSL_PKEY_PARAM_EC_PUB_X));
            key["y"] = base64url(number_parameter(key_->pkey.get(), OSSL_PKEY_PARAM_EC_PUB_Y));
        }
        keys.push_back(std::move(key));
    }
    return {{"keys", std::move(keys)}};
}

std::string base64url(std::string_view bytes) {
    std::string out;
    std::uint32_t held = 0;
    int bits = 0;
    for (const unsigned char c : bytes) {
        held = held << 8 | c;
        bits += 8;
        while (bits >= 6) {
            bits -= 6;
            out += alphabet[held >> bits & 63];
        }
    }
    if (bits > 0) out += alphabet[held << (6 - bits) & 63];
    return out;
}

Result<std::string> from_base64url(std::string_view text) {
    std::string out;
    std::uint32_t held = 0;
    int bits = 0;
    for (const char c : text) {
        const auto value = alphabet.find(c);
        if (value == alphabet.npos) return base::fail(Code::unauthorized, "not base64url");
        held = held << 6 | static_cast<std::uint32_t>(value);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out += static_cast<char>(held >> bits & 255);
        }
    }
    return out;
}

}  // namespace server
