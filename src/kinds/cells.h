// Table cells by kind: each function gives one row for the kind's columns in order (facts: resources.yaml).
#pragma once

#include <string>

#include "kinds/rule.h"

namespace kinds {

/// How long ago, as people read it; "<unknown>" for no time.
std::string age_of(Ref time, base::Time now);
/// Since the object was created.
std::string age(Ref object, base::Time now);

}  // namespace kinds
