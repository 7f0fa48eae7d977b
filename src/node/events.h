// Events as a kubelet writes them: the same thing said again raises a count instead of making a new object.
#pragma once

#include <list>
#include <map>
#include <string>

#include "node/pod_view.h"
#include "run/loop.h"
#include "verbs/api.h"

namespace node {

enum class EventKind : std::uint8_t { normal, warning };

class Events {
 public:
    struct Author {
        std::string host;
    };
    Events(run::Loop& loop, verbs::Api& api, Author author);

    /// `container` null: about the pod as a whole.
    void say(const PodView& pod, const ContainerView* container, EventKind kind, std::string_view reason,
             std::string message);
    /// About a cluster-scoped object (the Node): written to namespace default.
    void say_of_node(const std::string& name, EventKind kind, std::string_view reason, std::string message);

 private:
    struct Subject {
        std::string kind, ns, name, uid, version, field_path;
    };
    struct Said {
        std::string name;  ///< of the Event object
        int count = 1;
    };
    void write(const Subject& subject, EventKind kind, std::string_view reason, std::string message);
    bool count_up(const std::string& ns, Said& said);

    run::Loop& loop_;
    verbs::Api& api_;
    Author author_;
    std::int64_t stamp_ = 0;  ///< of the last name given
    std::map<std::string, Said> said_;
    std::list<std::string> order_;  ///< of said_, oldest first: bounds it
};

}  // namespace node
