#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "filesystem.h"
#include "host_channel.h"

/* Everything of this program's own lies below it; covers nothing of the host's. */
#define OWN "/dev/.sendzc"
#define HELD OWN "/held"
#define SHARE_OPTIONS "trans=virtio,version=9p2000.L,msize=512000"

void make_folder(const char *path)
{
	char part[4096];

	snprintf(part, sizeof(part), "%s", path);
	for (char *at = part + 1; *at; at++) {
		if (*at != '/')
			continue;
		*at = 0;
		mkdir(part, 0755);
		*at = '/';
	}
	if (mkdir(part, 0755) && errno != EEXIST)
		fail("cannot make the folder", path);
}

static void attach(const char *type, const char *source, const char *path, unsigned long flags, const char *options)
{
	if (mount(source, path, type, flags, options))
		fail("cannot mount", path);
}

static void bind_folder(const char *from, const char *to)
{
	make_folder(to);
	if (mount(from, to, NULL, MS_BIND, NULL))
		fail("cannot bind", from);
}

void mount_system(void)
{
	attach("proc", "proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	attach("sysfs", "sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	make_folder(OWN);
	attach("tmpfs", "sendzc", OWN, 0, "mode=0755");
	make_folder("/dev/pts");
	make_folder("/dev/shm");
	attach("devpts", "devpts", "/dev/pts", 0, "gid=5,mode=620,ptmxmode=666");
	attach("tmpfs", "tmpfs", "/dev/shm", 0, "mode=1777");
	/* In the debug kernel only. */
	mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	if (symlink("/proc/self/fd", "/dev/fd") || symlink("fd/0", "/dev/stdin") ||
	    symlink("fd/1", "/dev/stdout") || symlink("fd/2", "/dev/stderr"))
		fail("cannot link", "/dev/fd");
}

static void held_path(char *out, size_t size, const char *folder)
{
	if (snprintf(out, size, HELD "%s", folder) >= (int)size)
		fail("too long a path:", folder);
}

void hold_folder(const char *folder)
{
	char path[4096];

	held_path(path, sizeof(path), folder);
	bind_folder(folder, path);
}

void cover_folder(const char *path, const char *options)
{
	struct stat status;

	if (lstat(path, &status) == 0 && S_ISDIR(status.st_mode))
		attach("tmpfs", "tmpfs", path, 0, options);
}

void show_folder(const char *folder)
{
	char path[4096];

	held_path(path, sizeof(path), folder);
	bind_folder(path, folder);
}

void overlay_checkout(const char *checkout)
{
	char options[8192];

	make_folder(OWN "/upper");
	make_folder(OWN "/work");
	snprintf(options, sizeof(options), "lowerdir=" HELD "%s,upperdir=" OWN "/upper,workdir=" OWN "/work", checkout);
	attach("overlay", "overlay", checkout, 0, options);
}

void mount_output(const char *folder)
{
	make_folder(folder);
	attach("9p", "output", folder, 0, SHARE_OPTIONS ",cache=none");
}
