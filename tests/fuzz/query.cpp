// Addresses and header values: percent decoding, queries, cookies, traces, encodings.
#include "base/result.h"
#include "fuzz.h"
#include "kit/context.h"
#include "kit/http/ascii.h"
#include "kit/http/server.h"
#include "kit/web/frames.h"
#include "kit/web/gzip.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto input = fuzz::text(data, size);
    if (const auto decoded = kit::http::percent_decode(input)) {
        base::check(decoded->size() <= input.size(), "decoding does not grow");
        std::string encoded;
        for (const char c : *decoded) {
            static constexpr char digits[] = "0123456789abcdef";
            encoded += '%';
            encoded += digits[static_cast<unsigned char>(c) >> 4];
            encoded += digits[c & 15];
        }
        base::check(kit::http::percent_decode(encoded) == decoded, "what was decoded can be encoded");
    }
    std::size_t bytes = 0;
    for (const auto& [name, value] : kit::http::parse_query(input)) bytes += name.size() + value.size();
    base::check(bytes <= input.size(), "a query's pairs are not longer than it");
    base::Rng rng(1);
    const auto trace = kit::Trace::of(input, rng);
    base::check(trace.id.size() == 32 && trace.span.size() == 16, "a trace has its ids");
    base::check(kit::Trace::of(trace.traceparent(), rng).id == trace.id, "what we send is understood");
    kit::takes_gzip(input);
    kit::http::has_token(input, "upgrade");
    kit::accept_key(input);
    return 0;
}
