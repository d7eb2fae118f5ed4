"""What is taken from the machine, and given back when the run ends, however it ends."""

import os
import pathlib
import shutil
import subprocess
import tempfile

HUGEPAGES = pathlib.Path("/proc/sys/vm/nr_hugepages")


class Machine:
    """A folder in memory, a core to measure on, and whatever is started."""

    def __init__(self, stack):
        self.stack = stack
        cores = sorted(os.sched_getaffinity(0))
        self.cores = cores
        self.core = cores[-1]
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="nvgre-compare-"))
        stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.memory = self.folder / "memory"
        self.memory.mkdir()
        self._mount_memory()

    def _mount_memory(self):
        """Files in memory, in huge pages where there are any: else what is measured is, for the
        faster program, the kernel's search for pages."""
        for options in ("size=4g,huge=within_size", "size=4g"):
            mounted = subprocess.run(
                ["mount", "-t", "tmpfs", "-o", options, "none", self.memory],
                stderr=subprocess.DEVNULL,
            )
            if mounted.returncode == 0:
                self.stack.callback(subprocess.run, ["umount", "-l", self.memory])
                return
        raise SystemExit("a tmpfs is needed, and to mount it root")

    def pinned(self, command):
        """On the core that is measured on."""
        return ["taskset", "-c", str(self.core), *map(str, command)]

    def reserve_hugepages(self, count):
        before = int(HUGEPAGES.read_text())
        if before < count:
            self.stack.callback(HUGEPAGES.write_text, f"{before}\n")
            HUGEPAGES.write_text(f"{count}\n")
        if int(HUGEPAGES.read_text()) < count:
            raise RuntimeError(f"{count} huge pages of 2 MiB are not to be had")
        mount = self.folder / "huge"
        mount.mkdir()
        run(["mount", "-t", "hugetlbfs", "none", mount])
        self.stack.callback(subprocess.run, ["umount", "-l", mount])
        return mount

    def namespace(self):
        name = f"nvgre-compare-{os.getpid()}"
        run(["ip", "netns", "add", name])
        self.stack.callback(subprocess.run, ["ip", "netns", "del", name])
        return name

    def start(self, command, log):
        """A process that is ended with the run, by its own id."""
        with open(log, "wb") as out:
            process = subprocess.Popen([str(word) for word in command], stdout=out, stderr=out)
        self.stack.callback(end, process)
        return process


def end(process):
    if process.poll() is None:
        # One that was stopped would not hear of it.
        process.send_signal(18)
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def run(command, **more):
    """Text that a command prints; an error with what it complained of."""
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, **more
    )
    if done.returncode != 0:
        words = " ".join(map(str, command[:4]))
        raise RuntimeError(f"{words}: {done.stderr.strip() or done.returncode}")
    return done.stdout


def cpu_ns(command):
    """Time on a core, user's and system's, of a command that prints to nobody."""
    process = subprocess.Popen(
        [str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    said = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stderr.close()
    if process.returncode != 0:
        raise RuntimeError(f"{command}: {said.decode(errors='replace').strip()}")
    return (used.ru_utime + used.ru_stime) * 1e9
