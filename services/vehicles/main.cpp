// The catalogue of vehicles: a page for people, a JSON interface for programs.
#include "vehicles/service.h"

int main(int argc, char** argv) { return kit::run<vehicles::Settings>("vehicles", argc, argv, vehicles::assemble); }
