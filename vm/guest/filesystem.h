/*
 * The guest's file system: the host's root over 9p, read-only, and what is laid
 * over it in memory.
 */
#ifndef GUEST_FILESYSTEM_H
#define GUEST_FILESYSTEM_H

/* What a program of any kind expects to find mounted, and a folder of our own. */
void mount_system(void);

/* With its parents; one that is there already is no failure. */
void make_folder(const char *path);

/* Keeps a folder reachable that lies below one that is covered later. */
void hold_folder(const char *folder);

/* Covers a folder with memory, unless the host has none or it is a link to another. */
void cover_folder(const char *path, const char *options);

/* Shows a folder that was held where it was before. */
void show_folder(const char *folder);

/* Writes into the checkout, which must be held, stay in memory. */
void overlay_checkout(const char *checkout);

/* The one folder whose content reaches the host. */
void mount_output(const char *folder);

#endif
