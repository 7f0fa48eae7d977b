#include "kit/mongo/mongo.h"

#include <mongoc/mongoc.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace kit::mongo {
namespace {

constexpr auto look_again = std::chrono::milliseconds(500);
constexpr int duplicate_key = 11000;  // https://www.mongodb.com/docs/manual/reference/error-codes/

template <auto free>
struct Freed {
    template <class T>
    void operator()(T* one) const {
        free(one);
    }
};
/// bson_t is overaligned, which a template argument forgets.
class Bson {
 public:
    explicit Bson(bson_t* one) : one_(one) {}
    Bson(Bson&& other) noexcept : one_(std::exchange(other.one_, nullptr)) {}
    Bson& operator=(Bson&&) = delete;
    ~Bson() { bson_destroy(one_); }
    bson_t* get() const { return one_; }

 private:
    bson_t* one_;
};
using Uri = std::unique_ptr<mongoc_uri_t, Freed<mongoc_uri_destroy>>;
using Pool = std::unique_ptr<mongoc_client_pool_t, Freed<mongoc_client_pool_destroy>>;
using Collection = std::unique_ptr<mongoc_collection_t, Freed<mongoc_collection_destroy>>;
using Cursor = std::unique_ptr<mongoc_cursor_t, Freed<mongoc_cursor_destroy>>;

base::Result<Bson> bson_of(const std::string& json) {
    bson_error_t error;
    Bson made(bson_new_from_json(reinterpret_cast<const std::uint8_t*>(json.data()), std::ssize(json), &error));
    if (!made.get()) return base::fail(base::Code::invalid, std::string("this is no document: ") + error.message);
    return made;
}

std::string json_of(const bson_t& document) {
    std::size_t length = 0;
    char* text = bson_as_relaxed_extended_json(&document, &length);
    std::string json(text ? text : "{}", text ? length : 2);
    bson_free(text);
    return json;
}

bool is_away(const bson_error_t& error) {
    return error.domain == MONGOC_ERROR_SERVER_SELECTION || error.domain == MONGOC_ERROR_STREAM ||
           (error.domain == MONGOC_ERROR_CLIENT && error.code == MONGOC_ERROR_CLIENT_AUTHENTICATE);
}

base::Error error_of(const bson_error_t& error) {
    if (is_away(error)) return {base::Code::unavailable, std::string("mongodb is away: ") + error.message};
    if (error.code == duplicate_key) return {base::Code::already_exists, error.message};
    return {base::Code::internal, std::string("mongodb: ") + error.message};
}

/// A number of an answer, whichever type it came as.
std::int64_t number_in(const bson_t& document, const char* name) {
    bson_iter_t at;
    return bson_iter_init_find(&at, &document, name) ? bson_iter_as_int64(&at) : 0;
}

/// What a thread works with.
struct Bench {
    mongoc_client_t* client;
    const std::string& database;
    std::int64_t limit_ms;
    bool lost = false;  ///< the server did not answer

    Collection collection(const std::string& name) const {
        return Collection(mongoc_client_get_collection(client, database.c_str(), name.c_str()));
    }
    std::unexpected<base::Error> failed(const bson_error_t& error) {
        lost = is_away(error);
        return std::unexpected(error_of(error));
    }
};

base::Result<void> insert(Bench& bench, const std::string& collection, const std::string& json) {
    const auto document = TRY(bson_of(json));
    bson_error_t error;
    const auto into = bench.collection(collection);
    if (!mongoc_collection_insert_one(into.get(), document.get(), nullptr, nullptr, &error)) return bench.failed(error);
    return {};
}

base::Result<Documents> find(Bench& bench, const std::string& collection, const Find& wish) {
    const auto filter = TRY(bson_of(wish.filter));
    const auto sort = TRY(bson_of(wish.sort));
    const Bson options(BCON_NEW("skip", BCON_INT64(wish.skip), "limit", BCON_INT64(wish.limit), "maxTimeMS",
                                BCON_INT64(bench.limit_ms)));
    if (!bson_empty(sort.get())) BSON_APPEND_DOCUMENT(options.get(), "sort", sort.get());
    const auto from = bench.collection(collection);
    const Cursor cursor(mongoc_collection_find_with_opts(from.get(), filter.get(), options.get(), nullptr));
    Documents documents;
    const bson_t* document = nullptr;
    while (mongoc_cursor_next(cursor.get(), &document)) documents.push_back(json_of(*document));
    bson_error_t error;
    if (mongoc_cursor_error(cursor.get(), &error)) return bench.failed(error);
    return documents;
}

base::Result<std::int64_t> count(Bench& bench, const std::string& collection, const std::string& json) {
    const auto filter = TRY(bson_of(json));
    bson_error_t error;
    const auto in = bench.collection(collection);
    const auto found = mongoc_collection_count_documents(in.get(), filter.get(), nullptr, nullptr, nullptr, &error);
    if (found < 0) return bench.failed(error);
    return found;
}

base::Result<std::int64_t> update_one(Bench& bench, const std::string& collection, const std::string& filter_json,
                                      const std::string& update_json) {
    const auto filter = TRY(bson_of(filter_json));
    const auto update = TRY(bson_of(update_json));
    bson_error_t error;
    bson_t reply;
    const auto in = bench.collection(collection);
    const bool good = mongoc_collection_update_one(in.get(), filter.get(), update.get(), nullptr, &reply, &error);
    const auto changed = number_in(reply, "modifiedCount");
    bson_destroy(&reply);
    if (!good) return bench.failed(error);
    return changed;
}

base::Result<std::int64_t> remove_one(Bench& bench, const std::string& collection, const std::string& json) {
    const auto filter = TRY(bson_of(json));
    bson_error_t error;
    bson_t reply;
    const auto in = bench.collection(collection);
    const bool good = mongoc_collection_delete_one(in.get(), filter.get(), nullptr, &reply, &error);
    const auto removed = number_in(reply, "deletedCount");
    bson_destroy(&reply);
    if (!good) return bench.failed(error);
    return removed;
}

base::Result<void> ensure_index(Bench& bench, const std::string& collection, const std::string& json) {
    const auto keys = TRY(bson_of(json));
    char* name = mongoc_collection_keys_to_index_string(keys.get());
    const Bson command(BCON_NEW("createIndexes", BCON_UTF8(collection.c_str()), "indexes", "[", "{", "key",
                                BCON_DOCUMENT(keys.get()), "name", BCON_UTF8(name), "}", "]"));
    bson_free(name);
    bson_error_t error;
    if (!mongoc_client_write_command_with_opts(bench.client, bench.database.c_str(), command.get(), nullptr, nullptr,
                                               &error)) {
        return bench.failed(error);
    }
    return {};
}

bool ping(Bench& bench, std::string& why) {
    const Bson command(BCON_NEW("ping", BCON_INT32(1)));
    bson_error_t error;
    if (mongoc_client_command_simple(bench.client, "admin", command.get(), nullptr, nullptr, &error)) return true;
    why = error_of(error).message;
    return false;
}

class Client final : public Mongo {
 public:
    Client(run::Loop& loop, Log& log, MongoOptions options, Pool pool)
        : loop_(loop), log_(log), options_(std::move(options)), pool_(std::move(pool)) {
        for (std::size_t at = 0; at < options_.threads; ++at) threads_.emplace_back([this] { work(); });
        look();
    }
    ~Client() override {
        *alive_ = false;
        {
            const std::scoped_lock lock(mutex_);
            stopping_ = true;
        }
        changed_.notify_all();
        for (auto& thread : threads_) thread.join();
    }

    void insert(std::string collection, std::string document,
                std::move_only_function<void(base::Result<void>)> done) override {
        ask<void>(std::move(done), [collection = std::move(collection), document = std::move(document)](Bench& bench) {
            return mongo::insert(bench, collection, document);
        });
    }
    void find(std::string collection, Find find, std::move_only_function<void(base::Result<Documents>)> done) override {
        ask<Documents>(std::move(done), [collection = std::move(collection), find = std::move(find)](Bench& bench) {
            return mongo::find(bench, collection, find);
        });
    }
    void count(std::string collection, std::string filter,
               std::move_only_function<void(base::Result<std::int64_t>)> done) override {
        ask<std::int64_t>(std::move(done), [collection = std::move(collection), filter = std::move(filter)](
                                               Bench& bench) { return mongo::count(bench, collection, filter); });
    }
    void update_one(std::string collection, std::string filter, std::string update,
                    std::move_only_function<void(base::Result<std::int64_t>)> done) override {
        ask<std::int64_t>(std::move(done),
                          [collection = std::move(collection), filter = std::move(filter), update = std::move(update)](
                              Bench& bench) { return mongo::update_one(bench, collection, filter, update); });
    }
    void remove_one(std::string collection, std::string filter,
                    std::move_only_function<void(base::Result<std::int64_t>)> done) override {
        ask<std::int64_t>(std::move(done), [collection = std::move(collection), filter = std::move(filter)](
                                               Bench& bench) { return mongo::remove_one(bench, collection, filter); });
    }
    void ensure_index(std::string collection, std::string keys,
                      std::move_only_function<void(base::Result<void>)> done) override {
        ask<void>(std::move(done), [collection = std::move(collection), keys = std::move(keys)](Bench& bench) {
            return mongo::ensure_index(bench, collection, keys);
        });
    }
    std::size_t waiting() const override {
        const std::scoped_lock lock(mutex_);
        return jobs_.size();
    }
    std::optional<std::string> away() const override {
        if (up_) return std::nullopt;
        return problem_.empty() ? "it is being connected to" : problem_;
    }

 private:
    using Job = std::move_only_function<void(Bench&)>;

    /// `act` runs on a thread, `done` on the loop.
    template <class T, class Act>
    void ask(std::move_only_function<void(base::Result<T>)> done, Act act) {
        if (!problem_.empty()) return done(base::fail(base::Code::unavailable, problem_));
        if (waiting() >= options_.waiting_max)
            return done(base::fail(base::Code::unavailable, "too much waits for MongoDB"));
        auto job = [this, alive = alive_, act = std::move(act), done = std::move(done)](Bench& bench) mutable {
            auto result = act(bench);
            std::string why = bench.lost ? result.error().message : std::string();
            loop_.post([this, alive, done = std::move(done), result = std::move(result), why]() mutable {
                if (!*alive) return;
                if (why.empty()) {
                    up_ = true;
                } else {
                    lost(why);
                }
                done(std::move(result));
            });
        };
        push(std::move(job));
    }

    void push(Job job) {
        {
            const std::scoped_lock lock(mutex_);
            jobs_.push_back(std::move(job));
        }
        changed_.notify_one();
    }

    void lost(const std::string& why) {
        if (problem_.empty()) log_.warn("mongodb is away", {{"error", why}});
        problem_ = why;
        up_ = false;
        if (!again_) again_ = loop_.after(look_again, [this] { look(); });
    }

    void look() {
        again_.cancel();
        push([this, alive = alive_](Bench& bench) {
            std::string why;
            const bool found = ping(bench, why);
            loop_.post([this, alive, found, why] {
                if (!*alive) return;
                if (!found) return lost(why);
                if (!problem_.empty()) log_.info("mongodb is back", {{"was", problem_}});
                problem_.clear();
                up_ = true;
            });
        });
    }

    void work() {
        auto* client = mongoc_client_pool_pop(pool_.get());
        std::unique_lock lock(mutex_);
        while (true) {
            changed_.wait(lock, [&] { return stopping_ || !jobs_.empty(); });
            if (stopping_) break;
            auto job = std::move(jobs_.front());
            jobs_.pop_front();
            lock.unlock();
            const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(options_.timeout).count();
            Bench bench{client, options_.database, ms};
            job(bench);
            lock.lock();
        }
        lock.unlock();
        mongoc_client_pool_push(pool_.get(), client);
    }

    run::Loop& loop_;
    Log& log_;
    MongoOptions options_;
    Pool pool_;
    mutable std::mutex mutex_;  ///< of jobs_ and stopping_; all else is the loop's
    std::condition_variable changed_;
    std::deque<Job> jobs_;
    bool stopping_ = false;
    std::vector<std::thread> threads_;
    bool up_ = false;
    std::string problem_;  ///< why it is away; empty: it is not, or not yet known
    run::Timer again_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace

base::Result<std::unique_ptr<Mongo>> open(run::Loop& loop, Log& log, MongoOptions options) {
    mongoc_init();
    mongoc_log_set_handler([](auto...) {}, nullptr);  // what matters comes as errors; its lines are no JSON
    bson_error_t error;
    const Uri uri(mongoc_uri_new_with_error(options.uri.c_str(), &error));
    if (!uri)
        return base::fail(base::Code::invalid,
                          "the MongoDB address is not like mongodb://[user:password@]host:port/name");
    const auto ms =
        static_cast<std::int32_t>(std::chrono::duration_cast<std::chrono::milliseconds>(options.timeout).count());
    mongoc_uri_set_option_as_int32(uri.get(), MONGOC_URI_SERVERSELECTIONTIMEOUTMS, ms);
    mongoc_uri_set_option_as_int32(uri.get(), MONGOC_URI_CONNECTTIMEOUTMS, ms);
    mongoc_uri_set_option_as_int32(uri.get(), MONGOC_URI_SOCKETTIMEOUTMS, ms);
    if (options.database.empty()) {
        const char* named = mongoc_uri_get_database(uri.get());
        options.database = named ? named : "app";
    }
    Pool pool(mongoc_client_pool_new(uri.get()));
    if (!pool) return base::fail(base::Code::invalid, "the MongoDB address has options that cannot be used here");
    mongoc_client_pool_set_error_api(pool.get(), MONGOC_ERROR_API_VERSION_2);
    return std::make_unique<Client>(loop, log, std::move(options), std::move(pool));
}

}  // namespace kit::mongo
