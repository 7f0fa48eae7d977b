// Accounts in the database. Everything runs on the loop and answers by callback.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "auth/user.h"
#include "kit/db/database.h"
#include "kit/db/outbox.h"
#include "kit/db/page.h"
#include "kit/web/paging.h"
#include "run/loop.h"

namespace auth {

template <class T>
using Answer = std::move_only_function<void(base::Result<T>)>;

struct NewUser {
    std::string login;
    std::string name;
    std::string password;  ///< its hash
    Roles roles;
    bool wants_dealer = false;
};

/// What a log-in is checked against.
struct Account {
    User user;
    std::string password;  ///< its hash
    std::int64_t failures = 0;
    std::int64_t locked_until = 0;
};

struct UserWish {
    std::string search;  ///< part of login or name; "" for all
    std::string role;
    bool wants_dealer = false;  ///< only those
    kit::Paging paging;
};

using UserListing = kit::db::ItemsPage<User>;

struct LockRule {
    std::int64_t after = 10;
    run::Duration time = std::chrono::minutes(15);
};

class Accounts {
 public:
    Accounts(kit::db::Database& database, kit::db::Outbox& outbox, const run::Clock& clock, LockRule lock)
        : database_(database), outbox_(outbox), clock_(clock), lock_(lock) {}

    /// Nothing when the login is known already: then nothing changes, for as much work.
    void add(NewUser user, std::string traceparent, Answer<std::optional<User>> answer);
    void find(const std::string& id, Answer<User> answer);
    /// Nothing: there is no such account.
    void find_login(const std::string& login, Answer<std::optional<Account>> answer);
    void find_account(const std::string& id, Answer<Account> answer);
    /// A wrong password: of an account, or of nobody's ("").
    void count_failure(const std::string& id, Answer<void> answer);
    void forget_failures(const std::string& id, Answer<void> answer);
    /// The same password by another cost.
    void rehash(const std::string& id, const std::string& old_hash, const std::string& hash, Answer<void> answer);
    /// Ends all sessions but `session`.
    void change_password(const User& user, const std::string& hash, const std::string& session, std::string traceparent,
                         Answer<void> answer);
    /// `revision`: only if it still is that, else Code::expired. The last admin stays one: Code::conflict.
    void set_roles(const std::string& id, const Roles& roles, std::optional<std::int64_t> revision,
                   Answer<User> answer);
    void list(const UserWish& wish, Answer<UserListing> answer);
    /// Makes the first admin, or makes the account an admin when there is none at all.
    void ensure_admin(const std::string& login, const std::string& hash, Answer<void> answer);

    bool locked(const Account& account) const;

 private:
    kit::db::Database& database_;
    kit::db::Outbox& outbox_;
    const run::Clock& clock_;
    LockRule lock_;
};

/// The user in the columns id, login, name, roles, wants_dealer, created_at, revision from `column` on.
User user_in(const kit::db::Rows& rows, std::size_t row, std::size_t column = 0);

}  // namespace auth
