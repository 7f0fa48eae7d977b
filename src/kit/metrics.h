// Counters, gauges and histograms, and their text as Prometheus reads it. Adding to one is a few instructions.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace kit {

struct Counter {
    std::string labels;
    std::uint64_t value = 0;
    void add(std::uint64_t more = 1) { value += more; }
};

struct Histogram {
    /// Upper bounds in seconds; one more bucket takes the rest.
    static constexpr std::array<double, 12> bounds = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                                      0.05,   0.1,   0.25,   0.5,   1,    5};
    std::string labels;
    std::array<std::uint64_t, bounds.size() + 1> buckets{};
    double sum = 0;
    void observe(double seconds);
};

class Metrics {
 public:
    /// `labels` as they stand in the text: `method="GET",status="200"`. References stay good.
    Counter& counter(std::string_view name, std::string_view prose, std::string labels = {});
    Histogram& histogram(std::string_view name, std::string_view prose, std::string labels = {});
    /// Asked for when the text is made.
    void gauge(std::string_view name, std::string_view prose, std::function<double()> read, std::string labels = {});
    std::string text() const;

 private:
    struct Gauge {
        std::string labels;
        std::function<double()> read;
    };
    struct Family {
        std::string name;
        std::string prose;
        std::deque<Counter> counters;
        std::deque<Histogram> histograms;
        std::deque<Gauge> gauges;
    };
    Family& family(std::string_view name, std::string_view prose);
    std::deque<Family> families_;
};

/// `name="value"` with the value escaped.
std::string label(std::string_view name, std::string_view value);

/// The process_* metrics of this process, from /proc.
std::string process_metrics();

}  // namespace kit
