// A mail as text: RFC 5322 headers, RFC 2047 words where they are not ASCII, quoted-printable bodies (RFC 2045), text
// and HTML side by side. Nothing that is given can begin a header or a line of its own: addresses are checked, all
// else is encoded.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "run/loop.h"

namespace kit::mail {

struct Message {
    std::string from;        ///< "shop@example.com" or "The Shop <shop@example.com>"
    std::string to;          ///< one address
    std::string subject;     ///< UTF-8
    std::string text;        ///< UTF-8
    std::string html;        ///< "": text only
    std::string message_id;  ///< "id@host", without brackets; the same for a repeat of the same mail
    run::Time date;
};

/// The address of "Name <address>" or of a bare address: what goes into the envelope. `invalid` when it is none.
base::Result<std::string> address_of(std::string_view text);
/// The whole mail with CRLF line ends, lines of at most 76 characters. `invalid` when an address or the id is none.
base::Result<std::string> text_of(const Message& message);

/// For headers: as it is when it is short printable ASCII, else RFC 2047 words of UTF-8.
std::string header_text(std::string_view utf8);
std::string quoted_printable(std::string_view text);
/// "Fri, 21 Nov 2026 16:00:00 +0000"
std::string date_text(run::Time time);

}  // namespace kit::mail
