// Tells users and programs what has happened: notices, mail, webhooks.
#include "notifications/service.h"

int main(int argc, char** argv) {
    return kit::run<notifications::Settings>("notifications", argc, argv, notifications::assemble);
}
