#include "kit/redis/redis.h"

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <charconv>

#include "kit/redis/link.h"
#include "run/asio_loop.h"

namespace kit::redis {
namespace {

constexpr std::size_t blocking_max = 16;
constexpr auto look_after_idle = std::chrono::seconds(5);

using LinkPointer = std::shared_ptr<Link>;

class Client final : public Redis {
 public:
    Client(boost::asio::io_context& io, Log& log, RedisOptions options)
        : loop_(io), log_(log), options_(std::move(options)), resolver_(io), pause_(options_.reconnect_first) {
        auto poller = net::Poller::create(io);
        base::check(poller.has_value(), poller ? "" : poller.error().message);
        poller_ = std::move(*poller);
        open_main();
        plan_look();
    }
    ~Client() override {
        *alive_ = false;
        if (main_) main_->close();
        for (const auto& link : blocking_) link->close();
    }

    void command(std::vector<std::string> words, Answer answer) override {
        if (waiting() >= options_.waiting_max)
            return answer(base::fail(base::Code::unavailable, "too much waits for Redis"));
        if (main_ && main_->up()) return main_->command(words, options_.timeout, std::move(answer));
        if (!problem_.empty()) return answer(away_error());
        early_.push_back([this, words = std::move(words), answer = std::move(answer)](bool up) mutable {
            if (!up) return answer(away_error());
            command(std::move(words), std::move(answer));
        });
    }

    void blocking(std::vector<std::string> words, run::Duration patience, Answer answer) override {
        const auto limit = patience + options_.timeout;
        std::erase_if(blocking_, [](const auto& link) { return link->ended(); });
        const auto idle =
            std::ranges::find_if(blocking_, [](const auto& link) { return link->up() && link->in_flight() == 0; });
        if (idle != blocking_.end()) {
            const auto link = *idle;  // its answer may change the list
            return link->command(words, limit, std::move(answer));
        }
        if (!problem_.empty()) return answer(away_error());
        if (blocking_.size() >= blocking_max)
            return answer(base::fail(base::Code::unavailable, "too many commands block in Redis"));
        open_blocking(std::move(words), limit, std::move(answer));
    }

    std::optional<std::string> away() const override {
        if (main_ && main_->up()) return std::nullopt;
        return problem_.empty() ? "it is being connected to" : problem_;
    }
    std::size_t waiting() const override { return early_.size() + (main_ ? main_->in_flight() : 0); }
    std::string_view run() const override { return main_ && main_->up() ? main_->run() : std::string_view{}; }

 private:
    using Addressed = std::move_only_function<void(base::Result<std::string>)>;

    std::unexpected<base::Error> away_error() const {
        return base::fail(base::Code::unavailable, "redis is away: " + problem_);
    }

    /// hiredis would resolve names on the loop; so they are resolved here, on a thread of Asio's.
    void resolve(Addressed done) {
        boost::system::error_code is_name;
        boost::asio::ip::make_address(options_.host, is_name);
        if (options_.host.starts_with('/') || !is_name) return done(options_.host);
        resolver_.async_resolve(
            options_.host, "",
            [this, alive = alive_, done = std::move(done)](const boost::system::error_code& error,
                                                           const auto& found) mutable {
                if (!*alive) return;
                for (const auto& entry : found) {
                    const auto address = entry.endpoint().address();
                    if (address.is_v4()) return done(address.to_string());
                }
                done(base::fail(base::Code::unavailable, "the name " + options_.host + " is not known: " +
                                                             (error ? error.message() : "it has no IPv4 address")));
            });
    }

    LinkPointer link(Link::Events events) { return std::make_shared<Link>(*poller_, loop_, std::move(events)); }

    void open_main() {
        resolve([this](base::Result<std::string> address) {
            if (!address) return lost(address.error());
            main_ = link({.up = [this] { up(); }, .ended = [this](const base::Error& why) { lost(why); }});
            main_->connect(*address, options_.port, options_.password, options_.timeout);
        });
    }

    void up() {
        pause_ = options_.reconnect_first;
        if (!problem_.empty()) log_.info("redis is back", {{"was", problem_}});
        problem_.clear();
        for (auto& one : std::exchange(early_, {})) one(true);
    }

    void lost(const base::Error& why) {
        if (problem_.empty()) log_.warn("redis is away", {{"error", why.message}});
        problem_ = why.message;
        reconnect_ = loop_.after(pause_, [this] { open_main(); });
        pause_ = std::min<run::Duration>(pause_ * 2, options_.reconnect_last);
        for (auto& one : std::exchange(early_, {})) one(false);
    }

    void open_blocking(std::vector<std::string> words, run::Duration limit, Answer answer) {
        struct First {
            std::vector<std::string> words;
            Answer answer;
            std::weak_ptr<Link> link;
        };
        auto first = std::make_shared<First>(First{std::move(words), std::move(answer), {}});
        resolve([this, first, limit](base::Result<std::string> address) {
            if (!address) return first->answer(std::unexpected(std::move(address).error()));
            auto opened = link({.up =
                                    [first, limit] {
                                        if (const auto link = first->link.lock())
                                            link->command(first->words, limit, std::exchange(first->answer, {}));
                                    },
                                .ended =
                                    [first](const base::Error& why) {
                                        if (auto answer = std::exchange(first->answer, {}))
                                            answer(std::unexpected(why));
                                    }});
            first->link = opened;
            blocking_.push_back(opened);
            opened->connect(*address, options_.port, options_.password, options_.timeout);
        });
    }

    /// A server that vanished without a word is found by asking it now and then.
    void plan_look() {
        look_ = loop_.after(look_after_idle, [this] {
            if (main_ && main_->up() && main_->in_flight() == 0) command({"PING"}, [](const auto&) {});
            plan_look();
        });
    }

    run::AsioLoop loop_;
    Log& log_;
    RedisOptions options_;
    std::unique_ptr<net::Poller> poller_;
    boost::asio::ip::tcp::resolver resolver_;
    LinkPointer main_;
    std::vector<LinkPointer> blocking_;
    std::vector<std::move_only_function<void(bool up)>> early_;  ///< before the first attempt has ended
    std::string problem_;                                        ///< why it is away; empty: it is not, or not yet known
    run::Duration pause_;
    run::Timer reconnect_;
    run::Timer look_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace

std::string_view Value::text() const {
    const auto* found = std::get_if<std::string>(&what);
    return found ? std::string_view(*found) : std::string_view();
}

std::int64_t Value::number() const {
    if (const auto* found = std::get_if<std::int64_t>(&what)) return *found;
    std::int64_t number = 0;
    const auto digits = text();
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return number;
}

const std::vector<Value>& Value::list() const {
    static const std::vector<Value> none;
    const auto* found = std::get_if<std::vector<Value>>(&what);
    return found ? *found : none;
}

std::unique_ptr<Redis> open(boost::asio::io_context& io, Log& log, RedisOptions options) {
    return std::make_unique<Client>(io, log, std::move(options));
}

}  // namespace kit::redis
