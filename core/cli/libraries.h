/* What the libraries below read from the environment, before they are loaded. */
#ifndef TSR_CLI_LIBRARIES_H
#define TSR_CLI_LIBRARIES_H

/* Starts the program again where a setting that a library has read already is to be another. */
void tsr_cli_prepare_libraries(char **argv);

#endif
