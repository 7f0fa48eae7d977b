#include "kit/redis/link.h"

#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <sys/epoll.h>

#include <algorithm>

namespace kit::redis {
namespace {

/// What the first word of an error reply says (https://redis.io/docs/reference/protocol-spec/#resp-errors).
base::Code code_of(std::string_view text) {
    const auto word = text.substr(0, text.find(' '));
    constexpr std::string_view away[] = {"LOADING", "MASTERDOWN", "READONLY",  "CLUSTERDOWN", "MISCONF",   "BUSY",
                                         "OOM",     "NOAUTH",     "WRONGPASS", "NOPERM",      "NOREPLICAS"};
    if (std::ranges::find(away, word) != std::end(away)) return base::Code::unavailable;
    if (word == "NOSCRIPT" || word == "NOGROUP") return base::Code::not_found;
    if (word == "BUSYGROUP") return base::Code::already_exists;
    if (word == "WRONGTYPE") return base::Code::conflict;
    return base::Code::internal;
}

Value value_of(const redisReply& reply) {
    switch (reply.type) {
        case REDIS_REPLY_INTEGER:
            return {static_cast<std::int64_t>(reply.integer)};
        case REDIS_REPLY_STRING:
        case REDIS_REPLY_STATUS:
        case REDIS_REPLY_ERROR:  // within a list
            return {std::string(reply.str, static_cast<std::size_t>(reply.len))};
        case REDIS_REPLY_ARRAY: {
            std::vector<Value> list;
            list.reserve(reply.elements);
            for (std::size_t at = 0; at < reply.elements; ++at) list.push_back(value_of(*reply.element[at]));
            return {std::move(list)};
        }
        default:
            return {};
    }
}

/// Of "run_id:0123...\r\n" among the lines of INFO; its first half tells runs apart well enough.
std::string run_in(std::string_view info) {
    static constexpr std::string_view name = "run_id:";
    static constexpr std::size_t length = 20;
    const auto at = info.find(name);
    return at == std::string_view::npos ? std::string() : std::string(info.substr(at + name.size(), length));
}

base::Result<Value> result_of(const redisReply& reply) {
    if (reply.type != REDIS_REPLY_ERROR) return value_of(reply);
    const std::string text(reply.str, static_cast<std::size_t>(reply.len));
    return base::fail(code_of(text), "redis: " + text);
}

}  // namespace

Link* Link::of(const redisAsyncContext* context) { return static_cast<Link*>(context->data); }

Link::~Link() { close(); }

void Link::connect(const std::string& address, std::uint16_t port, const std::string& password, run::Duration limit) {
    context_ =
        address.starts_with('/') ? redisAsyncConnectUnix(address.c_str()) : redisAsyncConnect(address.c_str(), port);
    if (!context_ || context_->err != 0) {
        const std::string why = context_ ? context_->errstr : "out of memory";
        return loop_.post([self = shared_from_this(), why] { self->end({base::Code::unavailable, why}); });
    }
    hook();
    const auto refused = [this](base::Result<Value>& reply) {
        if (!reply && state_ != State::ended) end(std::move(reply).error());
        return !reply;
    };
    // What is sent before the socket is connected waits in hiredis.
    if (!password.empty()) send({"AUTH", password}, limit, [refused](base::Result<Value> reply) { refused(reply); });
    send({"INFO", "server"}, limit, [this](const base::Result<Value>& reply) {
        if (reply) run_ = run_in(reply->text());  // it may be forbidden
    });
    send({"PING"}, limit, [this, refused](base::Result<Value> reply) {
        if (state_ != State::greeting || refused(reply)) return;
        state_ = State::up;
        events_.up();
    });
}

void Link::hook() {
    context_->data = this;
    context_->ev.data = this;
    context_->ev.addRead = [](void* link) { static_cast<Link*>(link)->watch(EPOLLIN); };
    context_->ev.delRead = [](void*) {};
    context_->ev.addWrite = [](void* link) { static_cast<Link*>(link)->want_write(); };
    context_->ev.delWrite = [](void* link) {
        auto* self = static_cast<Link*>(link);
        if ((self->watched_ & EPOLLOUT) != 0) self->watch(EPOLLIN);
    };
    context_->ev.cleanup = [](void* link) { static_cast<Link*>(link)->lost(); };
    redisAsyncSetConnectCallback(context_, [](const redisAsyncContext* context, int status) {
        if (auto* link = of(context)) link->connected_ = status == REDIS_OK;
    });
    watch(EPOLLIN | EPOLLOUT);
}

void Link::watch(std::uint32_t events) {
    if (!connected_) events |= EPOLLOUT;
    if (events == watched_) return;
    const int fd = context_->c.fd;
    if (watched_ == 0) {
        if (!poller_.add(fd, events, *this)) return;  // then the limit of the greeting ends it
    } else {
        poller_.change(fd, events, *this);
    }
    watched_ = events;
}

/// What a turn of the loop sends goes out together, at its end, without waiting to be told that the socket takes it.
void Link::want_write() {
    if (!connected_ || (watched_ & EPOLLOUT) != 0) return;
    if (write_planned_) return;
    write_planned_ = true;
    loop_.post([weak = weak_from_this()] {
        const auto self = weak.lock();
        if (!self || !self->context_) return;
        redisAsyncHandleWrite(self->context_);
        self->write_planned_ = false;  // only now: that it wants to write again means that the socket is full
        if (self->context_ && sdslen(self->context_->c.obuf) > 0) self->watch(EPOLLIN | EPOLLOUT);
    });
}

void Link::on_ready(std::uint32_t events) {
    const auto self = shared_from_this();
    if (context_ && (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) redisAsyncHandleRead(context_);
    if (context_ && (events & EPOLLOUT) != 0) redisAsyncHandleWrite(context_);
    if (context_ && connected_) watch(sdslen(context_->c.obuf) > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

void Link::command(const std::vector<std::string>& words, run::Duration limit, Answer answer) {
    if (state_ != State::up) return answer(base::fail(base::Code::unavailable, "the connection to Redis was lost"));
    send(words, limit, std::move(answer));
}

void Link::send(const std::vector<std::string>& words, run::Duration limit, Answer answer) {
    std::vector<const char*> texts;
    std::vector<std::size_t> lengths;
    for (const auto& word : words) {
        texts.push_back(word.data());
        lengths.push_back(word.size());
    }
    in_flight_.push_back({loop_.now() + limit, std::move(answer)});
    redisAsyncCommandArgv(
        context_,
        [](redisAsyncContext* context, void* reply, void*) {
            if (auto* link = of(context); link && reply) link->take(reply);
        },
        nullptr, static_cast<int>(words.size()), texts.data(), lengths.data());
    if (!limit_ || in_flight_.back().due < limit_at_) plan_limit();
}

/// One timer for all; it is late rather than set anew for each answer.
void Link::plan_limit() {
    const auto now = loop_.now();
    limit_at_ = now + std::chrono::hours(1);
    for (const auto& pending : in_flight_) limit_at_ = std::min(limit_at_, pending.due);
    limit_ = loop_.after(limit_at_ - now, [this] {
        limit_.cancel();
        const auto time = loop_.now();
        if (std::ranges::any_of(in_flight_, [&](const auto& pending) { return pending.due <= time; })) {
            const auto self = shared_from_this();
            return end({base::Code::timeout, "redis did not answer in time"});
        }
        if (!in_flight_.empty()) plan_limit();
    });
}

void Link::take(void* reply) {
    if (in_flight_.empty()) return;
    auto answer = std::move(in_flight_.front().answer);
    in_flight_.pop_front();
    answer(result_of(*static_cast<const redisReply*>(reply)));
}

/// hiredis is about to close the socket by itself.
void Link::lost() {
    if (watched_ != 0) poller_.remove(context_->c.fd, *this);
    std::string why = context_->errstr ? context_->errstr : "";
    if (why.empty()) why = "the connection was closed";
    context_->data = nullptr;
    context_ = nullptr;
    loop_.post([weak = weak_from_this(), why] {
        if (const auto self = weak.lock()) self->end({base::Code::unavailable, why});
    });
    if (state_ == State::up) state_ = State::greeting;  // takes no more commands
}

void Link::close() {
    state_ = State::ended;
    limit_.cancel();
    auto* context = std::exchange(context_, nullptr);
    if (!context) return;
    if (watched_ != 0) poller_.remove(context->c.fd, *this);
    context->data = nullptr;
    context->ev = {};
    context->onConnect = nullptr;
    redisAsyncFree(context);
}

void Link::end(base::Error why) {
    if (state_ == State::ended) return;
    const auto self = shared_from_this();
    close();
    auto pending = std::exchange(in_flight_, {});
    events_.ended(why);
    for (auto& one : pending) {
        one.answer(std::unexpected(
            base::Error(why.code, why.code == base::Code::timeout ? why.message : "redis is away: " + why.message)));
    }
}

}  // namespace kit::redis
