// The real verbs, with writes that meet conflicts by chance: the same that a writer in between would cause.
#pragma once

#include "base/rng.h"
#include "sim/faults.h"
#include "verbs/api.h"

namespace sim {

class FaultyApi final : public verbs::Api {
 public:
    FaultyApi(verbs::Api& api, base::Rng& rng, const Faults& faults) : api_(api), rng_(rng), faults_(faults) {}

    base::Result<verbs::ObjectPtr> get(const verbs::Target& target) const override { return api_.get(target); }
    base::Result<verbs::Written> create(const verbs::Target& target, verbs::json::object body,
                                        const verbs::WriteOptions& options) override {
        return api_.create(target, std::move(body), options);
    }
    base::Result<verbs::Written> update(const verbs::Target& target, verbs::json::object body,
                                        const verbs::WriteOptions& options) override {
        if (rng_.chance(faults_.write_conflict))
            return base::fail(base::Code::conflict, "a simulated writer was first");
        return api_.update(target, std::move(body), options);
    }
    base::Result<verbs::Written> patch(const verbs::Target& target, verbs::PatchType type, verbs::json::value patch,
                                       const verbs::WriteOptions& options) override {
        return api_.patch(target, type, std::move(patch), options);
    }
    base::Result<verbs::Deleted> remove(const verbs::Target& target, const verbs::DeleteOptions& options,
                                        const verbs::Caller& caller) override {
        const bool conditional = !options.precondition_version.empty();
        if (conditional && rng_.chance(faults_.write_conflict))
            return base::fail(base::Code::conflict, "a simulated writer was first");
        return api_.remove(target, options, caller);
    }
    store::Store& store() override { return api_.store(); }

 private:
    verbs::Api& api_;
    base::Rng& rng_;
    const Faults& faults_;
};

}  // namespace sim
