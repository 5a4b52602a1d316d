# Opens a UDP socket connected to 10.8.8.2 that must not fragment, and runs a command that inherits it:
#   datagram_socket.py COMMAND... JSON    adds "fd" to the JSON
import json
import os
import socket
import sys

IP_MTU_DISCOVER = 10
IP_PMTUDISC_DO = 2
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sender.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)
sender.connect(("10.8.8.2", 9))
os.set_inheritable(sender.fileno(), True)
argument = json.loads(sys.argv[-1])
argument["fd"] = sender.fileno()
os.execvp(sys.argv[1], sys.argv[1:-1] + [json.dumps(argument)])
