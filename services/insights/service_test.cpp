// Insights over real sockets, with sources that answer, change and go away as told.
#include "insights/service.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "insights/csv.h"
#include "insights/filter.h"
#include "kit/testing/app_fixture.h"
#include "kit/web/frames.h"

namespace insights {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;
using kit::testing::Answer;
using kit::testing::Client;
using kit::testing::get;

/// What stands for the vehicles and orders services.
struct Others {
    std::int64_t available = 2;
    std::int64_t asked = 0;
    int vehicles = 250;
    bool away = false;

    void assemble(kit::App& app) {
        app.routes().get("/vehicles/stats").calls([this](kit::Call call) {
            ++asked;
            if (away) return call.fail({base::Code::unavailable, "gone"});
            const auto brand = call.query("brand").value_or("");
            call.answer(kit::json_response(
                200, R"({"currency":"EUR","stock":{"available":)" + std::to_string(brand.empty() ? available : 1) +
                         R"(,"reserved":1,"sold":0},"by_brand":[{"brand":"Audi","available":1,"reserved":0,"sold":0},
                         {"brand":"VW","available":1,"reserved":1,"sold":0}],"prices":[{"from":0,"to":5000.00,"count":3}]})"));
        });
        app.routes().get("/orders/stats").calls([this](kit::Call call) {
            if (away) return call.fail({base::Code::unavailable, "gone"});
            call.answer(kit::json_response(
                200, R"({"currency":"EUR","brand":")" + call.query("brand").value_or("") +
                         R"(","states":{"confirmed":1,"declined":2,"refunded":1},"funnel":{"placed":4,"paid":2,"confirmed":2},
                         "revenue":19990.00,"days":[{"day":"2026-01-02","placed":4,"confirmed":2,"sold":1,"revenue":19990.00}]})"));
        });
        app.routes().get("/vehicles").calls([this](kit::Call call) {
            const int page = std::stoi(call.query("page").value_or("1"));
            std::string text = R"({"items":[)";
            for (int id = (page - 1) * 100; id < std::min(page * 100, vehicles); ++id) {
                if (text.ends_with('}')) text += ',';
                text += R"({"id":)" + std::to_string(id);
                text +=
                    R"x(,"brand":"=cmd()","name":"a \"b\", c","model":"Golf","year":2020,"price":9.5,"stock":"sold"})x";
            }
            call.answer(kit::json_response(200, text + "]}"));
        });
    }
};

class Insights : public kit::testing::AppFixture {
 protected:
    void SetUp() override {
        loop_.run([&] {
            kit::AppSettings quiet;
            ASSERT_TRUE(quiet.port.set("0") && quiet.address.set("127.0.0.1") && quiet.log_level.set("error"));
            sources_ = std::make_unique<kit::App>(loop_.io, "others", quiet);
            others_.assemble(*sources_);
            ASSERT_TRUE(sources_->start());
        });
        serve([&](kit::App& app) {
            Settings settings;
            const auto url = "http://127.0.0.1:" + std::to_string(sources_->port());
            ASSERT_TRUE(settings.vehicles.set(url) && settings.orders.set(url) && settings.look_every.set("20ms"));
            ASSERT_TRUE(settings.pages.set("/none"));
            assemble(app, settings);
        });
    }
    void TearDown() override {
        AppFixture::TearDown();
        loop_.run([&] { sources_.reset(); });
    }
    json::object figures(const std::string& query) {
        const auto answer = ask(get("/api/figures" + query));
        EXPECT_EQ(answer.status, 200) << answer.body;
        return json::parse(answer.body).get_object();
    }
    void others(const std::function<void(Others&)>& change) {
        loop_.run([&] { change(others_); });
    }
    static std::string handshake(const std::string& path) {
        return get(path,
                   "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n");
    }
    Others others_;
    std::unique_ptr<kit::App> sources_;
};

TEST_F(Insights, PutsTheFiguresTogether) {
    const json::value all = figures("?from=2026-01-01&to=2026-01-03");
    EXPECT_EQ(all.at_pointer("/stock/available").as_int64(), 2);
    EXPECT_EQ(all.at_pointer("/brands").as_array().size(), 2U);
    EXPECT_EQ(all.at_pointer("/by_brand/1/reserved").as_int64(), 1);
    EXPECT_EQ(all.at_pointer("/prices/buckets/0/to").as_double(), 5000.0);
    EXPECT_EQ(all.at_pointer("/sales/days").as_array().size(), 3U);
    EXPECT_EQ(all.at_pointer("/sales/days/1/revenue").as_double(), 19990.0);
    EXPECT_EQ(all.at_pointer("/sales/days/2/placed").as_int64(), 0);
    EXPECT_EQ(all.at_pointer("/sales/count").as_int64(), 1) << "what was given back is no sale";
    EXPECT_EQ(all.at_pointer("/sales/days/1/sold").as_int64(), 1);
    EXPECT_EQ(all.at_pointer("/funnel/0/count").as_int64(), 4);
    EXPECT_EQ(all.at_pointer("/endings/0/count").as_int64(), 2);
    EXPECT_TRUE(all.at_pointer("/sources/0/ok").as_bool());
    const json::value one = figures("?brand=VW");
    EXPECT_EQ(one.at_pointer("/brands").as_array().size(), 2U);
    EXPECT_EQ(one.at_pointer("/by_brand").as_array().size(), 1U);
    EXPECT_EQ(one.at_pointer("/stock/available").as_int64(), 1);
    EXPECT_EQ(one.at_pointer("/sales/days").as_array().size(), 30U);
    EXPECT_TRUE(one.at_pointer("/sales/by_brand").as_bool());
}

TEST_F(Insights, RefusesWrongDays) {
    for (const auto* wrong : {"?from=yesterday", "?from=2026-02-30", "?to=2026-1-1", "?from=2026-02-01&to=2026-01-01",
                              "?from=2020-01-01&to=2026-01-01"}) {
        EXPECT_EQ(ask(get(std::string("/api/figures") + wrong)).status, 422) << wrong;
        EXPECT_EQ(ask(get(std::string("/export.csv") + wrong)).status, 422) << wrong;
        EXPECT_EQ(ask(handshake(std::string("/live") + wrong)).status, 422) << wrong;
    }
}

TEST_F(Insights, ShowsWhatWasLastKnown) {
    others([](Others& all) { all.away = true; });
    EXPECT_EQ(ask(get("/api/figures")).status, 503) << "nothing was ever known";
    others([](Others& all) { all.away = false; });
    for (int tries = 0; ask(get("/api/figures")).status != 200 && tries < 100'000;) ++tries;
    json::value shown = figures("");
    for (int tries = 0; !shown.at_pointer("/sources/0/ok").as_bool() && tries < 100'000; ++tries) shown = figures("");
    others([](Others& all) { all.away = true; });
    for (int tries = 0; shown.at_pointer("/sources/0/ok").as_bool() && tries < 100'000; ++tries) shown = figures("");
    EXPECT_EQ(shown.at_pointer("/stock/available").as_int64(), 2);
    EXPECT_NE(shown.at_pointer("/sources/0/detail").as_string().find("shown is what it said at"), std::string::npos);
}

TEST_F(Insights, TellsLivePagesWhatChanges) {
    std::vector<std::unique_ptr<Client>> pages;
    for (int i = 0; i < 20; ++i) {
        pages.push_back(std::make_unique<Client>(port()));
        pages.back()->send(handshake("/live"));
    }
    for (auto& page : pages) ASSERT_TRUE(page->read_until(R"("stock":{"available":2,)"));
    others([](Others& all) { all.asked = 0, all.available = 7; });
    for (auto& page : pages) ASSERT_TRUE(page->read_until(R"("stock":{"available":7,)"));
    EXPECT_LT(loop_.run([&] { return others_.asked; }), 20) << "they share what is asked";
    const std::string filter = R"({"brand":"VW","from":"","to":""})";
    std::string masked = "\x81" + std::string(1, static_cast<char>(0x80 | filter.size())) + std::string(4, '\0');
    pages[0]->send(masked + filter);
    EXPECT_TRUE(pages[0]->read_until(R"("filter":{"brand":"VW")"));
    pages.clear();
    const auto gone = [&] { return ask(get("/metrics")).body.find("app_live_pages 0\n") != std::string::npos; };
    int tries = 0;
    while (!gone() && ++tries < 10'000) continue;
    EXPECT_TRUE(gone());
}

TEST_F(Insights, ExportsCsvThatIsNoProgram) {
    const auto answer = ask(get("/export.csv"));
    EXPECT_TRUE(answer.has("Content-Type: text/csv") && answer.has("attachment; filename=\"vehicles.csv\""));
    EXPECT_EQ(std::ranges::count(answer.body, '\n'), 251);
    EXPECT_TRUE(
        answer.body.starts_with("id,brand,name,model,year,price,stock,dealer,created_at\r\n"
                                "0,'=cmd(),\"a \"\"b\"\", c\",Golf,2020,9.50,sold,\"\",\"\"\r\n"))
        << answer.body.substr(0, 200);
    EXPECT_EQ(ask(get("/export.csv?table=days&from=2026-01-01&to=2026-01-03")).body,
              "day,placed,confirmed,revenue\r\n2026-01-02,4,2,19990.00\r\n");
    EXPECT_EQ(ask(get("/export.csv?table=users")).status, 422);
}

TEST(Csv, QuotesAndDisarms) {
    std::string line;
    for (const auto* cell : {"", "plain", "a,b", "say \"x\"", "two\r\nlines", "=1+1", "+1", "-1", "@x", "\tx"})
        append_cell(line, cell);
    append_number_cell(line, "-1.50");
    end_line(line);
    EXPECT_EQ(line, "\"\",plain,\"a,b\",\"say \"\"x\"\"\",\"two\r\nlines\",'=1+1,'+1,'-1,'@x,'\tx,-1.50\r\n");
}

TEST(Filter, CompletesItself) {
    const run::Time now{std::chrono::sys_days(std::chrono::year(2026) / 3 / 10) + 5h};
    const auto standard = filter_of({}, now);
    ASSERT_TRUE(standard);
    EXPECT_EQ(day_text(standard->from_day), "2026-02-09");
    EXPECT_EQ(day_text(standard->to_day), "2026-03-10");
    EXPECT_EQ(day_text(filter_of({.brand = "", .from = "", .to = "2026-01-30"}, now)->from_day), "2026-01-01");
    EXPECT_FALSE(filter_of_json("[]", now));
    EXPECT_EQ(filter_of_json(R"({"brand":"VW","from":"2026-03-01","to":7})", now)->brand, "VW");
}

}  // namespace
}  // namespace insights
