// An order as clients read it.
#pragma once

#include <string>

#include "orders/saga.h"

namespace orders {

void append_json(std::string& out, const Order& order);
std::string json_of(const Order& order);
/// JSON Schema of it.
std::string order_schema();
/// The data of events about it (docs/guide/services.md).
std::string event_data(const Order& order);
std::string etag(const Order& order);

}  // namespace orders
