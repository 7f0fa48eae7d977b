// Answers in gzip for clients that take it (RFC 9110, 12.5.3).
#pragma once

#include <string>
#include <string_view>

#include "kit/http/server.h"

namespace kit {

/// True when an Accept-Encoding header takes gzip.
bool takes_gzip(std::string_view accept_encoding);
/// True for types of text.
bool worth_compressing(std::string_view content_type);
/// `level` from 1 (fast) to 9 (small).
std::string gzip(std::string_view text, int level);
/// Compresses a text answer that is large enough to be worth it, and says `Vary` where it might have. An answer with a
/// strong ETag stays as it is: its bytes are what the tag stands for.
void compress(http::Response& response, std::string_view accept_encoding);

}  // namespace kit
