#include "kit/db/database.h"

#include <charconv>

#include "base/rng.h"
#include "kit/auth/secrets.h"
#include "kit/db/errors.h"
#include "run/asio_loop.h"

namespace kit::db {

std::string_view Rows::text(std::size_t row, std::size_t column) const {
    const auto& cell = cells_[row * columns_ + column];
    return cell.length < 0 ? std::string_view()
                           : std::string_view(text_).substr(cell.at, static_cast<std::size_t>(cell.length));
}

std::int64_t Rows::number(std::size_t row, std::size_t column) const {
    const auto digits = text(row, column);
    std::int64_t value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return value;
}

std::string without_password(std::string_view url) {
    const auto start = url.find("://");
    const auto at = start == std::string_view::npos ? start : url.rfind('@', url.find('/', start + 3));
    const auto colon = at == std::string_view::npos ? at : url.find(':', start + 3);
    if (colon == std::string_view::npos || colon > at) return std::string(url);
    return std::string(url.substr(0, colon)) + ":***" + std::string(url.substr(at));
}

bool outcome_unknown(const base::Error& error) { return error.details && error.details->kind == unknown_kind; }
bool worth_again(const base::Error& error) { return error.details && error.details->kind == again_kind; }

void transact_again(Database& database, run::Loop& loop, std::function<void(Session&, Done)> work, int tries,
                    Done done) {
    struct Attempts : std::enable_shared_from_this<Attempts> {
        Attempts(Database& database_, run::Loop& loop_, std::function<void(Session&, Done)> work_, int left_,
                 Done done_)
            : database(database_), loop(loop_), work(std::move(work_)), left(left_), done(std::move(done_)) {}
        Database& database;
        run::Loop& loop;
        std::function<void(Session&, Done)> work;
        int left;
        Done done;
        base::Rng rng{auth::random_seed()};
        run::Duration pause = std::chrono::milliseconds(5);
        run::Timer timer;

        void go() {
            --left;
            database.transact([work = work](Session& session, Done ended) { work(session, std::move(ended)); },
                              [self = shared_from_this()](base::Result<void> result) { self->end(std::move(result)); });
        }
        void end(base::Result<void> result) {
            if (result || left <= 0 || !worth_again(result.error())) return done(std::move(result));
            const auto half = static_cast<std::uint64_t>(pause.count() / 2);
            timer = loop.after(pause / 2 + run::Duration(rng.below(half + 1)), [self = shared_from_this()] {
                self->timer.cancel();
                self->go();
            });
            pause *= 2;
        }
    };
    std::make_shared<Attempts>(database, loop, std::move(work), tries, std::move(done))->go();
}

base::Result<std::unique_ptr<Database>> open(boost::asio::io_context& io, Log& log, std::string_view url,
                                             DatabaseOptions options) {
    if (url.starts_with("sqlite:")) return open_sqlite(io, std::string(url.substr(7)), options);
    if (url.starts_with("postgres://") || url.starts_with("postgresql://")) {
        return open_postgres(io, log, std::string(url), options);
    }
    return base::fail(base::Code::invalid,
                      "the database address '" + without_password(url) + "' must begin with sqlite: or postgres://");
}

}  // namespace kit::db
