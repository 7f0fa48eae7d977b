// What came with dealers: rights by role, the rule without auth, stock by HTTP, figures, import and export.
#include "kit/auth/signing.h"
#include "vehicles/service_fixture.h"

namespace vehicles {
namespace {

constexpr auto service_word = "the services of this test know this word";
constexpr auto order = "11111111-1111-4111-8111-111111111111";
constexpr auto other_order = "22222222-2222-4222-8222-222222222222";

std::string until_later() { return base::rfc3339_micro(std::chrono::system_clock::now() + std::chrono::minutes(5)); }

/// With a service token, without auth: as the first tour has it.
class OpenVehicles : public VehiclesService {
 protected:
    void configure(Settings& settings) override { ASSERT_TRUE(settings.service_token.set(service_word)); }
    Answer serve(const std::string& method, const std::string& path, const std::string& body = {}) {
        return ask(method, path, body, std::string("Authorization: Bearer ") + service_word + "\r\n");
    }
    Answer import(const std::string& body, const std::string& type = "text/csv") {
        return ask("POST", "/vehicles/import", body, "Content-Type: " + type + "\r\n");
    }
};

INSTANTIATE_TEST_SUITE_P(On, OpenVehicles, ::testing::Values("sqlite", "postgres"),
                         [](const auto& info) { return info.param; });

TEST_P(OpenVehicles, StockByHttpIsForServicesAndKeepsTheRules) {
    const auto address = header(add("wanted", 2020, "100"), "Location");
    const auto wish = [&](const char* who, const std::string& until) {
        return R"({"order_id":")" + std::string(who) + R"(","until":")" + until + "\"}";
    };
    const auto sale = [&](const char* who) { return R"({"order_id":")" + std::string(who) + "\"}"; };
    const auto until = until_later();
    EXPECT_EQ(ask("PUT", address + "/reservation", wish(order, until)).status, 401);
    EXPECT_EQ(serve("PUT", address + "/reservation", wish("me", until)).status, 422);
    EXPECT_EQ(serve("PUT", address + "/reservation", wish(order, "soon")).status, 422);
    EXPECT_EQ(serve("PUT", "/vehicles/77/reservation", wish(order, until)).status, 404);
    EXPECT_EQ(serve("PUT", address + "/sale", sale(order)).status, 409) << "not reserved";
    const auto held = serve("PUT", address + "/reservation", wish(order, until));
    ASSERT_EQ(held.status, 200) << held.body;
    EXPECT_EQ(parsed(held).at("stock").as_string(), "reserved");
    EXPECT_EQ(held.body.find(order), std::string::npos) << "whose it is concerns nobody";
    EXPECT_EQ(serve("PUT", address + "/reservation", wish(order, until)).body, held.body) << "the same again";
    EXPECT_EQ(ask("GET", address).body, held.body);
    EXPECT_EQ(serve("PUT", address + "/reservation", wish(other_order, until)).status, 409);
    EXPECT_EQ(ask("DELETE", address).status, 409);
    auto sent = parsed(held).as_object();
    sent["price"] = 5;
    EXPECT_EQ(ask("PUT", address, json::serialize(sent)).status, 409);
    EXPECT_EQ(serve("DELETE", address + "/reservation/" + other_order).status, 204);
    EXPECT_EQ(serve("PUT", address + "/sale", sale(order)).status, 200);
    EXPECT_EQ(parsed(serve("PUT", address + "/sale", sale(order))).at("stock").as_string(), "sold");
    EXPECT_EQ(serve("DELETE", address + "/reservation/" + order).status, 409);
    EXPECT_EQ(names("?stock=sold"), std::vector<std::string>{"wanted"});
    EXPECT_TRUE(names("?stock=available").empty());
    EXPECT_EQ(serve("DELETE", address + "/sale/" + order).status, 204);
    EXPECT_EQ(serve("DELETE", address + "/sale/" + order).status, 204);
    EXPECT_EQ(parsed(ask("GET", address)).at("stock").as_string(), "available");
    EXPECT_EQ(ask("DELETE", address).status, 204);
    EXPECT_EQ(serve("DELETE", address + "/reservation/" + order).status, 204) << "of a vehicle that is gone";
}

TEST_P(OpenVehicles, ReservationsLapseAtTheirTimeForEverybody) {
    const auto address = header(add("short", 2020, "100"), "Location");
    const auto until = std::chrono::system_clock::now() + std::chrono::milliseconds(300);
    const auto wish = R"({"order_id":")" + std::string(order) + R"(","until":")" + base::rfc3339_micro(until) + "\"}";
    const auto held = serve("PUT", address + "/reservation", wish);
    ASSERT_EQ(held.status, 200) << held.body;
    std::string tag;
    while (true) {
        const auto shown = ask("GET", address);
        const auto stock = parsed(shown).at("stock").as_string();
        const auto now = std::chrono::system_clock::now();
        if (stock == "available") {
            EXPECT_GE(now, until);
            tag = header(shown, "ETag");
            break;
        }
        ASSERT_LT(now, until + std::chrono::seconds(5));
    }
    EXPECT_EQ(names("?stock=available"), std::vector<std::string>{"short"});
    EXPECT_NE(tag, header(held, "ETag"));
    const auto limit = std::chrono::steady_clock::now() + std::chrono::milliseconds(1500);
    while (std::chrono::steady_clock::now() < limit) {  // the sweep comes by and changes nothing that shows
        ASSERT_EQ(header(ask("GET", address), "ETag"), tag);
    }
}

TEST_P(OpenVehicles, FiltersAndFigures) {
    add("a", 2010, "4000");
    add("b", 2015, "5000.50");
    add("c", 2020, "99999");
    EXPECT_EQ(names("?price_min=5000&price_max=6000"), std::vector<std::string>{"b"});
    EXPECT_EQ(names("?year_min=2011&year_max=2019&brand=VOLVO"), std::vector<std::string>{"b"});
    EXPECT_TRUE(names("?brand=Fiat").empty());
    EXPECT_EQ(ask("GET", "/vehicles?stock=stolen&price_min=x&dealer=me").status, 422);
    const auto figures = parsed(ask("GET", "/vehicles/stats"));
    EXPECT_EQ(figures.at("stock").at("available").as_int64(), 3);
    EXPECT_EQ(figures.at("by_brand").at(0).at("brand").as_string(), "Volvo");
    EXPECT_EQ(figures.at("prices").as_array().size(), 20U);
    EXPECT_EQ(figures.at("prices").at(1).at("count").as_int64(), 1);
    EXPECT_EQ(parsed(ask("GET", "/vehicles/stats?brand=Fiat")).at("stock").at("available").as_int64(), 0);
}

TEST_P(OpenVehicles, ImportsTwiceWithOneOutcomeAndExportsWhatItImports) {
    const std::string file =
        "reference;name;brand;model;year;price;description\r\n"
        "R1;First;Volvo;V60;2020;1000,5;\r\n"
        "R2;\"Second; \"\"best\"\"\";Fiat;500;2018;2000.50;\"two\r\nlines\"\r\n"
        "R3;Third;Fiat;500;1700;x;\r\n"
        "R2;Again;Fiat;500;2018;2100;\r\n"
        "too;few\r\n";
    const auto report = import(file);
    ASSERT_EQ(report.status, 200) << report.body;
    auto told = parsed(report);
    EXPECT_EQ(told.at("added").as_int64(), 1) << report.body;
    EXPECT_EQ(told.at("changed").as_int64(), 1) << "the second line of R2 changes what the first added";
    EXPECT_EQ(told.at("failed").as_int64(), 3);
    const auto& lines = told.at("lines").as_array();
    ASSERT_EQ(lines.size(), 5U);
    EXPECT_EQ(lines[0].at("line").as_int64(), 2);
    EXPECT_EQ(lines[0].at("problems").at(0).at("field").as_string(), "price") << "a comma is no decimal point";
    EXPECT_EQ(lines[2].at("line").as_int64(), 5);
    EXPECT_EQ(lines[2].at("problems").as_array().size(), 2U);
    EXPECT_EQ(lines[3].at("status").as_string(), "changed");

    const auto lines_of_json = R"({"reference":"J1","name":"J","brand":"b","model":"m","year":2020,"price":1})"
                               "\n\nnot json\n"
                               R"({"reference":"J2","name":"J","brand":"b","model":"m","year":2020,"price":1})";
    told = parsed(import(lines_of_json, "application/x-ndjson"));
    EXPECT_EQ(told.at("added").as_int64(), 2);
    EXPECT_EQ(told.at("lines").at(1).at("line").as_int64(), 3);
    told = parsed(import(lines_of_json, "application/x-ndjson"));
    EXPECT_EQ(told.at("kept").as_int64(), 2) << "the same again changes nothing";

    const auto csv = ask("GET", "/vehicles/export.csv");
    EXPECT_EQ(csv.status, 200);
    EXPECT_TRUE(csv.has("text/csv"));
    told = parsed(import(csv.body));
    EXPECT_EQ(told.at("kept").as_int64(), 3) << csv.body;
    EXPECT_EQ(told.at("failed").as_int64(), 0) << csv.body;
    EXPECT_EQ(import("name,price\n").status, 422) << "columns are missing";
    client_ = std::make_unique<Client>(port_);  // an answer before the body's end closes the connection
    EXPECT_EQ(import("x", "text/plain").status, 415);
}

TEST_P(OpenVehicles, LinesInAnotherEncodingFailAlone) {
    const auto told =
        parsed(import("name,brand,model,year,price\nGr\xfc\xdf"
                      "e,b,m,2020,1\nwell,b,m,2020,1\n"));
    EXPECT_EQ(told.at("added").as_int64(), 1);
    EXPECT_EQ(told.at("failed").as_int64(), 1);
    EXPECT_EQ(told.at("lines").at(0).at("problems").at(0).at("field").as_string(), "name");
    EXPECT_EQ(ask("GET", "/vehicles?q=%ff").status, 422);
}

TEST_P(OpenVehicles, ImportsManyLinesInBatches) {
    std::string file = "reference,name,brand,model,year,price\n";
    for (int at = 0; at < 1234; ++at) {
        file += std::to_string(at) + ",n,b,m,2020," + std::to_string(at) + "\n";
    }
    const auto told = parsed(import(file));
    EXPECT_EQ(told.at("added").as_int64(), 1234);
    EXPECT_EQ(told.at("lines").as_array().size(), 1000U);
    EXPECT_EQ(told.at("lines_left_out").as_int64(), 234);
    EXPECT_EQ(parsed(ask("GET", "/vehicles?per_page=1")).at("total").as_int64(), 1234);
}

/// With auth: a dealer changes own vehicles, an admin all, a buyer none; reading is for everybody.
class GuardedVehicles : public VehiclesService {
 protected:
    void configure(Settings& settings) override {
        kit::AppSettings app_settings;
        ASSERT_TRUE(app_settings.port.set("0") && app_settings.address.set("127.0.0.1") &&
                    app_settings.log_level.set("error"));
        keys_ = std::make_unique<kit::App>(loop_.io, "keys", app_settings);
        keys_->routes().get("/jwks.json").calls([this](kit::Call call) {
            call.answer(kit::json_response(200, kit::auth::jwks_text({key_.shown()})));
        });
        ASSERT_TRUE(keys_->start());
        ASSERT_TRUE(settings.jwks.set("http://127.0.0.1:" + std::to_string(keys_->port()) + "/jwks.json"));
    }
    void TearDown() override {
        VehiclesService::TearDown();
        loop_.run([&] { keys_.reset(); });
    }
    std::string as(const std::string& user, kit::auth::Role role) const {
        const auto now = std::chrono::system_clock::now();
        return "Authorization: Bearer " +
               kit::auth::sign_token(key_, {.user = user,
                                            .email = user + "@example.com",
                                            .name = "Dealer " + user,
                                            .roles = {role},
                                            .issued = now,
                                            .expires = now + std::chrono::minutes(5),
                                            .token_id = "t"}) +
               "\r\n";
    }
    kit::auth::SigningKey key_ = kit::auth::SigningKey::make();
    std::unique_ptr<kit::App> keys_;
};

INSTANTIATE_TEST_SUITE_P(On, GuardedVehicles, ::testing::Values("sqlite"), [](const auto& info) { return info.param; });

TEST_P(GuardedVehicles, ChangesAreForDealersAndAdmins) {
    using kit::auth::Role;
    const std::string body = R"({"name":"n","brand":"b","model":"m","year":2020,"price":1,"dealer_id":"somebody"})";
    EXPECT_EQ(ask("POST", "/vehicles", body).status, 401);
    EXPECT_EQ(ask("POST", "/vehicles", body, as("b", Role::buyer)).status, 403);
    const auto added = ask("POST", "/vehicles", body, as("d1", Role::dealer));
    ASSERT_EQ(added.status, 201) << added.body;
    EXPECT_EQ(parsed(added).at("dealer_id").as_string(), "d1");
    EXPECT_EQ(parsed(added).at("dealer").as_string(), "Dealer d1");
    const auto address = header(added, "Location");
    EXPECT_EQ(ask("GET", address).status, 200);
    EXPECT_EQ(ask("PUT", address, body, as("d2", Role::dealer)).status, 403);
    EXPECT_EQ(ask("DELETE", address, {}, as("d2", Role::dealer)).status, 403);
    EXPECT_EQ(ask("PUT", address, body, as("d1", Role::dealer)).status, 200);
    EXPECT_EQ(parsed(ask("GET", "/vehicles?dealer=me", {}, as("d1", Role::dealer))).at("total").as_int64(), 1);
    EXPECT_EQ(parsed(ask("GET", "/vehicles?dealer=me", {}, as("d2", Role::dealer))).at("total").as_int64(), 0);
    const std::string csv = "reference,name,brand,model,year,price\n1,n,b,m,2020,5\n";
    EXPECT_EQ(ask("POST", "/vehicles/import", csv, "Content-Type: text/csv\r\n").status, 401);
    client_ = std::make_unique<Client>(port_);
    const auto imported = ask("POST", "/vehicles/import", csv, as("d2", Role::dealer) + "Content-Type: text/csv\r\n");
    EXPECT_EQ(imported.status, 200) << imported.body;
    EXPECT_EQ(names("?dealer=d2"), std::vector<std::string>{"n"});
    const auto page = ask("GET", "/", {}, "Accept: text/html,*/*;q=0.8\r\n");
    EXPECT_EQ(page.body.find("Add vehicle"), std::string::npos) << "pages only show";
    EXPECT_EQ(ask("GET", address, {}, "Accept: text/html,*/*;q=0.8\r\n").body.find("<form"), std::string::npos);
    EXPECT_EQ(ask("DELETE", address, {}, as("a", Role::admin)).status, 204);
}

}  // namespace
}  // namespace vehicles
