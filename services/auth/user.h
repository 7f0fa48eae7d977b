// A person with an account, and what may be said of one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kit/auth/identity.h"
#include "kit/json_text.h"
#include "kit/problem.h"
#include "kit/web/shape.h"

namespace auth {

using kit::auth::Role;
using Roles = std::vector<Role>;

struct User {
    std::string id;
    std::string login;  ///< an e-mail address or a username
    std::string name;
    Roles roles;
    bool wants_dealer = false;
    std::int64_t created_at = 0;
    std::int64_t revision = 0;

    bool has_email() const { return login.find('@') != std::string::npos; }
    std::string email() const { return has_email() ? login : std::string(); }
    bool has(Role role) const;
};

/// "buyer,dealer" in the database; of a fixed order, each once.
std::string text_of(const Roles& roles);
Roles roles_of(std::string_view text);

void append_json(std::string& out, const User& user);
std::string user_schema();
std::string etag(const User& user);

/// In lower case, without the spaces around it.
std::string login_of(std::string_view given);
/// What is wrong with a new login, or "".
std::string email_problem(std::string_view login);
std::string username_problem(std::string_view login);
/// What is wrong with a new password, or "". `login`: it must not be the same.
std::string password_problem(std::string_view password, std::string_view login);

/// The bodies that are taken.
const kit::Shape& signup_shape();
const kit::Shape& login_shape();
const kit::Shape& refresh_shape();
const kit::Shape& password_shape();
const kit::Shape& roles_shape();

inline constexpr std::size_t password_min = 8;
inline constexpr std::size_t password_max = 200;

}  // namespace auth
