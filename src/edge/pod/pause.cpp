// The first process of a pod whose containers share their processes: it reaps what nobody waits for and outlives them
// all. A program of its own without any library (a page or two of memory a pod); edge carries it inside
// (pod_pause.cpp).
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

namespace {

long call(long number, long a = 0, long b = 0, long c = 0, long d = 0) {
#if defined(__x86_64__)
    register long r10 asm("r10") = d;
    long result = number;
    asm volatile("syscall" : "+a"(result) : "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long x8 asm("x8") = number;
    register long x0 asm("x0") = a;
    register long x1 asm("x1") = b;
    register long x2 asm("x2") = c;
    register long x3 asm("x3") = d;
    asm volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
    return x0;
#else
#error "system calls of this machine are not known here"
#endif
}

constexpr unsigned long bit(int signal) { return 1ul << (signal - 1); }

}  // namespace

extern "C" [[noreturn]] void _start() {
    const unsigned long awaited = bit(SIGCHLD) | bit(SIGTERM) | bit(SIGINT);
    call(SYS_rt_sigprocmask, SIG_BLOCK, reinterpret_cast<long>(&awaited), 0, sizeof awaited);
    for (;;) {
        while (call(SYS_wait4, -1, 0, WNOHANG) > 0) {
        }
        const auto signal = call(SYS_rt_sigtimedwait, reinterpret_cast<long>(&awaited), 0, 0, sizeof awaited);
        if (signal == SIGTERM || signal == SIGINT) call(SYS_exit_group, 0);
    }
}
