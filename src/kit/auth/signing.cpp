#include "kit/auth/signing.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <array>
#include <charconv>
#include <optional>

#include "kit/json_text.h"

namespace kit::auth {
namespace {

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;

EVP_PKEY* pkey(const std::shared_ptr<void>& key) { return static_cast<EVP_PKEY*>(key.get()); }

std::shared_ptr<void> owned(EVP_PKEY* key) {
    return {key, [](void* it) { EVP_PKEY_free(static_cast<EVP_PKEY*>(it)); }};
}

/// RFC 7638: the digest of the members that define the key, in order.
std::string thumbprint(std::string_view x) {
    return base64url(sha256(fmt::format(R"({{"crv":"Ed25519","kty":"OKP","x":"{}"}})", x)));
}

std::int64_t unix_seconds(run::Time time) {
    return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

std::string hmac_of(std::string_view secret, std::string_view stamp, std::string_view body) {
    return hex(hmac_sha256(secret, fmt::format("{}.{}", stamp, body)));
}

}  // namespace

SigningKey::SigningKey(std::shared_ptr<void> key) : key_(std::move(key)) {
    std::array<unsigned char, 32> raw{};
    std::size_t size = raw.size();
    base::check(EVP_PKEY_get_raw_public_key(pkey(key_), raw.data(), &size) == 1 && size == raw.size(),
                "an Ed25519 key has 32 public bytes");
    public_.x = base64url({reinterpret_cast<const char*>(raw.data()), size});
    public_.id = thumbprint(public_.x);
}

SigningKey SigningKey::make() {
    auto* made = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
    base::check(made != nullptr, "OpenSSL makes Ed25519 keys");
    return SigningKey(owned(made));
}

base::Result<SigningKey> SigningKey::from_pem(std::string_view pem) {
    const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
    auto* read = PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr);
    if (!read) return base::fail(base::Code::invalid, "it is no private key in PEM");
    auto key = owned(read);
    if (EVP_PKEY_get_id(read) != EVP_PKEY_ED25519) return base::fail(base::Code::invalid, "the key is not Ed25519");
    return SigningKey(std::move(key));
}

std::string SigningKey::pem() const {
    const Bio bio(BIO_new(BIO_s_mem()), &BIO_free);
    const int written = PEM_write_bio_PrivateKey(bio.get(), pkey(key_), nullptr, nullptr, 0, nullptr, nullptr);
    base::check(written == 1, "a key is written as PEM");
    char* text = nullptr;
    const auto size = BIO_get_mem_data(bio.get(), &text);
    return {text, static_cast<std::size_t>(size)};
}

std::string SigningKey::sign(std::string_view bytes) const {
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> digest(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
    std::string signature(64, '\0');
    std::size_t size = signature.size();
    const bool made = EVP_DigestSignInit(digest.get(), nullptr, nullptr, nullptr, pkey(key_)) == 1 &&
                      EVP_DigestSign(digest.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                                     reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()) == 1;
    base::check(made && size == signature.size(), "an Ed25519 key signs");
    return signature;
}

std::string jwks_text(const std::vector<PublicKey>& keys) {
    std::string text;
    JsonText json(text);
    json.open('{').key("keys").open('[');
    for (const auto& [id, x] : keys) {
        json.open('{').field("kty", "OKP").field("crv", "Ed25519").field("use", "sig").field("alg", "EdDSA");
        json.field("kid", id).field("x", x).close('}');
    }
    json.close(']').close('}');
    return text;
}

std::string sign_token(const SigningKey& key, const Claims& claims) {
    std::string header;
    JsonText(header).open('{').field("alg", "EdDSA").field("typ", "JWT").field("kid", key.shown().id).close('}');
    std::string payload;
    JsonText json(payload);
    json.open('{').field("iss", claims.issuer).field("sub", claims.user).field("email", claims.email);
    json.field("name", claims.name).key("roles").open('[');
    for (const auto role : claims.roles) {
        if (role != Role::service) json.value(role_name(role));
    }
    json.close(']').field("iat", unix_seconds(claims.issued)).field("exp", unix_seconds(claims.expires));
    json.field("jti", claims.token_id);
    if (!claims.session.empty()) json.field("sid", claims.session);
    if (!claims.csrf.empty()) json.field("csrf", base64url(sha256(claims.csrf)));
    json.close('}');
    auto token = base64url(header).append(".").append(base64url(payload));
    const auto signature = key.sign(token);
    return token.append(".").append(base64url(signature));
}

std::string webhook_signature(std::string_view secret, std::string_view body, run::Time now) {
    const auto stamp = std::to_string(unix_seconds(now));
    return fmt::format("t={},v1={}", stamp, hmac_of(secret, stamp, body));
}

base::Result<void> check_webhook(std::string_view secret, std::string_view header, std::string_view body, run::Time now,
                                 run::Duration tolerance) {
    constexpr std::size_t header_bytes_max = 1024;
    const auto refused = [](std::string_view why) { return base::fail(base::Code::unauthorized, std::string(why)); };
    if (header.empty()) return refused("Slipway-Signature is missing");
    if (header.size() > header_bytes_max || secret.empty()) return refused("the signature is wrong");
    std::string_view stamp;
    std::vector<std::string_view> signatures;
    for (auto rest = header; !rest.empty();) {
        const auto part = rest.substr(0, rest.find(','));
        rest.remove_prefix(std::min(rest.size(), part.size() + 1));
        if (part.starts_with("t=")) stamp = part.substr(2);
        if (part.starts_with("v1=")) signatures.push_back(part.substr(3));
    }
    std::int64_t seconds = 0;
    const auto [end, error] = std::from_chars(stamp.data(), stamp.data() + stamp.size(), seconds);
    const bool whole =
        error == std::errc{} && end == stamp.data() + stamp.size() && seconds >= 0 && seconds < 9'000'000'000;
    if (!whole) return refused("the signature names no time");
    const auto right = hmac_of(secret, stamp, body);
    bool fits = false;
    for (const auto& signature : signatures) fits |= equal_secret(signature, right);
    if (!fits) return refused("the signature is wrong");
    if (std::chrono::abs(now - run::Time(std::chrono::seconds(seconds))) > tolerance)
        return refused("the signature is of another time");
    return {};
}

}  // namespace kit::auth
