// See sqlite_journal.h. The thread never touches the store: it takes events from a queue and posts revisions back.
#include "store/sqlite_journal.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <condition_variable>
#include <mutex>
#include <thread>

namespace store {
namespace {

using base::Code;
using base::Result;

struct CloseDb {
    void operator()(sqlite3* db) const { sqlite3_close(db); }
};
struct CloseStatement {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Db = std::unique_ptr<sqlite3, CloseDb>;
using Statement = std::unique_ptr<sqlite3_stmt, CloseStatement>;

constexpr int format_version = 1;
constexpr const char* schema =
    "CREATE TABLE IF NOT EXISTS objects(grp TEXT NOT NULL, plural TEXT NOT NULL, ns TEXT NOT NULL, name TEXT NOT NULL,"
    " value BLOB NOT NULL, PRIMARY KEY(grp, plural, ns, name)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS meta(id INTEGER PRIMARY KEY CHECK(id = 1), revision INTEGER NOT NULL);"
    "INSERT OR IGNORE INTO meta VALUES(1, 0);";

Result<void> run_sql(sqlite3* db, const char* sql) {
    char* message = nullptr;
    if (sqlite3_exec(db, sql, nullptr, nullptr, &message) == SQLITE_OK) return {};
    std::string text = message ? message : sqlite3_errmsg(db);
    sqlite3_free(message);
    return base::fail(Code::internal, std::move(text));
}

Result<Statement> prepare(sqlite3* db, const char* sql) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, nullptr) != SQLITE_OK)
        return base::fail(Code::internal, sqlite3_errmsg(db));
    return Statement(statement);
}

void bind_text(sqlite3_stmt* statement, int index, std::string_view text) {
    sqlite3_bind_text(statement, index, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
}

std::string column(sqlite3_stmt* statement, int index) {
    const auto* text = static_cast<const char*>(sqlite3_column_blob(statement, index));
    return text ? std::string(text, static_cast<std::size_t>(sqlite3_column_bytes(statement, index))) : std::string();
}

Result<void> step(sqlite3* db, sqlite3_stmt* statement) {
    const int code = sqlite3_step(statement);
    sqlite3_reset(statement);
    if (code != SQLITE_DONE && code != SQLITE_ROW) return base::fail(Code::unavailable, sqlite3_errmsg(db));
    return {};
}

class SqliteJournal final : public Journal {
 public:
    SqliteJournal(Db db, Statement put, Statement drop, Statement mark, run::Loop& loop,
                  std::function<void(std::string_view)> complain)
        : db_(std::move(db)),
          put_(std::move(put)),
          drop_(std::move(drop)),
          mark_(std::move(mark)),
          loop_(loop),
          complain_(std::move(complain)),
          thread_([this] { work(); }) {}

    ~SqliteJournal() override {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        wake_.notify_one();
        thread_.join();
    }

    void append(EventPtr event) override {
        if (event->type != EventType::deleted) event->object->text();  // made here: the cache is the control thread's
        {
            const std::lock_guard lock(mutex_);
            queue_.push_back(std::move(event));
        }
        wake_.notify_one();
    }

    void on_durable(std::function<void(Revision)> durable) override { *durable_ = std::move(durable); }

 private:
    void work();
    Result<void> commit(const std::vector<EventPtr>& batch);
    Result<void> write(const Event& event);

    Db db_;
    Statement put_, drop_, mark_;
    run::Loop& loop_;
    std::function<void(std::string_view)> complain_;
    /// Shared with what is posted: a revision that arrives after us is dropped.
    std::shared_ptr<std::function<void(Revision)>> durable_ = std::make_shared<std::function<void(Revision)>>();
    std::mutex mutex_;
    std::condition_variable wake_;
    std::vector<EventPtr> queue_;
    bool stopping_ = false;
    std::thread thread_;
};

Result<void> SqliteJournal::write(const Event& event) {
    auto* statement = event.type == EventType::deleted ? drop_.get() : put_.get();
    bind_text(statement, 1, event.key.resource.group);
    bind_text(statement, 2, event.key.resource.plural);
    bind_text(statement, 3, event.key.ns);
    bind_text(statement, 4, event.key.name);
    if (event.type != EventType::deleted) {
        const auto& text = *event.object->text();
        sqlite3_bind_blob(statement, 5, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
    }
    return step(db_.get(), statement);
}

Result<void> SqliteJournal::commit(const std::vector<EventPtr>& batch) {
    TRY(run_sql(db_.get(), "BEGIN IMMEDIATE"));
    const auto all = [&]() -> Result<void> {
        for (const auto& event : batch) TRY(write(*event));
        sqlite3_bind_int64(mark_.get(), 1, batch.back()->revision);
        TRY(step(db_.get(), mark_.get()));
        return run_sql(db_.get(), "COMMIT");
    }();
    if (!all) sqlite3_exec(db_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
    return all;
}

void SqliteJournal::work() {
    std::vector<EventPtr> batch;
    for (;;) {
        {
            std::unique_lock lock(mutex_);
            wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
            if (queue_.empty()) return;  // stopping, and all is written
            batch.swap(queue_);
        }
        for (auto written = commit(batch); !written; written = commit(batch)) {
            complain_("cannot write the journal, trying again in a second: " + written.error().message);
            std::unique_lock lock(mutex_);
            if (wake_.wait_for(lock, std::chrono::seconds(1), [this] { return stopping_; })) return;
        }
        loop_.post([weak = std::weak_ptr(durable_), upto = batch.back()->revision] {
            const auto durable = weak.lock();
            if (durable && *durable) (*durable)(upto);
        });
        batch.clear();
    }
}

Result<Loaded> load(sqlite3* db) {
    Loaded loaded;
    const auto mark = TRY(prepare(db, "SELECT revision FROM meta"));
    if (sqlite3_step(mark.get()) == SQLITE_ROW) loaded.revision = sqlite3_column_int64(mark.get(), 0);
    const auto all = TRY(prepare(db, "SELECT grp, plural, ns, name, value FROM objects"));
    int code;
    while ((code = sqlite3_step(all.get())) == SQLITE_ROW) {
        Key key{{column(all.get(), 0), column(all.get(), 1)}, column(all.get(), 2), column(all.get(), 3)};
        boost::system::error_code error;
        auto value = object::json::parse(column(all.get(), 4), error);
        if (error || !value.is_object())
            return base::fail(Code::internal, fmt::format("the object {}/{} {}/{} in it is damaged", key.resource.group,
                                                          key.resource.plural, key.ns, key.name));
        loaded.objects.emplace_back(std::move(key), std::make_shared<const Object>(std::move(value.get_object())));
    }
    if (code != SQLITE_DONE) return base::fail(Code::internal, sqlite3_errmsg(db));
    return loaded;
}

Result<int> user_version(sqlite3* db) {
    const auto statement = TRY(prepare(db, "PRAGMA user_version"));
    return sqlite3_step(statement.get()) == SQLITE_ROW ? sqlite3_column_int(statement.get(), 0) : 0;
}

Result<Opened> open(const std::filesystem::path& file, run::Loop& loop,
                    std::function<void(std::string_view)> complain) {
    sqlite3* raw = nullptr;
    const int code =
        sqlite3_open_v2(file.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
    Db db(raw);
    if (code != SQLITE_OK) return base::fail(Code::internal, sqlite3_errmsg(raw));
    sqlite3_busy_timeout(raw, 5000);
    TRY(run_sql(raw, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=4000;"));
    const int version = TRY(user_version(raw));
    if (version > format_version)
        return base::fail(Code::internal, fmt::format("its format is {}, newer than the {} that this version reads",
                                                      version, format_version));
    TRY(run_sql(raw, schema));
    TRY(run_sql(raw, fmt::format("PRAGMA user_version={}", format_version).c_str()));
    auto loaded = TRY(load(raw));
    auto put = TRY(prepare(raw, "INSERT OR REPLACE INTO objects VALUES(?1, ?2, ?3, ?4, ?5)"));
    auto drop = TRY(prepare(raw, "DELETE FROM objects WHERE grp=?1 AND plural=?2 AND ns=?3 AND name=?4"));
    auto mark = TRY(prepare(raw, "UPDATE meta SET revision=?1"));
    auto journal = std::make_unique<SqliteJournal>(std::move(db), std::move(put), std::move(drop), std::move(mark),
                                                   loop, std::move(complain));
    return Opened{std::move(loaded), std::move(journal)};
}

}  // namespace

Result<Opened> open_sqlite_journal(const std::filesystem::path& file, run::Loop& loop,
                                   std::function<void(std::string_view)> complain) {
    auto opened = open(file, loop, std::move(complain));
    if (!opened) return std::unexpected(std::move(opened).error().in("the store's file " + file.string()));
    return opened;
}

}  // namespace store
