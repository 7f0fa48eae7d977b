// Documents in MongoDB, each as it is under `document` beside whose it is.
#include <boost/json.hpp>

#include "documents/store.h"
#include "kit/json_text.h"
#include "kit/mongo/mongo.h"

namespace documents {
namespace {

constexpr const char* collection = "documents";

std::string text_in(const boost::json::object& object, std::string_view name) {
    const auto* found = object.if_contains(name);
    return found && found->is_string() ? std::string(found->get_string()) : std::string();
}

base::Result<Document> document_in(const std::string& json) {
    boost::system::error_code error;
    const auto value = boost::json::parse(json, error);
    const auto* object = value.if_object();
    const auto* body = object ? object->if_contains("document") : nullptr;
    if (error || !body) return base::fail(base::Code::internal, "MongoDB holds something that is no document of ours");
    return Document{.id = text_in(*object, "_id"),
                    .user = text_in(*object, "user"),
                    .created_at = text_in(*object, "created_at"),
                    .json = boost::json::serialize(*body)};
}

std::string filter_for(const std::string& user, const std::string& id) {
    std::string filter;
    kit::JsonText(filter).open('{').field("user", user).field("_id", id).close('}');
    return filter;
}

class MongoStore final : public DocumentStore {
 public:
    MongoStore(kit::App& app, std::unique_ptr<kit::mongo::Mongo> mongo) : mongo_(std::move(mongo)), loop_(app.loop()) {
        index();
        app.ready_when("mongodb", [this] { return mongo_->away(); });
        app.metrics().gauge("app_mongo_waiting", "Calls that wait for MongoDB.",
                            [this] { return static_cast<double>(mongo_->waiting()); });
    }

    void add(Document document, std::move_only_function<void(base::Result<void>)> done) override {
        std::string json;
        kit::JsonText text(json);
        text.open('{').field("_id", document.id).field("user", document.user).field("created_at", document.created_at);
        text.key("document").raw(document.json).close('}');
        mongo_->insert(collection, std::move(json), std::move(done));
    }
    void list(const std::string& user, const std::string& before, std::int64_t limit,
              std::move_only_function<void(base::Result<std::vector<Document>>)> done) override {
        std::string filter;
        kit::JsonText text(filter);
        text.open('{').field("user", user);
        if (!before.empty()) text.key("_id").open('{').field("$lt", before).close('}');
        text.close('}');
        find_all({.filter = std::move(filter), .sort = R"({"_id":-1})", .limit = limit}, std::move(done));
    }
    void find(const std::string& user, const std::string& id,
              std::move_only_function<void(base::Result<Document>)> done) override {
        find_all({.filter = filter_for(user, id), .limit = 1},
                 [id, done = std::move(done)](base::Result<std::vector<Document>> found) mutable {
                     if (!found) return done(std::unexpected(std::move(found).error()));
                     if (found->empty()) return done(std::unexpected(no_such(id)));
                     done(std::move(found->front()));
                 });
    }
    void remove(const std::string& user, const std::string& id,
                std::move_only_function<void(base::Result<void>)> done) override {
        mongo_->remove_one(collection, filter_for(user, id),
                           [id, done = std::move(done)](base::Result<std::int64_t> removed) mutable {
                               if (!removed) return done(std::unexpected(std::move(removed).error()));
                               done(*removed == 1 ? base::Result<void>{} : std::unexpected(no_such(id)));
                           });
    }

 private:
    void find_all(kit::mongo::Find wish, std::move_only_function<void(base::Result<std::vector<Document>>)> done) {
        mongo_->find(collection, std::move(wish),
                     [done = std::move(done)](base::Result<kit::mongo::Documents> found) mutable {
                         if (!found) return done(std::unexpected(std::move(found).error()));
                         std::vector<Document> documents;
                         for (const auto& json : *found) {
                             auto document = document_in(json);
                             if (!document) return done(std::unexpected(std::move(document).error()));
                             documents.push_back(std::move(*document));
                         }
                         done(std::move(documents));
                     });
    }

    /// Again and again until MongoDB is there.
    void index() {
        mongo_->ensure_index(collection, R"({"user":1,"_id":-1})", [this](base::Result<void> made) {
            if (!made) again_ = loop_.after(std::chrono::seconds(1), [this] { index(); });
        });
    }

    std::unique_ptr<kit::mongo::Mongo> mongo_;
    run::Loop& loop_;
    run::Timer again_;
};

}  // namespace

base::Result<std::unique_ptr<DocumentStore>> open_mongo(kit::App& app, const std::string& url,
                                                        const std::string& database) {
    auto mongo = TRY(kit::mongo::open(app.loop(), app.log(), {.uri = url, .database = database}));
    return std::make_unique<MongoStore>(app, std::move(mongo));
}

}  // namespace documents
