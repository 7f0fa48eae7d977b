// Plays the seeded scenarios: tests/scenarios/scenarios --help is in docs; see sim/scenario.h for its options.
#include "sim/scenario.h"

int main(int argc, char** argv) { return sim::run_scenarios(argc, argv); }
