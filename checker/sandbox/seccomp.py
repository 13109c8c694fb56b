"""The filter of system calls for every process of a box, as a BPF program for the kernel.

Theory of operation: namespaces limit what a process can see, but leave hundreds of system calls that no notebook needs.
With seccomp a program in the kernel's classic packet-filter language (BPF) answers each call before it is carried out,
permanently for the process that loads it and all its descendants. bubblewrap loads the bytes that ``program`` returns
just before it starts the box's first process.

An instruction is eight bytes: operation, two jump distances (if true, if false), and one number. The program loads the
architecture and kills a process that calls by another one (32-bit calls, which have other numbers). Then it loads the
call's number and compares it with one refused call after the other. Each comparison is followed by its answer, which
never falls through, so that the order of the comparisons does not matter. Calls that match no comparison are allowed.
Calls newer than ``NEWEST`` fail as if they did not exist.

The filter checks only arguments that the kernel reads as 32 bits, and only these bits: the kernel ignores the others.
"""

import struct
from dataclasses import dataclass

# operations: load a word; jump if equal, greater, greater or equal, any of these bits; return
LOAD, EQUAL, GREATER, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x25, 0x35, 0x45, 0x06
ALLOW, REFUSE, KILL = 0x7FFF_0000, 0x0005_0000, 0x8000_0000
EPERM, ENOSYS, EAFNOSUPPORT = 1, 38, 97
"""Linux's numbers, on any system that imports this module."""
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16
"""Offsets in the kernel's description of a call (``seccomp_data``); arguments are 64 bits each, lower half first."""

AF_UNIX = 1
CLONE_NEW = 0x7E02_0000
"""The flags of clone that make a namespace."""
TERMINAL_TRICKS = (0x5412, 0x541C, 0x5423)
"""TIOCSTI types into a terminal for its user, TIOCLINUX pastes into it, TIOCSETD changes its driver."""
NEWEST = 456
"""Number of the newest call that the filter knows; from 424 on all processors have the same numbers."""
X32 = 0x4000_0000
"""The bit in the numbers of x86_64's third set of calls (x32)."""


@dataclass(frozen=True)
class Machine:
    """The kernel's constant for an architecture, and its numbers for the calls that are refused or checked."""

    audit: int
    numbers: dict[str, int]


REFUSED = {
    "another process's memory": "ptrace process_vm_readv process_vm_writev kcmp pidfd_getfd process_madvise "
    "process_mrelease migrate_pages move_pages",
    "mounts": "mount umount2 pivot_root chroot move_mount open_tree fsopen fsconfig fsmount fspick mount_setattr "
    "quotactl quotactl_fd swapon swapoff fanotify_init name_to_handle_at open_by_handle_at",
    "namespaces": "unshare setns",
    "the kernel itself": "bpf perf_event_open userfaultfd kexec_load kexec_file_load init_module finit_module "
    "delete_module reboot syslog acct lookup_dcookie nfsservctl modify_ldt iopl ioperm uselib ustat sysfs",
    "keys": "add_key request_key keyctl",
    "the machine's settings": "personality sethostname setdomainname settimeofday clock_settime vhangup mbind "
    "set_mempolicy set_mempolicy_home_node ioprio_set",
}
"""These fail with EPERM."""

ABSENT = {
    "answered by libraries with an older call": "clone3 io_uring_setup io_uring_enter io_uring_register",
    "memory that belongs to no process": "memfd_create memfd_secret shmget msgget semget",
}
"""These fail with ENOSYS, as on a kernel that does not have them."""

_SAME = {
    "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427, "open_tree": 428, "move_mount": 429,
    "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433, "clone3": 435, "pidfd_getfd": 438,
    "process_madvise": 440, "mount_setattr": 442, "quotactl_fd": 443, "memfd_secret": 447, "process_mrelease": 448,
    "set_mempolicy_home_node": 450,
}  # fmt: skip

MACHINES = {
    "x86_64": Machine(0xC000_003E, _SAME | {
        "ioctl": 16, "shmget": 29, "socket": 41, "socketpair": 53, "clone": 56, "semget": 64, "msgget": 68,
        "ptrace": 101, "syslog": 103, "uselib": 134, "personality": 135, "ustat": 136, "sysfs": 139, "vhangup": 153,
        "modify_ldt": 154, "pivot_root": 155, "chroot": 161, "acct": 163, "settimeofday": 164, "mount": 165,
        "umount2": 166, "swapon": 167, "swapoff": 168, "reboot": 169, "sethostname": 170, "setdomainname": 171,
        "iopl": 172, "ioperm": 173, "init_module": 175, "delete_module": 176, "quotactl": 179, "nfsservctl": 180,
        "lookup_dcookie": 212, "clock_settime": 227, "mbind": 237, "set_mempolicy": 238, "kexec_load": 246,
        "add_key": 248, "request_key": 249, "keyctl": 250, "ioprio_set": 251, "migrate_pages": 256, "unshare": 272,
        "move_pages": 279, "perf_event_open": 298, "fanotify_init": 300, "prlimit64": 302, "name_to_handle_at": 303,
        "open_by_handle_at": 304, "setns": 308, "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312,
        "finit_module": 313, "memfd_create": 319, "kexec_file_load": 320, "bpf": 321, "userfaultfd": 323,
    }),
    "aarch64": Machine(0xC000_00B7, _SAME | {
        "lookup_dcookie": 18, "ioctl": 29, "ioprio_set": 30, "umount2": 39, "mount": 40, "pivot_root": 41,
        "nfsservctl": 42, "chroot": 51, "vhangup": 58, "quotactl": 60, "acct": 89, "personality": 92, "unshare": 97,
        "kexec_load": 104, "init_module": 105, "delete_module": 106, "clock_settime": 112, "syslog": 116,
        "ptrace": 117, "reboot": 142, "sethostname": 161, "setdomainname": 162, "settimeofday": 170, "msgget": 186,
        "semget": 190, "shmget": 194, "socket": 198, "socketpair": 199, "add_key": 217, "request_key": 218,
        "keyctl": 219, "clone": 220, "swapon": 224, "swapoff": 225, "mbind": 235, "set_mempolicy": 237,
        "migrate_pages": 238, "move_pages": 239, "perf_event_open": 241, "prlimit64": 261, "fanotify_init": 262,
        "name_to_handle_at": 264, "open_by_handle_at": 265, "setns": 268, "process_vm_readv": 270,
        "process_vm_writev": 271, "kcmp": 272, "finit_module": 273, "memfd_create": 279, "bpf": 280,
        "userfaultfd": 282, "kexec_file_load": 294,
    }),
}  # fmt: skip

Instruction = tuple[int, int, int, int]


def program(machine: str) -> bytes:
    """Return the filter for an architecture, by its name in ``platform.machine``; KeyError if it is not in
    ``MACHINES``."""
    audit, numbers = MACHINES[machine].audit, MACHINES[machine].numbers
    lines = [(LOAD, 0, 0, ARCHITECTURE), (EQUAL, 1, 0, audit), _answer(KILL), (LOAD, 0, 0, NUMBER)]
    lines += _if(AT_LEAST, X32, [_answer(KILL)])
    lines += _if(GREATER, NEWEST, [_answer(REFUSE, ENOSYS)])
    lines += [line for name, body in _looked_at().items() for line in _if(EQUAL, numbers[name], body)]
    for calls, error in ((REFUSED, EPERM), (ABSENT, ENOSYS)):
        known = [numbers[name] for name in " ".join(calls.values()).split() if name in numbers]
        lines += [line for number in known for line in _if(EQUAL, number, [_answer(REFUSE, error)])]
    return b"".join(struct.pack("=HBBI", *line) for line in [*lines, _answer(ALLOW)])


def _looked_at() -> dict[str, list[Instruction]]:
    """Return the instructions for calls that are answered by their arguments, by the call's name."""
    family = [_argument(0), (EQUAL, 0, 1, AF_UNIX), _answer(ALLOW), _answer(REFUSE, EAFNOSUPPORT)]
    return {
        "socket": family,
        "socketpair": family,
        "clone": [_argument(0), (ANY_BIT, 0, 1, CLONE_NEW), _answer(REFUSE, EPERM), _answer(ALLOW)],
        "prlimit64": [_argument(0), (EQUAL, 0, 1, 0), _answer(ALLOW), _answer(REFUSE, EPERM)],
        "ioctl": [
            _argument(1),
            *(line for request in TERMINAL_TRICKS for line in _if(EQUAL, request, [_answer(REFUSE, EPERM)])),
            _answer(ALLOW),
        ],
    }


def _if(comparison: int, number: int, body: list[Instruction]) -> list[Instruction]:
    """Return instructions that run ``body``, which ends in an answer, if the comparison holds."""
    return [(comparison, 0, len(body), number), *body]


def _argument(at: int) -> Instruction:
    return LOAD, 0, 0, ARGUMENTS + 8 * at


def _answer(action: int, error: int = 0) -> Instruction:
    return RETURN, 0, 0, action | error
