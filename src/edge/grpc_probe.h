// The health check of gRPC (grpc.health.v1.Health/Check, unencrypted) as a probe: a channel of its own each time, so
// that nothing of a past attempt (its back-off, its address) is met again. The words of failures are a kubelet's.
#pragma once

#include <memory>

#include "node/runtime.h"
#include "run/loop.h"

namespace edge {

class GrpcProbe {
 public:
    explicit GrpcProbe(run::Loop& loop);
    /// Cancels what is under way and waits until gRPC's threads have let go of it.
    ~GrpcProbe();
    GrpcProbe(const GrpcProbe&) = delete;

    /// `done` has success when the service says SERVING.
    void check(const node::Prober::Grpc& request, base::Duration timeout, node::Done<void> done);

 private:
    struct Calls;
    run::Loop& loop_;
    std::shared_ptr<Calls> calls_;
};

}  // namespace edge
