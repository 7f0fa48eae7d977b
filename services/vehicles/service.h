// What the service is: its settings and how it is put together.
#pragma once

#include "kit/app.h"

namespace vehicles {

struct Settings {
    kit::Setting<std::string> database{
        "database-url", "Where vehicles are kept: sqlite:PATH or postgres://user:password@host:port/name.",
        "sqlite:vehicles.db", kit::Shown::secret};
    kit::Setting<bool> samples{"sample-data", "Whether a catalogue gets a few vehicles to begin with, once.", "false"};
};

void assemble(kit::App& app, const Settings& settings);

}  // namespace vehicles
