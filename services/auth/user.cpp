#include "auth/user.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/time.h"
#include "kit/web/entity_tag.h"

namespace auth {
namespace {

constexpr std::array every_role{Role::buyer, Role::dealer, Role::admin};
constexpr std::size_t login_max = 254;  ///< an address in SMTP (RFC 5321)

/// Those that everybody tries first and that are long enough.
constexpr std::array<std::string_view, 16> common_passwords{
    "password",  "password1", "12345678", "123456789", "1234567890", "qwertyuiop", "iloveyou", "sunshine",
    "princess1", "football",  "baseball", "superman",  "trustno1",   "11111111",   "00000000", "abcd1234"};

bool plain(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-'; }

std::string lowered(std::string_view text) {
    std::string made(text);
    for (auto& c : made) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    return made;
}

kit::TextField password_field() { return {.length_min = 1, .length_max = password_max, .spaces = kit::Spaces::kept}; }

}  // namespace

bool User::has(Role role) const { return std::ranges::find(roles, role) != roles.end(); }

std::string text_of(const Roles& roles) {
    std::string text;
    for (const auto role : every_role) {
        if (std::ranges::find(roles, role) == roles.end()) continue;
        if (!text.empty()) text += ',';
        text += kit::auth::role_name(role);
    }
    return text;
}

Roles roles_of(std::string_view text) {
    Roles roles;
    while (!text.empty()) {
        const auto name = text.substr(0, text.find(','));
        text.remove_prefix(std::min(text.size(), name.size() + 1));
        for (const auto role : every_role) {
            if (kit::auth::role_name(role) == name) roles.push_back(role);
        }
    }
    return roles;
}

void append_json(std::string& out, const User& user) {
    kit::JsonText json(out);
    json.open('{').field("id", user.id).field("email", user.email());
    if (!user.has_email()) json.field("username", user.login);
    json.field("name", user.name).key("roles").open('[');
    for (const auto role : user.roles) json.value(kit::auth::role_name(role));
    json.close(']').field("wants_dealer", user.wants_dealer);
    json.field("created_at", base::rfc3339(base::Time(std::chrono::milliseconds(user.created_at)))).close('}');
}

std::string user_schema() {
    return R"({"type":"object","required":["id","email","name","roles","wants_dealer","created_at"],"properties":{
        "id":{"type":"string","format":"uuid"},"email":{"type":"string"},"username":{"type":"string"},
        "name":{"type":"string"},"roles":{"type":"array","items":{"type":"string","enum":["buyer","dealer","admin"]}},
        "wants_dealer":{"type":"boolean"},"created_at":{"type":"string","format":"date-time"}}})";
}

std::string etag(const User& user) { return kit::entity_tag(user.id, user.revision); }

std::string login_of(std::string_view given) { return lowered(given); }

std::string email_problem(std::string_view login) {
    const auto at = login.find('@');
    const auto domain = at == std::string_view::npos ? std::string_view{} : login.substr(at + 1);
    const bool bad_character = std::ranges::any_of(login, [](char c) {
        return static_cast<unsigned char>(c) <= ' ' || c == 0x7f || std::string_view("<>()[]\\,;:\"").contains(c);
    });
    const bool fits = at != 0 && !domain.empty() && domain.find('@') == std::string_view::npos &&
                      !domain.starts_with('.') && !domain.ends_with('.') &&
                      domain.find("..") == std::string_view::npos && !bad_character;
    return fits && login.size() <= login_max ? "" : "must be an e-mail address like ann@example.com";
}

std::string username_problem(std::string_view login) {
    const bool fits = login.size() >= 3 && login.size() <= 40 && std::ranges::all_of(login, plain);
    return fits ? "" : "must have 3 to 40 letters, digits, points, dashes or underscores";
}

std::string password_problem(std::string_view password, std::string_view login) {
    const auto count = std::ranges::count_if(password, [](char c) { return (c & 0xc0) != 0x80; });
    if (count < static_cast<std::ptrdiff_t>(password_min))
        return fmt::format("must have at least {} characters", password_min);
    const auto plain_text = lowered(password);
    if (plain_text == login) return "must not be the name that you log in by";
    if (std::ranges::find(common_passwords, plain_text) != common_passwords.end())
        return "is one of those that everybody tries first";
    return "";
}

const kit::Shape& signup_shape() {
    using kit::Need::optional;
    static const kit::Shape shape =
        kit::Shape(
            "SignUp",
            {{"email", "The address to log in by.", optional, kit::TextField{.length_min = 3, .length_max = login_max}},
             {"username", "A name to log in by, in place of an address.", optional,
              kit::TextField{.length_min = 3, .length_max = login_max}},
             {"password", "At least 8 characters.", kit::Need::required, password_field()},
             {"name", "How others see you.", optional, kit::TextField{.length_min = 1, .length_max = 100}},
             {"role", "What you want to be.", optional, kit::ChoiceField{.among = {"buyer", "dealer"}}}})
            .one_of({"email", "username"});
    return shape;
}

const kit::Shape& login_shape() {
    using kit::Need::optional;
    static const kit::Shape shape =
        kit::Shape("LogIn",
                   {{"email", "An address.", optional, kit::TextField{.length_min = 1, .length_max = login_max}},
                    {"username", "An address or a username, in place of email.", optional,
                     kit::TextField{.length_min = 1, .length_max = login_max}},
                    {"password", "The password.", kit::Need::required, password_field()},
                    {"session", "Where tokens go: into the answer, or into cookies (for pages).", optional,
                     kit::ChoiceField{.among = {"token", "cookie"}}}})
            .one_of({"email", "username"});
    return shape;
}

const kit::Shape& refresh_shape() {
    static const kit::Shape shape("Refresh",
                                  {{"refresh_token", "Left out by pages, whose cookie holds it.", kit::Need::optional,
                                    kit::TextField{.length_min = 1, .length_max = 200}}});
    return shape;
}

const kit::Shape& password_shape() {
    static const kit::Shape shape("NewPassword",
                                  {{"old_password", "The present one.", kit::Need::required, password_field()},
                                   {"new_password", "At least 8 characters.", kit::Need::required, password_field()}});
    return shape;
}

const kit::Shape& roles_shape() {
    static const kit::Shape shape("Roles", {{"roles", "All that the user shall have.", kit::Need::required,
                                             kit::ChoicesField{.among = {"buyer", "dealer", "admin"}, .least = 1}}});
    return shape;
}

}  // namespace auth
