#include "platform/wiring.h"

namespace platform {
namespace {

class ReadingOfNode final : public server::Logs::Reading {
 public:
    explicit ReadingOfNode(std::unique_ptr<node::LogReader::Reading> reading) : reading_(std::move(reading)) {}

 private:
    std::unique_ptr<node::LogReader::Reading> reading_;
};

}  // namespace

std::unique_ptr<server::Logs::Reading> LogsOfNode::read(server::LogRequest request, server::LogSink sink) {
    if (!reader_) {
        sink.fail(base::Error(base::Code::unavailable, "the node is still starting; try again in a moment"));
        return nullptr;
    }
    node::LogQuery query{.ns = std::move(request.ns),
                         .pod = std::move(request.pod),
                         .uid = std::move(request.uid),
                         .container = std::move(request.container),
                         .follow = request.follow == server::Follow::yes,
                         .previous = request.previous,
                         .timestamps = request.timestamps,
                         .tail_lines = request.tail_lines,
                         .since = request.since,
                         .limit_bytes = request.limit_bytes};
    node::LogSink into{std::move(sink.chunk), std::move(sink.end), std::move(sink.fail)};
    return std::make_unique<ReadingOfNode>(reader_->read(std::move(query), std::move(into)));
}

}  // namespace platform
