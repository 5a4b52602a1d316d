/*
 * Settings of the kernel before the command runs.
 */
#ifndef GUEST_SETTINGS_H
#define GUEST_SETTINGS_H

#include <sys/resource.h>

/* Writes to one of the kernel's files; the name is for the reason of a failure. */
void write_setting(const char *path, const char *name, const char *value);

/* A name like net.core.wmem_max. */
void set_sysctl(const char *name, const char *value);

void raise_loopback(void);

/* Runs `ip -batch file`, in a network namespace unless its name is empty. */
void run_ip(const char *namespace, const char *file);

void raise_limit(int resource, rlim_t value);

#endif
