// The figures that the page draws, made of what the sources say.
#pragma once

#include <functional>
#include <string>

#include "insights/filter.h"
#include "insights/source.h"

namespace insights {

/// What the sources say of one filter.
struct Material {
    Known catalogue;  ///< of all brands
    Known chosen;     ///< of the filter's brand; the same where that is all
    Known orders;
    /// Nothing is known, of nobody.
    bool nothing() const { return !catalogue.value && !chosen.value && !orders.value; }
};

/// Figures as JSON, without their time; the same material gives the same text.
std::string figures_text(const Filter& filter, const Material& material);
/// `text` with its time in front.
std::string with_time(std::string_view text, run::Time time);

class Figures {
 public:
    Figures(Source& vehicles, Source& orders) : vehicles_(vehicles), orders_(orders) {}
    /// An Error when nothing is known.
    void gather(const Filter& filter, std::move_only_function<void(base::Result<std::string>)> told);

 private:
    Source& vehicles_;
    Source& orders_;
};

}  // namespace insights
