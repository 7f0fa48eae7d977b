// Reads log records; joins partial ones.
#include "node/log_lines.h"

#include <algorithm>
#include <vector>

#include "node/encoding.h"

namespace node {

std::optional<LogLine> parse_log_line(std::string_view line) {
    LogLine result;
    const auto word = [&line]() -> std::string_view {
        const auto end = line.find(' ');
        if (end == line.npos) return {};
        const auto found = line.substr(0, end);
        line.remove_prefix(end + 1);
        return found;
    };
    result.stamp = word();
    const auto at = base::parse_rfc3339(result.stamp);
    if (!at) return std::nullopt;
    result.at = *at;
    result.stream = word();
    if (result.stream != "stdout" && result.stream != "stderr") return std::nullopt;
    // An empty text may come without the blank after its tag.
    const auto tag = line.find(' ') == line.npos ? std::exchange(line, {}) : word();
    if (!tag.starts_with('F') && !tag.starts_with('P')) return std::nullopt;
    result.partial = tag.starts_with('P');
    result.text = line;
    return result;
}

std::string last_lines(std::string_view file_end, std::size_t lines_max) {
    std::vector<std::string> lines(1);
    for (const auto raw : lines_of(file_end)) {
        const auto line = parse_log_line(raw);
        if (!line) continue;
        lines.back() += line->text;
        if (line->partial) continue;
        lines.back() += '\n';
        lines.emplace_back();
    }
    if (lines.back().empty()) lines.pop_back();
    std::string result;
    for (std::size_t i = lines.size() - std::min(lines.size(), lines_max); i < lines.size(); ++i) result += lines[i];
    return result;
}

}  // namespace node
