// Selectors as upstream reads them: the same grammar, the same demands on keys and values.
#include "object/selector.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace object {

namespace {

constexpr std::size_t name_max = 63, prefix_max = 253;

bool alphanumeric(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// A name of letters, digits, '-', '_' and '.', starting and ending with a letter or digit.
bool is_qualified(std::string_view text) {
    return !text.empty() && text.size() <= name_max && alphanumeric(text.front()) && alphanumeric(text.back()) &&
           std::ranges::all_of(text, [](char c) { return alphanumeric(c) || c == '-' || c == '_' || c == '.'; });
}

bool is_dns_part(std::string_view part) {
    const auto plain = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z'); };
    return !part.empty() && plain(part.front()) && plain(part.back()) &&
           std::ranges::all_of(part, [&](char c) { return plain(c) || c == '-'; });
}

bool is_subdomain(std::string_view text) {
    if (text.empty() || text.size() > prefix_max) return false;
    for (auto dot = text.find('.'); dot != std::string_view::npos; dot = text.find('.')) {
        if (!is_dns_part(text.substr(0, dot))) return false;
        text.remove_prefix(dot + 1);
    }
    return is_dns_part(text);
}

bool is_label_key(std::string_view key) {
    const auto slash = key.find('/');
    if (slash == std::string_view::npos) return is_qualified(key);
    return is_subdomain(key.substr(0, slash)) && is_qualified(key.substr(slash + 1));
}

bool is_label_value(std::string_view value) { return value.empty() || is_qualified(value); }

std::optional<std::int64_t> whole_number(std::string_view text) {
    if (text.starts_with('+')) text.remove_prefix(1);
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::unexpected<base::Error> refuse(std::string message) {
    return base::fail(base::Code::bad_request, std::move(message));
}

base::Result<Requirement> checked(Requirement requirement) {
    auto& [key, op, values] = requirement;
    if (!is_label_key(key))
        return refuse(fmt::format("unable to parse requirement: {:?} is not a valid label key", key));
    switch (op) {
        case Operator::in:
        case Operator::not_in:
            if (values.empty()) return refuse("for 'in', 'notin' operators, values set can't be empty");
            break;
        case Operator::exists:
        case Operator::not_exists:
            if (!values.empty()) return refuse("values set must be empty for exists and does not exist");
            break;
        case Operator::greater:
        case Operator::less:
            if (values.size() != 1) return refuse("for 'Gt', 'Lt' operators, exactly one value is required");
            if (!whole_number(values[0])) return refuse("for 'Gt', 'Lt' operators, the value must be an integer");
            break;
    }
    for (const auto& value : values) {
        if (!is_label_value(value))
            return refuse(fmt::format("unable to parse requirement: {:?} is not a valid label value", value));
    }
    std::ranges::sort(values);
    return requirement;
}

enum class Token : std::uint8_t { end, open, close, comma, bang, equals, not_equals, greater, less, in, not_in, word };

/// Splits the text form into tokens; "in" and "notin" are words where a value is expected.
class Lexer {
 public:
    explicit Lexer(std::string_view text) : text_(text) {}

    enum class Expect : std::uint8_t { key_or_operator, value };

    Token peek(Expect expect = Expect::key_or_operator) const {
        auto ahead = *this;
        return ahead.next(expect);
    }
    Token next(Expect expect = Expect::key_or_operator) {
        while (at_ < text_.size() && space(text_[at_])) ++at_;
        if (at_ == text_.size()) return Token::end;
        if (special(text_[at_])) return symbol();
        const auto start = at_;
        while (at_ < text_.size() && !space(text_[at_]) && !special(text_[at_])) ++at_;
        word_ = text_.substr(start, at_ - start);
        if (expect == Expect::key_or_operator && word_ == "in") return Token::in;
        if (expect == Expect::key_or_operator && word_ == "notin") return Token::not_in;
        return Token::word;
    }
    std::string_view word() const { return word_; }

 private:
    static bool space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
    static bool special(char c) { return std::string_view("=!(),><").find(c) != std::string_view::npos; }

    /// The longest symbol here; an unknown run such as "===" ends up as tokens that no rule accepts.
    Token symbol() {
        const auto rest = text_.substr(at_);
        if (rest.starts_with("==") || rest.starts_with("!=")) {
            at_ += 2;
            return rest[0] == '=' ? Token::equals : Token::not_equals;
        }
        ++at_;
        switch (rest[0]) {
            case '=':
                return Token::equals;
            case '!':
                return Token::bang;
            case '(':
                return Token::open;
            case ')':
                return Token::close;
            case ',':
                return Token::comma;
            case '>':
                return Token::greater;
            default:
                return Token::less;
        }
    }

    std::string_view text_, word_;
    std::size_t at_ = 0;
};

class Parser {
 public:
    explicit Parser(std::string_view text) : lexer_(text) {}

    base::Result<std::vector<Requirement>> run() {
        std::vector<Requirement> out;
        while (true) {
            const auto token = lexer_.peek(Lexer::Expect::value);
            if (token == Token::end) return out;
            if (token != Token::word && token != Token::bang)
                return refuse("found a symbol, expected: !, identifier, or 'end of string'");
            out.push_back(TRY(checked(TRY(requirement()))));
            const auto after = lexer_.next();
            if (after == Token::end) return out;
            if (after != Token::comma) return refuse("found more text, expected: ',' or 'end of string'");
            const auto follows = lexer_.peek(Lexer::Expect::value);
            if (follows != Token::word && follows != Token::bang)
                return refuse("found a ',', expected: identifier after ','");
        }
    }

 private:
    base::Result<Requirement> requirement() {
        Requirement out;
        const bool absent = lexer_.peek() == Token::bang;
        if (absent) lexer_.next();
        if (lexer_.next(Lexer::Expect::value) != Token::word) return refuse("found a symbol, expected: identifier");
        out.key = lexer_.word();
        const auto follows = lexer_.peek();
        if (absent || follows == Token::end || follows == Token::comma) {
            out.op = absent ? Operator::not_exists : Operator::exists;
            return out;
        }
        switch (lexer_.next()) {
            case Token::equals:
                out.op = Operator::in;
                break;
            case Token::not_equals:
                out.op = Operator::not_in;
                break;
            case Token::greater:
                out.op = Operator::greater;
                break;
            case Token::less:
                out.op = Operator::less;
                break;
            case Token::in:
                out.op = Operator::in;
                return with_set(std::move(out));
            case Token::not_in:
                out.op = Operator::not_in;
                return with_set(std::move(out));
            default:
                return refuse(fmt::format("expected an operator after {:?}", out.key));
        }
        const auto token = lexer_.peek(Lexer::Expect::value);
        if (token == Token::end || token == Token::comma) {
            out.values.emplace_back();
        } else if (lexer_.next(Lexer::Expect::value) == Token::word) {
            out.values.emplace_back(lexer_.word());
        } else {
            return refuse("found a symbol, expected: identifier");
        }
        return out;
    }

    /// The values of "in" and "notin": "(a,b)"; an empty place between commas is the empty value.
    base::Result<Requirement> with_set(Requirement out) {
        if (lexer_.next(Lexer::Expect::value) != Token::open) return refuse("expected: '('");
        bool value_wanted = true;
        while (true) {
            switch (lexer_.next(Lexer::Expect::value)) {
                case Token::word:
                    if (!value_wanted) return refuse("found two values, expected: ',' or ')'");
                    out.values.emplace_back(lexer_.word());
                    value_wanted = false;
                    break;
                case Token::comma:
                    if (value_wanted) out.values.emplace_back();
                    value_wanted = true;
                    break;
                case Token::close:
                    if (value_wanted) out.values.emplace_back();
                    std::ranges::sort(out.values);
                    out.values.erase(std::unique(out.values.begin(), out.values.end()), out.values.end());
                    return out;
                default:
                    return refuse("found a symbol in a set, expected: identifier, ',' or ')'");
            }
        }
    }

    Lexer lexer_;
};

std::optional<Operator> operator_named(std::string_view name) {
    if (name == "In") return Operator::in;
    if (name == "NotIn") return Operator::not_in;
    if (name == "Exists") return Operator::exists;
    if (name == "DoesNotExist") return Operator::not_exists;
    return std::nullopt;
}

bool holds(const Requirement& requirement, Ref labels) {
    const auto label = labels[requirement.key];
    const auto among = [&] { return std::ranges::find(requirement.values, label.str()) != requirement.values.end(); };
    switch (requirement.op) {
        case Operator::in:
            return !label.missing() && among();
        case Operator::not_in:
            return label.missing() || !among();
        case Operator::exists:
            return !label.missing();
        case Operator::not_exists:
            return label.missing();
        case Operator::greater:
        case Operator::less: {
            const auto have = label.missing() ? std::nullopt : whole_number(label.str());
            const auto bound = whole_number(requirement.values[0]);
            if (!have || !bound) return false;
            return requirement.op == Operator::greater ? *have > *bound : *have < *bound;
        }
    }
    return false;
}

std::string joined(const std::vector<std::string>& values) {
    std::string out;
    for (const auto& value : values) (out += out.empty() && &value == &values.front() ? "" : ",") += value;
    return out;
}

std::string shown(const Requirement& requirement) {
    const auto& [key, op, values] = requirement;
    switch (op) {
        case Operator::in:
            return values.size() == 1 ? key + "=" + values[0] : fmt::format("{} in ({})", key, joined(values));
        case Operator::not_in:
            return values.size() == 1 ? key + "!=" + values[0] : fmt::format("{} notin ({})", key, joined(values));
        case Operator::exists:
            return key;
        case Operator::not_exists:
            return "!" + key;
        case Operator::greater:
            return key + ">" + values[0];
        case Operator::less:
            return key + "<" + values[0];
    }
    return key;
}

void sort_by_key(std::vector<Requirement>& requirements) {
    std::ranges::stable_sort(requirements, {}, &Requirement::key);
}

}  // namespace

base::Result<LabelSelector> LabelSelector::parse(std::string_view text) {
    LabelSelector selector;
    selector.requirements_ = TRY(Parser(text).run());
    sort_by_key(selector.requirements_);
    return selector;
}

base::Result<LabelSelector> LabelSelector::from_json(Ref json) {
    LabelSelector selector;
    if (!json) {
        selector.nothing_ = true;
        return selector;
    }
    selector = from_map(json["matchLabels"]);
    for (const auto& requirement : selector.requirements_) TRY(checked(requirement));
    for (const auto& item : json["matchExpressions"].items()) {
        const Ref from(item);
        const auto op = operator_named(from["operator"].str());
        if (!op) return refuse(fmt::format("{:?} is not a valid label selector operator", from["operator"].str()));
        Requirement requirement{std::string(from["key"].str()), *op, {}};
        for (const auto& value : from["values"].items()) requirement.values.emplace_back(Ref(value).str());
        selector.requirements_.push_back(TRY(checked(std::move(requirement))));
    }
    sort_by_key(selector.requirements_);
    return selector;
}

LabelSelector LabelSelector::from_map(Ref labels) {
    LabelSelector selector;
    for (const auto& [key, value] : labels.members()) {
        selector.requirements_.push_back({std::string(key), Operator::in, {std::string(Ref(value).str())}});
    }
    sort_by_key(selector.requirements_);
    return selector;
}

bool LabelSelector::matches(Ref labels) const {
    return !nothing_ && std::ranges::all_of(requirements_, [&](const Requirement& r) { return holds(r, labels); });
}

std::string LabelSelector::text() const {
    std::string out;
    for (const auto& requirement : requirements_) {
        if (!out.empty()) out += ',';
        out += shown(requirement);
    }
    return out;
}

namespace {

/// Splits at commas that no backslash escapes.
base::Result<std::vector<std::string_view>> split_terms(std::string_view text) {
    std::vector<std::string_view> terms;
    std::size_t start = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\') {
            ++i;
        } else if (text[i] == ',') {
            terms.push_back(text.substr(start, i - start));
            start = i + 1;
        }
    }
    terms.push_back(text.substr(start));
    return terms;
}

base::Result<std::string> unescape(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\') {
            if (text[i] == ',' || text[i] == '=')
                return refuse(fmt::format("invalid field selector: unescaped character in value: {}", text[i]));
            out += text[i];
            continue;
        }
        if (++i == text.size() || std::string_view("\\,=").find(text[i]) == std::string_view::npos) {
            return refuse(fmt::format("invalid field selector: invalid escape sequence in {:?}", text));
        }
        out += text[i];
    }
    return out;
}

}  // namespace

base::Result<std::vector<FieldRequirement>> parse_field_selector(std::string_view text) {
    std::vector<FieldRequirement> out;
    for (const auto term : TRY(split_terms(text))) {
        if (term.empty()) continue;
        std::size_t at = 0;
        while (at < term.size() && term[at] != '=' && !term.substr(at).starts_with("!="))
            at += term[at] == '\\' ? 2 : 1;
        if (at >= term.size()) return refuse(fmt::format("invalid selector: {:?}; can't understand {:?}", text, term));
        const bool equal = term[at] == '=';
        const auto width = equal && !term.substr(at).starts_with("==") ? 1 : 2;
        FieldRequirement requirement{std::string(term.substr(0, at)), TRY(unescape(term.substr(at + width))), equal};
        out.push_back(std::move(requirement));
    }
    return out;
}

}  // namespace object
