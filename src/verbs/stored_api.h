// The verbs over the store: one pipeline for everything that is created, one for everything that is changed.
#pragma once

#include <optional>

#include "object/managed.h"
#include "verbs/addresses.h"
#include "verbs/api.h"

namespace verbs {

class StoredApi final : public Api {
 public:
    StoredApi(store::Store& store, const run::Clock& clock, base::Rng rng, const Settings& settings);

    base::Result<ObjectPtr> get(const Target& target) const override;
    base::Result<Written> create(const Target& target, json::object body, const WriteOptions& options) override;
    base::Result<Written> update(const Target& target, json::object body, const WriteOptions& options) override;
    base::Result<Written> patch(const Target& target, PatchType type, json::value patch,
                                const WriteOptions& options) override;
    base::Result<Deleted> remove(const Target& target, const DeleteOptions& options, const Caller& caller) override;
    store::Store& store() override { return store_; }

 private:
    enum class Tracking : std::uint8_t { track, done };  ///< apply has set managedFields itself

    /// An object on its way into the store.
    struct Draft {
        json::object object;
        std::vector<std::string> warnings;
        Tracking tracking = Tracking::track;
    };

    /// The stored object in the form of the version that is asked for; null when there is none.
    ObjectPtr find(const Target& target) const;
    static json::object to_store(const object::Kind& kind, json::object object);
    base::Result<Draft> shaped(const Target& target, json::object body, const WriteOptions& options) const;
    base::Result<Written> insert(const Target& target, Draft draft, const WriteOptions& options);
    base::Result<Written> replace(const Target& target, const ObjectPtr& live, Draft draft,
                                  const WriteOptions& options);
    base::Result<Written> commit(const Target& target, const ObjectPtr& live, json::object object,
                                 std::vector<std::string> warnings, const WriteOptions& options);
    base::Result<Written> bind(const Target& target, const ObjectPtr& live, const json::object& body,
                               const WriteOptions& options);
    base::Result<Written> finalize(const Target& target, const ObjectPtr& live, const json::object& body,
                                   const WriteOptions& options);
    base::Result<Draft> patched(const Target& target, const object::Object& live, PatchType type,
                                const json::value& patch, const WriteOptions& options) const;
    base::Result<Written> apply(const Target& target, const ObjectPtr& live, const json::value& patch,
                                const WriteOptions& options);
    base::Result<std::vector<base::Cause>> allocate(const object::Kind& kind, json::object& object,
                                                    const json::object* live);
    void note_services(const object::Kind& kind, const json::object* before, const json::object* after);
    object::Manager manager(const Target& target, const WriteOptions& options) const;
    base::Result<Deleted> mark(const Target& target, const ObjectPtr& live, json::object marked, DryRun dry_run);

    store::Store& store_;
    const run::Clock& clock_;
    base::Rng rng_;
    Addresses addresses_;
};

bool is_core(const object::Kind& kind, std::string_view name);
/// True when nothing holds a deleted object any more: no finalizers, no grace left.
bool may_go(const object::Kind& kind, const json::object& object);

}  // namespace verbs
