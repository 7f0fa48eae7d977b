// The port to whoever moves the money. A gateway knows each authorization by our reference (the payment's id) and each
// capture and refund by its own id, so that a call that is made again changes nothing.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "kit/decimal.h"
#include "payments/card.h"
#include "payments/payment.h"

namespace payments {

/// An Error, or no call at all: the outcome is not known, and is asked for again.
using Ruled = std::move_only_function<void(base::Result<Ruling>)>;

struct Charge {
    std::string reference;
    kit::Decimal amount;
    std::string currency;
};

class Gateway {
 public:
    virtual ~Gateway() = default;
    virtual void authorize(const Charge& charge, const Card& card, Ruled ruled) = 0;
    /// What became of an authorization; one that never arrived is declined from now on, should it still come.
    virtual void settle(const Charge& charge, Ruled ruled) = 0;
    virtual void capture(const Charge& charge, const std::string& step_id, kit::Decimal amount, Ruled ruled) = 0;
    /// Also for one that is pending or never arrived; `declined` when it has been captured.
    virtual void release(const Charge& charge, Ruled ruled) = 0;
    virtual void refund(const Charge& charge, const std::string& step_id, kit::Decimal amount, Ruled ruled) = 0;
};

}  // namespace payments
