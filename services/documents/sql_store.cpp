// Documents in SQL: the embedded default.
#include "documents/store.h"

namespace documents {
namespace {

using kit::db::Rows;

constexpr const char* table =
    "CREATE TABLE documents (id TEXT PRIMARY KEY, user_id TEXT NOT NULL, created_at TEXT NOT NULL, body TEXT NOT NULL);"
    "CREATE INDEX documents_of_users ON documents (user_id, id)";

Document document_in(const Rows& rows, std::size_t row) {
    return {.id = std::string(rows.text(row, 0)),
            .user = std::string(rows.text(row, 1)),
            .created_at = std::string(rows.text(row, 2)),
            .json = std::string(rows.text(row, 3))};
}

class SqlStore final : public DocumentStore {
 public:
    explicit SqlStore(kit::db::Database& database) : database_(database) {}

    void add(Document document, std::move_only_function<void(base::Result<void>)> done) override {
        database_.run("INSERT INTO documents (id, user_id, created_at, body) VALUES ($1, $2, $3, $4)",
                      {std::move(document.id), std::move(document.user), std::move(document.created_at),
                       std::move(document.json)},
                      [done = std::move(done)](base::Result<Rows> added) mutable {
                          done(added ? base::Result<void>{} : std::unexpected(std::move(added).error()));
                      });
    }
    void list(const std::string& user, const std::string& before, std::int64_t limit,
              std::move_only_function<void(base::Result<std::vector<Document>>)> done) override {
        database_.run(
            "SELECT id, user_id, created_at, body FROM documents WHERE user_id = $1 AND ($2 = '' OR id < $2)"
            " ORDER BY id DESC LIMIT CAST($3 AS INTEGER)",
            {user, before, std::to_string(limit)}, [done = std::move(done)](base::Result<Rows> rows) mutable {
                if (!rows) return done(std::unexpected(std::move(rows).error()));
                std::vector<Document> documents;
                for (std::size_t row = 0; row < rows->size(); ++row) documents.push_back(document_in(*rows, row));
                done(std::move(documents));
            });
    }
    void find(const std::string& user, const std::string& id,
              std::move_only_function<void(base::Result<Document>)> done) override {
        database_.run("SELECT id, user_id, created_at, body FROM documents WHERE user_id = $1 AND id = $2", {user, id},
                      [id, done = std::move(done)](base::Result<Rows> rows) mutable {
                          if (!rows) return done(std::unexpected(std::move(rows).error()));
                          if (rows->empty()) return done(std::unexpected(no_such(id)));
                          done(document_in(*rows, 0));
                      });
    }
    void remove(const std::string& user, const std::string& id,
                std::move_only_function<void(base::Result<void>)> done) override {
        database_.run("DELETE FROM documents WHERE user_id = $1 AND id = $2", {user, id},
                      [id, done = std::move(done)](base::Result<Rows> rows) mutable {
                          if (!rows) return done(std::unexpected(std::move(rows).error()));
                          done(rows->affected == 1 ? base::Result<void>{} : std::unexpected(no_such(id)));
                      });
    }

 private:
    kit::db::Database& database_;
};

}  // namespace

std::unique_ptr<DocumentStore> open_sql(kit::App& app, std::string_view url) {
    auto& database = app.database(url, {{1, "documents", table, table}});
    return std::make_unique<SqlStore>(database);
}

}  // namespace documents
