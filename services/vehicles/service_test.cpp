// The service in process, on SQLite and on a real PostgreSQL where there is one.
#include "vehicles/service_fixture.h"

namespace vehicles {
namespace {

INSTANTIATE_TEST_SUITE_P(On, VehiclesService, ::testing::Values("sqlite", "postgres"),
                         [](const auto& info) { return info.param; });

TEST_P(VehiclesService, AddsShowsChangesAndRemoves) {
    const auto added = add("Family \\\"estate\\\" é", 2021, "25000.5");
    ASSERT_EQ(added.status, 201) << added.body;
    const auto address = header(added, "Location");
    EXPECT_NE(added.body.find("\"price\":25000.50,"), std::string::npos) << added.body;
    const auto shown = ask("GET", address);
    EXPECT_EQ(shown.body, added.body);
    const auto vehicle = parsed(shown);
    EXPECT_EQ(vehicle.at("name").as_string(), "Family \"estate\" é");
    EXPECT_EQ(vehicle.at("created_at"), vehicle.at("updated_at"));
    EXPECT_EQ(vehicle.at("description").as_string(), "");

    auto sent = vehicle.as_object();
    sent["price"] = "19999.99";
    sent["description"] = "line\nbreak";
    const auto changed = ask("PUT", address, json::serialize(sent));
    ASSERT_EQ(changed.status, 200) << changed.body;
    EXPECT_NE(changed.body.find("\"price\":19999.99,"), std::string::npos);
    EXPECT_NE(parsed(changed).at("updated_at"), vehicle.at("updated_at"));
    EXPECT_EQ(parsed(changed).at("created_at"), vehicle.at("created_at"));

    EXPECT_EQ(ask("DELETE", address).status, 204);
    EXPECT_EQ(ask("GET", address).status, 404);
    EXPECT_EQ(ask("DELETE", address).status, 404);
    EXPECT_EQ(ask("PUT", address, json::serialize(sent)).status, 404);
    EXPECT_EQ(ask("GET", "/vehicles/none").status, 404);
}

TEST_P(VehiclesService, ListsPagesSearchesAndSorts) {
    for (int at = 1; at <= 5; ++at) add("car " + std::to_string(at), 2000 + at, std::to_string(60 - 10 * at) + ".10");
    EXPECT_EQ(names(""), (std::vector<std::string>{"car 5", "car 4", "car 3", "car 2", "car 1"}));
    EXPECT_EQ(names("?sort=price&per_page=2"), (std::vector<std::string>{"car 5", "car 4"}));
    EXPECT_EQ(names("?sort=-year&per_page=2&page=2"), (std::vector<std::string>{"car 3", "car 2"}));
    EXPECT_EQ(names("?q=CAR%203"), std::vector<std::string>{"car 3"});
    EXPECT_EQ(names("?q=volvo+v60").size(), 5U);
    EXPECT_TRUE(names("?q=%25").empty()) << "a wildcard is a letter";
    EXPECT_TRUE(names("?q='%3B--").empty());
    const auto page = parsed(ask("GET", "/vehicles?per_page=2&page=3"));
    EXPECT_EQ(page.at("total").as_int64(), 5);
    EXPECT_EQ(page.at("pages").as_int64(), 3);
    const auto wrong = ask("GET", "/vehicles?sort=secret&page=0&per_page=x");
    EXPECT_EQ(wrong.status, 422);
    EXPECT_EQ(parsed(wrong).at("errors").as_array().size(), 3U);
}

TEST_P(VehiclesService, NamesEveryFieldAtFault) {
    const auto wrong = ask("POST", "/vehicles", R"({"name":" ","brand":7,"year":1800,"price":1.005,"colour":"red"})");
    EXPECT_EQ(wrong.status, 422);
    EXPECT_TRUE(wrong.has("application/problem+json"));
    std::string fields;
    const auto problem = parsed(wrong);
    for (const auto& one : problem.at("errors").as_array()) fields += std::string(one.at("field").as_string()) + " ";
    EXPECT_EQ(fields, "colour name brand model year price ");
    EXPECT_EQ(ask("POST", "/vehicles", "{").status, 400);
    EXPECT_EQ(ask("POST", "/vehicles", "[]").status, 400);
    EXPECT_EQ(ask("POST", "/vehicles", "x=1", "Content-Type: text/plain\r\n").status, 415);
    EXPECT_EQ(ask("PATCH", "/vehicles").status, 405);
    EXPECT_EQ(ask("GET", "/nowhere").status, 404);
    EXPECT_EQ(parsed(ask("GET", "/vehicles")).at("total").as_int64(), 0);
}

TEST_P(VehiclesService, TagsGuardAgainstLostUpdates) {
    const auto added = add("tagged", 2020, "1");
    const auto address = header(added, "Location");
    const auto tag = header(added, "ETag");
    const auto body = R"({"name":"new","brand":"b","model":"m","year":2020,"price":2})";
    EXPECT_EQ(ask("GET", address, {}, "If-None-Match: " + tag + "\r\n").status, 304);
    const auto changed = ask("PUT", address, body, "If-Match: " + tag + "\r\n");
    EXPECT_EQ(changed.status, 200);
    EXPECT_NE(header(changed, "ETag"), tag);
    EXPECT_EQ(ask("GET", address, {}, "If-None-Match: " + tag + "\r\n").status, 200);
    EXPECT_EQ(ask("PUT", address, body, "If-Match: " + tag + "\r\n").status, 412);
    EXPECT_EQ(ask("DELETE", address, {}, "If-Match: " + tag + "\r\n").status, 412);
    EXPECT_EQ(ask("DELETE", address, {}, "If-Match: \"nonsense\"\r\n").status, 412);
    EXPECT_EQ(ask("DELETE", address, {}, "If-Match: " + header(changed, "ETag") + "\r\n").status, 204);
}

TEST_P(VehiclesService, PagesWorkWithFormsOfTheirOwnOnly) {
    const std::string browser = "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n";
    const std::string form = "Content-Type: application/x-www-form-urlencoded\r\n";
    const auto empty = ask("GET", "/", {}, browser);
    EXPECT_EQ(empty.status, 200);
    EXPECT_NE(empty.body.find("No vehicles yet"), std::string::npos);
    EXPECT_NE(empty.body.find("version 7"), std::string::npos);
    EXPECT_TRUE(empty.has("Content-Security-Policy: default-src 'none'"));
    EXPECT_TRUE(empty.has("X-App-Version: 7"));

    const auto blank = ask("GET", "/vehicles/new", {}, browser);
    const auto cookie = header(blank, "Set-Cookie").substr(0, header(blank, "Set-Cookie").find(';'));
    const auto token = cookie.substr(cookie.find('=') + 1);
    const auto fields = "&name=%3Cb%3EBold%3C%2Fb%3E&brand=Audi&model=A4&year=2019&price=100.5&description=";
    EXPECT_EQ(ask("POST", "/vehicles", "token=" + token + fields, browser + form).status, 403) << "no cookie";
    EXPECT_EQ(ask("POST", "/vehicles", "token=0" + token.substr(1) + "x" + fields,
                  browser + form + "Cookie: " + cookie + "\r\n")
                  .status,
              403);
    const auto from_elsewhere = browser + form + "Cookie: a=b; " + cookie + "\r\nSec-Fetch-Site: cross-site\r\n";
    EXPECT_EQ(ask("POST", "/vehicles", "token=" + token + fields, from_elsewhere).status, 403);
    const auto own = browser + form + "Cookie: a=b; " + cookie + "\r\nSec-Fetch-Site: same-origin\r\n";
    EXPECT_EQ(ask("POST", "/vehicles", "token=" + token + fields, own).status, 303);
    const auto wrong = ask("POST", "/vehicles", "token=" + token + "&name=&brand=B&model=M&year=abc&price=1", own);
    EXPECT_EQ(wrong.status, 422);
    EXPECT_NE(wrong.body.find("year-problem"), std::string::npos);
    EXPECT_NE(wrong.body.find("value=\"abc\""), std::string::npos) << "what was typed stays";

    const auto listing = ask("GET", "/vehicles", {}, browser);
    EXPECT_EQ(listing.body.find("<b>"), std::string::npos) << "escaped";
    EXPECT_NE(listing.body.find("&lt;b&gt;Bold"), std::string::npos);
    const auto id = std::to_string(parsed(ask("GET", "/vehicles")).at("items").at(0).at("id").as_int64());
    const auto change = "token=" + token + fields + "x&revision=";
    EXPECT_EQ(ask("POST", "/vehicles/" + id, change + "1", own).status, 303);
    EXPECT_EQ(ask("POST", "/vehicles/" + id, change + "1", own).status, 409) << "somebody was faster";
    EXPECT_EQ(ask("GET", "/vehicles/" + id + "/remove", {}, browser).status, 200);
    EXPECT_EQ(ask("POST", "/vehicles/" + id + "/remove", "token=" + token + "&revision=2", own).status, 303);
    EXPECT_EQ(ask("GET", "/vehicles/" + id, {}, browser).status, 404);
    EXPECT_NE(ask("GET", "/vehicles/999999", {}, browser).body.find("<h1>Not found"), std::string::npos);
}

TEST_P(VehiclesService, TellsItsMetricsAndItsInterface) {
    add("one", 2020, "1");
    ask("GET", "/vehicles/1");
    const auto text = ask("GET", "/metrics").body;
    EXPECT_NE(text.find("app_requests_total{method=\"POST\",endpoint=\"/vehicles\",status=\"201\"} 1\n"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("app_request_latency_seconds_bucket{method=\"GET\",endpoint=\"/vehicles/{id}\",le=\"0.0005\"}"),
              std::string::npos);
    EXPECT_NE(text.find("process_resident_memory_bytes "), std::string::npos);
    const auto document = parsed(ask("GET", "/openapi.json"));
    EXPECT_EQ(document.at("openapi").as_string(), "3.1.0");
    EXPECT_TRUE(document.at("paths").at("/vehicles/{id}").at("put").at("requestBody").is_object());
    EXPECT_EQ(document.at("components").at("schemas").at("VehicleInput").at("required").as_array().size(), 5U);
    EXPECT_EQ(parsed(ask("GET", "/version")).at("version").as_string(), "7");
    EXPECT_EQ(ask("HEAD", "/health").status, 200);
}

}  // namespace
}  // namespace vehicles
