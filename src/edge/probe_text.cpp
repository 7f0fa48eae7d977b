// The little of HTTP/1.1 that a probe needs. Pure.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "edge/prober.h"

namespace edge {
namespace {

constexpr std::size_t body_bytes_max = 1024, head_bytes_max = 65536;

std::string lower(std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
    return text;
}

/// The value of a header, whose name is given in lower case; "" when it is not there.
std::string header(const std::string& head, const std::string& name) {
    const auto at = lower(head).find("\r\n" + name + ":");
    if (at == std::string::npos) return {};
    const auto begin = head.find_first_not_of(" \t", at + name.size() + 3);
    return head.substr(begin, head.find("\r\n", begin) - begin);
}

/// The text of a chunked body as far as it has come.
struct Chunks {
    std::string text;
    bool ended = false;
};
Chunks unchunk(std::string_view body) {
    Chunks out;
    while (out.text.size() < body_bytes_max) {
        const auto line = body.find("\r\n");
        std::size_t size = 0;
        if (line == std::string_view::npos) return out;
        const auto [rest, error] = std::from_chars(body.data(), body.data() + line, size, 16);
        if (error != std::errc{} || size == 0) {
            out.ended = true;
            return out;
        }
        body.remove_prefix(line + 2);
        out.text += body.substr(0, size);
        if (body.size() < size + 2) return out;
        body.remove_prefix(size + 2);
    }
    return out;
}

}  // namespace

std::string probe_request(const node::Prober::Http& request) {
    const auto given = [&](const std::string& name) {
        return std::ranges::any_of(request.headers, [&](const auto& entry) { return lower(entry.first) == name; });
    };
    auto path = request.path.starts_with("/") ? request.path : "/" + request.path;
    std::erase_if(path, [](unsigned char c) { return c <= ' '; });
    auto text = fmt::format("GET {} HTTP/1.1\r\n", path);
    if (!given("host")) text += fmt::format("Host: {}:{}\r\n", request.host, request.port);
    if (!given("user-agent")) text += "User-Agent: kube-probe/1.36\r\n";
    if (!given("accept")) text += "Accept: */*\r\n";
    for (const auto& [name, value] : request.headers) {
        if (!value.empty() || (lower(name) != "accept" && lower(name) != "user-agent"))
            text += fmt::format("{}: {}\r\n", name, value);
    }
    return text + "Connection: close\r\n\r\n";
}

ProbeReply read_probe_reply(const std::string& bytes, ReplyEnd end) {
    ProbeReply reply;
    const auto head_end = bytes.find("\r\n\r\n");
    if (head_end == std::string::npos) {
        reply.broken = end == ReplyEnd::closed || bytes.size() > head_bytes_max;
        return reply;
    }
    if (!bytes.starts_with("HTTP/1.") || bytes.size() < 12) {
        reply.broken = true;
        return reply;
    }
    std::from_chars(bytes.data() + 9, bytes.data() + 12, reply.answer.status);
    if (reply.answer.status / 100 == 1)
        return read_probe_reply(bytes.substr(head_end + 4), end);  // informational: the answer follows
    const auto head = bytes.substr(0, head_end + 2);
    const auto body = std::string_view(bytes).substr(head_end + 4);
    const auto length = header(head, "content-length");
    bool all = end == ReplyEnd::closed || reply.answer.status == 204 || reply.answer.status == 304;
    reply.answer.location = header(head, "location");
    if (lower(header(head, "transfer-encoding")).find("chunked") != std::string::npos) {
        auto chunks = unchunk(body);
        all |= chunks.ended;
        reply.answer.body = std::move(chunks.text);
    } else {
        reply.answer.body = body;
        if (!length.empty()) all |= body.size() >= std::strtoull(length.c_str(), nullptr, 10);
    }
    reply.complete = all || reply.answer.body.size() >= body_bytes_max;
    reply.answer.body.resize(std::min(reply.answer.body.size(), body_bytes_max));
    return reply;
}

}  // namespace edge
