// What a new cluster holds before anybody asks: its namespaces, and the services that lead to the API and to DNS.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "run/loop.h"
#include "store/store.h"
#include "verbs/api.h"

namespace platform {

struct Addresses {
    std::string gateway;  ///< this machine's address in the pod range
    std::uint16_t api_port = 6443;
    std::string api_service;  ///< first address of the service range: default/kubernetes
    std::string dns_service;  ///< tenth: kube-system/kube-dns
};

/// The addresses that follow from the ranges (10.244.0.0/24 -> 10.244.0.1; 10.96.0.0/16 -> 10.96.0.1, 10.96.0.10).
base::Result<Addresses> addresses_of(std::string_view pod_cidr, std::string_view service_cidr, std::uint16_t api_port);

/// Makes what is missing and mends what differs; running it again changes nothing.
base::Result<void> bootstrap(verbs::Api& api, const Addresses& addresses);

/// Keeps it so: who deletes every service of a namespace takes the API's away as well, and it comes back.
class Upkeep {
 public:
    using Complain = std::function<void(std::string_view why)>;
    Upkeep(run::Loop& loop, store::Store& store, verbs::Api& api, Addresses addresses, Complain complain);

 private:
    void mend_after(run::Duration delay);

    run::Loop& loop_;
    verbs::Api& api_;
    const Addresses addresses_;
    Complain complain_;
    run::Timer next_;
    bool due_ = false;
    std::unique_ptr<store::Watch> changes_;
};

}  // namespace platform
