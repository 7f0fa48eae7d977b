// What a new cluster holds before anybody asks: its namespaces, and the services that lead to the API and to DNS.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
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

}  // namespace platform
