#include "platform/commands.h"

#include <fmt/format.h>
#include <unistd.h>

#include "platform/assemble.h"
#include "platform/daemon.h"

namespace platform {

using base::Code;
using base::Result;

namespace {

struct Invocation {
    std::string program;
    std::vector<std::string> flags;  ///< as given, for the process that `up` starts
    std::vector<std::string> operands;
    Settings settings;
};

using Command = Result<int> (*)(const Invocation&);

Result<void> need_root(std::string_view command) {
    if (::geteuid() == 0) return {};
    return base::fail(Code::forbidden,
                      fmt::format("`slipway {}` needs root: it makes namespaces, mounts and packet rules "
                                  "(try: sudo slipway {})",
                                  command, command));
}

Result<int> serve_here(const Invocation& invocation) {
    TRY(need_root("serve"));
    auto served = [&]() -> Result<void> {
        const auto pid = TRY(Pid::take(invocation.settings.run_dir.get()));
        return serve(invocation.settings, [] { tell_starter(""); });
    }();
    if (served) return 0;
    tell_starter(served.error().message);
    return std::unexpected(std::move(served).error());
}

Result<int> up(const Invocation& invocation) {
    TRY(need_root("up"));
    const auto& settings = invocation.settings;
    if (const auto pid = running(settings.run_dir.get())) {
        fmt::print("Slipway is already up (pid {}).\n", *pid);
        return 0;
    }
    std::vector<std::string> arguments{invocation.program, "serve"};
    arguments.insert(arguments.end(), invocation.flags.begin(), invocation.flags.end());
    TRY(start_in_background(arguments, settings.data_dir.get() + "/slipway.log"));
    fmt::print("Slipway is up: https://{}:{}, kubeconfig {}\n", settings.address.get(), settings.port.get(),
               kubeconfig_path(settings));
    return 0;
}

Result<int> down(const Invocation& invocation) {
    TRY(need_root("down"));
    const auto pid = running(invocation.settings.run_dir.get());
    if (pid) stop_process(*pid);
    TRY(wipe(invocation.settings));
    fmt::print("Slipway is down.\n");
    return 0;
}

Result<int> stop(const Invocation& invocation) {
    TRY(need_root("stop"));
    const auto pid = running(invocation.settings.run_dir.get());
    if (pid) stop_process(*pid);
    fmt::print("{}\n", pid ? "Slipway has stopped; its pods go on running." : "Slipway does not run.");
    return 0;
}

Result<int> load(const Invocation& invocation) {
    if (invocation.operands.empty()) return base::fail(Code::bad_request, "usage: slipway load FILE.tar...");
    for (const auto& archive : invocation.operands)
        for (const auto& name : TRY(load_image(invocation.settings, archive))) fmt::print("loaded {}\n", name);
    return 0;
}

Result<int> status(const Invocation& invocation) {
    const auto pid = running(invocation.settings.run_dir.get());
    if (pid)
        fmt::print("Slipway runs as pid {}.\n", *pid);
    else
        fmt::print("Slipway does not run.\n");
    return pid ? 0 : 3;
}

Result<int> print_kubeconfig(const Invocation& invocation) {
    fmt::print("{}\n", kubeconfig_path(invocation.settings));
    return 0;
}

struct Entry {
    std::string_view name, prose;
    Command run;
};
constexpr Entry commands[] = {
    {"up", "Starts the platform in the background and waits until its node is ready.", up},
    {"down", "Ends the platform, its pods and its containerd. Data is kept.", down},
    {"stop", "Ends the daemon alone: pods, their connections and their services go on.", stop},
    {"serve", "Runs the platform in the foreground.", serve_here},
    {"load", "Imports image archives: slipway load FILE.tar...", load},
    {"status", "Says whether the platform runs (exit code 3: it does not).", status},
    {"kubeconfig", "Prints the path of the administrator's kubeconfig.", print_kubeconfig},
};

std::string help(std::string_view program, Settings& settings) {
    std::string text = "Slipway: a Kubernetes-compatible platform for one machine.\n\nCommands:\n";
    for (const auto& command : commands) text += fmt::format("  {:<12}{}\n", command.name, command.prose);
    return text + "\n" + kit::settings_help(program, kit::setting_entries(settings));
}

/// Only variables that begin with SLIPWAY_ are ours.
kit::Environment own_environment() {
    constexpr std::string_view prefix = "SLIPWAY_";
    kit::Environment own;
    for (const auto& [name, value] : kit::process_environment())
        if (name.starts_with(prefix)) own.emplace(name.substr(prefix.size()), value);
    return own;
}

}  // namespace

Result<int> run_command(const std::string& program, const std::vector<std::string>& words) {
    Invocation invocation{.program = program};
    if (words.empty() || words[0] == "--help" || words[0] == "help") {
        fmt::print("{}", help("slipway COMMAND", invocation.settings));
        return 0;
    }
    if (words[0] == "--version" || words[0] == "version") {
        fmt::print("slipway {} (serves Kubernetes v1.36.2)\n", SLIPWAY_VERSION);
        return 0;
    }
    invocation.flags.assign(words.begin() + 1, words.end());
    auto line = TRY(kit::load_settings(kit::setting_entries(invocation.settings), invocation.flags, own_environment()));
    if (line.help) {
        fmt::print("{}", help("slipway " + words[0], invocation.settings));
        return 0;
    }
    invocation.operands = std::move(line.words);
    for (const auto& command : commands)
        if (command.name == words[0]) return command.run(invocation);
    return base::fail(Code::bad_request,
                      fmt::format("there is no command \"{}\"; `slipway help` lists them", words[0]));
}

}  // namespace platform
