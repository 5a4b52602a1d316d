#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "host_channel.h"

#define ARGUMENTS_MAX 4096

static char *arguments[ARGUMENTS_MAX + 1];
static int argument_count;
static const char *end_mark = "";

void add_argument(char *word)
{
	errno = E2BIG;
	if (argument_count == ARGUMENTS_MAX)
		fail("the command has", "too many arguments");
	arguments[argument_count++] = word;
}

void set_end_mark(const char *mark)
{
	end_mark = mark;
}

/*
 * Passes what the command writes into a pipe on to a port, so that the command
 * has an ordinary pipe; the mark says that nothing follows. The relay keeps no
 * end of another relay's pipe open.
 */
static int start_relay(enum port port, int other_pipe)
{
	static char bytes[65536];
	int ends[2];
	ssize_t n;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		fail("cannot make", "a pipe");
	pid = fork();
	if (pid < 0)
		fail("cannot start", "a relay");
	if (pid > 0) {
		close(ends[0]);
		return ends[1];
	}
	close(ends[1]);
	if (other_pipe >= 0)
		close(other_pipe);
	while ((n = read(ends[0], bytes, sizeof(bytes))) > 0 || (n < 0 && errno == EINTR))
		if (n > 0)
			write_to_port(port, bytes, n);
	write_to_port(port, end_mark, strlen(end_mark));
	_exit(0);
}

int run_command(void)
{
	int out, err, status;
	pid_t pid, ended;

	errno = EINVAL;
	if (argument_count == 0)
		fail("the orders have", "no command");
	out = start_relay(OUT, -1);
	err = start_relay(ERR, out);
	say("up");
	pid = fork();
	if (pid < 0)
		fail("cannot start", arguments[0]);
	if (pid == 0) {
		/* A signal to its process group must not reach the relays. */
		setsid();
		dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
		dup2(out, STDOUT_FILENO);
		dup2(err, STDERR_FILENO);
		execvp(arguments[0], arguments);
		dprintf(STDERR_FILENO, "vm: cannot run %s: %s\n", arguments[0], strerror(errno));
		_exit(errno == ENOENT ? 127 : 126);
	}
	close(out);
	close(err);
	/* Also waits for processes that the command left behind. */
	while ((ended = waitpid(-1, &status, 0)) != pid)
		if (ended < 0 && errno != EINTR)
			fail("cannot wait for", arguments[0]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
