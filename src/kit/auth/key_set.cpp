#include "kit/auth/key_set.h"

#include <openssl/evp.h>

#include <algorithm>
#include <boost/json.hpp>

namespace kit::auth {
namespace {

namespace json = boost::json;

constexpr std::size_t keys_max = 64;
constexpr std::size_t roles_max = 16;
constexpr std::size_t text_max = 512;  ///< bytes of one claim
constexpr std::size_t public_bytes = 32;
constexpr std::size_t signature_bytes = 64;

using Digest = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

std::unexpected<base::Error> refused(std::string_view why) {
    return base::fail(base::Code::unauthorized, std::string("the token ").append(why));
}

/// The member's text; nothing when it is absent, no text, or longer than anybody needs.
std::optional<std::string> text_in(const json::object& object, std::string_view name) {
    const auto* found = object.if_contains({name.data(), name.size()});
    if (!found || !found->is_string() || found->get_string().size() > text_max) return std::nullopt;
    return std::string(found->get_string().data(), found->get_string().size());
}

/// Seconds since 1970, with a fraction or without (RFC 7519, NumericDate), within what a Time can hold.
std::optional<run::Time> time_in(const json::object& object, std::string_view name) {
    const auto* found = object.if_contains({name.data(), name.size()});
    if (!found || !found->is_number()) return std::nullopt;
    const auto seconds = found->to_number<double>();
    if (!(seconds >= 0 && seconds < 9e9)) return std::nullopt;
    return run::Time(std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000)));
}

struct Parts {
    std::string_view signed_bytes;  ///< header.payload
    json::object header;
    json::object payload;
    std::string signature;
};

std::optional<json::object> object_of(std::string_view encoded) {
    const auto text = from_base64url(encoded);
    if (!text) return std::nullopt;
    boost::system::error_code error;
    auto value = json::parse({text->data(), text->size()}, error);
    if (error || !value.is_object()) return std::nullopt;
    return std::move(value.get_object());
}

base::Result<Parts> parts_of(std::string_view token) {
    if (token.size() > token_bytes_max) return refused("is too long");
    const auto first = token.find('.');
    const auto second = first == std::string_view::npos ? first : token.find('.', first + 1);
    if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos)
        return refused("has not three parts");
    auto header = object_of(token.substr(0, first));
    auto payload = object_of(token.substr(first + 1, second - first - 1));
    auto signature = from_base64url(token.substr(second + 1));
    if (!header || !payload || !signature) return refused("is not encoded as a JWT");
    return Parts{token.substr(0, second), std::move(*header), std::move(*payload), std::move(*signature)};
}

/// The key's id. What a header asks for is checked, never obeyed.
base::Result<std::string> key_id_in(const json::object& header) {
    if (text_in(header, "alg") != "EdDSA") return refused("is not signed with EdDSA");
    if (header.contains("crit")) return refused("asks for extensions");
    if (header.contains("typ") && text_in(header, "typ") != "JWT") return refused("is of another type");
    auto id = text_in(header, "kid");
    if (!id || id->empty()) return refused("names no key");
    return std::move(*id);
}

base::Result<Identity> identity_in(const json::object& payload, const TokenRules& rules, run::Time now) {
    if (text_in(payload, "iss") != rules.issuer) return refused("is from another issuer");
    const auto expires = time_in(payload, "exp");
    if (!expires) return refused("says not when it expires");
    if (now >= *expires + rules.leeway) return refused("has expired");
    for (const auto* name : {"iat", "nbf"}) {
        if (!payload.contains(name)) continue;
        const auto from = time_in(payload, name);
        if (!from || now + rules.leeway < *from) return refused("is not valid yet");
    }
    Identity identity{.user = text_in(payload, "sub").value_or(""),
                      .email = text_in(payload, "email").value_or(""),
                      .name = text_in(payload, "name").value_or(""),
                      .roles = {},
                      .expires = *expires,
                      .session = text_in(payload, "sid").value_or("")};
    if (identity.user.empty() || identity.user == "service") return refused("names no user");
    const auto* roles = payload.if_contains("roles");
    if (!roles) return identity;
    if (!roles->is_array() || roles->get_array().size() > roles_max) return refused("has no list of roles");
    for (const auto& one : roles->get_array()) {  // no token makes a service; other roles are another program's
        for (const auto role : {Role::buyer, Role::dealer, Role::admin}) {
            if (one.is_string() && one.get_string() == role_name(role) && !identity.has(role))
                identity.roles.push_back(role);
        }
    }
    return identity;
}

}  // namespace

base::Result<KeySet> KeySet::parse(std::string_view jwks_json) {
    boost::system::error_code error;
    const auto value = json::parse({jwks_json.data(), jwks_json.size()}, error);
    const auto* keys = !error && value.is_object() ? value.get_object().if_contains("keys") : nullptr;
    if (!keys || !keys->is_array()) return base::fail(base::Code::invalid, "it is no JWKS");
    if (keys->get_array().size() > keys_max) return base::fail(base::Code::invalid, "the JWKS has too many keys");
    KeySet set;
    for (const auto& one : keys->get_array()) {
        if (!one.is_object()) continue;
        const auto& key = one.get_object();
        const auto id = text_in(key, "kid");
        const auto x = from_base64url(text_in(key, "x").value_or(""));
        const bool fits = text_in(key, "kty") == "OKP" && text_in(key, "crv") == "Ed25519" && id && !id->empty() && x &&
                          x->size() == public_bytes && (!key.contains("alg") || text_in(key, "alg") == "EdDSA") &&
                          (!key.contains("use") || text_in(key, "use") == "sig");
        if (!fits) continue;
        auto* made = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr,
                                                 reinterpret_cast<const unsigned char*>(x->data()), x->size());
        if (made) set.keys_.try_emplace(*id, made, [](void* it) { EVP_PKEY_free(static_cast<EVP_PKEY*>(it)); });
    }
    return set;
}

base::Result<Identity> KeySet::verify(std::string_view token, const TokenRules& rules, run::Time now) const {
    const auto parts = TRY(parts_of(token));
    const auto key_id = TRY(key_id_in(parts.header));
    if (!keys_.contains(key_id)) return base::fail(base::Code::not_found, "the token's key is not known");
    if (!signed_by(key_id, parts.signed_bytes, parts.signature)) return refused("has a wrong signature");
    return identity_in(parts.payload, rules, now);
}

std::string KeySet::csrf_digest(std::string_view token) {
    const auto parts = parts_of(token);
    return parts ? text_in(parts->payload, "csrf").value_or("") : std::string();
}

bool KeySet::signed_by(const std::string& key_id, std::string_view bytes, std::string_view signature) const {
    const auto found = keys_.find(key_id);
    if (found == keys_.end() || signature.size() != signature_bytes) return false;
    const Digest digest(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
    auto* key = static_cast<EVP_PKEY*>(found->second.get());
    return EVP_DigestVerifyInit(digest.get(), nullptr, nullptr, nullptr, key) == 1 &&
           EVP_DigestVerify(digest.get(), reinterpret_cast<const unsigned char*>(signature.data()), signature.size(),
                            reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()) == 1;
}

base::Result<Identity> verify_token(std::string_view token, std::string_view jwks_json, std::string_view issuer,
                                    run::Time now, run::Duration leeway) {
    const auto keys = TRY(KeySet::parse(jwks_json));
    auto identity = keys.verify(token, {.issuer = std::string(issuer), .leeway = leeway}, now);
    if (!identity && identity.error().code == base::Code::not_found) return refused("is signed with an unknown key");
    return identity;
}

}  // namespace kit::auth
