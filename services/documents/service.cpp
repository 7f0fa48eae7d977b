#include "documents/service.h"

#include "documents/api.h"
#include "kit/http/server.h"

namespace documents {
namespace {

DocumentStore& open_store(kit::App& app, const Settings& settings) {
    const auto address = mongo_address(settings);
    if (address.empty()) return *app.own<std::unique_ptr<DocumentStore>>(open_sql(app, *settings.database));
    auto opened = open_mongo(app, address, *settings.mongo_database);
    if (!opened) {
        app.give_up(std::move(opened).error());
        return *app.own<std::unique_ptr<DocumentStore>>(open_sql(app, "sqlite::memory:"));  // never used
    }
    return *app.own<std::unique_ptr<DocumentStore>>(std::move(*opened));
}

}  // namespace

std::string mongo_address(const Settings& settings) {
    if (!settings.mongo->empty()) return settings.mongo->text;
    std::string host = *settings.mongo_host;
    std::string port = *settings.mongo_port;
    if (port.starts_with("tcp://")) {  // as Kubernetes sets it for a Service called mongo
        const auto colon = port.rfind(':');
        if (host.empty()) host = port.substr(6, colon - 6);
        port = port.substr(colon + 1);
    }
    if (host.empty()) return {};
    std::string address = "mongodb://";
    if (!settings.mongo_user->empty()) {
        address += kit::http::percent_encoded(*settings.mongo_user);
        address += ':';
        address += kit::http::percent_encoded(settings.mongo_password->text);
        address += '@';
    }
    address += host;
    address += ':';
    return address += port.empty() ? "27017" : port;
}

void assemble(kit::App& app, const Settings& settings) {
    app.verify_with({.jwks_url = *settings.jwks_url, .service_token = settings.service_token->text});
    auto& store = open_store(app, settings);
    add_routes(app, store);
}

}  // namespace documents
