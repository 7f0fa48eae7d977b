// Volumes on a real disk below a folder of the test's own; what needs mounts is in the live test.
#include "edge/files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "edge/fd.h"
#include "edge/prober.h"
#include "edge/projection.h"

namespace {

namespace fs = std::filesystem;

struct Disk : testing::Test {
    std::string base;
    void SetUp() override {
        char pattern[] = "/tmp/slipway-files-XXXXXX";
        base = ::mkdtemp(pattern);
    }
    void TearDown() override { fs::remove_all(base); }
};

TEST_F(Disk, FilesChangeAllAtOnce) {
    using File = node::Files::File;
    const auto data = [&] { return fs::read_symlink(base + "/..data"); };
    ASSERT_TRUE(edge::project_files(base, {File{"a", "1", 0600}, File{"sub/b", "2"}}, {}));
    EXPECT_EQ(edge::read_file(base + "/a").value(), "1");
    EXPECT_EQ(edge::read_file(base + "/sub/b").value(), "2");
    EXPECT_EQ(fs::read_symlink(base + "/sub"), "..data/sub");
    struct stat info {};
    ASSERT_EQ(::stat((base + "/a").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0600u);

    const auto first = data();
    ASSERT_TRUE(edge::project_files(base, {File{"a", "1", 0600}, File{"sub/b", "2"}}, {}));
    EXPECT_EQ(data(), first);  // nothing changed, nothing moves
    ASSERT_TRUE(edge::project_files(base, {File{"a", "3"}, File{"c", "4"}}, {}));
    EXPECT_NE(data(), first);
    EXPECT_EQ(edge::read_file(base + "/a").value(), "3");
    EXPECT_FALSE(fs::exists(fs::symlink_status(base + "/sub")));
    EXPECT_FALSE(fs::exists(base / first));
    EXPECT_FALSE(edge::project_files(base, {File{"../out", "x"}}, {}));
}

TEST_F(Disk, HostPathsAreWhatTheirTypeSays) {
    edge::Files files({.data_dir = base + "/data", .run_dir = base + "/run", .log_dir = base + "/logs"});
    EXPECT_TRUE(files.host_path(base + "/new/folder", "DirectoryOrCreate"));
    EXPECT_TRUE(files.host_path(base + "/new/file", "FileOrCreate"));
    EXPECT_TRUE(files.host_path(base + "/new/file", "File"));
    EXPECT_TRUE(files.host_path(base + "/nothing", ""));
    EXPECT_EQ(files.host_path(base + "/new/file", "Directory").error().message,
              "hostPath type check failed: " + base + "/new/file is not a directory: it is a file");
    EXPECT_FALSE(files.host_path(base + "/nothing", "Socket"));
}

TEST_F(Disk, PodFilesStayInTheirPod) {
    edge::Files files({.data_dir = base + "/data", .run_dir = base + "/run", .log_dir = base + "/logs"});
    const auto path = files.write("u1", "etc/hosts", "127.0.0.1 localhost\n", 0644).value();
    EXPECT_EQ(files.read_tail(path, 10), "localhost\n");
    EXPECT_EQ(files.read_tail(base + "/none", 10), "");
    EXPECT_FALSE(files.write("u1", "../u2/x", "", 0644));
    EXPECT_FALSE(files.write("../u1", "x", "", 0644));
    ::symlink("/etc/passwd", (base + "/link").c_str());
    EXPECT_EQ(files.read_tail(base + "/link", 10), "");
    const auto folder = files.empty_dir("u1", "cache", "", 0, {}).value();
    EXPECT_EQ(fs::status(folder).permissions(), fs::perms::all);
    EXPECT_EQ(files.log_path("ns", "pod", "u1", "main", 2), base + "/logs/ns_pod_u1/main/2.log");
    files.remove_pod("u1");
    EXPECT_FALSE(fs::exists(folder));
}

TEST(ProbeText, SaysWhatAKubeletSays) {
    EXPECT_EQ(edge::probe_request({.host = "10.0.0.1", .path = "ready", .port = 80}),
              "GET /ready HTTP/1.1\r\nHost: 10.0.0.1:80\r\nUser-Agent: kube-probe/1.36\r\nAccept: */*\r\nConnection: "
              "close\r\n\r\n");
    const auto own =
        edge::probe_request({.host = "h", .path = "/", .port = 1, .headers = {{"Host", "x"}, {"User-Agent", ""}}});
    EXPECT_EQ(own, "GET / HTTP/1.1\r\nAccept: */*\r\nHost: x\r\nConnection: close\r\n\r\n");
}

TEST(ProbeText, ReadsAnswersAsTheyCome) {
    using edge::read_probe_reply;
    using edge::ReplyEnd;
    const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    EXPECT_TRUE(read_probe_reply(ok, ReplyEnd::open).complete);
    EXPECT_EQ(read_probe_reply(ok, ReplyEnd::open).answer.body, "hello");
    EXPECT_FALSE(read_probe_reply(ok.substr(0, ok.size() - 1), ReplyEnd::open).complete);
    EXPECT_TRUE(read_probe_reply(ok.substr(0, ok.size() - 1), ReplyEnd::closed).complete);
    EXPECT_FALSE(read_probe_reply("HTTP/1.1 200", ReplyEnd::open).broken);
    EXPECT_TRUE(read_probe_reply("HTTP/1.1 200", ReplyEnd::closed).broken);
    EXPECT_TRUE(read_probe_reply("SSH-2.0\r\n\r\n", ReplyEnd::open).broken);
    EXPECT_EQ(
        read_probe_reply("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 Busy\r\n\r\n", ReplyEnd::closed).answer.status,
        503);
    const auto chunked = read_probe_reply(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", ReplyEnd::open);
    EXPECT_TRUE(chunked.complete);
    EXPECT_EQ(chunked.answer.body, "abc");
}

}  // namespace
