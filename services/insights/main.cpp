// The data app: stock, prices, sales and funnel as a page that follows live, as JSON and as CSV.
#include "insights/service.h"

int main(int argc, char** argv) { return kit::run<insights::Settings>("insights", argc, argv, insights::assemble); }
