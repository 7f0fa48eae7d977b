// The one address of the automotive platform: its pages, and every service behind them under /api/NAME/.
#include "storefront/service.h"

int main(int argc, char** argv) {
    return kit::run<storefront::Settings>("storefront", argc, argv, storefront::assemble);
}
