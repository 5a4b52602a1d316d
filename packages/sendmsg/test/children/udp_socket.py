# Runs a command with a connected UDP socket as descriptor 9: udp_socket.py PEER DEVICE COMMAND... A device's name binds the socket to it, and
# keeps one of IPv6 from IPv4; '' does neither.
import os
import socket
import sys

peer, device, *command = sys.argv[1:]
made = socket.socket(socket.AF_INET6 if ":" in peer else socket.AF_INET, socket.SOCK_DGRAM)
if device:
    made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode() + b"\0")
    if ":" in peer:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
made.connect((peer, 9))
os.dup2(made.fileno(), 9)
os.execvp(command[0], command)
