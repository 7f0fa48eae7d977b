// A user's name and group in numbers. Pure.
#include <algorithm>
#include <sstream>

#include "edge/containerd/images.h"

namespace edge {
namespace {

bool number(const std::string& text) {
    return !text.empty() && std::ranges::all_of(text, [](unsigned char c) { return std::isdigit(c); });
}

/// The fields of the line whose field `column` is `value`.
std::vector<std::string> entry(const std::string& table, std::size_t column, const std::string& value) {
    std::istringstream lines(table);
    for (std::string line; std::getline(lines, line);) {
        std::vector<std::string> fields;
        std::istringstream parts(line);
        for (std::string field; std::getline(parts, field, ':');) fields.push_back(field);
        if (fields.size() >= 3 && fields[column] == value) {
            fields.resize(std::max<std::size_t>(fields.size(), 4));
            return fields;
        }
    }
    return {};
}

}  // namespace

base::Result<std::string> resolve_user(const std::string& user, const std::string& passwd, const std::string& group) {
    const auto colon = user.find(':');
    const auto name = user.substr(0, colon);
    const auto wanted_group = colon == std::string::npos ? std::string() : user.substr(colon + 1);
    std::string uid = name.empty() ? "0" : name;
    const auto line = entry(passwd, number(uid) ? 2 : 0, uid);
    if (!number(uid)) {
        if (line.empty())
            return base::fail(base::Code::invalid,
                              "unable to find user " + name + ": no matching entries in passwd file");
        uid = line[2];
    }
    std::string gid = line.empty() || line[3].empty() ? "0" : line[3];
    if (number(wanted_group)) {
        gid = wanted_group;
    } else if (!wanted_group.empty()) {
        const auto found = entry(group, 0, wanted_group);
        if (found.empty())
            return base::fail(base::Code::invalid,
                              "unable to find group " + wanted_group + ": no matching entries in group file");
        gid = found[2];
    }
    return uid + ":" + gid;
}

}  // namespace edge
