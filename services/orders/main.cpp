// Orders: reserve, pay, confirm; or expire and release.
#include "orders/service.h"

int main(int argc, char** argv) { return kit::run<orders::Settings>("orders", argc, argv, orders::assemble); }
