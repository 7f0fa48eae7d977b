#include "kit/db/postgres_connection.h"

#include <sys/epoll.h>

#include <algorithm>
#include <charconv>

#include "kit/db/errors.h"
#include "kit/db/libpq.h"

namespace kit::db {
namespace {

constexpr auto connect_limit = std::chrono::seconds(5);
constexpr auto hung_after = std::chrono::seconds(2);  ///< beyond a statement's limit: its connection is given up
constexpr std::size_t prepared_max = 500;

std::string message_of(PGconn* handle) {
    std::string text = handle ? libpq().error_message(handle) : "out of memory";
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    for (auto& c : text) c = c == '\n' ? ' ' : c;
    return text;
}

/// By SQLSTATE class (PostgreSQL manual, appendix A).
base::Code code_of(std::string_view state) {
    if (state == "23505") return base::Code::already_exists;
    if (state.starts_with("23") || state.starts_with("22")) return base::Code::invalid;
    if (state.starts_with("40")) return base::Code::conflict;
    if (state == "57014") return base::Code::timeout;  // statement_timeout
    const bool away = state.empty() || state.starts_with("08") || state.starts_with("53") || state.starts_with("57") ||
                      state == "25006";  // read-only: a standby
    return away ? base::Code::unavailable : base::Code::internal;
}

base::Error error_of(const PGresult* result) {
    const char* state = libpq().result_error_field(result, PG_DIAG_SQLSTATE);
    const char* text = libpq().result_error_field(result, PG_DIAG_MESSAGE_PRIMARY);
    const std::string_view known = state ? state : "";
    const std::string message = text ? text : "the database gave no reason";
    if (known == "40001" || known == "40P01") return marked(base::Code::conflict, message, again_kind);
    return {code_of(known), message};
}

/// The prepared statement is gone, or its tables look different now.
bool stale(const PGresult* result) {
    const char* state = libpq().result_error_field(result, PG_DIAG_SQLSTATE);
    const std::string_view known = state ? state : "";
    if (known == "26000") return true;
    const char* text = libpq().result_error_field(result, PG_DIAG_MESSAGE_PRIMARY);
    return known == "0A000" && text && std::string_view(text).find("cached plan") != std::string_view::npos;
}

Rows rows_of(const PGresult* result) {
    Rows rows;
    const int columns = libpq().nfields(result);
    rows.columns(static_cast<std::size_t>(columns));
    rows.reserve(static_cast<std::size_t>(libpq().ntuples(result)));
    for (int row = 0; row < libpq().ntuples(result); ++row) {
        for (int column = 0; column < columns; ++column) {
            if (libpq().getisnull(result, row, column) != 0) {
                rows.add_null();
            } else {
                rows.add(std::string_view(libpq().getvalue(result, row, column),
                                          static_cast<std::size_t>(libpq().getlength(result, row, column))));
            }
        }
    }
    const std::string_view touched = libpq().cmd_tuples(const_cast<PGresult*>(result));
    std::from_chars(touched.data(), touched.data() + touched.size(), rows.affected);
    return rows;
}

}  // namespace

PgConnection::~PgConnection() { close(); }

void PgConnection::close() {
    timeout_.cancel();
    unwatch();
    if (handle_) libpq().finish(std::exchange(handle_, nullptr));
    state_ = State::ended;
    // What waits may hold this connection: a transaction does.
    const auto sent = std::exchange(sent_, {});
    const auto unsent = std::exchange(unsent_, {});
}

void PgConnection::connect(const std::string& conninfo) {
    handle_ = libpq().connect_start(conninfo.c_str());
    if (!handle_ || libpq().status(handle_) == CONNECTION_BAD) {
        return loop_.post([self = shared_from_this()] { self->end(message_of(self->handle_)); });
    }
    libpq().set_notice_processor(
        handle_, [](void*, const char*) {}, nullptr);
    timeout_ = loop_.after(connect_limit, [this] { end("it did not answer in time"); });
    watch(EPOLLOUT);
}

void PgConnection::poll_connect() {
    const auto polled = libpq().connect_poll(handle_);
    // libpq may have closed the socket and opened another one, even with the same number.
    watched_fd_ = -1;
    switch (polled) {
        case PGRES_POLLING_READING:
            return watch(EPOLLIN);
        case PGRES_POLLING_WRITING:
            return watch(EPOLLOUT);
        case PGRES_POLLING_OK:
            break;
        default:
            return end(message_of(handle_));
    }
    timeout_.cancel();
    libpq().setnonblocking(handle_, 1);
    if (libpq().enter_pipeline_mode(handle_) == 0) return end(message_of(handle_));
    watch(EPOLLIN);
    state_ = State::up;
    events_.connected(*this);
}

void PgConnection::watch(std::uint32_t events) {
    const int fd = libpq().socket(handle_);
    if (fd == watched_fd_ && events == watched_events_) return;
    if (fd == watched_fd_) {
        poller_.change(fd, events, *this);
    } else {
        poller_.remove(fd, *this);  // of an earlier round of connecting
        if (!poller_.add(fd, events, *this)) return end("its socket cannot be watched");
    }
    watched_fd_ = fd;
    watched_events_ = events;
}

void PgConnection::unwatch() {
    const int fd = handle_ ? libpq().socket(handle_) : -1;
    if (fd >= 0) poller_.remove(fd, *this);
    watched_fd_ = -1;
}

void PgConnection::on_ready(std::uint32_t) {
    const auto self = shared_from_this();
    if (state_ == State::connecting) return poll_connect();
    if (state_ == State::ended) return;
    if (libpq().consume_input(handle_) == 0) return end(message_of(handle_));
    flush();
    read_results();
    // Told to go while nothing is on its way: by a restart, or after idling too long.
    if (state_ == State::up && sent_.empty() && libpq().status(handle_) == CONNECTION_BAD) end(message_of(handle_));
}

void PgConnection::run(Statement statement, RowsDone done) {
    if (state_ != State::up)
        return done(base::fail(base::Code::unavailable, "the connection to the database was lost"));
    const auto due = loop_.now() + statement.limit;
    unsent_.push_back(Job{std::move(statement), std::move(done), due});
    send_waiting();
    if (state_ == State::up && (!timeout_ || due < timeout_at_)) plan_limit();
}

/// A script is alone on its way: libpq takes several statements only outside of its pipeline mode.
void PgConnection::send_waiting() {
    while (!unsent_.empty() && !scripting_) {
        auto& job = unsent_.front();
        const bool script = job.statement.how == How::script;
        if (script && !sent_.empty()) break;
        if (!send(job)) return loop_.post([self = shared_from_this()] { self->end(message_of(self->handle_)); });
        if (sent_.empty()) front_since_ = loop_.now();
        sent_.push_back(std::move(job));
        unsent_.pop_front();
        scripting_ = script;
    }
    flush();
}

bool PgConnection::send(Job& job) { return job.statement.how == How::script ? send_script(job) : send_prepared(job); }

bool PgConnection::send_script(const Job& job) {
    return libpq().exit_pipeline_mode(handle_) != 0 && libpq().send_query(handle_, job.statement.sql.c_str()) != 0;
}

bool PgConnection::send_prepared(Job& job) {
    const auto& sql = job.statement.sql;
    auto found = prepared_.find(sql);
    job.prepares = found == prepared_.end();
    if (job.prepares) {
        const bool kept = prepared_.size() < prepared_max;
        const auto name = kept ? "s" + std::to_string(++names_made_) : std::string();
        if (libpq().send_prepare(handle_, name.c_str(), sql.c_str(), 0, nullptr) == 0) return false;
        if (kept) found = prepared_.emplace(sql, name).first;
    }
    const char* name = found == prepared_.end() ? "" : found->second.c_str();
    std::vector<const char*> values;
    values.reserve(job.statement.parameters.size());
    for (const auto& parameter : job.statement.parameters) values.push_back(parameter ? parameter->c_str() : nullptr);
    return libpq().send_query_prepared(handle_, name, static_cast<int>(values.size()), values.data(), nullptr, nullptr,
                                       0) != 0 &&
           libpq().pipeline_sync(handle_) != 0;
}

void PgConnection::flush() {
    if (state_ != State::up) return;
    const int left = libpq().flush(handle_);
    if (left >= 0) watch(left > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

/// In pipeline mode a statement ends with PGRES_PIPELINE_SYNC, a script with a null result.
void PgConnection::read_results() {
    while (state_ == State::up && !sent_.empty() && libpq().is_busy(handle_) == 0) {
        PGresult* result = libpq().get_result(handle_);
        if (!result) {
            if (libpq().status(handle_) == CONNECTION_BAD) return end(message_of(handle_));
            if (scripting_) finish_front();
            continue;
        }
        const bool over = libpq().result_status(result) == PGRES_PIPELINE_SYNC;
        if (!over) take(result);
        libpq().clear(result);
        if (over) finish_front();
    }
}

void PgConnection::take(pg_result* result) {
    auto& job = sent_.front();
    const auto status = libpq().result_status(result);
    if (status == PGRES_PIPELINE_ABORTED) return;  // what follows an error up to its Sync
    const bool good = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_EMPTY_QUERY;
    if (job.result && !*job.result) return;  // the first error is the one to tell
    if (good) {
        job.result = rows_of(result);
        return;
    }
    const bool not_prepared = job.prepares && !job.result;  // a success before is that of the preparing
    if (not_prepared || stale(result)) prepared_.erase(job.statement.sql);
    if (stale(result) && !leased && !std::exchange(job.again, true)) {
        job.result = std::unexpected(marked(base::Code::conflict, "a prepared statement was stale", again_kind));
        return;
    }
    job.again = false;
    job.result = std::unexpected(error_of(result));
}

void PgConnection::finish_front() {
    if (std::exchange(scripting_, false)) libpq().enter_pipeline_mode(handle_);
    auto job = std::move(sent_.front());
    sent_.pop_front();
    front_since_ = loop_.now();
    if (job.again && job.result && !*job.result) {
        job.result.reset();
        unsent_.push_back(std::move(job));
        return send_waiting();
    }
    if (job.done) {
        job.done(std::move(job.result).value_or(Rows{}));
    } else {
        events_.room();
    }
    if (state_ == State::up && !unsent_.empty()) send_waiting();
}

/// One timer for all: late rather than set anew for each answer.
void PgConnection::plan_limit() {
    timeout_at_ = run::Time::max();
    for (const auto* jobs : {&sent_, &unsent_}) {
        for (const auto& job : *jobs) timeout_at_ = std::min(timeout_at_, job.done ? job.due : job.due + hung_after);
    }
    if (timeout_at_ == run::Time::max()) return timeout_.cancel();
    timeout_ = loop_.after(timeout_at_ - loop_.now(), [this] { expire(); });
}

void PgConnection::expire() {
    const auto self = shared_from_this();
    timeout_.cancel();
    const auto now = loop_.now();
    std::vector<RowsDone> late;
    bool hung = false;
    for (auto* jobs : {&sent_, &unsent_}) {
        for (auto& job : *jobs) {
            if (job.done && job.due <= now) late.push_back(std::exchange(job.done, nullptr));
            hung = hung || job.due + hung_after <= now;
        }
    }
    for (auto& done : late) {
        done(std::unexpected(marked(base::Code::timeout, "the database did not answer in time", unknown_kind)));
    }
    if (state_ != State::up) return;
    if (hung) return end("it does not answer");
    plan_limit();
}

void PgConnection::end(const std::string& why) {
    if (state_ == State::ended) return;
    const auto self = shared_from_this();
    auto sent = std::exchange(sent_, {});
    auto unsent = std::exchange(unsent_, {});
    const auto reason = why.empty() ? "the connection was closed" : why;
    close();
    events_.ended(*this, reason);
    for (auto& job : sent) {
        const auto* message = "the connection to the database was lost before the answer came: ";
        if (job.done) job.done(std::unexpected(marked(base::Code::unavailable, message + reason, unknown_kind)));
    }
    for (auto& job : unsent) {
        if (job.done) job.done(base::fail(base::Code::unavailable, "the database is away: " + reason));
    }
}

}  // namespace kit::db
