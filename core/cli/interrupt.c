/* Being told to stop. */
#include "cli/interrupt.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t interrupt;

static void on_signal(int number)
{
    interrupt = number;
}

static void handle_signal(int number)
{
    struct sigaction before, action = { .sa_handler = on_signal };
    if (sigaction(number, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        sigaction(number, &action, NULL);
}

void tsr_interrupt_watch(void)
{
    handle_signal(SIGINT);
    handle_signal(SIGTERM);
}

bool tsr_interrupt_came(void *unused)
{
    (void)unused;
    return interrupt != 0;
}
