// A card as it was shown: checked, handed to the gateway and forgotten. Only its brand and last four digits are kept;
// numbers and codes are in no table, no log and no message.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "kit/web/shape.h"
#include "run/loop.h"

namespace payments {

struct Card {
    std::string number;  ///< digits only
    std::int64_t month = 0;
    std::int64_t year = 0;
    std::string cvc;
    std::string holder;

    std::string last4() const { return number.substr(number.size() - 4); }
    std::string brand() const;
};

/// What `card` holds in requests.
const kit::Shape& card_shape();
/// `invalid`, naming the fields under `card.`, when the number's check digit is wrong or the card has expired.
base::Result<Card> card_of(std::string_view json, run::Time now);
/// ISO/IEC 7812-1, annex B.
bool luhn_holds(std::string_view digits);

}  // namespace payments
