"""Ways out of the sandbox, each a few lines that say ESCAPED when they succeed. Failing, raising or dying is no escape.

Known to each: HOST, what lies outside (JSON), and `sys_`, which makes a system call and raises OSError.
"""

# ruff: noqa: E501 -- one attack, one line

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from textwrap import indent

from ai_worker.sandbox.port import MIB, Limits

LIMITS = Limits(wall_s=20, cpu_s=20, memory_bytes=256 * MIB, disk_bytes=16 * MIB, file_bytes=8 * MIB, stdout_bytes=MIB)
MARK = "ESCAPED"


@dataclass(frozen=True)
class Host:
    """What a probe tries to reach."""

    file: str
    """A file that every user of the host may read and write."""
    folder: str
    port: int
    """TCP and UDP on 127.0.0.1, with somebody who listens."""
    path_socket: str
    abstract_socket: str
    pid: int


PRELUDE = """
import ctypes, fcntl, json, os, resource, signal, socket, stat, struct, sys, threading, time
HOST = json.loads(%r)
libc = ctypes.CDLL(None, use_errno=True)
def sys_(number, *arguments):
    answer = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) if isinstance(a, int) else a for a in arguments])
    if answer < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return answer
def escaped():
    os.write(1, b"ESCAPED\\n")
def kept(path):
    return os.path.exists(path) and escaped()
def all_of(pids):
    for pid in pids:
        os.kill(pid, 9); os.waitpid(pid, 0)
try:
%s
except BaseException as no:
    os.write(2, repr(no).encode()[:300])
"""

FILES = {
    "read_passwd": "open('/etc/passwd').read(); escaped()",
    "read_shadow": "open('/etc/shadow').read(); escaped()",
    "read_a_file_of_the_host": "open(HOST['file']).read(); escaped()",
    "list_the_hosts_folder": "os.listdir(HOST['folder']); escaped()",
    "list_home": "os.listdir('/home'); escaped()",
    "list_root": "os.listdir('/root'); escaped()",
    "list_var": "os.listdir('/var'); escaped()",
    "list_run": "os.listdir('/run'); escaped()",
    "list_sys": "os.listdir('/sys/class'); escaped()",
    "list_the_programs": "len(os.listdir('/usr/bin')) > 10 and escaped()",
    "climb_with_dots": "open('../' * 40 + 'etc/passwd').read(); escaped()",
    "climb_from_the_working_folder": "fd = os.open('.', 0); open(os.open('../' * 20 + 'etc/passwd', 0, dir_fd=fd)).read();"
    "escaped()",
    "follow_a_symlink": "os.symlink('/etc/passwd', 'l'); open('l').read(); escaped()",
    "follow_a_link_through_proc": "os.symlink(f'/proc/{HOST[\"pid\"]}/root/etc/passwd', 'l'); open('l').read(); escaped()",
    "hard_link_to_the_host": "os.link(HOST['file'], HOST['file'] + '.l'); os.unlink(HOST['file'] + '.l'); escaped()",
    "symlink_race": """
sys.setswitchinterval(1e-5)
def swap():
    while True:
        for to in ('/dev/null', '/etc/passwd'):
            os.symlink(to, 'n'); os.rename('n', 'race')
threading.Thread(target=swap, daemon=True).start()
for _ in range(20000):
    try:
        if open('race').read(): escaped(); break
    except OSError: pass
os._exit(0)""",
    "hard_link_race": """
open('mine', 'w').close()
def swap():
    while True:
        for to in ('mine', HOST['file']):
            try: os.link(to, HOST['file'] + '.n'); os.rename(HOST['file'] + '.n', HOST['file'] + '.r')
            except OSError: pass
            try: os.link(to, 'n'); os.rename('n', 'race')
            except OSError: pass
threading.Thread(target=swap, daemon=True).start()
for _ in range(3000):
    for name in ('race', HOST['file'] + '.r'):
        try:
            if open(name).read(): escaped(); os._exit(0)
        except OSError: pass
os._exit(0)""",
    "write_into_the_root": "os.open('/', os.O_TMPFILE | os.O_WRONLY); escaped()",
    "write_into_usr": "os.open('/usr', os.O_TMPFILE | os.O_WRONLY); escaped()",
    "write_into_dev": "os.open('/dev', os.O_TMPFILE | os.O_WRONLY); escaped()",
    "write_into_the_libraries": "os.open('/usr/lib/x86_64-linux-gnu', os.O_TMPFILE | os.O_WRONLY); escaped()",
    "write_into_the_interpreter": "os.open(os.__file__, os.O_WRONLY); escaped()",
    "write_into_the_code": "os.open(HOST['code'], os.O_WRONLY); escaped()",
    "write_a_file_of_the_host": "os.open(HOST['file'], os.O_WRONLY); escaped()",
    "give_a_file_to_root": "open('f', 'w').close(); os.chown('f', 0, 0); os.chmod('f', 0o4755); escaped()",
    "program_with_the_s_bit": "[escaped() for p in ('/usr/bin/su', '/usr/bin/passwd') if os.stat(p).st_mode & 0o4000]",
    "chroot": "os.chroot('/'); escaped()",
    "a_handle_of_a_file": "b = ctypes.create_string_buffer(struct.pack('Ii', 128, 0), 200);"
    "sys_(303, -100, b'/tmp', b, ctypes.byref(ctypes.c_int()), 0); escaped()",
}

PROC = {
    "own_environment_in_proc": "open('/proc/self/environ').read(); escaped()",
    "environment_of_another_process": "[open(f'/proc/{pid}/environ').read() for pid in (HOST['pid'],)]; escaped()",
    "root_of_another_process": "os.listdir(f'/proc/{HOST[\"pid\"]}/root'); escaped()",
    "descriptors_in_proc": "os.listdir('/proc/self/fd'); escaped()",
    "own_memory_in_proc": "open('/proc/self/mem', 'r+b'); escaped()",
    "settings_of_the_kernel": "os.open('/proc/sys/kernel/core_pattern', os.O_WRONLY); escaped()",
    "mounts_of_the_host": "open('/proc/self/mountinfo').read(); escaped()",
    "environment_is_inherited": "'CANARY' in os.environ and escaped()",
    "a_descriptor_is_left_open": """
for fd in range(3, 1024):
    if fd != int(os.environ.get('RESULT_FD', -1)):
        try: os.fstat(fd)
        except OSError: continue
        escaped(); break""",
    "standard_input_grows": "os.ftruncate(0, 1 << 20); escaped()",
    "standard_input_is_written": "os.write(0, b'x'); escaped()",
}

DEVICES = {
    "block_device": "os.mknod('d', stat.S_IFBLK | 0o600, os.makedev(8, 0)); escaped()",
    "character_device": "os.mknod('d', stat.S_IFCHR | 0o600, os.makedev(1, 1)); escaped()",
    "more_devices_than_three": "len(os.listdir('/dev')) > 3 and escaped()",
    "kernel_messages": "os.open('/dev/kmsg', os.O_RDONLY | os.O_NONBLOCK); escaped()",
    "shared_memory": "os.open('/dev/shm', os.O_TMPFILE | os.O_WRONLY); escaped()",
    "terminals": "os.open('/dev/ptmx', os.O_RDWR); escaped()",
}

PRIVILEGES = {
    "become_root": "os.setuid(0); escaped()",
    "become_roots_group": "os.setgid(0); escaped()",
    "join_groups": "os.setgroups([0, 6, 42]); escaped()",
    "a_capability_is_left": """
data = (ctypes.c_uint32 * 6)()
libc.capget(struct.pack('Ii', 0x20080522, 0), data)
(data[0] or data[3]) and escaped()""",
    "a_capability_can_be_had": """
held = [libc.prctl(23, number, 0, 0, 0) for number in range(40)]
sum(one == 1 for one in held) > 0 and libc.prctl(39, 0, 0, 0, 0) != 1 and escaped()""",
    "new_privileges": "libc.prctl(39, 0, 0, 0, 0) == 0 and escaped()",
    "user_namespace": "sys_(272, 0x10000000); escaped()",
    "mount_namespace": "sys_(272, 0x00020000); escaped()",
    "network_namespace": "sys_(272, 0x40000000); escaped()",
    "user_namespace_by_clone": """
pid = sys_(56, 0x10000000 | 17, 0, 0, 0, 0)
if pid == 0: os._exit(0)
os.waitpid(pid, 0); escaped()""",
    "user_namespace_by_clone3": """
arguments = ctypes.create_string_buffer(struct.pack('11Q', 0x10000000, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0))
pid = sys_(435, arguments, 88)
if pid == 0: os._exit(0)
os.waitpid(pid, 0); escaped()""",
    "join_a_namespace": "sys_(308, os.open('/proc/self/ns/net', 0), 0); escaped()",
    "mount": "os.mkdir('m'); libc.mount(b't', b'm', b'tmpfs', 0, None) == 0 and escaped()",
    "mount_writable": "libc.mount(None, b'/', None, 32, None) == 0 and escaped()",
    "unmount": "[libc.umount2(one, 2) == 0 and escaped() for one in (b'/tmp', b'/code/shown.py', b'/proc')]",
    "open_a_tree": "sys_(428, -100, b'/', 1); escaped()",
    "open_a_file_system": "sys_(430, b'tmpfs', 0); escaped()",
    "name_of_the_host": "name = socket.gethostname().encode(); sys_(170, name, len(name)); escaped()",
    "keys_of_the_kernel": "sys_(248, b'user', b'aiox', b'x', 1, -2); escaped()",
    "programs_in_the_kernel": "sys_(321, 0, struct.pack('IIIIIIIIIIIIIIII', 2, 4, 4, 1, *[0] * 12), 64); escaped()",
    "counters_of_the_kernel": "sys_(298, ctypes.create_string_buffer(struct.pack('IIQ', 1, 112, 0), 112), 0, -1, -1, 0);"
    "escaped()",
    "page_faults_in_user_space": "sys_(323, 1); escaped()",
    "ring_of_calls": "sys_(425, 4, ctypes.create_string_buffer(120)); escaped()",
    "another_personality": "sys_(135, 0x0040000); escaped()",
    "numbers_of_32_bits": "sys_(0x40000000 + 41, 2, 1, 0); escaped()",
    "a_session_of_its_own": "os.fork() == 0 and (os.setsid(), escaped()); time.sleep(0.3)",
    "a_better_place_in_the_queue": "os.nice(-5); escaped()",
    "raise_a_limit": "r = resource.RLIMIT_NPROC; resource.setrlimit(r, (1000, max(1000, resource.getrlimit(r)[1]))); escaped()",
    "raise_the_limit_of_files": "resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096)); escaped()",
}

OTHERS = {
    "trace_a_child": """
pid = os.fork()
if pid == 0: time.sleep(60)
libc.ptrace(16, pid, 0, 0) == 0 and escaped(); all_of([pid])""",
    "be_traced": "libc.ptrace(0, 0, 0, 0) == 0 and escaped()",
    "read_the_memory_of_another": """
held = ctypes.create_string_buffer(b'secret')
pid = os.fork()
if pid == 0: time.sleep(60)
found = ctypes.create_string_buffer(6)
local = struct.pack('QQ', ctypes.addressof(found), 6); remote = struct.pack('QQ', ctypes.addressof(held), 6)
try: sys_(310, pid, local, 1, remote, 1, 0) == 6 and escaped()
finally: all_of([pid])""",
    "see_a_process_of_the_host": "os.kill(HOST['pid'], 0); escaped()",
    "signal_by_descriptor": "os.pidfd_open(HOST['pid']); escaped()",
    "take_a_descriptor_of_another": "sys_(438, os.pidfd_open(os.getpid()), 0, 0); escaped()",
    "slow_down_a_process": "os.setpriority(os.PRIO_PROCESS, HOST['pid'], 19); escaped()",
    "move_a_process": "os.sched_setaffinity(HOST['pid'], os.sched_getaffinity(HOST['pid'])); escaped()",
    "see_many_processes": """
seen = 0
for pid in range(1, 60000):
    try: os.kill(pid, 0); seen += 1
    except PermissionError: seen += 1
    except OSError: pass
seen > 8 and escaped()""",
    "shared_memory_of_system_v": "sys_(29, 0, 4096, 0o1600); escaped()",
    "messages_of_system_v": "sys_(68, 0, 0o1600); escaped()",
    "semaphores_of_system_v": "sys_(64, 0, 1, 0o1600); escaped()",
    "memory_in_a_file": "os.memfd_create('x'); escaped()",
    "locked_memory": "m = ctypes.create_string_buffer(1 << 20); libc.mlock(m, 1 << 20) == 0 and escaped()",
}

SOCKETS = {
    "tcp_to_the_host": "socket.create_connection(('127.0.0.1', HOST['port']), 3); escaped()",
    "udp_to_the_host": "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);"
    "s.connect(('127.0.0.1', HOST['port'])); s.send(b'x') and escaped()",
    "ipv6": "socket.socket(socket.AF_INET6); escaped()",
    "raw": "socket.socket(socket.AF_INET, socket.SOCK_RAW, 1); escaped()",
    "packet": "socket.socket(socket.AF_PACKET, socket.SOCK_RAW); escaped()",
    "netlink": "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0); escaped()",
    "socket_by_path": "s = socket.socket(socket.AF_UNIX); s.connect(HOST['path_socket']); escaped()",
    "socket_by_name": "s = socket.socket(socket.AF_UNIX); s.connect('\\0' + HOST['abstract_socket']); escaped()",
    "resolve_a_name": "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('127.0.0.1', 0)); escaped()",
    "listen": "s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); escaped()",
}

RESOURCES = {
    "fork_bomb": """
born = []
for _ in range(150):
    try: pid = os.fork()
    except OSError: break
    if pid == 0: time.sleep(60); os._exit(0)
    born.append(pid)
len(born) > 100 and escaped(); all_of(born)""",
    "thread_bomb": """
for _ in range(150): threading.Thread(target=time.sleep, args=(2,), daemon=True).start()
threading.active_count() > 100 and escaped(); os._exit(0)""",
    "memory_of_one": "held = b'x' * (400 << 20); escaped()",
    "memory_of_many": """
born = []
for _ in range(4):
    pid = os.fork()
    if pid == 0: held = b'x' * (120 << 20); time.sleep(1.5); os._exit(0)
    born.append(pid)
[os.waitpid(one, 0)[1] == 0 for one in born] == [True] * 4 and escaped()""",
    "shared_memory_of_many": """
import mmap
held = []
for _ in range(4): m = mmap.mmap(-1, 60 << 20); m.write(b'x' * (60 << 20)); held.append(m); time.sleep(0.2)
escaped()""",
    "a_long_file": "f = open(HOST['long'], 'wb'); [f.write(bytes(1 << 20)) for _ in range(12)]; f.flush(); escaped()",
    "a_long_file_with_a_hole": "f = open(HOST['long'], 'wb'); f.truncate(1 << 30); escaped()",
    "many_long_files": """
for n in range(5):
    with open(HOST['long'] + str(n), 'wb') as f: f.write(bytes(5 << 20))
escaped()""",
    "many_descriptors": "held = [os.dup(0) for _ in range(200)]; escaped()",
    "flood_of_output": "[os.write(1, bytes(1 << 16)) for _ in range(40)]; escaped()",
    "flood_of_errors": "[os.write(2, bytes(1 << 16)) for _ in range(40)]; escaped()",
    "processor_time": """
resource.getrlimit(resource.RLIMIT_CPU)
until = time.process_time() + 2.5
while time.process_time() < until: pass
escaped()""",
}

PROBES: dict[str, str] = {**FILES, **PROC, **DEVICES, **PRIVILEGES, **OTHERS, **SOCKETS, **RESOURCES}
TIGHT = {"processor_time": Limits(wall_s=60, cpu_s=1)}
"""Probes with limits of their own."""


def script(name: str, host: Host, code: str, long: str) -> str:
    """The whole text of a probe. `code` is where shown code lies, `long` where a long file may grow."""
    known = {**asdict(host), "code": code, "long": long}
    return PRELUDE % (json.dumps(known), indent(PROBES[name].strip("\n"), "    "))
