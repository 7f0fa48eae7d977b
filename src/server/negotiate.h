// What the client wants back: the Accept header's clauses, best first, matched with what can be said.
// Protobuf answers are never given: a client that prefers them takes JSON (it always can).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace server {

struct Clause {
    std::string type;  ///< "application/json", lower case
    std::string as, group, version;
    double quality = 1;
};
/// The clauses by falling quality, those of equal quality in the order in which they came. An empty header is "*/*".
std::vector<Clause> parse_accept(std::string_view header);

enum class Media : std::uint8_t { json, yaml };
/// How objects are shown: themselves, as table rows, or their metadata alone.
enum class Form : std::uint8_t { object, table, partial };

struct Accepted {
    Media media = Media::json;
    Form form = Form::object;
    std::string meta_version = "v1";  ///< of meta.k8s.io, for tables and partial metadata
};

/// What a route can give beside JSON of the object itself.
struct Offer {
    bool forms = false;  ///< tables and partial metadata
    bool yaml = true;
};
/// Code::not_acceptable when no clause can be met.
base::Result<Accepted> negotiate(std::string_view accept, Offer offer);

/// "application/json; charset=utf-8" -> "application/json", lower case.
std::string media_type(std::string_view header);

}  // namespace server
