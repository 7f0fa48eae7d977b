// Passwords by Argon2id (RFC 9106), worked out on threads of their own: a hash takes tens of milliseconds and
// megabytes, which the loop has not got. The queue is bounded, because whoever may log in may make work.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "run/loop.h"

namespace kit::auth {

/// OWASP's least for Argon2id: 19 MiB, two passes, one lane.
struct PasswordCost {
    std::uint32_t memory_kib = 19 * 1024;
    std::uint32_t passes = 2;
    std::uint32_t lanes = 1;
};

struct PasswordOptions {
    PasswordCost cost;
    int threads = 2;  ///< started when first needed; each holds cost.memory_kib while it works
    std::size_t waiting_max = 64;
};

enum class Match : std::uint8_t { wrong, right, right_but_outdated };  ///< outdated: of another cost; hash it again

class Passwords {
 public:
    Passwords(run::Loop& loop, PasswordOptions options);
    /// Waits for work that has begun; what waited is dropped.
    ~Passwords();

    using Hashed = std::move_only_function<void(base::Result<std::string>)>;
    using Checked = std::move_only_function<void(base::Result<Match>)>;
    /// The PHC string: $argon2id$v=19$m=...,t=...,p=...$salt$hash. `unavailable` when too much waits.
    void hash(std::string password, Hashed done);
    /// `phc` "" is nobody's password: as much work, and wrong.
    void check(std::string password, std::string phc, Checked done);

 private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace kit::auth
