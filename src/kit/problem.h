// What went wrong, as a client is told it: RFC 9457 problem details, with the fields at fault by name.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "kit/http/server.h"

namespace kit {

struct FieldProblem {
    std::string field;
    std::string message;
};

struct Problem {
    int status = 500;
    std::string detail;
    std::vector<FieldProblem> fields;
};

/// The problem that an Error is; its causes name the fields. What went wrong inside is not told.
Problem problem_of(const base::Error& error);
/// 422 for fields that do not hold what they should.
base::Error invalid_fields(std::vector<FieldProblem> fields);
http::Response problem_response(const Problem& problem);

}  // namespace kit
