// Which objects are meant: label selectors (text and JSON form) and field selectors.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "object/json.h"

namespace object {

enum class Operator : std::uint8_t { in, not_in, exists, not_exists, greater, less };

struct Requirement {
    std::string key;
    Operator op = Operator::in;
    std::vector<std::string> values;
};

class LabelSelector {
 public:
    /// "a=b,c!=d,e in (f,g),!h"; "" selects everything. Code::bad_request on bad syntax.
    static base::Result<LabelSelector> parse(std::string_view text);
    /// {matchLabels, matchExpressions}; an empty one selects everything, a missing one nothing (as upstream does for
    /// workloads).
    static base::Result<LabelSelector> from_json(Ref selector);
    /// A plain map of labels, as a Service's selector.
    static LabelSelector from_map(Ref labels);

    bool matches(Ref labels) const;
    bool selects_everything() const { return !nothing_ && requirements_.empty(); }
    const std::vector<Requirement>& requirements() const { return requirements_; }
    /// The text form, e.g. for Scale's status.selector: "app=web,tier in (a,b)".
    std::string text() const;

 private:
    bool nothing_ = false;
    std::vector<Requirement> requirements_;
};

struct FieldRequirement {
    std::string path;  ///< dotted, e.g. "metadata.name"
    std::string value;
    bool equal = true;
};
/// "a=b,c!=d" with backslash escapes. Which paths a kind supports is the caller's to check.
base::Result<std::vector<FieldRequirement>> parse_field_selector(std::string_view text);

}  // namespace object
