#include "kit/web/gzip.h"

#include <zlib.h>

#include <array>
#include <cstdlib>

#include "kit/http/ascii.h"

namespace kit {
namespace {

constexpr std::size_t compressed_from_bytes = 1400;  ///< what one packet holds
constexpr std::size_t compressed_to_bytes = 4 << 20;
constexpr int level_on_the_way = 4;
constexpr int gzip_window = 15 + 16;  ///< zlib's word for a gzip header

}  // namespace

bool takes_gzip(std::string_view accept_encoding) {
    while (!accept_encoding.empty()) {
        const auto comma = accept_encoding.find(',');
        auto entry = accept_encoding.substr(0, comma);
        accept_encoding = comma == std::string_view::npos ? std::string_view{} : accept_encoding.substr(comma + 1);
        const auto first = entry.find_first_not_of(" \t");
        if (first == std::string_view::npos) continue;
        entry.remove_prefix(first);
        const auto name = entry.substr(0, entry.find_first_of("; \t"));
        if (!http::same_text(name, "gzip") && name != "*") continue;
        const auto q = entry.find("q=");
        return q == std::string_view::npos || std::strtod(std::string(entry.substr(q + 2)).c_str(), nullptr) > 0;
    }
    return false;
}

bool worth_compressing(std::string_view type) {
    return type.starts_with("text/") || type.starts_with("application/json") ||
           type.starts_with("application/problem+json") || type.starts_with("application/javascript") ||
           type.starts_with("image/svg+xml") || type.starts_with("application/manifest+json");
}

std::string gzip(std::string_view text, int level) {
    z_stream stream{};
    base::check(::deflateInit2(&stream, level, Z_DEFLATED, gzip_window, 8, Z_DEFAULT_STRATEGY) == Z_OK,
                "zlib begins to compress");
    std::string out(::deflateBound(&stream, text.size()), '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    base::check(::deflate(&stream, Z_FINISH) == Z_STREAM_END, "deflateBound() says enough");
    out.resize(stream.total_out);
    ::deflateEnd(&stream);
    return out;
}

void compress(http::Response& response, std::string_view accept_encoding) {
    const auto size = response.body->size();
    if (size < compressed_from_bytes || size > compressed_to_bytes) return;
    if (!worth_compressing(response.headers.get("Content-Type")) || response.headers.has("Content-Encoding")) return;
    const auto tag = response.headers.get("ETag");
    if (!tag.empty() && !tag.starts_with("W/")) return;
    response.headers.add("Vary", "Accept-Encoding");
    if (!takes_gzip(accept_encoding)) return;
    response.headers.add("Content-Encoding", "gzip");
    response.body = std::make_shared<const std::string>(gzip(*response.body, level_on_the_way));
}

}  // namespace kit
