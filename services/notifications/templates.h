// What is said of an event: a title, a text and a page for each type, with {{names}} of the event's data in them. In
// pages values are escaped; names that are not there are nothing. A folder can replace each: TYPE.txt, whose first
// line is the title, and TYPE.html.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "notifications/event.h"

namespace notifications {

struct Said {
    std::string title;
    std::string text;
    std::string html;
};

class Templates {
 public:
    /// `site` is where people read on: the start of links. `folder` may be "".
    static base::Result<Templates> load(std::string site, const std::string& folder);
    bool knows(std::string_view type) const { return templates_.find(type) != templates_.end(); }
    /// For a type that is known.
    Said say(const Event& event) const;
    std::vector<std::string> types() const;
    /// An event of that type as it might come, for previews.
    static Event sample(std::string_view type);

 private:
    struct Template {
        std::string title;
        std::string text;
        std::string html;  ///< "": made of the text
    };
    base::Result<void> replace_from(const std::string& folder);

    std::string site_;
    std::map<std::string, Template, std::less<>> templates_;
};

}  // namespace notifications
