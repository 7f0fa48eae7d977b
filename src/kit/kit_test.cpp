// The kit's values: decimals, JSON text, settings, metrics, log lines, shapes.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>
#include <fstream>
#include <limits>

#include "kit/decimal.h"
#include "kit/json_text.h"
#include "kit/log.h"
#include "kit/metrics.h"
#include "kit/problem.h"
#include "kit/setting.h"
#include "kit/testing/process.h"
#include "kit/web/shape.h"
#include "run/virtual_loop.h"

namespace kit {
namespace {

using namespace std::chrono_literals;

TEST(Decimal, ReadsAndPrintsExactly) {
    const auto text = [](std::string_view from) {
        const auto read = Decimal::parse(from);
        return read ? read->text() : "none";
    };
    EXPECT_EQ(text("1234.5"), "1234.50");
    EXPECT_EQ(text("-0.05"), "-0.05");
    EXPECT_EQ(text("007"), "7.00");
    EXPECT_EQ(text("1.2300"), "1.23");
    for (const auto* wrong : {"", "-", ".5", "5.", "1.234", "1e3", "1,5", "+1", " 1", "999999999999999999999"}) {
        EXPECT_EQ(text(wrong), "none") << wrong;
    }
}

TEST(Decimal, TakesADoubleForWhatItPrintsAs) {
    for (std::int64_t hundredths = 0; hundredths < 2'000'000; hundredths += 7) {
        const auto exact = Decimal::of_hundredths(hundredths);
        EXPECT_EQ(Decimal::from_double(std::stod(exact.text())), exact);
    }
    EXPECT_EQ(Decimal::from_double(9'999'999'999.99), Decimal::of_hundredths(999'999'999'999));
    EXPECT_FALSE(Decimal::from_double(0.001));
    EXPECT_FALSE(Decimal::from_double(1e300));
    EXPECT_FALSE(Decimal::from_double(std::numeric_limits<double>::quiet_NaN()));
    EXPECT_EQ(Decimal::of_hundredths(10) + Decimal::of_hundredths(20), Decimal::of_hundredths(30)) << "0.1 + 0.2";
}

TEST(JsonText, EscapesAndMendsWhatIsNotUtf8) {
    std::string out;
    JsonText(out)
        .open('{')
        .field("a\"b", "tab\t nul\x01 é \xff end")
        .key("list")
        .open('[')
        .value(1)
        .value(true)
        .close(']')
        .field("n", 0.5)
        .close('}');
    EXPECT_EQ(out, "{\"a\\\"b\":\"tab\\t nul\\u0001 é \xef\xbf\xbd end\",\"list\":[1,true],\"n\":0.5}");
    boost::system::error_code error;
    for (int byte = 1; byte < 256; ++byte) {
        for (const auto* tail : {"", "\x80", "\xa0\x80", "\x90\x80\x80", "x"}) {
            std::string json;
            append_json_string(json, std::string(1, static_cast<char>(byte)) + tail);
            boost::json::parse(json, error);
            EXPECT_FALSE(error) << byte << " " << json;
        }
    }
}

struct Sample {
    Setting<std::string> url{"database-url", "Where.", "sqlite:x", Shown::secret};
    Setting<std::uint16_t> port{"port", "Which.", "80"};
    Setting<std::chrono::milliseconds> grace{"grace", "How long.", "2s"};
    Setting<bool> strict{"strict", "Whether.", "false"};
};

TEST(Settings, FlagsWinOverEnvironmentOverFileOverDefault) {
    testing::TemporaryFolder folder;
    const auto file = folder.path() + "/settings";
    std::ofstream(file) << "# a comment\n\nport = 1\ngrace = 250ms\ndatabase-url = from file\n";
    Sample sample;
    const auto loaded = load_settings(setting_entries(sample), {"--config", file, "--port=3", "word"},
                                      {{"PORT", "2"}, {"DATABASE_URL", "from environment"}, {"OTHER", "x"}});
    ASSERT_TRUE(loaded) << loaded.error().message;
    EXPECT_EQ(*sample.port, 3);
    EXPECT_EQ(*sample.url, "from environment");
    EXPECT_EQ(*sample.grace, 250ms);
    EXPECT_FALSE(*sample.strict);
    EXPECT_EQ(loaded->words, std::vector<std::string>{"word"});
    EXPECT_NE(settings_help("x", setting_entries(sample)).find("--grace  (GRACE)\n      How long. Default: 2s."),
              std::string::npos);
}

TEST(Settings, SayWhichOneIsWrong) {
    Sample sample;
    const auto entries = setting_entries(sample);
    const auto error = [&](const std::vector<std::string>& arguments, const Environment& environment = {}) {
        const auto loaded = load_settings(entries, arguments, environment);
        return loaded ? std::string() : loaded.error().message;
    };
    EXPECT_EQ(error({"--port", "99999"}), "--port: '99999' is not a number from 0 to 65535");
    EXPECT_EQ(error({}, {{"GRACE", "soon"}}), "GRACE: 'soon' is not a time like 250ms, 5s, 2m or 1h");
    EXPECT_EQ(error({"--nothing", "1"}), "there is no flag --nothing; see --help");
    EXPECT_EQ(error({"--port"}), "--port needs a value");
    EXPECT_EQ(error({"--config", "/nowhere"}), "cannot read the settings file /nowhere");
    EXPECT_EQ(error({"--strict=maybe"}), "--strict: 'maybe' is not true or false");
}

TEST(Metrics, PrintAsPrometheusReads) {
    Metrics metrics;
    metrics.counter("c_total", "Counted.", label("path", "a\"b")).add(3);
    metrics.counter("c_total", "Counted.", label("path", "a\"b")).add();
    metrics.gauge("g", "Now.", [] { return 2.5; });
    auto& histogram = metrics.histogram("h", "Spread.");
    histogram.observe(0.0007);
    histogram.observe(60);
    const auto text = metrics.text();
    EXPECT_NE(text.find("# TYPE c_total counter\nc_total{path=\"a\\\"b\"} 4\n"), std::string::npos) << text;
    EXPECT_NE(text.find("# TYPE g gauge\ng 2.5\n"), std::string::npos);
    EXPECT_NE(text.find("h_bucket{le=\"0.0005\"} 0\nh_bucket{le=\"0.001\"} 1\n"), std::string::npos);
    EXPECT_NE(text.find("h_bucket{le=\"+Inf\"} 2\nh_sum 60.0007\nh_count 2\n"), std::string::npos);
    EXPECT_NE(process_metrics().find("process_cpu_seconds_total "), std::string::npos);
}

TEST(Log, WritesOneJsonLineAnEventAndNeverWaitsForItsReader) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    run::VirtualLoop loop(1);
    std::string read(1 << 20, '\0');
    {
        Log log(loop, ends[1], "test", Level::info);
        log.debug("not seen");
        log.info("seen", {{"count", 3}, {"text", "a\nb"}, {"part", 0.5}});
        loop.step();
        read.resize(static_cast<std::size_t>(::read(ends[0], read.data(), read.size())));
        EXPECT_EQ(
            read,
            "{\"timestamp\":\"2030-01-01T00:00:00.000Z\",\"level\":\"info\",\"service\":\"test\",\"message\":\"seen\","
            "\"count\":3,\"text\":\"a\\nb\",\"part\":0.5}\n");
        for (int line = 0; line < 100'000; ++line) log.info("nobody reads this", {{"line", line}});
        loop.step();
        ::close(ends[0]);
        ::signal(SIGPIPE, SIG_IGN);
    }
    ::close(ends[1]);
}

TEST(Shape, ReadsFormsAndDescribesItself) {
    const Shape shape("Thing",
                      {{"name", "What.", Need::required, TextField{1, 3}},
                       {"size", "How big.", Need::optional, NumberField{-5, 5}},
                       {"cost", "How much.", Need::optional, DecimalField{Decimal(), Decimal::of_hundredths(100)}}});
    const auto good = shape.read_form({{"name", " äöü "}, {"size", "-5"}, {"other", "x"}, {"cost", ""}});
    ASSERT_TRUE(good);
    EXPECT_EQ(good->text("name"), "äöü");
    EXPECT_EQ(good->number("size"), -5);
    EXPECT_FALSE(good->has("cost"));
    const auto bad = shape.read_json(R"({"name":"long","size":1.5,"cost":1.01})");
    ASSERT_FALSE(bad);
    const auto problem = problem_of(bad.error());
    EXPECT_EQ(problem.status, 422);
    ASSERT_EQ(problem.fields.size(), 3U);
    EXPECT_EQ(problem.fields[0].message, "must have at most 3 characters");
    EXPECT_EQ(problem.fields[2].message, "must be from 0.00 to 1.00");
    EXPECT_EQ(shape.schema().at("properties").at("size").at("minimum").as_int64(), -5);
    EXPECT_FALSE(shape.read_json(std::string(100'000, '[')));
    const auto latin = shape.read_form({{"name", "\xe4"}});
    ASSERT_FALSE(latin);
    EXPECT_EQ(problem_of(latin.error()).fields.at(0).message, "must be UTF-8");
}

TEST(Shape, OneOfSomeFieldsMustBeGiven) {
    const Shape shape = Shape("Who", {{"email", "", Need::optional, TextField{1, 9}},
                                      {"name", "", Need::optional, TextField{1, 9}},
                                      {"age", "", Need::required, NumberField{0, 99}}})
                            .one_of({"email", "name"});
    EXPECT_TRUE(shape.read_json(R"({"name":"a","age":1})"));
    EXPECT_TRUE(shape.read_form({{"email", "a"}, {"age", "1"}}));
    const auto none = problem_of(shape.read_json("{}").error()).fields;
    ASSERT_EQ(none.size(), 2U);
    EXPECT_EQ(none[0].field, "age");
    EXPECT_EQ(none[1].field, "email");
    EXPECT_EQ(none[1].message, "is required, or name");
    const auto wrong = problem_of(shape.read_json(R"({"name":"","age":1})").error()).fields;
    ASSERT_EQ(wrong.size(), 1U) << "what was given wrongly was given";
    EXPECT_EQ(boost::json::serialize(shape.schema().at("anyOf")), R"([{"required":["email"]},{"required":["name"]}])");
}

}  // namespace
}  // namespace kit
