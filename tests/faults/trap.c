/* System calls, also those that the C library makes for itself: a seccomp filter hands the calls that stand
   in its text to the handler of SIGSYS, which makes them in its place, or lets them fail. The filter looks at
   addresses, so that a program that is started later, where the library lies elsewhere, does not mind it. */
#include "inject.h"

#include "calls.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <dlfcn.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#if defined(__x86_64__)

#include <linux/filter.h>
#include <linux/seccomp.h>

static const struct call {
    int number, call, error;
} calls[] = {
    { SYS_open, FAULTS_OPEN, EMFILE },    { SYS_openat, FAULTS_OPEN, EMFILE },
    { SYS_read, FAULTS_READ, EIO },       { SYS_pread64, FAULTS_READ, EIO },
    { SYS_write, FAULTS_WRITE, ENOSPC },  { SYS_pwrite64, FAULTS_WRITE, ENOSPC },
    { SYS_writev, FAULTS_WRITE, ENOSPC }, { SYS_rename, FAULTS_RENAME, EIO },
    { SYS_renameat, FAULTS_RENAME, EIO }, { SYS_renameat2, FAULTS_RENAME, EIO },
    { SYS_fsync, FAULTS_SYNC, EIO },      { SYS_fdatasync, FAULTS_SYNC, EIO },
    { SYS_mmap, FAULTS_MAP, ENOMEM },     { SYS_flock, FAULTS_LOCK, ENOLCK },
    { SYS_close, FAULTS_CLOSE, EIO },     { SYS_ftruncate, FAULTS_TRUNCATE, ENOSPC },
    { SYS_mkdir, FAULTS_MKDIR, ENOSPC },  { SYS_mkdirat, FAULTS_MKDIR, ENOSPC },
    { SYS_pipe2, FAULTS_PIPE, EMFILE },
};
enum { N_CALLS = sizeof(calls) / sizeof(*calls) };

/* The kernel's call, from here, where the filter lets it pass. */
static long call(const greg_t *r)
{
    long result;
    register long d __asm__("r10") = r[REG_R10], e __asm__("r8") = r[REG_R8], f __asm__("r9") = r[REG_R9];
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(r[REG_RAX]), "D"(r[REG_RDI]), "S"(r[REG_RSI]), "d"(r[REG_RDX]), "r"(d), "r"(e),
                       "r"(f)
                     : "rcx", "r11", "memory");
    return result;
}

static void on_call(int number, siginfo_t *info, void *context)
{
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    int kept = errno;
    size_t i = 0;
    (void)number;
    (void)info;
    while (i < N_CALLS && calls[i].number != registers[REG_RAX])
        i++;
    bool fails = i < N_CALLS && faults_now(FAULTS_SYSTEM, (unsigned)calls[i].call, 0);
    if (!fails && i < N_CALLS && calls[i].call == FAULTS_SYNC)
        registers[REG_RAX] = 0; /* what is written need not outlast a fall of the power here */
    else if (!fails || calls[i].call == FAULTS_CLOSE)
        registers[REG_RAX] = call(registers); /* a file is closed although it tells an error */
    if (fails)
        registers[REG_RAX] = -calls[i].error;
    errno = kept;
}

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offsetof(struct seccomp_data, field))
#define LOAD_HIGH(field)                                                                                     \
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offsetof(struct seccomp_data, field) + 4)
#define ANSWER(what) BPF_STMT(BPF_RET | BPF_K, what)
#define UNLESS(test, value, yes, no) BPF_JUMP(BPF_JMP | (test) | BPF_K, (unsigned)(value), yes, no)

static bool filter(uintptr_t begin, uintptr_t end)
{
    struct sock_filter program[N_CALLS + 16];
    unsigned short n = 0;
    /* Addresses of the C library's: all of its text lies within 4 GiB that begin where it does, mostly. */
    program[n++] = (struct sock_filter)LOAD_HIGH(instruction_pointer);
    program[n++] = (struct sock_filter)UNLESS(BPF_JEQ, begin >> 32, 1, 0);
    program[n++] = (struct sock_filter)ANSWER(SECCOMP_RET_ALLOW);
    program[n++] = (struct sock_filter)LOAD(instruction_pointer);
    program[n++] = (struct sock_filter)UNLESS(BPF_JGE, begin, 0, 1);
    program[n++] = (struct sock_filter)UNLESS(BPF_JGE, end >> 32 == begin >> 32 ? end : UINT32_MAX, 0, 1);
    program[n++] = (struct sock_filter)ANSWER(SECCOMP_RET_ALLOW);
    program[n++] = (struct sock_filter)LOAD(nr);
    for (size_t i = 0; i < N_CALLS; i++)
        if (calls[i].number != SYS_mmap) {
            unsigned char left = (unsigned char)(N_CALLS - 1 - i); /* calls[] has one mmap */
            for (size_t k = i + 1; k < N_CALLS; k++)
                left = (unsigned char)(left - (calls[k].number == SYS_mmap));
            program[n++] = (struct sock_filter)UNLESS(BPF_JEQ, calls[i].number, (unsigned char)(left + 5), 0);
        }
    /* Memory of the process's own alone, which malloc and stacks are made of, is none of this. */
    program[n++] = (struct sock_filter)UNLESS(BPF_JEQ, SYS_mmap, 1, 0);
    program[n++] = (struct sock_filter)ANSWER(SECCOMP_RET_ALLOW);
    program[n++] = (struct sock_filter)LOAD(args[3]);
    program[n++] = (struct sock_filter)UNLESS(BPF_JSET, MAP_SHARED, 1, 0);
    program[n++] = (struct sock_filter)ANSWER(SECCOMP_RET_ALLOW);
    program[n++] = (struct sock_filter)ANSWER(SECCOMP_RET_TRAP);
    struct sock_fprog whole = { .len = n, .filter = program };
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &whole) == 0;
}

void faults_trap(void)
{
    struct dl_find_object found;
    struct sigaction action = { .sa_sigaction = on_call, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_RESTART };
    void *in_c = dlsym(RTLD_NEXT, "write");
    if (!in_c || _dl_find_object(in_c, &found) != 0 || sigaction(SIGSYS, &action, NULL) != 0 ||
        !filter((uintptr_t)found.dlfo_map_start, (uintptr_t)found.dlfo_map_end))
        faults->full = 2;
}

#else

void faults_trap(void)
{
    faults->full = 2;
}

#endif
