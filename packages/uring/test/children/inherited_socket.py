# Opens a TCP connection to itself whose sending end blocks or does not, and runs a command that inherits it:
#   inherited_socket.py COMMAND... JSON    with {"blocking": true | false}; adds "fd" and "peer" to the JSON
import json
import os
import socket
import sys

argument = json.loads(sys.argv[-1])
server = socket.create_server(("127.0.0.1", 0))
sender = socket.create_connection(server.getsockname())
receiver, _ = server.accept()
# O_NONBLOCK belongs to the open file, so it outlives the exec.
sender.setblocking(argument["blocking"])
receiver.setblocking(False)
for end in (sender, receiver):
    os.set_inheritable(end.fileno(), True)
argument["fd"] = sender.fileno()
argument["peer"] = receiver.fileno()
os.execvp(sys.argv[1], sys.argv[1:-1] + [json.dumps(argument)])
