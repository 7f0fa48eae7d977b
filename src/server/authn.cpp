#include "server/authn.h"

#include <fmt/format.h>
#include <openssl/crypto.h>

#include <algorithm>

#include "server/core.h"

namespace server {

using base::Code;
using base::Result;
using object::Ref;

namespace {

constexpr std::string_view authenticated = "system:authenticated";
constexpr std::string_view account_prefix = "system:serviceaccount:";

base::Error unauthorized() { return {Code::unauthorized, "Unauthorized"}; }

bool same_secret(std::string_view a, std::string_view b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string lower(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

User account_user(std::string_view ns, std::string_view name) {
    User user{.name = fmt::format("{}{}:{}", account_prefix, ns, name), .uid = "", .groups = {}, .extra = {}};
    user.groups = {"system:serviceaccounts", fmt::format("system:serviceaccounts:{}", ns), std::string(authenticated)};
    return user;
}

/// The object of that name still lives and is the one that the token was made for.
bool lives(Core& core, std::string_view plural, std::string_view ns, Ref ref) {
    const auto found = core.store().get({{"", std::string(plural)}, std::string(ns), std::string(ref["name"].str())});
    return found && found->uid() == ref["uid"].str();
}

std::vector<std::string> audiences_of(Ref claim) {
    std::vector<std::string> out;
    if (const auto one = claim.str(); !one.empty()) out.emplace_back(one);
    for (const auto& value : claim.items()) out.emplace_back(Ref(value).str());
    return out;
}

}  // namespace

Result<User> token_user(Core& core, std::string_view token, const std::vector<std::string>& audiences,
                        std::vector<std::string>* met_audiences) {
    const auto claims = core.tokens.verify(token, core.loop.now());
    if (!claims) return std::unexpected(unauthorized());
    const Ref ref(*claims);
    std::vector<std::string> met;
    const auto said = audiences_of(ref["aud"]);
    for (const auto& audience : audiences)
        if (std::ranges::find(said, audience) != said.end()) met.push_back(audience);
    if (ref["iss"].str() != core.settings.issuer || met.empty()) return std::unexpected(unauthorized());
    const auto bound = ref["kubernetes.io"];
    const auto ns = bound["namespace"].str();
    if (!lives(core, "serviceaccounts", ns, bound["serviceaccount"])) return std::unexpected(unauthorized());
    if (bound["pod"] && !lives(core, "pods", ns, bound["pod"])) return std::unexpected(unauthorized());
    if (bound["secret"] && !lives(core, "secrets", ns, bound["secret"])) return std::unexpected(unauthorized());

    auto user = account_user(ns, bound["serviceaccount"]["name"].str());
    user.uid = bound["serviceaccount"]["uid"].str();
    user.extra["authentication.kubernetes.io/credential-id"] = {fmt::format("JTI={}", ref["jti"].str())};
    if (bound["pod"]) {
        user.extra["authentication.kubernetes.io/pod-name"] = {std::string(bound["pod"]["name"].str())};
        user.extra["authentication.kubernetes.io/pod-uid"] = {std::string(bound["pod"]["uid"].str())};
    }
    if (met_audiences) *met_audiences = std::move(met);
    return user;
}

Result<User> authenticate(Core& core, const http::Request& request) {
    if (request.identity) {
        User user{
            .name = request.identity->common_name, .uid = "", .groups = request.identity->organizations, .extra = {}};
        user.groups.emplace_back(authenticated);
        return user;
    }
    auto header = request.headers.get("Authorization");
    if (lower(header.substr(0, 7)) != "bearer ")
        return User{.name = "system:anonymous", .uid = "", .groups = {"system:unauthenticated"}, .extra = {}};
    header.remove_prefix(7);
    while (header.starts_with(' ')) header.remove_prefix(1);
    if (!core.settings.admin_token.empty() && same_secret(header, core.settings.admin_token))
        return User{.name = "admin", .uid = "", .groups = {"system:masters", std::string(authenticated)}, .extra = {}};
    return token_user(core, header, {core.settings.issuer});
}

namespace {

Result<void> may_impersonate(Core& core, const User& user, Deed deed) {
    deed.verb = "impersonate";
    if (!core.rbac.allows(user, deed)) return std::unexpected(forbidden(user, deed));
    return {};
}

/// Groups of accounts come with their name; everybody but the anonymous is authenticated.
void complete_groups(User& user) {
    if (user.groups.empty() && user.name.starts_with(account_prefix)) {
        const auto rest = std::string_view(user.name).substr(account_prefix.size());
        user.groups = {"system:serviceaccounts",
                       fmt::format("system:serviceaccounts:{}", rest.substr(0, rest.find(':')))};
    }
    const auto wanted = user.name == "system:anonymous" ? "system:unauthenticated" : authenticated;
    if (!user.in(wanted) && !user.in("system:unauthenticated")) user.groups.emplace_back(wanted);
}

Deed user_deed(std::string_view name) {
    if (!name.starts_with(account_prefix)) return {.verb = "", .resource = "users", .name = std::string(name)};
    const auto rest = name.substr(account_prefix.size());
    const auto colon = rest.find(':');
    if (colon == rest.npos) return {.verb = "", .resource = "users", .name = std::string(name)};
    return {.verb = "",
            .resource = "serviceaccounts",
            .ns = std::string(rest.substr(0, colon)),
            .name = std::string(rest.substr(colon + 1))};
}

}  // namespace

Result<User> impersonate(Core& core, const http::Request& request, User user) {
    constexpr std::string_view extra_prefix = "impersonate-extra-";
    User wanted;
    bool asked = false;
    for (const auto& [name, value] : request.headers.all()) {
        const auto key = lower(name);
        if (!key.starts_with("impersonate-")) continue;
        asked = true;
        if (key == "impersonate-user") wanted.name = value;
        if (key == "impersonate-uid") wanted.uid = value;
        if (key == "impersonate-group") wanted.groups.push_back(value);
        if (key.starts_with(extra_prefix)) {
            const auto extra = key.substr(extra_prefix.size());
            wanted.extra[lower(http::percent_decode(extra).value_or(extra))].push_back(value);
        }
    }
    if (!asked) return user;
    if (wanted.name.empty())
        return base::fail(Code::bad_request, "requested impersonation without impersonating a user");
    TRY(may_impersonate(core, user, user_deed(wanted.name)));
    for (const auto& group : wanted.groups)
        TRY(may_impersonate(core, user, {.verb = "", .resource = "groups", .name = group}));
    if (!wanted.uid.empty())
        TRY(may_impersonate(core, user,
                            {.verb = "", .group = "authentication.k8s.io", .resource = "uids", .name = wanted.uid}));
    for (const auto& [key, values] : wanted.extra)
        for (const auto& value : values)
            TRY(may_impersonate(core, user,
                                {.verb = "",
                                 .group = "authentication.k8s.io",
                                 .resource = "userextras",
                                 .subresource = key,
                                 .name = value}));
    complete_groups(wanted);
    return wanted;
}

}  // namespace server
