// Payments: authorize, capture, void and refund by a gateway, with a ledger that balances.
#include "payments/service.h"

int main(int argc, char** argv) { return kit::run<payments::Settings>("payments", argc, argv, payments::assemble); }
