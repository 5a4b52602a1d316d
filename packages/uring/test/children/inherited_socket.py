# Opens a TCP connection to itself whose sending end blocks or does not, and runs a command that inherits it:
#   inherited_socket.py COMMAND... JSON    with {"blocking": true | false}; adds "fd" and "peer" to the JSON
# With "notified": true a first send asks for MSG_ZEROCOPY, and nobody reads its notification: it lies on the error queue.
import json
import os
import select
import socket
import sys

SO_ZEROCOPY = 60
MSG_ZEROCOPY = 0x4000000

argument = json.loads(sys.argv[-1])
server = socket.create_server(("127.0.0.1", 0))
sender = socket.create_connection(server.getsockname())
receiver, _ = server.accept()
if argument.get("notified"):
    sender.setsockopt(socket.SOL_SOCKET, SO_ZEROCOPY, 1)
    sender.send(b"notify me", MSG_ZEROCOPY)
    receiver.recv(9, socket.MSG_WAITALL)
    readiness = select.poll()
    readiness.register(sender, 0)
    if readiness.poll(10_000) != [(sender.fileno(), select.POLLERR)]:
        sys.exit("no notification on the error queue")
# O_NONBLOCK belongs to the open file, so it outlives the exec.
sender.setblocking(argument["blocking"])
receiver.setblocking(False)
for end in (sender, receiver):
    os.set_inheritable(end.fileno(), True)
argument["fd"] = sender.fileno()
argument["peer"] = receiver.fileno()
os.execvp(sys.argv[1], sys.argv[1:-1] + [json.dumps(argument)])
