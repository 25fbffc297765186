"""Servers of both sides, each as a process of its own."""

import contextlib
import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

SECONDS_TO_START = 120


class Server:
    """A server on a free port of this machine, for the time of a `with`."""

    def __init__(self, command):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.command = [str(part) for part in [*command, "--host", "127.0.0.1", "--port", port]]

    def __enter__(self):
        self.process = subprocess.Popen(
            self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            self.wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def wait(self):
        for _ in range(10 * SECONDS_TO_START):
            if self.process.poll() is not None:
                sys.exit(f"{' '.join(self.command)} ended with {self.process.returncode}")
            with contextlib.suppress(urllib.error.URLError):
                if urllib.request.urlopen(self.url + "/health").status == 200:
                    return
            time.sleep(0.1)
        sys.exit(f"{self.command[0]} is not ready after {SECONDS_TO_START} s")

    def post(self, path, body):
        request = urllib.request.Request(
            self.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        try:
            return json.load(urllib.request.urlopen(request))
        except urllib.error.HTTPError as error:
            sys.exit(f"{self.url}{path} answered {error.code}: {error.read().decode()}")


def baichuan(program, folder, weights, threads, *more):
    command = [program, "serve", "--model", folder, "--weights", weights, "--threads", threads]
    return Server([*command, *more])


def llama(build, model, threads, parallel, slot, *more):
    """llama-server of a build with room for some texts of so many positions."""
    command = [build / "bin/llama-server", "-m", model, "-t", threads, "-tb", threads]
    command += ["-c", parallel * slot, "--parallel", parallel, "-fa", "on", *more]
    return Server(command)
