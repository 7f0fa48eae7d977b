#include "kit/metrics.h"

#include <algorithm>
#include <charconv>

namespace kit {
namespace {

void append_number(std::string& out, double number) {
    char digits[400];
    const auto end = std::to_chars(digits, digits + sizeof digits, number, std::chars_format::fixed);
    out.append(digits, end.ptr);
}

void append_sample(std::string& out, std::string_view name, const std::string& labels, double value) {
    out += name;
    if (!labels.empty()) out += "{" + labels + "}";
    out += ' ';
    append_number(out, value);
    out += '\n';
}

void append_histogram(std::string& out, const std::string& name, const Histogram& histogram) {
    const auto comma = histogram.labels.empty() ? "" : histogram.labels + ",";
    std::uint64_t total = 0;
    for (std::size_t at = 0; at < histogram.buckets.size(); ++at) {
        total += histogram.buckets[at];
        std::string bound = "+Inf";
        if (at < Histogram::bounds.size()) {
            bound.clear();
            append_number(bound, Histogram::bounds[at]);
        }
        append_sample(out, name + "_bucket", comma + label("le", bound), static_cast<double>(total));
    }
    append_sample(out, name + "_sum", histogram.labels, histogram.sum);
    append_sample(out, name + "_count", histogram.labels, static_cast<double>(total));
}

}  // namespace

std::string label(std::string_view name, std::string_view value) {
    std::string text(name);
    text += "=\"";
    for (const char c : value) {
        if (c == '\\' || c == '"') text += '\\';
        if (c == '\n') {
            text += "\\n";
        } else {
            text += c;
        }
    }
    return text + '"';
}

void Histogram::observe(double seconds) {
    std::size_t at = 0;
    while (at < bounds.size() && seconds > bounds[at]) ++at;
    ++buckets[at];
    sum += seconds;
}

Metrics::Family& Metrics::family(std::string_view name, std::string_view prose) {
    const auto found = std::ranges::find(families_, name, &Family::name);
    if (found != families_.end()) return *found;
    return families_.emplace_back(Family{std::string(name), std::string(prose), {}, {}, {}});
}

Counter& Metrics::counter(std::string_view name, std::string_view prose, std::string labels) {
    auto& counters = family(name, prose).counters;
    const auto found = std::ranges::find(counters, labels, &Counter::labels);
    return found != counters.end() ? *found : counters.emplace_back(Counter{std::move(labels)});
}

Histogram& Metrics::histogram(std::string_view name, std::string_view prose, std::string labels) {
    auto& histograms = family(name, prose).histograms;
    const auto found = std::ranges::find(histograms, labels, &Histogram::labels);
    return found != histograms.end() ? *found : histograms.emplace_back(Histogram{std::move(labels)});
}

void Metrics::gauge(std::string_view name, std::string_view prose, std::function<double()> read, std::string labels) {
    family(name, prose).gauges.push_back({std::move(labels), std::move(read)});
}

std::string Metrics::text() const {
    std::string out;
    for (const auto& family : families_) {
        const auto* type = !family.counters.empty() ? "counter" : !family.histograms.empty() ? "histogram" : "gauge";
        out += "# HELP " + family.name + " " + family.prose + "\n# TYPE " + family.name + " " + type + "\n";
        for (const auto& one : family.counters)
            append_sample(out, family.name, one.labels, static_cast<double>(one.value));
        for (const auto& one : family.gauges) append_sample(out, family.name, one.labels, one.read());
        for (const auto& one : family.histograms) append_histogram(out, family.name, one);
    }
    return out;
}

}  // namespace kit
