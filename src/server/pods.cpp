#include "server/pods.h"

#include <fmt/format.h>

#include "kinds/registry.h"
#include "object/selector.h"
#include "server/answer.h"
#include "server/body.h"
#include "server/status.h"
#include "server/write_options.h"

namespace server {

using base::Code;
using base::Result;
using object::ObjectPtr;
using object::Ref;

namespace {

void send_success(Core& core, Call call, int code) {
    const auto revision = core.store().revision();
    send_durable(core, std::move(call), revision, code,
                 std::make_shared<const std::string>(json::serialize(success(nullptr, code))));
}

base::Error in_words_of_binding(base::Error error) {
    if (error.code != Code::conflict || !error.details) return error;
    auto details = *error.details;
    details.kind = "pods/binding";
    return {error.code, std::move(error.message), std::move(details)};
}

/// Upstream gives these 500 without a reason.
Result<void> check_target(Ref binding) {
    const auto target = binding["target"];
    if (const auto kind = target["kind"].str(); !kind.empty() && kind != "Node")
        return base::fail(Code::unspecified,
                          fmt::format("target.kind: Unsupported value: \"{}\": supported values: \"Node\"", kind));
    if (target["name"].str().empty()) return base::fail(Code::unspecified, "target.name: Required value");
    return {};
}

Result<void> assign(Core& core, const Call& call, std::string name) {
    auto options = TRY(parse_write_options(call, "CreateOptions"));
    options.subresource = "binding";
    auto body = TRY(decode_body(call.request, Expected::of("v1", "core/v1", "Binding")));
    const Ref binding(body.object);
    if (name.empty()) name = binding["metadata"]["name"].str();
    if (binding["metadata"]["name"].str(name) != name)
        return base::fail(Code::bad_request, "name in URL does not match name in Binding object");
    TRY(check_target(binding));
    const verbs::Target pod{kinds::by_resource("", "v1", "pods"), call.place.ns, name};
    auto bound = core.api.update(pod, std::move(body.object), options);
    if (!bound) return std::unexpected(in_words_of_binding(std::move(bound).error()));
    return {};
}

}  // namespace

void bind_pod(Core& core, Call call) {
    const auto bound = assign(core, call, call.place.name);
    if (!bound) return send_error(std::move(call), bound.error());
    send_success(core, std::move(call), 201);
}

void bind_by_name(Core& core, Call call) {
    const auto bound = assign(core, call, "");
    if (!bound) return send_error(std::move(call), bound.error());
    send_success(core, std::move(call), 201);
}

namespace {

std::vector<ObjectPtr> budgets_of(Core& core, const object::Object& pod) {
    std::vector<ObjectPtr> out;
    for (auto& budget : core.store().list({"policy", "poddisruptionbudgets"}, pod.ns())) {
        const auto selector = object::LabelSelector::from_json((*budget)["spec"]["selector"]);
        if (selector && selector->matches(pod.meta()["labels"])) out.push_back(std::move(budget));
    }
    return out;
}

bool ready(const object::Object& pod) {
    for (const auto& condition : pod["status"]["conditions"].items())
        if (Ref(condition)["type"].str() == "Ready") return Ref(condition)["status"].str() == "True";
    return false;
}

/// A pod that serves nobody costs no budget: not started, finished, on its way out.
bool free_to_go(const object::Object& pod) {
    const auto phase = pod["status"]["phase"].str();
    return phase == "Pending" || phase == "Succeeded" || phase == "Failed" || pod.deleting();
}

/// One that is not ready may go when the budget is met without it, or always if its policy says so.
bool unready_may_go(const object::Object& pod, const object::Object& budget) {
    if (ready(pod)) return false;
    if (budget["spec"]["unhealthyPodEvictionPolicy"].str() == "AlwaysAllow") return true;
    const auto status = budget["status"];
    return status["currentHealthy"].num() >= status["desiredHealthy"].num() && status["desiredHealthy"].num() > 0;
}

base::Error refused(std::string_view why) {
    base::Details details;
    details.causes = {{"DisruptionBudget", std::string(why), ""}};
    return {Code::too_many_requests, "Cannot evict pod as it would violate the pod's disruption budget.", details};
}

Result<void> spend(Core& core, const object::Object& pod, const object::Object& budget,
                   const verbs::WriteOptions& options) {
    const auto status = budget["status"];
    if (status["observedGeneration"].num() < budget.meta()["generation"].num())
        return std::unexpected(
            refused(fmt::format("The disruption budget {} is still being processed by the server.", budget.name())));
    if (status["disruptionsAllowed"].num() <= 0)
        return std::unexpected(
            refused(fmt::format("The disruption budget {} needs {} healthy pods and has {} currently", budget.name(),
                                status["desiredHealthy"].num(), status["currentHealthy"].num())));
    auto wanted = budget.value();
    auto& changed = object::child(wanted, "status");
    changed["disruptionsAllowed"] = status["disruptionsAllowed"].num() - 1;
    object::child(changed, "disruptedPods")[pod.name()] = base::rfc3339(core.loop.now());
    auto write = options;
    write.subresource = "status";
    const verbs::Target target{kinds::by_resource("policy", "v1", "poddisruptionbudgets"), std::string(budget.ns()),
                               std::string(budget.name())};
    TRY(core.api.update(target, std::move(wanted), write));
    return {};
}

Result<void> evict(Core& core, const Call& call) {
    const auto options = TRY(parse_write_options(call, "CreateOptions"));
    auto expected = Expected::of("policy/v1", "policy/v1", "Eviction");
    expected.any_version = true;
    const auto body = TRY(decode_body(call.request, expected));
    const Ref eviction(body.object);
    if (eviction["metadata"]["name"].str(call.place.name) != call.place.name)
        return base::fail(Code::bad_request, "name in URL does not match name in Eviction object");
    auto removal = TRY(delete_options_of(eviction["deleteOptions"]));
    if (options.dry_run == verbs::DryRun::all) removal.dry_run = verbs::DryRun::all;
    const auto pod = TRY(core.api.get(call.target()));
    const auto budgets = budgets_of(core, *pod);
    if (!free_to_go(*pod)) {
        if (budgets.size() > 1)
            return base::fail(Code::unspecified,
                              "This pod has more than one PodDisruptionBudget, which the eviction "
                              "subresource does not support.");
        if (budgets.size() == 1 && !unready_may_go(*pod, *budgets[0])) TRY(spend(core, *pod, *budgets[0], options));
    }
    TRY(core.api.remove(call.target(), removal, call.caller()));
    return {};
}

}  // namespace

void evict_pod(Core& core, Call call) {
    const auto evicted = evict(core, call);
    if (!evicted) return send_error(std::move(call), evicted.error());
    send_success(core, std::move(call), 201);
}

}  // namespace server
