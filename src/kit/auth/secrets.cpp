#include "kit/auth/secrets.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <array>
#include <memory>

namespace kit::auth {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::size_t nonce_bytes = 12;
constexpr std::size_t tag_bytes = 16;

using Cipher = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

std::string uuid_text(std::string bytes, char version) {
    bytes[6] = static_cast<char>((static_cast<unsigned char>(bytes[6]) & 0x0f) | (version << 4));
    bytes[8] = static_cast<char>((static_cast<unsigned char>(bytes[8]) & 0x3f) | 0x80);
    std::string text = hex(bytes);
    for (const std::size_t at : {20U, 16U, 12U, 8U}) text.insert(at, 1, '-');
    return text;
}

}  // namespace

std::string random_bytes(std::size_t bytes) {
    std::string made(bytes, '\0');
    base::check(RAND_bytes(bytes_of(made), static_cast<int>(bytes)) == 1, "the system gives random bytes");
    return made;
}

std::string random_token(std::size_t bytes) { return base64url(random_bytes(bytes)); }

std::string random_uuid() { return uuid_text(random_bytes(16), 4); }

std::string time_uuid(run::Time now) {
    auto bytes = random_bytes(16);
    const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
    for (int at = 0; at < 6; ++at) bytes[static_cast<std::size_t>(at)] = static_cast<char>(since >> (40 - 8 * at));
    return uuid_text(std::move(bytes), 7);
}

std::uint64_t random_seed() {
    std::uint64_t seed = 0;
    for (const char c : random_bytes(sizeof seed)) seed = (seed << 8) | static_cast<unsigned char>(c);
    return seed;
}

bool is_uuid(std::string_view text) {
    if (text.size() != 36) return false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const bool dash = at == 8 || at == 13 || at == 18 || at == 23;
        const char c = text[at];
        if (dash ? c != '-' : !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
    }
    return true;
}

std::string sha256(std::string_view bytes) {
    std::string digest(32, '\0');
    unsigned size = 0;
    const int made = EVP_Digest(bytes.data(), bytes.size(), bytes_of(digest), &size, EVP_sha256(), nullptr);
    base::check(made == 1, "SHA-256 is there");
    return digest;
}

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
    std::string digest(32, '\0');
    unsigned size = 0;
    const auto* made = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes_of(bytes), bytes.size(),
                            bytes_of(digest), &size);
    base::check(made != nullptr, "HMAC-SHA-256 is there");
    return digest;
}

std::string hex(std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const char c : bytes) {
        text += digits[static_cast<unsigned char>(c) >> 4];
        text += digits[static_cast<unsigned char>(c) & 15];
    }
    return text;
}

std::string base64url(std::string_view bytes) {
    std::string text;
    std::uint32_t bits = 0;
    int held = 0;
    for (const char c : bytes) {
        bits = (bits << 8) | static_cast<unsigned char>(c);
        for (held += 8; held >= 6; held -= 6) text += alphabet[(bits >> (held - 6)) & 63];
    }
    if (held > 0) text += alphabet[(bits << (6 - held)) & 63];
    return text;
}

std::optional<std::string> from_base64url(std::string_view text) {
    std::string bytes;
    std::uint32_t bits = 0;
    int held = 0;
    for (const char c : text) {
        const auto value = alphabet.find(c);
        if (value == std::string_view::npos) return std::nullopt;
        bits = (bits << 6) | static_cast<std::uint32_t>(value);
        held += 6;
        if (held < 8) continue;
        held -= 8;
        bytes += static_cast<char>(bits >> held);
    }
    const bool left_over = held >= 6 || (bits & ((1U << held) - 1)) != 0;
    return left_over ? std::nullopt : std::optional(std::move(bytes));
}

std::string seal(std::string_view secret, std::string_view plain, std::string_view bound_to) {
    const auto key = sha256(secret);
    auto nonce = random_bytes(nonce_bytes);
    std::string hidden(plain.size(), '\0');
    std::string tag(tag_bytes, '\0');
    int size = 0;
    const Cipher cipher(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
    const bool made =
        EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes_of(key), bytes_of(nonce)) == 1 &&
        EVP_EncryptUpdate(cipher.get(), nullptr, &size, bytes_of(bound_to), static_cast<int>(bound_to.size())) == 1 &&
        EVP_EncryptUpdate(cipher.get(), bytes_of(hidden), &size, bytes_of(plain), static_cast<int>(plain.size())) ==
            1 &&
        EVP_EncryptFinal_ex(cipher.get(), bytes_of(hidden) + size, &size) == 1 &&
        EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, tag_bytes, tag.data()) == 1;
    base::check(made, "AES-256-GCM is there");
    return base64url(nonce.append(tag).append(hidden));
}

base::Result<std::string> unseal(std::string_view secret, std::string_view sealed, std::string_view bound_to) {
    const auto raw = from_base64url(sealed);
    if (!raw || raw->size() < nonce_bytes + tag_bytes) return base::fail(base::Code::invalid, "nothing sealed");
    const auto key = sha256(secret);
    auto tag = raw->substr(nonce_bytes, tag_bytes);
    const auto hidden = raw->substr(nonce_bytes + tag_bytes);
    std::string plain(hidden.size(), '\0');
    int size = 0;
    const Cipher cipher(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
    const bool opened =
        EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes_of(key), bytes_of(*raw)) == 1 &&
        EVP_DecryptUpdate(cipher.get(), nullptr, &size, bytes_of(bound_to), static_cast<int>(bound_to.size())) == 1 &&
        EVP_DecryptUpdate(cipher.get(), bytes_of(plain), &size, bytes_of(hidden), static_cast<int>(hidden.size())) ==
            1 &&
        EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, tag_bytes, tag.data()) == 1 &&
        EVP_DecryptFinal_ex(cipher.get(), bytes_of(plain) + size, &size) == 1;
    if (!opened) return base::fail(base::Code::forbidden, "it was sealed with another secret, or changed");
    return plain;
}

bool equal_secret(std::string_view one, std::string_view other) {
    // Digests have one length, so that not even the lengths are compared early.
    return CRYPTO_memcmp(sha256(one).data(), sha256(other).data(), 32) == 0;
}

}  // namespace kit::auth
