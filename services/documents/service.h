// What the service is: its settings and how it is put together.
#pragma once

#include "kit/app.h"

namespace documents {

struct Settings {
    kit::Setting<kit::Secret> mongo{"mongo-url",
                                    "Where documents are kept: mongodb://[user:password@]host:port/name. Without it "
                                    "mongo-host and its kin make one; without those the database.",
                                    ""};
    kit::Setting<std::string> mongo_host{"mongo-host", "MongoDB's host.", ""};
    kit::Setting<std::string> mongo_port{"mongo-port", "MongoDB's port; also like tcp://10.0.0.1:27017.", ""};
    kit::Setting<std::string> mongo_database{"mongo-database", "The database within MongoDB.", ""};
    kit::Setting<std::string> mongo_user{"mongo-user", "Who we are to MongoDB.", ""};
    kit::Setting<kit::Secret> mongo_password{"mongo-password", "MongoDB's password.", ""};
    kit::Setting<kit::DatabaseUrl> database{"database-url", "Where documents are kept without MongoDB: sqlite:PATH.",
                                            "sqlite:documents.db"};
    kit::Setting<std::string> jwks_url{"jwks-url", "Where the keys of access tokens are.",
                                       "http://127.0.0.1:8082/.well-known/jwks.json"};
    kit::Setting<kit::Secret> service_token{"service-token", "What services show each other.", ""};
};

void assemble(kit::App& app, const Settings& settings);

/// The address that the settings make; "" is none.
std::string mongo_address(const Settings& settings);

}  // namespace documents
