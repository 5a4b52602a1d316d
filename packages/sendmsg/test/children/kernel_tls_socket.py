# Opens a TCP connection to itself, puts the upper layer protocol "tls" on its sending end, and runs a command that inherits that end:
#   kernel_tls_socket.py COMMAND... JSON    adds "fd" to the JSON
import json
import os
import socket
import sys

TCP_ULP = 31
server = socket.create_server(("127.0.0.1", 0))
sender = socket.create_connection(server.getsockname())
receiver, _ = server.accept()
sender.setsockopt(socket.IPPROTO_TCP, TCP_ULP, b"tls")
os.set_inheritable(sender.fileno(), True)
argument = json.loads(sys.argv[-1])
argument["fd"] = sender.fileno()
os.execvp(sys.argv[1], sys.argv[1:-1] + [json.dumps(argument)])
