/* The calls that are made to fail, as the campaign names them, and the error that they end with. */
#ifndef TSR_TESTS_FAULTS_CALLS_H
#define TSR_TESTS_FAULTS_CALLS_H

enum {
    FAULTS_ALLOCATE,
    FAULTS_OPEN,
    FAULTS_READ,
    FAULTS_WRITE,
    FAULTS_RENAME,
    FAULTS_SYNC,
    FAULTS_MAP,
    FAULTS_LOCK,
    FAULTS_CLOSE,
    FAULTS_TRUNCATE,
    FAULTS_MKDIR,
    FAULTS_PIPE,
    FAULTS_FORK,
    FAULTS_THREAD,
    FAULTS_SPAWN,
    FAULTS_N_CALLS
};

extern const char *const faults_call_names[FAULTS_N_CALLS];

#endif
