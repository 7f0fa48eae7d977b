// SLIPWAY_PAUSE is the path of the built program (pause.cpp).
#include "edge/pod/pod_pause.h"

asm(".section .rodata\n"
    ".global slipway_pause_begin\n"
    ".global slipway_pause_end\n"
    "slipway_pause_begin: .incbin \"" SLIPWAY_PAUSE
    "\"\n"
    "slipway_pause_end:\n"
    ".previous\n");

extern "C" const char slipway_pause_begin[];
extern "C" const char slipway_pause_end[];

namespace edge {

std::string_view pause_program() { return {slipway_pause_begin, slipway_pause_end}; }

}  // namespace edge
