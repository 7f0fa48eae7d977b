#include "kit/db/postgres_connection.h"

#include <libpq-fe.h>
#include <sys/epoll.h>

#include <charconv>
#include <map>

namespace kit::db {
namespace {

constexpr auto connect_limit = std::chrono::seconds(5);

std::string message_of(PGconn* handle) {
    std::string text = handle ? PQerrorMessage(handle) : "out of memory";
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    for (auto& c : text) c = c == '\n' ? ' ' : c;
    return text;
}

/// By SQLSTATE class (PostgreSQL manual, appendix A).
base::Code code_of(std::string_view state) {
    if (state == "23505") return base::Code::already_exists;
    if (state.starts_with("23") || state.starts_with("22")) return base::Code::invalid;
    if (state.starts_with("40")) return base::Code::conflict;
    const bool away = state.empty() || state.starts_with("08") || state.starts_with("53") || state.starts_with("57") ||
                      state == "25006";  // read-only: a standby
    return away ? base::Code::unavailable : base::Code::internal;
}

base::Error error_of(const PGresult* result) {
    const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char* text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    return {code_of(state ? state : ""), text ? text : "the database gave no reason"};
}

Rows rows_of(const PGresult* result) {
    Rows rows;
    const int columns = PQnfields(result);
    rows.columns(static_cast<std::size_t>(columns));
    for (int row = 0; row < PQntuples(result); ++row) {
        for (int column = 0; column < columns; ++column) {
            if (PQgetisnull(result, row, column) != 0) {
                rows.add(std::nullopt);
            } else {
                rows.add(std::string(PQgetvalue(result, row, column),
                                     static_cast<std::size_t>(PQgetlength(result, row, column))));
            }
        }
    }
    const std::string_view touched = PQcmdTuples(const_cast<PGresult*>(result));
    std::from_chars(touched.data(), touched.data() + touched.size(), rows.affected);
    return rows;
}

}  // namespace

PgConnection::~PgConnection() { close(); }

void PgConnection::close() {
    unwatch();
    if (handle_) PQfinish(std::exchange(handle_, nullptr));
    state_ = State::ended;
}

void PgConnection::connect(const std::string& conninfo) {
    handle_ = PQconnectStart(conninfo.c_str());
    if (!handle_ || PQstatus(handle_) == CONNECTION_BAD) {
        return loop_.post([self = shared_from_this()] { self->end(message_of(self->handle_)); });
    }
    PQsetNoticeProcessor(
        handle_, [](void*, const char*) {}, nullptr);
    timeout_ = loop_.after(connect_limit, [this] { end("it did not answer in time"); });
    watch(EPOLLOUT);
}

void PgConnection::poll_connect() {
    const auto polled = PQconnectPoll(handle_);
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
    PQsetnonblocking(handle_, 1);
    watch(EPOLLIN);
    state_ = State::idle;
    events_.connected(*this);
}

void PgConnection::watch(std::uint32_t events) {
    const int fd = PQsocket(handle_);
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
    const int fd = handle_ ? PQsocket(handle_) : -1;
    if (fd >= 0) poller_.remove(fd, *this);
    watched_fd_ = -1;
}

void PgConnection::on_ready(std::uint32_t) {
    const auto self = shared_from_this();
    if (state_ == State::connecting) return poll_connect();
    if (state_ == State::ended) return;
    if (PQconsumeInput(handle_) == 0) return end(message_of(handle_));
    flush();
    if (state_ == State::busy) read_results();
}

void PgConnection::run(std::string sql, Parameters parameters, How how, RowsDone done) {
    if (state_ != State::idle)
        return done(base::fail(base::Code::unavailable, "the connection to the database was lost"));
    state_ = State::busy;
    job_.emplace(Job{std::move(sql), std::move(parameters), how, std::move(done)});
    send();
}

std::string PgConnection::name_of(const std::string& sql) {
    const auto found = prepared_.find(sql);
    return found == prepared_.end() ? std::string() : found->second;
}

void PgConnection::send() {
    auto& job = *job_;
    int sent = 0;
    if (job.how == How::script) {
        sent = PQsendQuery(handle_, job.sql.c_str());
    } else if (const auto name = name_of(job.sql); name.empty()) {
        job.preparing = true;
        const auto fresh = "s" + std::to_string(prepared_.size() + 1);
        sent = PQsendPrepare(handle_, fresh.c_str(), job.sql.c_str(), 0, nullptr);
    } else {
        job.preparing = false;
        std::vector<const char*> values;
        for (const auto& parameter : job.parameters) values.push_back(parameter ? parameter->c_str() : nullptr);
        sent = PQsendQueryPrepared(handle_, name.c_str(), static_cast<int>(values.size()), values.data(), nullptr,
                                   nullptr, 0);
    }
    if (sent == 0) return loop_.post([self = shared_from_this()] { self->end(message_of(self->handle_)); });
    flush();
}

void PgConnection::flush() {
    const int left = PQflush(handle_);
    if (left >= 0) watch(left > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

void PgConnection::read_results() {
    while (state_ == State::busy && PQisBusy(handle_) == 0) {
        PGresult* result = PQgetResult(handle_);
        if (result) {
            take(result);
            PQclear(result);
        } else {
            finish_step();
        }
    }
}

void PgConnection::take(pg_result* result) {
    auto& job = *job_;
    const auto status = PQresultStatus(result);
    const bool good = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_EMPTY_QUERY;
    if (job.result && !*job.result) return;  // the first error is the one to tell
    if (good) {
        job.result = rows_of(result);
    } else {
        job.result = std::unexpected(error_of(result));
    }
}

/// All results of what was sent are here: on to the execution of what was prepared, or done.
void PgConnection::finish_step() {
    auto& job = *job_;
    if (job.preparing && job.result && *job.result) {
        prepared_.emplace(job.sql, "s" + std::to_string(prepared_.size() + 1));
        job.result.reset();
        return send();
    }
    if (PQstatus(handle_) == CONNECTION_BAD) return end(message_of(handle_));
    state_ = State::idle;
    auto done = std::move(job.done);
    auto result = std::move(job.result).value_or(Rows{});
    job_.reset();
    done(std::move(result));
}

void PgConnection::end(const std::string& why) {
    if (state_ == State::ended) return;
    const auto self = shared_from_this();
    timeout_.cancel();
    auto job = std::exchange(job_, std::nullopt);
    const auto reason = why.empty() ? "the connection was closed" : why;
    close();
    events_.ended(*this, reason);
    if (job) job->done(base::fail(base::Code::unavailable, "the database is away: " + reason));
}

}  // namespace kit::db
