// Accounts: who people are, what they may do, and the tokens that say so to the other services.
#include "auth/service.h"

int main(int argc, char** argv) { return kit::run<auth::Settings>("auth", argc, argv, auth::assemble); }
