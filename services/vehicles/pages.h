// The pages for people: plain HTML that works without scripts, styled by one embedded sheet, under a strict content
// security policy. Forms carry a token that must equal a cookie of this site only, so no other site can send them.
#pragma once

#include <string>
#include <string_view>

#include "kit/web/router.h"
#include "vehicles/catalogue.h"
#include "vehicles/requests.h"

namespace vehicles {

using FormPairs = std::vector<std::pair<std::string, std::string>>;

class Pages {
 public:
    /// Where auth is configured the pages only show: changes go through the interface, with a token.
    Pages(Catalogue& catalogue, std::string_view version, Rights rights)
        : catalogue_(catalogue), version_(version), rights_(rights) {}

    void add_routes(kit::Router& routes);
    void list(kit::Call call);
    void add_form(kit::Call call);
    /// One vehicle, in a form where it may be changed.
    void vehicle(kit::Call call);
    /// A form sent to /vehicles.
    void add(kit::Call call);
    /// A form sent to /vehicles/{id}.
    void change(kit::Call call);
    void remove_form(kit::Call call);
    void remove(kit::Call call);
    kit::http::Response problem(const kit::Call& call, const kit::Problem& problem) const;

    static bool is_form(const kit::Call& call);

 private:
    struct Form;
    void add_changing_routes(kit::Router& routes);
    kit::http::Response page(const kit::Call& call, int status, std::string_view title, std::string_view content) const;
    kit::http::Response form_page(const kit::Call& call, int status, const Form& form) const;
    /// The pairs, when the token is right.
    base::Result<FormPairs> checked_form(const kit::Call& call) const;

    Catalogue& catalogue_;
    std::string version_;
    Rights rights_;
};

}  // namespace vehicles
