/*
 * The command that the guest was booted for.
 */
#ifndef GUEST_COMMAND_H
#define GUEST_COMMAND_H

/* The next word of the command; kept, not copied. */
void add_argument(char *word);

/* What ends its standard output and its standard error; kept, not copied. */
void set_end_mark(const char *mark);

/*
 * Runs it and returns its status as a shell does. Everything that it has
 * written by then is on its way to the host.
 */
int run_command(void);

#endif
