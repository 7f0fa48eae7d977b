// What may go wrong in a simulated world, as chances and times. All zero: a world where nothing fails.
#pragma once

#include "base/time.h"

namespace sim {

struct Faults {
    double write_conflict = 0;   ///< a controller's write meets a conflict
    double event_delay = 0;      ///< an event reaches the controllers up to a second late
    double container_crash = 0;  ///< a container dies within the first seconds of its life
    double slow_start = 0;       ///< a program takes seconds to serve
    double failing_probe = 0;    ///< a probe finds a program that serves well not answering
    double deaf_to_term = 0;     ///< a program ignores TERM
    double hang = 0;             ///< a program stops answering for good within the first seconds of its life
    double slow_disk = 0;        ///< the journal takes long to make a batch durable
    double kernel_refusal = 0;   ///< a transaction of packet rules is refused
    bool disk_full = false;      ///< nothing can be written: no journal, no container, no file
};

}  // namespace sim
