// Serves pods/log: finds the file of the run that is meant, where to begin in it, and follows it until the run ends.
#include "node/logs.h"

#include <algorithm>

#include "node/encoding.h"

namespace node {
namespace {

constexpr std::size_t block_bytes = 64 * 1024;

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

std::string waits_for(std::string_view reason) {
    if (reason == "ErrImagePull") return "image can't be pulled";
    if (reason == "ImagePullBackOff") return "trying and failing to pull image";
    return std::string(reason);
}

}  // namespace

std::string LogText::feed(std::string_view raw) {
    rest_ += raw;
    std::string out;
    std::size_t done = 0;
    while (!full()) {
        const auto end = rest_.find('\n', done);
        if (end == rest_.npos) break;
        const auto line = parse_log_line(std::string_view(rest_).substr(done, end - done));
        done = end + 1;
        if (!line || (since_ && line->at < *since_)) continue;
        std::string text;
        if (timestamps_ && line_begins_) text = std::string(line->stamp) + " ";
        text += line->text;
        if (!line->partial) text += '\n';
        line_begins_ = !line->partial;
        if (left_) {
            text.resize(std::min<std::size_t>(text.size(), static_cast<std::size_t>(*left_)));
            *left_ -= static_cast<std::int64_t>(text.size());
        }
        out += text;
    }
    rest_.erase(0, done);
    return out;
}

std::uint64_t tail_offset(LogFiles& files, const std::string& path, std::uint64_t size, std::int64_t lines) {
    if (lines <= 0) return size;
    std::uint64_t at = size;
    std::int64_t seen = 0;
    while (at > 0) {
        const auto from = at > block_bytes ? at - block_bytes : 0;
        const auto block = files.read(path, from, at - from);
        if (!block) return 0;
        for (auto i = block->size(); i > 0; --i) {
            // The newline that ends the file ends its last line; the one before that begins it.
            if ((*block)[i - 1] == '\n' && from + i < size && ++seen == lines) return from + i;
        }
        at = from;
    }
    return 0;
}

/// One client's reading: old files first, then the current one, and what comes while it follows.
class LogReader::Stream final : public std::enable_shared_from_this<Stream> {
 public:
    Stream(LogReader& reader, LogQuery query, LogSink sink, Place place)
        : reader_(reader), query_(std::move(query)), sink_(std::move(sink)), place_(std::move(place)), text_(query_) {}

    void begin() {
        if (query_.follow)
            watching_ = reader_.logs_.watch(place_.path, [weak = weak_from_this()] {
                if (const auto self = weak.lock()) self->soon();
            });
        choose_start();
        soon();
    }
    void soon() {
        if (over_ || std::exchange(pending_, true)) return;
        reader_.loop_.post([weak = weak_from_this()] {
            if (const auto self = weak.lock()) self->go_on();
        });
    }
    void cancel() {
        over_ = true;
        watching_.reset();
    }

 private:
    /// Finds the file and offset where the tail begins; without a tail that is the start of the oldest file.
    void choose_start() {
        files_ = reader_.logs_.rotated(place_.path);
        files_.push_back(place_.path);
        if (!query_.tail_lines) return;
        auto wanted = *query_.tail_lines;
        for (std::size_t i = files_.size(); i-- > 0;) {
            const auto facts = reader_.logs_.facts(files_[i]);
            if (!facts) continue;
            current_ = i;
            offset_ = tail_offset(reader_.logs_, files_[i], facts->size, wanted);
            if (offset_ > 0 || wanted <= 0) return;
            wanted -= lines_in(files_[i], facts->size);
            if (wanted <= 0) return;
        }
    }
    std::int64_t lines_in(const std::string& path, std::uint64_t size) {
        std::int64_t lines = 0;
        for (std::uint64_t at = 0; at < size; at += block_bytes) {
            const auto block = reader_.logs_.read(path, at, block_bytes);
            if (!block) break;
            lines += std::ranges::count(*block, '\n');
        }
        return lines;
    }

    void go_on() {
        pending_ = false;
        if (over_) return;
        const bool last = current_ + 1 == files_.size();
        if (last) notice_rotation();
        // Asked before reading: what is written up to the run's end is read before it counts as the end.
        const bool may_grow = reader_.writes(query_, place_.attempt);
        const auto block = reader_.logs_.read(files_[current_], offset_, block_bytes);
        if (block && !block->empty()) {
            offset_ += block->size();
            auto text = text_.feed(*block);
            if (!text.empty()) sink_.chunk(std::move(text));
            if (text_.full()) return finish();
            return soon();
        }
        if (current_ + 1 < files_.size()) {
            ++current_;
            offset_ = 0;
            identity_.reset();
            return soon();
        }
        if (!query_.follow || !may_grow) finish();
    }
    /// A new file under the same name: the old one's rest is read first, under its new name.
    void notice_rotation() {
        const auto facts = reader_.logs_.facts(place_.path);
        if (!facts) return;
        if (!identity_) identity_ = facts->identity;
        if (*identity_ == facts->identity) return;
        const auto old = reader_.logs_.rotated(place_.path);
        identity_ = facts->identity;
        if (old.empty()) {
            offset_ = 0;
            return;
        }
        files_ = {old.back(), place_.path};
        current_ = 0;
    }
    void finish() {
        if (std::exchange(over_, true)) return;
        watching_.reset();
        sink_.end();
    }

    LogReader& reader_;
    LogQuery query_;
    LogSink sink_;
    Place place_;
    LogText text_;
    std::vector<std::string> files_;
    std::size_t current_ = 0;
    std::uint64_t offset_ = 0;
    std::optional<std::uint64_t> identity_;
    std::unique_ptr<LogFiles::Watching> watching_;
    bool pending_ = false, over_ = false;
};

LogReader::LogReader(run::Loop& loop, Node& node, store::Store& store, Files& files, LogFiles& logs)
    : loop_(loop), node_(node), store_(store), files_(files), logs_(logs) {
    node_.when_containers_end([this] {
        std::erase_if(streams_, [](const auto& s) { return s.expired(); });
        for (const auto& weak : streams_)
            if (const auto stream = weak.lock()) stream->soon();
    });
}

LogReader::~LogReader() { node_.when_containers_end({}); }

bool LogReader::writes(const LogQuery& query, int attempt) const {
    const auto* worker = node_.find(query.uid);
    if (!worker) return false;
    const auto& facts = worker->state().facts(query.container);
    return facts.runs == attempt + 1 && facts.busy();
}

base::Result<LogReader::Place> LogReader::locate(const LogQuery& query) const {
    using base::Code;
    const auto pod = store_.get({{"", "pods"}, query.ns, query.pod});
    if (!pod) return base::fail(Code::not_found, "pods " + quoted(query.pod) + " not found");
    Ref status;
    for (const auto list : {"containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"})
        for (const Ref c : (*pod)["status"][list].items())
            if (c["name"].str() == query.container) status = c;
    const auto where = "container " + quoted(query.container) + " in pod " + quoted(query.pod);
    if (!status) return base::fail(Code::bad_request, where + " is not available");
    const auto restarts = static_cast<int>(status["restartCount"].num());
    const bool restarting = status["state"]["waiting"] && status["lastState"]["terminated"];
    const auto at = [&](int attempt) {
        return Place{files_.log_path(query.ns, query.pod, query.uid, query.container, attempt), attempt};
    };
    if (query.previous) {
        if (!status["lastState"]["terminated"])
            return base::fail(Code::bad_request, "previous terminated " + where + " not found");
        return at(restarting ? restarts : std::max(restarts - 1, 0));
    }
    if (restarting || !status["state"]["waiting"]) return at(restarts);
    return base::fail(Code::bad_request,
                      where + " is waiting to start: " + waits_for(status["state"]["waiting"]["reason"].str()));
}

std::unique_ptr<LogReader::Reading> LogReader::read(LogQuery query, LogSink sink) {
    class Handle final : public Reading {
     public:
        explicit Handle(std::shared_ptr<Stream> stream) : stream_(std::move(stream)) {}
        ~Handle() override {
            if (stream_) stream_->cancel();
        }

     private:
        std::shared_ptr<Stream> stream_;
    };
    const auto place = locate(query);
    if (!place) {
        sink.fail(place.error());
        return std::make_unique<Handle>(nullptr);
    }
    auto stream = std::make_shared<Stream>(*this, std::move(query), std::move(sink), *place);
    streams_.push_back(stream);
    stream->begin();
    return std::make_unique<Handle>(std::move(stream));
}

}  // namespace node
