// One request on its way through the server: what came, where it points to, who asks, and the reply to be given.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kit/http/server.h"
#include "object/schema.h"
#include "server/negotiate.h"
#include "verbs/api.h"

namespace server {

namespace http = kit::http;
namespace json = object::json;

/// The decoded query string.
class Query {
 public:
    Query() = default;
    explicit Query(std::vector<std::pair<std::string, std::string>> pairs) : pairs_(std::move(pairs)) {}
    /// The first value of that name, or "".
    std::string_view get(std::string_view name) const;
    bool has(std::string_view name) const;
    std::vector<std::string> all(std::string_view name) const;
    /// As upstream reads booleans: present and neither "false" nor "0".
    bool flag(std::string_view name) const;
    /// Nothing when absent or empty; Code::bad_request when it is no number.
    base::Result<std::optional<std::int64_t>> number(std::string_view name) const;

 private:
    std::vector<std::pair<std::string, std::string>> pairs_;
};

/// Where a path under /api or /apis points to.
struct Place {
    std::string group, version;
    std::string ns, plural, name, subresource;
    std::string rest;                    ///< behind a proxy subresource
    bool watch = false;                  ///< a legacy /watch/ path
    const object::Kind* kind = nullptr;  ///< null: no such resource
    bool collection() const { return name.empty(); }
};

struct User {
    std::string name;
    std::string uid;
    std::vector<std::string> groups;
    std::map<std::string, std::vector<std::string>> extra;
    bool in(std::string_view group) const;
};

struct Call {
    http::Request request;
    http::Reply reply;
    Query query;
    Place place;
    User user;
    Accepted accepted;
    std::vector<std::string> warnings;

    verbs::Target target() const { return {place.kind, place.ns, place.name}; }
    verbs::Caller caller() const { return {user.name, user.groups}; }
};

}  // namespace server
