"""The filter of system calls, carried out as the kernel would: by a small interpreter of its language."""

import os
import struct
import subprocess
import sys
import tempfile

import pytest

from checker.sandbox import bubblewrap, seccomp
from checker.sandbox.warm import EMPTY_ENVIRONMENT

I386 = 0x4000_0003
both_machines = pytest.mark.parametrize("machine", list(seccomp.MACHINES))


def answer(program, machine, call, *arguments, audit=None):
    """Return what the filter answers to a call: an action, with the error number in its lower half."""
    numbers, known = seccomp.MACHINES[machine].numbers, seccomp.MACHINES[machine].audit
    number = numbers[call] if isinstance(call, str) else call
    padded = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("=IIQ6Q", number, known if audit is None else audit, 0, *padded)
    lines = list(struct.iter_unpack("=HBBI", program))
    at = word = 0
    while True:
        operation, if_true, if_false, number = lines[at]
        at += 1
        if operation == 0x20:
            (word,) = struct.unpack_from("=I", data, number)
        elif operation == 0x06:
            return number
        else:
            holds = {0x15: word == number, 0x25: word > number, 0x35: word >= number, 0x45: bool(word & number)}
            at += if_true if holds[operation] else if_false


def refused(error):
    return seccomp.REFUSE | error


@both_machines
def test_calls_that_no_notebook_needs_are_refused(machine):
    """Each listed call that the processor has fails with the list's error, whatever its arguments."""
    program = seccomp.program(machine)
    for calls, error in ((seccomp.REFUSED, seccomp.EPERM), (seccomp.ABSENT, seccomp.ENOSYS)):
        for call in " ".join(calls.values()).split():
            if call in seccomp.MACHINES[machine].numbers:
                assert answer(program, machine, call, 2**64 - 1, 7) == refused(error), call


@both_machines
def test_only_sockets_of_the_file_system_are_made(machine):
    """Of all families of sockets AF_UNIX alone is allowed; the upper half of the argument, which the kernel does not
    read, hides no other."""
    program = seccomp.program(machine)
    for call in ("socket", "socketpair"):
        for family in range(64):
            expected = seccomp.ALLOW if family == 1 else refused(seccomp.EAFNOSUPPORT)
            assert answer(program, machine, call, family) == expected
            assert answer(program, machine, call, family | 2**32) == expected


@both_machines
def test_processes_and_threads_are_made_and_namespaces_are_not(machine):
    """clone with the flags of fork and of pthread_create is allowed, with any flag of a new namespace it is not."""
    program = seccomp.program(machine)
    for flags in (0x11, 0x0120_0011, 0x003D_0F00):
        assert answer(program, machine, "clone", flags) == seccomp.ALLOW
    for flag in (0x0002_0000, *(1 << bit for bit in range(25, 31))):
        assert answer(program, machine, "clone", flag | 0x11) == refused(seccomp.EPERM)


@both_machines
def test_nobody_types_into_a_terminal(machine):
    """Of all requests to a terminal those that put input into it, or change its driver, are refused, also with bits the
    kernel ignores."""
    program = seccomp.program(machine)
    for request in (0x5412, 0x541C, 0x5423, 0x5412 | 2**40):
        assert answer(program, machine, "ioctl", 0, request) == refused(seccomp.EPERM)
    for request in (0x5401, 0x5413, 0x541B):
        assert answer(program, machine, "ioctl", 0, request) == seccomp.ALLOW


@both_machines
def test_limits_are_set_of_oneself_only(machine):
    """prlimit64 of another process, as of the warm one, is refused."""
    program = seccomp.program(machine)
    assert answer(program, machine, "prlimit64", 0, 7) == seccomp.ALLOW
    assert answer(program, machine, "prlimit64", 1, 7) == refused(seccomp.EPERM)


@both_machines
def test_calls_in_the_way_of_another_processor_are_deadly(machine):
    """32-bit calls, and those of x32, which have other numbers, kill the process that makes them."""
    program = seccomp.program(machine)
    assert answer(program, machine, 1, audit=I386) == seccomp.KILL
    assert answer(program, machine, 1 | seccomp.X32) == seccomp.KILL


@both_machines
def test_what_is_newer_than_the_filter_does_not_exist(machine):
    """A call that came after the filter was written fails as on an older kernel."""
    program = seccomp.program(machine)
    assert answer(program, machine, seccomp.NEWEST) == seccomp.ALLOW
    assert answer(program, machine, seccomp.NEWEST + 1) == refused(seccomp.ENOSYS)


@both_machines
def test_ordinary_calls_are_allowed(machine):
    """Every call that is on no list is allowed; the kernel's bounds on programs are kept."""
    program = seccomp.program(machine)
    listed = set(seccomp.MACHINES[machine].numbers.values())
    for number in set(range(seccomp.NEWEST)) - listed:
        assert answer(program, machine, number) == seccomp.ALLOW
    assert len(program) % 8 == 0
    assert len(program) // 8 <= 4_096


THIRTY_TWO_BITS = """
import ctypes, mmap
page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
page.write(bytes.fromhex("b814000000cd80c3"))  # getpid by way of int 0x80
print(ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))())
"""


def inside(source):
    """Run a cold Python behind the wall."""
    with tempfile.TemporaryDirectory() as staging:
        command = bubblewrap.wrap([sys.executable, "-c", source], staging)
        return subprocess.run(command, env=EMPTY_ENVIRONMENT, capture_output=True, text=True, check=False)


@pytest.mark.wall
def test_a_box_lives_behind_the_filter():
    """The kernel says that a filter is in force, and that no right can be gained; the filter's descriptor is closed."""
    source = "import os; print(open('/proc/self/status').read(), sorted(os.listdir('/proc/self/fd')))"
    said = inside(source)
    assert "Seccomp:\t2" in said.stdout, said.stderr
    assert "NoNewPrivs:\t1" in said.stdout
    assert "['0', '1', '2', '3']" in said.stdout  # 3 is the listed folder itself


@pytest.mark.wall
@pytest.mark.skipif(os.uname().machine != "x86_64", reason="written in x86_64's machine code")
def test_a_32_bit_call_ends_its_process():
    """Machine code that calls the kernel the 32-bit way is killed with SIGSYS, seen from outside."""
    said = inside(THIRTY_TWO_BITS)
    assert said.returncode in (-31, 128 + 31, -11, 128 + 11), said  # SIGSEGV where the kernel has no such calls at all
    assert said.stdout == ""
