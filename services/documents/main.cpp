// Keeps JSON documents of people who are logged in.
#include "documents/service.h"

int main(int argc, char** argv) { return kit::run<documents::Settings>("documents", argc, argv, documents::assemble); }
