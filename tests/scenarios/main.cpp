// Plays the seeded scenarios; --help says how.
#include "sim/scenario.h"

int main(int argc, char** argv) { return sim::run_scenarios(argc, argv); }
