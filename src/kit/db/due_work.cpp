#include "kit/db/due_work.h"

#include <fmt/format.h>

#include <algorithm>

namespace kit::db {

struct DueWork::State : std::enable_shared_from_this<State> {
    State(Database& in, run::Loop& on, Log& to, DueWorkOptions with, Handle handler)
        : database(in), loop(on), log(to), options(std::move(with)), handle(std::move(handler)) {}

    std::int64_t now() const { return milliseconds(loop.now()); }
    std::int64_t lease_end() const { return milliseconds(loop.now() + options.lease); }

    void plan() {
        timer = loop.after(options.look_every, [this] {
            look();
            plan();
        });
    }

    /// Claims what is due, as much as may be in work. One look at a time; a wish meanwhile makes it look once more.
    void look() {
        if (stopped || in_work >= options.at_once) return;
        if (looking) {
            again = true;
            return;
        }
        looking = true;
        again = false;
        const auto room = options.at_once - in_work;
        const auto* lock = database.dialect() == Dialect::postgres ? " FOR UPDATE SKIP LOCKED" : "";
        auto sql = fmt::format(
            "UPDATE {0} SET lease_until = CAST($2 AS BIGINT) WHERE id IN (SELECT id FROM {0} WHERE due_at <= CAST($1 "
            "AS "
            "BIGINT) AND lease_until <= CAST($1 AS BIGINT) ORDER BY due_at, id LIMIT CAST($3 AS BIGINT){1}) "
            "RETURNING id, lease_until, tries",
            options.table, lock);
        database.run(
            std::move(sql), {std::to_string(now()), std::to_string(lease_end()), std::to_string(room)},
            [self = shared_from_this(), room](base::Result<Rows> rows) { self->claimed(std::move(rows), room); });
    }

    void claimed(base::Result<Rows> rows, std::size_t room) {
        looking = false;
        if (stopped || !rows) return;  // a database that is away is looked at again by the timer
        in_work += rows->size();
        for (std::size_t row = 0; row < rows->size(); ++row) {
            begin(std::string(rows->text(row, 0)), rows->number(row, 1), rows->number(row, 2));
        }
        if (again || rows->size() == room) look();
    }

    void begin(const std::string& id, std::int64_t lease, std::int64_t tries) {
        handle(id, [self = shared_from_this(), id, lease, tries](base::Result<void> done) {
            if (done) return self->leave();
            self->log.debug("a step is tried again later",
                            {{"table", self->options.table}, {"id", id}, {"error", done.error().message}});
            self->put_off(id, lease, tries);
        });
    }

    void put_off(const std::string& id, std::int64_t lease, std::int64_t tries) {
        const auto doublings = std::min<std::int64_t>(tries, 16);
        const auto wait = std::min(options.again_last, options.again_first * (std::int64_t{1} << doublings));
        database.run(fmt::format("UPDATE {} SET due_at = CAST($1 AS BIGINT), lease_until = 0, tries = tries + 1 WHERE "
                                 "id = $2 AND lease_until = CAST($3 AS BIGINT)",
                                 options.table),
                     {std::to_string(milliseconds(loop.now() + wait)), id, std::to_string(lease)},
                     [self = shared_from_this()](const base::Result<Rows>&) { self->leave(); });
    }

    void leave() {
        --in_work;
        loop.post([weak = weak_from_this()] {
            if (const auto self = weak.lock()) self->look();
        });
    }

    Database& database;
    run::Loop& loop;
    Log& log;
    DueWorkOptions options;
    Handle handle;
    run::Timer timer;
    std::size_t in_work = 0;
    bool looking = false;
    bool again = false;
    bool stopped = false;
};

DueWork::DueWork(Database& database, run::Loop& loop, Log& log, DueWorkOptions options, Handle handle)
    : state_(std::make_shared<State>(database, loop, log, std::move(options), std::move(handle))) {
    state_->plan();
}

DueWork::~DueWork() {
    state_->stopped = true;
    state_->timer.cancel();
    state_->handle = [](const std::string&, const Done&) {};
}

void DueWork::wake() {
    state_->loop.post([weak = std::weak_ptr(state_)] {
        if (const auto state = weak.lock()) state->look();
    });
}

std::int64_t DueWork::lease_end() const { return state_->lease_end(); }
std::size_t DueWork::in_work() const { return state_->in_work; }

}  // namespace kit::db
