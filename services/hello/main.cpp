// A small service that greets, counts its visitors and keeps pairs of texts.
#include "hello/service.h"

int main(int argc, char** argv) { return kit::run<hello::Settings>("hello", argc, argv, hello::assemble); }
