// The node: runs the pods that are bound to this machine, as a kubelet does, and keeps its Node object and Lease.
// Truth is the store; what the machine does comes and goes through the ports. A restart of the daemon adopts what runs.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "node/context.h"
#include "node/events.h"
#include "node/images.h"
#include "node/node_object.h"
#include "node/pod_worker.h"

namespace node {

class Node {
 public:
    /// The loop, API and ports must outlive the node.
    Node(run::Loop& loop, verbs::Api& api, Ports ports, base::Rng rng, Settings settings);
    ~Node();
    Node(const Node&) = delete;

    /// Makes the Node object, compares what stands on the machine with the store, and goes to work.
    void start();

    /// Called after a container ended or a pod left: whoever follows a log looks again.
    void when_containers_end(std::function<void()> heard) { heard_ = std::move(heard); }

    std::size_t pods() const { return workers_.size(); }
    /// Null when no such pod is here.
    const PodWorker* find(const std::string& uid) const;

 private:
    void adopt(Observed observed);
    void clear_away(const std::string& uid, const std::string& ip);
    void on_event(const store::EventPtr& event);
    void on_pod(const ObjectPtr& pod, store::EventType type);
    PodWorker* add(const ObjectPtr& pod);
    void note_uses(const PodView& view);
    bool ours(const ObjectPtr& pod) const;

    run::Loop& loop_;
    verbs::Api& api_;
    Settings settings_;
    base::Rng rng_;
    Events events_;
    Images images_;
    StartGate starts_;
    Context context_;
    NodeObject object_;
    bool adopted_ = false;
    std::function<void()> heard_;
    std::map<std::string, std::shared_ptr<PodWorker>> workers_;  ///< by uid
    /// ("configmaps"|"secrets", namespace, name) -> pods that use it.
    std::map<std::tuple<std::string, std::string, std::string>, std::set<std::string>> users_;
    std::map<std::string, std::set<std::tuple<std::string, std::string, std::string>>> uses_;  ///< by pod uid
    std::unique_ptr<store::Watch> watch_;
    run::Timer list_retry_;
    /// Outlives nothing: callbacks of ports that may come after the node is gone hold it weakly.
    std::shared_ptr<Node*> alive_;
};

}  // namespace node
