#include "kit/mail/message.h"

#include <fmt/format.h>

#include <algorithm>

#include "kit/auth/secrets.h"
#include "kit/mail/base64.h"

namespace kit::mail {
namespace {

constexpr std::size_t address_max = 254;  // RFC 5321, 4.5.3.1
constexpr std::size_t line_max = 76;
constexpr std::size_t word_bytes_max = 45;  ///< of UTF-8 in one encoded word: 75 characters when all are encoded
constexpr char digits[] = "0123456789ABCDEF";

base::Error bad(std::string_view what) { return {base::Code::invalid, std::string(what)}; }

bool printable(std::string_view text) {
    return text.find_first_not_of(
               " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~") ==
           std::string_view::npos;
}

/// RFC 5322's atext and dots.
bool dot_atom(std::string_view text) {
    return !text.empty() && !text.starts_with('.') && !text.ends_with('.') &&
           text.find("..") == std::string_view::npos &&
           text.find_first_not_of(
               "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.!#$%&'*+-/=?^_`{|}~") ==
               std::string_view::npos;
}

/// The name before "<", or "".
std::string_view name_of(std::string_view text) {
    const auto open = text.rfind('<');
    if (open == std::string_view::npos) return {};
    auto name = text.substr(0, open);
    while (name.ends_with(' ')) name.remove_suffix(1);
    return name;
}

base::Result<std::string> mailbox(std::string_view text) {
    const auto address = TRY(address_of(text));
    const auto name = name_of(text);
    if (name.empty()) return address;
    return fmt::format("{} <{}>", header_text(name), address);
}

void append_part(std::string& out, std::string_view type, std::string_view text) {
    fmt::format_to(std::back_inserter(out),
                   "Content-Type: text/{}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{}\r\n",
                   type, quoted_printable(text));
}

}  // namespace

base::Result<std::string> address_of(std::string_view text) {
    if (const auto open = text.rfind('<'); open != std::string_view::npos) {
        if (!text.ends_with('>')) return std::unexpected(bad("the mail address has no end"));
        text = text.substr(open + 1, text.size() - open - 2);
    }
    const auto at = text.rfind('@');
    if (text.size() > address_max || at == std::string_view::npos || !dot_atom(text.substr(0, at)) ||
        !dot_atom(text.substr(at + 1))) {
        return std::unexpected(bad("this is no mail address"));
    }
    return std::string(text);
}

std::string header_text(std::string_view utf8) {
    constexpr std::size_t plain_max = 60;
    const bool looks_encoded = utf8.find("=?") != std::string_view::npos;
    if (utf8.size() <= plain_max && printable(utf8) && !looks_encoded &&
        utf8.find_first_of("<>\",;:\\()[]@") == std::string_view::npos) {
        return std::string(utf8);
    }
    std::string out;
    while (!utf8.empty()) {
        auto size = std::min(utf8.size(), word_bytes_max);
        while (size < utf8.size() && size > 1 && (static_cast<unsigned char>(utf8[size]) & 0xc0) == 0x80) --size;
        if (!out.empty()) out += "\r\n ";
        out += "=?utf-8?B?";
        out += base64(utf8.substr(0, size));
        out += "?=";
        utf8.remove_prefix(size);
    }
    return out;
}

std::string quoted_printable(std::string_view text) {
    std::string out;
    std::size_t column = 0;
    const auto put = [&](std::string_view piece, bool last_of_line) {
        if (column + piece.size() > line_max - (last_of_line ? 0 : 1)) {
            out += "=\r\n";
            column = 0;
        }
        out += piece;
        column += piece.size();
    };
    for (std::size_t at = 0; at < text.size(); ++at) {
        const auto c = static_cast<unsigned char>(text[at]);
        if (c == '\n' || (c == '\r' && at + 1 < text.size() && text[at + 1] == '\n')) {
            if (c == '\r') ++at;
            out += "\r\n";
            column = 0;
            continue;
        }
        const bool ends = at + 1 == text.size() || text[at + 1] == '\n' || text[at + 1] == '\r';
        const bool plain = (c > 0x20 && c < 0x7f && c != '=') || ((c == ' ' || c == '\t') && !ends);
        if (plain) {
            put({&text[at], 1}, ends);
        } else {
            const char code[] = {'=', digits[c >> 4], digits[c & 15]};
            put({code, sizeof code}, ends);
        }
    }
    return out;
}

std::string date_text(run::Time time) {
    using namespace std::chrono;
    static constexpr const char* day_names[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr const char* month_names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const auto day = floor<days>(time);
    const year_month_day date{day};
    const hh_mm_ss clock{floor<seconds>(time - day)};
    return fmt::format("{}, {} {} {} {:02}:{:02}:{:02} +0000", day_names[weekday{day}.c_encoding()],
                       unsigned(date.day()), month_names[unsigned(date.month()) - 1], int(date.year()),
                       clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

base::Result<std::string> text_of(const Message& message) {
    const auto from = TRY(mailbox(message.from));
    const auto to = TRY(address_of(message.to));
    const auto id = TRY(address_of(message.message_id));
    auto out = fmt::format(
        "Date: {}\r\nFrom: {}\r\nTo: {}\r\nMessage-ID: <{}>\r\nSubject: {}\r\nMIME-Version: 1.0\r\n"
        "Auto-Submitted: auto-generated\r\n",
        date_text(message.date), from, to, id, header_text(message.subject));
    if (message.html.empty()) {
        append_part(out, "plain", message.text);
        return out;
    }
    // Nothing in a quoted-printable body can look like it: '=' is encoded there.
    const auto boundary = fmt::format("=_{}", auth::hex(auth::sha256(message.message_id)).substr(0, 24));
    fmt::format_to(std::back_inserter(out), "Content-Type: multipart/alternative; boundary=\"{}\"\r\n\r\n--{}\r\n",
                   boundary, boundary);
    append_part(out, "plain", message.text);
    fmt::format_to(std::back_inserter(out), "--{}\r\n", boundary);
    append_part(out, "html", message.html);
    fmt::format_to(std::back_inserter(out), "--{}--\r\n", boundary);
    return out;
}

}  // namespace kit::mail
