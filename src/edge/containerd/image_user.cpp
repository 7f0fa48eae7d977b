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

/// The groups whose list of members has that name.
std::vector<std::int64_t> memberships(const std::string& groups, const std::string& name) {
    std::vector<std::int64_t> ids;
    std::istringstream lines(groups);
    for (std::string line; std::getline(lines, line);) {
        const auto last = line.rfind(':');
        if (last == std::string::npos || last == 0) continue;
        const auto before = line.rfind(':', last - 1);
        const auto id = before == std::string::npos ? std::string() : line.substr(before + 1, last - before - 1);
        std::istringstream members(line.substr(last + 1));
        for (std::string member; number(id) && std::getline(members, member, ',');)
            if (member == name) ids.push_back(std::atoll(id.c_str()));
    }
    return ids;
}

}  // namespace

base::Result<ImageUser> resolve_user(const std::string& user, const std::string& passwd, const std::string& group) {
    const auto colon = user.find(':');
    const auto name = user.substr(0, colon);
    const auto wanted_group = colon == std::string::npos ? std::string() : user.substr(colon + 1);
    std::string uid = name.empty() ? "0" : name;
    const auto line = entry(passwd, number(uid) ? 2 : 0, uid);
    if (!number(uid)) {
        if (line.empty())
            return base::fail(base::Code::not_found,
                              "unable to find user " + name + ": no matching entries in passwd file");
        uid = line[2];
    }
    std::string gid = line.empty() || line[3].empty() ? "0" : line[3];
    if (number(wanted_group)) {
        gid = wanted_group;
    } else if (!wanted_group.empty()) {
        const auto found = entry(group, 0, wanted_group);
        if (found.empty())
            return base::fail(base::Code::not_found,
                              "unable to find group " + wanted_group + ": no matching entries in group file");
        gid = found[2];
    }
    return ImageUser{std::atoll(uid.c_str()), std::atoll(gid.c_str()),
                     line.empty() ? std::vector<std::int64_t>() : memberships(group, line[0])};
}

}  // namespace edge
