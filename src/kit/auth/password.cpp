#include "kit/auth/password.h"

#include <argon2.h>
#include <fmt/format.h>
#include <openssl/crypto.h>

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "kit/auth/secrets.h"

namespace kit::auth {
namespace {

constexpr std::size_t salt_bytes = 16;
constexpr std::size_t hash_bytes = 32;

std::string front_of(const PasswordCost& cost) {
    return fmt::format("$argon2id$v=19$m={},t={},p={}$", cost.memory_kib, cost.passes, cost.lanes);
}

base::Result<std::string> hash_now(const std::string& password, const PasswordCost& cost) {
    const auto salt = random_bytes(salt_bytes);
    std::string encoded(argon2_encodedlen(cost.passes, cost.memory_kib, cost.lanes, salt_bytes, hash_bytes, Argon2_id),
                        '\0');
    const int code = argon2id_hash_encoded(cost.passes, cost.memory_kib, cost.lanes, password.data(), password.size(),
                                           salt.data(), salt.size(), hash_bytes, encoded.data(), encoded.size());
    if (code != ARGON2_OK) return base::fail(base::Code::unavailable, argon2_error_message(code));
    encoded.resize(encoded.find('\0'));
    return encoded;
}

base::Result<Match> check_now(const std::string& password, const std::string& phc, const PasswordCost& cost) {
    const int code = argon2id_verify(phc.c_str(), password.data(), password.size());
    if (code == ARGON2_VERIFY_MISMATCH) return Match::wrong;
    if (code == ARGON2_MEMORY_ALLOCATION_ERROR) return base::fail(base::Code::unavailable, "there is no memory for it");
    if (code != ARGON2_OK) return base::fail(base::Code::internal, "what is stored is no Argon2id hash");
    return phc.starts_with(front_of(cost)) ? Match::right : Match::right_but_outdated;
}

}  // namespace

/// Shared with the threads. Callbacks stay here, on the loop's side; a thread sees only its job.
struct Passwords::State {
    struct Job {
        std::uint64_t number = 0;
        std::string password;
        std::optional<std::string> phc;  ///< nothing: hash
    };
    struct Outcome {
        base::Result<std::string> hash = std::string();
        base::Result<Match> match = Match::wrong;
    };
    struct Owed {
        Hashed hashed;
        Checked checked;
    };

    State(run::Loop& loop_, PasswordOptions options_) : loop(loop_), options(options_) {}

    void add(std::string password, std::optional<std::string> phc, Owed one);
    void work(const std::weak_ptr<State>& self);
    Outcome outcome_of(const Job& job) const;
    void finish(std::uint64_t number, Outcome outcome);

    run::Loop& loop;
    PasswordOptions options;
    std::map<std::uint64_t, Owed> owed;
    std::uint64_t numbers = 0;
    std::vector<std::thread> threads;
    std::weak_ptr<State> self;

    std::mutex mutex;  ///< guards what follows
    std::condition_variable more;
    std::deque<Job> jobs;
    bool ending = false;
};

void Passwords::State::add(std::string password, std::optional<std::string> phc, Owed one) {
    if (owed.size() >= options.waiting_max) {
        const base::Error full(base::Code::unavailable, "too many passwords are being checked; try again in a moment");
        if (one.hashed) return one.hashed(std::unexpected(full));
        return one.checked(std::unexpected(full));
    }
    const auto number = ++numbers;
    owed.emplace(number, std::move(one));
    {
        const std::lock_guard lock(mutex);
        jobs.push_back({number, std::move(password), std::move(phc)});
    }
    more.notify_one();
    if (threads.size() < std::min<std::size_t>(static_cast<std::size_t>(options.threads), owed.size()))
        threads.emplace_back([this] { work(self); });
}

void Passwords::State::work(const std::weak_ptr<State>& me) {
    while (true) {
        std::unique_lock lock(mutex);
        more.wait(lock, [this] { return ending || !jobs.empty(); });
        if (ending) return;
        auto job = std::move(jobs.front());
        jobs.pop_front();
        lock.unlock();
        auto outcome = outcome_of(job);
        OPENSSL_cleanse(job.password.data(), job.password.size());
        loop.post([me, number = job.number, outcome = std::move(outcome)]() mutable {
            if (const auto state = me.lock()) state->finish(number, std::move(outcome));
        });
    }
}

Passwords::State::Outcome Passwords::State::outcome_of(const Job& job) const {
    Outcome outcome;
    if (!job.phc) {
        outcome.hash = hash_now(job.password, options.cost);
    } else if (!job.phc->empty()) {
        outcome.match = check_now(job.password, *job.phc, options.cost);
    } else {  // the work of a check, for nobody
        const auto hash = hash_now(job.password, options.cost);
        if (!hash) outcome.match = std::unexpected(hash.error());
    }
    return outcome;
}

void Passwords::State::finish(std::uint64_t number, Outcome outcome) {
    auto one = std::move(owed.at(number));
    owed.erase(number);
    if (one.hashed) return one.hashed(std::move(outcome.hash));
    one.checked(outcome.match);
}

Passwords::Passwords(run::Loop& loop, PasswordOptions options) : state_(std::make_shared<State>(loop, options)) {
    state_->self = state_;
}

Passwords::~Passwords() {
    {
        const std::lock_guard lock(state_->mutex);
        state_->ending = true;
        state_->jobs.clear();
    }
    state_->more.notify_all();
    for (auto& thread : state_->threads) thread.join();
}

void Passwords::hash(std::string password, Hashed done) {
    state_->add(std::move(password), std::nullopt, {std::move(done), nullptr});
}

void Passwords::check(std::string password, std::string phc, Checked done) {
    state_->add(std::move(password), std::move(phc), {nullptr, std::move(done)});
}

}  // namespace kit::auth
