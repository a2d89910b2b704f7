"""Cuts the power of a member: kills it and cuts off its file system, with nothing between.

power_switch.py MOUNT_POINT; prints "ready", reads a process id, does it and prints "cut".

ext4 writes nothing any more after this call, neither data nor the journal that waits in memory: what is on its device
then is what a machine without power would find there. What a sync had not forced out is gone.
"""

import fcntl
import os
import signal
import struct
import sys

# EXT4_IOC_SHUTDOWN and EXT4_GOING_FLAGS_NOLOGFLUSH of fs/ext4/ext4.h
SHUTDOWN = 0x8004587D
WITHOUT_FLUSHING_THE_LOG = 2

folder = os.open(sys.argv[1], os.O_RDONLY)
flags = struct.pack("I", WITHOUT_FLUSHING_THE_LOG)
print("ready", flush=True)
process = int(sys.stdin.readline())
os.kill(process, signal.SIGKILL)
fcntl.ioctl(folder, SHUTDOWN, flags)
print("cut", flush=True)
