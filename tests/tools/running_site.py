"""The whole site as `make run` starts it, in a separate process with its own data folder."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

from tests.tools.smtp_server import SmtpServer

ROOT = Path(__file__).resolve().parent.parent.parent
ADMIN_EMAIL = "kati@example.fi"
ADMIN_PASSWORD = "kuusen-alla-istuu-7-lasta"
_READY = "Running."


def free_port() -> int:
    """Return a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@dataclass
class RunningSite:
    """A started site. `overrides`: environment variables besides those that isolate the site from this machine."""

    data_dir: Path
    smtp: SmtpServer | None = None
    port: int = field(default_factory=free_port)
    overrides: dict[str, str] = field(default_factory=dict)
    output: list[str] = field(default_factory=list)
    admin_email: str = ADMIN_EMAIL
    admin_password: str = ADMIN_PASSWORD
    process: subprocess.Popen[str] | None = None
    _shell: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        """URL of the front page without a trailing slash."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def admin_url(self) -> str:
        return f"{self.url}/admin/"

    @property
    def environment(self) -> dict[str, str]:
        """The environment. Sets all variables that the site reads, so that the caller's and .env's don't apply."""
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "aijuu_site.settings.production",
            "PYTHONUNBUFFERED": "1",
            "PORT": str(self.port),
            "HOST": "127.0.0.1",
            "DATA_DIR": str(self.data_dir),
            "SECRET_KEY": "",
            "ALLOWED_HOSTS": "",
            "SITE_URL": self.url,
            "HSTS": "",
            "LOG_FORMAT": "",
            "MONITORING_TOKEN": "",
            "DATABASE_URL": "",
            "EMAIL_URL": self.smtp.url if self.smtp else "",
            # No nightly form test: no test waits for its mails.
            "PROOF_EMAIL": "off",
            "STORAGE_URL": "",
            "BACKUP_KEY": "",
            "BACKUP_TO": "",
            "ALERT_EMAIL": "",
            "ALERT_EMAIL_URL": "",
            "DKIM_SELECTOR": "",
            "DEFAULT_FROM_EMAIL": "Aijuu työnohjaus <kati.levola@aijuu.fi>",
            "ADMIN_EMAIL": self.admin_email,
            "ADMIN_PASSWORD": self.admin_password,
            "FORM_RATE_LIMIT": "10000",
            "TRUSTED_PROXIES": "0",
            **self.overrides,
        }

    def start(self, seconds: float = 600.0) -> None:
        """Start the site and wait until it responds. Raises RuntimeError with its output if it does not."""
        self.data_dir.mkdir(exist_ok=True)
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), "serve"],
            # Any working directory must do, since a service manager may start it from anywhere.
            cwd=self.data_dir,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        ready = threading.Event()
        threading.Thread(target=self._read_output, args=(ready,), daemon=True).start()
        ready.wait(seconds)
        if not any(line.startswith(_READY) for line in self.output):
            self.stop()
            raise RuntimeError("The site did not start. It said:\n" + "\n".join(self.output))

    def _read_output(self, ready: threading.Event) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output.append(line.rstrip("\n"))
            if line.startswith(_READY):
                ready.set()
        ready.set()

    def stop(self) -> int:
        """Stop the site as a service manager would, and return its exit status."""
        assert self.process is not None
        if self._shell:
            self._shell.kill()
            self._shell.communicate()
            self._shell = None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def run(self, script: str) -> str:
        """Run Python with the settings of the running site, and return its output. All scripts share one process."""
        if self._shell is None:
            self._shell = subprocess.Popen(
                [sys.executable, "-m", "tests.tools.site_shell"],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        self._shell.stdin.write(json.dumps(script) + "\n")
        self._shell.stdin.flush()
        line = self._shell.stdout.readline()
        answer: dict[str, str] = json.loads(line) if line else {"error": "The process that runs the scripts has ended."}
        if "error" in answer:
            raise RuntimeError(f"The script failed:\n{script}\n{answer['error']}")
        return answer["out"]
