// The commands of the slipway program.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace platform {

/// Carries out `words` (command, flags, operands). The exit code, or an Error that names what was wrong.
base::Result<int> run_command(const std::string& program, const std::vector<std::string>& words);

}  // namespace platform
