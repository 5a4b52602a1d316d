# Prints the port of a UDP socket on 127.0.0.1, and then the length and the TOS byte of each datagram that arrives, a line each.
import socket

IP_RECVTOS = 13
receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
receiver.setsockopt(socket.IPPROTO_IP, IP_RECVTOS, 1)
receiver.bind(("127.0.0.1", 0))
print(receiver.getsockname()[1], flush=True)
while True:
    data, control, _, _ = receiver.recvmsg(65536, 256)
    tos = [value[0] for level, kind, value in control if level == socket.IPPROTO_IP]
    print(len(data), *tos, flush=True)
