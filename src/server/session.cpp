#include "server/session.h"

#include "server/answer.h"

namespace server {

void serve_session(Core& core, Call call) {
    if (!core.ports.sessions)
        return send_error(std::move(call),
                          base::Error(base::Code::unavailable, "this server serves no sessions into pods"));
    const auto& place = call.place;
    auto object = core.store().get(verbs::key_of(call.target()));
    // Only a proxy's name may say more than the object's: scheme:name:port.
    if (!object && place.subresource != "proxy") {
        const auto missing = core.api.get(call.target());
        return send_error(std::move(call), missing.error());
    }
    SessionRequest session{.request = std::move(call.request),
                           .subresource = place.subresource,
                           .resource = place.plural,
                           .ns = place.ns,
                           .name = place.name,
                           .rest = place.rest,
                           .object = std::move(object)};
    core.ports.sessions->serve(std::move(session), std::move(call.reply));
}

}  // namespace server
