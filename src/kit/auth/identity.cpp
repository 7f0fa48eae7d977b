#include "kit/auth/identity.h"

#include <algorithm>

namespace kit::auth {

std::string_view role_name(Role role) {
    switch (role) {
        case Role::buyer:
            return "buyer";
        case Role::dealer:
            return "dealer";
        case Role::admin:
            return "admin";
        case Role::service:
            return "service";
    }
    return "";
}

bool Identity::has(Role role) const { return std::ranges::find(roles, role) != roles.end(); }

bool Identity::may_act_for(std::string_view user_id) const {
    return has(Role::admin) || has(Role::service) || (!user_id.empty() && user == user_id);
}

}  // namespace kit::auth
