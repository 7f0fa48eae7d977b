#include "notifications/templates.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include "kit/decimal.h"
#include "kit/web/html.h"

namespace notifications {
namespace {

namespace json = boost::json;

constexpr std::size_t file_max = 256 * 1024;

struct Embedded {
    const char* type;
    const char* title;
    const char* text;
};

/// Paragraphs are set apart by empty lines.
constexpr Embedded embedded[] = {
    {"user.signed_up", "Welcome",
     "Hello {{user.name}},\n\nyour account is ready. Find your next car at {{site}}/.\n\nIf you did not sign up, you "
     "can "
     "leave this message alone."},
    {"user.password_changed", "Your password was changed",
     "The password of your account was changed, and you were logged out everywhere else.\n\nIf that was not you, log "
     "in with a new password at once: {{site}}/account"},
    {"order.placed", "Reserved for you: {{vehicle}}",
     "We hold {{vehicle}} for you for {{amount}} {{currency}}.\n\nPay before the reservation ends: "
     "{{site}}/orders/{{order_id}}"},
    {"order.paid", "Payment received: {{vehicle}}",
     "Your payment of {{amount}} {{currency}} for {{vehicle}} is authorized. We are completing the sale now.\n\n"
     "{{site}}/orders/{{order_id}}"},
    {"order.confirmed", "It is yours: {{vehicle}}",
     "{{vehicle}} is sold to you for {{amount}} {{currency}}. Thank you!\n\nYour order: "
     "{{site}}/orders/{{order_id}}"},
    {"order.declined", "Payment declined: {{vehicle}}",
     "The payment of {{amount}} {{currency}} for {{vehicle}} did not go through. {{reason}}\n\nYou can try again with "
     "another card until the reservation ends: {{site}}/orders/{{order_id}}"},
    {"order.expired", "Reservation ended: {{vehicle}}",
     "The time to pay for {{vehicle}} is over, so it is for sale again. Nothing was charged.\n\n"
     "{{site}}/orders/{{order_id}}"},
    {"order.cancelled", "Order cancelled: {{vehicle}}",
     "Your order of {{vehicle}} is cancelled. Nothing was charged, or it is being given back.\n\n"
     "{{site}}/orders/{{order_id}}"},
    {"order.refunded", "Refunded: {{vehicle}}",
     "{{amount}} {{currency}} for {{vehicle}} are on their way back to your card.\n\n{{site}}/orders/{{order_id}}"},
    {"vehicles.imported", "Import finished",
     "{{added}} vehicles were added and {{changed}} changed; {{failed}} lines could not be taken.\n\n"
     "{{site}}/dealer"},
    {"message", "A message for you", "{{message}}"},
};

using kit::append_escaped;

/// "19990.00" as people read it: "19,990.00".
std::string grouped(std::string text) {
    for (auto at = static_cast<std::ptrdiff_t>(text.find('.')) - 3; at > (text.starts_with('-') ? 1 : 0); at -= 3) {
        text.insert(static_cast<std::size_t>(at), 1, ',');
    }
    return text;
}

bool is_money(std::string_view name) { return name == "amount" || name == "price"; }

std::string value_text(std::string_view name, const json::value& value) {
    if (value.is_string()) return std::string(value.get_string());
    if (value.is_number() && is_money(name)) {
        if (const auto money = kit::Decimal::from_double(value.to_number<double>())) return grouped(money->text());
    }
    return value.is_primitive() && !value.is_null() ? json::serialize(value) : std::string();
}

/// "user.name" is the name within user.
std::string value_at(const json::object& data, std::string_view path) {
    const auto dot = path.find('.');
    const auto* value = data.if_contains(path.substr(0, dot));
    if (!value) return {};
    if (dot == std::string_view::npos) return value_text(path, *value);
    return value->is_object() ? value_at(value->get_object(), path.substr(dot + 1)) : std::string();
}

using Lookup = std::function<std::string(std::string_view name)>;
using Append = void (*)(std::string&, std::string_view);

std::string filled(std::string_view text, const Lookup& lookup, Append append) {
    std::string out;
    while (true) {
        const auto open = text.find("{{");
        const auto close = open == std::string_view::npos ? open : text.find("}}", open);
        if (close == std::string_view::npos) return out += text;
        out += text.substr(0, open);
        append(out, lookup(text.substr(open + 2, close - open - 2)));
        text.remove_prefix(close + 2);
    }
}

void append_plain(std::string& out, std::string_view text) { out += text; }

/// A page of a text: its paragraphs, addresses as links.
std::string page_of(std::string_view title, std::string_view text) {
    std::string out = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>";
    append_escaped(out, title);
    out +=
        "</title></head><body style=\"margin:0;padding:24px;background:#f4f6fa;color:#16202f;font:16px/1.5 "
        "system-ui,sans-serif\"><div style=\"max-width:560px;margin:0 auto;padding:28px;background:#fff;"
        "border-radius:14px\"><h1 style=\"font-size:22px;margin:0 0 12px\">";
    append_escaped(out, title);
    out += "</h1>";
    while (!text.empty()) {
        const auto end = text.find("\n\n");
        std::string_view paragraph = text.substr(0, end);
        text = end == std::string_view::npos ? std::string_view() : text.substr(end + 2);
        out += "<p>";
        while (!paragraph.empty()) {
            const auto link = std::min(paragraph.find("http://"), paragraph.find("https://"));
            append_escaped(out, paragraph.substr(0, link));
            if (link == std::string_view::npos) break;
            const auto stop = std::min(paragraph.find_first_of(" \n\t", link), paragraph.size());
            const auto address = paragraph.substr(link, stop - link);
            out += "<a href=\"";
            append_escaped(out, address);
            out += "\">";
            append_escaped(out, address);
            out += "</a>";
            paragraph.remove_prefix(stop);
        }
        out += "</p>";
    }
    return out += "</div></body></html>";
}

base::Result<std::string> file_text(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    if (!in || text.str().size() > file_max) {
        return base::fail(base::Code::invalid, fmt::format("the template {} cannot be read", path.string()));
    }
    return text.str();
}

}  // namespace

base::Result<Templates> Templates::load(std::string site, const std::string& folder) {
    Templates templates;
    while (site.ends_with('/')) site.pop_back();
    templates.site_ = std::move(site);
    for (const auto& one : embedded) templates.templates_[one.type] = {one.title, one.text, ""};
    if (!folder.empty()) TRY(templates.replace_from(folder));
    return templates;
}

base::Result<void> Templates::replace_from(const std::string& folder) {
    std::error_code error;
    std::filesystem::directory_iterator files(folder, error);
    if (error) return base::fail(base::Code::invalid, fmt::format("the folder {} cannot be read", folder));
    std::vector<std::filesystem::path> paths;
    for (const auto& file : files) paths.push_back(file.path());
    std::ranges::sort(paths, std::greater{});  // .txt before .html, which belongs to it
    for (const auto& path : paths) {
        const auto type = path.stem().string();
        if (path.extension() == ".txt") {
            const auto text = TRY(file_text(path));
            const auto line = text.find('\n');
            if (line == std::string::npos) {
                return base::fail(base::Code::invalid,
                                  fmt::format("the template {} needs a title and a text", path.string()));
            }
            const auto body = text.find_first_not_of('\n', line);
            templates_[type] = {text.substr(0, line), body == std::string::npos ? "" : text.substr(body), ""};
        } else if (path.extension() == ".html" && knows(type)) {
            templates_[type].html = TRY(file_text(path));
        }
    }
    return {};
}

Said Templates::say(const Event& event) const {
    const auto& found = templates_.find(event.type)->second;
    const Lookup lookup = [&](std::string_view name) -> std::string {
        if (name == "site") return site_;
        if (name == "subject") return event.subject;
        if (name == "email") return event.email;
        return value_at(event.data, name);
    };
    Said said{.title = filled(found.title, lookup, append_plain),
              .text = filled(found.text, lookup, append_plain),
              .html = {}};
    said.html = found.html.empty() ? page_of(said.title, said.text) : filled(found.html, lookup, append_escaped);
    return said;
}

std::vector<std::string> Templates::types() const {
    std::vector<std::string> types;
    for (const auto& [type, one] : templates_) types.push_back(type);
    return types;
}

Event Templates::sample(std::string_view type) {
    Event event;
    event.id = "00000000-0000-4000-8000-000000000000";
    event.type = type;
    event.subject = "order/11111111-1111-4111-8111-111111111111";
    event.email = "someone@example.com";
    event.data = {{"order_id", "11111111-1111-4111-8111-111111111111"},
                  {"vehicle_id", 1},
                  {"vehicle", "VW Golf <GTI>"},
                  {"amount", 19990.0},
                  {"currency", "EUR"},
                  {"reason", "The card was declined."},
                  {"user", {{"name", "Alex & Sam"}}},
                  {"message", "Hello."},
                  {"added", 12},
                  {"changed", 3},
                  {"failed", 1}};
    return event;
}

}  // namespace notifications
