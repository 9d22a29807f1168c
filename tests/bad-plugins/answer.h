/* For plugins that answer in place of the process that tries them, while they are loaded. Nothing is written
   where they are loaded otherwise. */
#ifndef TSR_TESTS_ANSWER_H
#define TSR_TESTS_ANSWER_H

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* A trial leads its own group and prints nowhere; its pipe, unlike those that the program was started with,
   is not for programs that it starts. */
static void answer(const char *text, size_t length)
{
    struct stat info, nowhere;
    if (getpgrp() != getpid() || fstat(STDOUT_FILENO, &info) != 0 || stat("/dev/null", &nowhere) != 0 ||
        info.st_rdev != nowhere.st_rdev)
        return;
    for (int fd = 255; fd > STDERR_FILENO; fd--)
        if (fstat(fd, &info) == 0 && S_ISFIFO(info.st_mode) && (fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY &&
            (fcntl(fd, F_GETFD) & FD_CLOEXEC)) {
            if (write(fd, text, length) != (ssize_t)length)
                _exit(1);
            return;
        }
}

#endif
