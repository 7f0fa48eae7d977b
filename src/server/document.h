// A text that is made once and served many times, with the hash that clients use to keep it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace server {

struct Document {
    std::shared_ptr<const std::string> text;
    std::string hash;  ///< hexadecimal; as an ETag in quotes
    static Document of(std::string text);
};

/// Whether an If-None-Match header names this document.
bool unchanged(std::string_view if_none_match, const Document& document);

}  // namespace server
