"""A JupyterLab server of the test's own: no token, no news, and nothing kept outside its folder."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

START = 60
"""Seconds that it may take to answer."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def jupyter(root, home):
    """The address of a server of the folder `root`. Its settings, and the signatures of what it trusts, are in `home`,
    so that a new one trusts no notebook that it did not run.
    """
    port = free_port()
    notices = home / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    notices.parent.mkdir(parents=True)
    notices.write_text('{"checkForUpdates": false, "fetchNews": "false"}')
    folders = {f"JUPYTER_{kind.upper()}_DIR": str(home / kind) for kind in ("config", "data", "runtime")}
    with (home / "server.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", "--no-browser", *(["--allow-root"] if os.geteuid() == 0 else []),
             f"--ServerApp.port={port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={root}",
             "--IdentityProvider.token=", "--ServerApp.disable_check_xsrf=True",
             f"--LabApp.user_settings_dir={home / 'settings'}", f"--LabApp.workspaces_dir={home / 'workspaces'}",
             "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate", "--LabApp.news_url=None"],
            env=os.environ | folders | {"IPYTHONDIR": str(home / "ipython")}, stdout=log, stderr=subprocess.STDOUT)
        try:
            _wait(server, f"http://127.0.0.1:{port}/api", home / "server.log")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _wait(server, address, log):
    until = time.monotonic() + START
    while True:
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except OSError:
            if server.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"JupyterLab does not answer:\n{log.read_text()[-2000:]}") from None
            time.sleep(0.2)
