// Where documents are kept: one port, MongoDB or SQL behind it. Ids grow with time, so the newest is the greatest.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kit/app.h"

namespace documents {

struct Document {
    std::string id;
    std::string user;
    std::string created_at;  ///< RFC 3339
    std::string json;        ///< an object
};

class DocumentStore {
 public:
    virtual ~DocumentStore() = default;
    virtual void add(Document document, std::move_only_function<void(base::Result<void>)> done) = 0;
    /// The user's, newest first, those older than `before` ("" is none).
    virtual void list(const std::string& user, const std::string& before, std::int64_t limit,
                      std::move_only_function<void(base::Result<std::vector<Document>>)> done) = 0;
    /// `not_found` also when it is another's.
    virtual void find(const std::string& user, const std::string& id,
                      std::move_only_function<void(base::Result<Document>)> done) = 0;
    virtual void remove(const std::string& user, const std::string& id,
                        std::move_only_function<void(base::Result<void>)> done) = 0;
};

std::unique_ptr<DocumentStore> open_sql(kit::App& app, std::string_view url);
base::Result<std::unique_ptr<DocumentStore>> open_mongo(kit::App& app, const std::string& url,
                                                        const std::string& database);

inline base::Error no_such(const std::string& id) {
    base::Error error{base::Code::not_found, "you have no document "};
    error.message += id;
    return error;
}

}  // namespace documents
