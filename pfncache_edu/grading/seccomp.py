"""A filter of system calls for a student's process, as the kernel's seccomp takes it: a classic BPF program.

It names what is refused, since Python itself may need any of the rest: processes (threads are allowed), sockets, other
namespaces and mounts, tracing, keys, kernel modules, io_uring, and putting characters into a terminal's input. What is
refused answers EPERM; clone3, whose flags no filter can see, answers ENOSYS, and then libc takes clone.
"""
from __future__ import annotations

import platform
import struct
from collections.abc import Iterator

LOAD, JUMP_EQUAL, JUMP_GREATER_EQUAL, JUMP_ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, ARCHITECTURE, FIRST, SECOND = 0, 4, 16, 24         # where struct seccomp_data has them, the low half of arguments
ALLOW, KILL, REFUSE, UNKNOWN = 0x7fff0000, 0x80000000, 0x00050001, 0x00050000 | 38       # errno 1: EPERM; 38: ENOSYS
CLONE_THREAD, TIOCSTI, TIOCLINUX = 0x10000, 0x5412, 0x541c
X32 = 0x40000000

# name: (x86-64, arm64), None where it does not exist
CALLS = {
    "fork": (57, None), "vfork": (58, None), "socket": (41, 198), "socketpair": (53, 199), "connect": (42, 203), "bind": (49, 200),
    "listen": (50, 201), "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "pidfd_open": (434, 434), "pidfd_getfd": (438, 438), "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40),
    "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "open_tree": (428, 428), "move_mount": (429, 429),
    "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265), "add_key": (248, 217), "request_key": (249, 218),
    "keyctl": (250, 219), "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "init_module": (175, 105), "finit_module": (313, 273),
    "delete_module": (176, 106), "kexec_load": (246, 104), "kexec_file_load": (320, 294), "memfd_create": (319, 279),
    "memfd_secret": (447, 447), "shmget": (29, 194), "shmat": (30, 196), "semget": (64, 190), "msgget": (68, 186),
    "mq_open": (240, 180), "personality": (135, 92), "syslog": (103, 116), "acct": (163, 89), "quotactl": (179, 60),
    "swapon": (167, 224), "swapoff": (168, 225), "reboot": (169, 142), "sethostname": (170, 161), "setdomainname": (171, 162),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "adjtimex": (159, 171), "clock_adjtime": (305, 266),
    "iopl": (172, None), "ioperm": (173, None), "modify_ldt": (154, None), "lookup_dcookie": (212, 18), "vhangup": (153, 58),
    "mbind": (237, 235), "migrate_pages": (256, 238), "move_pages": (279, 239), "fanotify_init": (300, 262),
    "landlock_create_ruleset": (444, 444),
}
MACHINES = {"x86_64": (0, 0xc000003e), "aarch64": (1, 0xc00000b7)}
CLONE, CLONE3, IOCTL = (56, 220), (435, 435), (16, 29)


def filter_program(machine: str = platform.machine()) -> bytes | None:
    """The program for this machine; None if we do not know its numbers."""
    if machine not in MACHINES:
        return None
    column, architecture = MACHINES[machine]
    return b"".join(instructions(column, architecture))


def instructions(column: int, architecture: int) -> Iterator[bytes]:
    yield instruction(LOAD, ARCHITECTURE)
    yield instruction(JUMP_EQUAL, architecture, 1, 0)
    yield instruction(RETURN, KILL)
    yield instruction(LOAD, NUMBER)
    yield from unless(JUMP_GREATER_EQUAL, X32, REFUSE)
    for numbers in CALLS.values():
        if numbers[column] is not None:
            yield from unless(JUMP_EQUAL, numbers[column], REFUSE)
    yield from unless(JUMP_EQUAL, CLONE3[column], UNKNOWN)
    yield instruction(JUMP_EQUAL, CLONE[column], 0, 4)
    yield instruction(LOAD, FIRST)
    yield instruction(JUMP_ANY_BIT, CLONE_THREAD, 1, 0)
    yield instruction(RETURN, REFUSE)
    yield instruction(RETURN, ALLOW)
    yield instruction(JUMP_EQUAL, IOCTL[column], 0, 5)
    yield instruction(LOAD, SECOND)
    yield from unless(JUMP_EQUAL, TIOCSTI, REFUSE)
    yield from unless(JUMP_EQUAL, TIOCLINUX, REFUSE)
    yield instruction(RETURN, ALLOW)


def unless(jump: int, value: int, answer: int) -> Iterator[bytes]:
    """Answer if the comparison holds; else go on."""
    yield instruction(jump, value, 0, 1)
    yield instruction(RETURN, answer)


def instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
