"""Parts of deploy/install.sh that need no server. deploy/try.sh tests the whole script."""

import re
import stat
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

INSTALL = settings.BASE_DIR / "deploy" / "install.sh"


def function(name: str) -> str:
    found = re.search(rf"^{name}\(\) \{{.*?^\}}", INSTALL.read_text(), re.DOTALL | re.MULTILINE)
    assert found
    return found[0]


@pytest.mark.parametrize(
    ("folder", "written"),
    [
        ("/mnt/backups", '"-/mnt/backups"'),
        ("/mnt/usb disk/100 %", '"-/mnt/usb disk/100 %%"'),
        ('/mnt/a"b\\c', '"-/mnt/a\\"b\\\\c"'),
    ],
)
def test_backup_folder_is_optional_for_systemd(folder: str, written: str) -> None:
    """systemd does not start a service if a folder in ReadWritePaths= is missing, unless its path begins with "-"."""
    script = f'{function("backups_drop_in")}\nbackups_drop_in "$1"'
    made = subprocess.run(["bash", "-euc", script, "-", folder], capture_output=True, text=True, check=True)
    assert made.stdout == f"[Service]\nReadWritePaths={written}\n"


@pytest.mark.parametrize("mask", ["022", "027", "077"])
def test_caddy_files_are_readable_with_any_umask(tmp_path: Path, mask: str) -> None:
    text = INSTALL.read_text()
    head = text.split("\nusage() {")[0]
    writing = re.findall(r'^ +(sed "s/DOMAIN.*|mv /etc/caddy/.*|manage .* maintenance_page.*)', text, re.MULTILINE)
    assert len(writing) == 3
    script = "\n".join(
        [
            f"umask {mask}",
            *(head, "site_domain() { echo aijuu.fi; }", "manage() { echo page; }"),
            f"PAGES={tmp_path} ROOT={tmp_path}",
            *(line.replace("/etc/caddy", str(tmp_path)) for line in writing),
        ]
    )
    (tmp_path / "current").symlink_to(settings.BASE_DIR)
    subprocess.run(["bash", "-c", script], check=True)
    for name in ("Caddyfile", "huolto.html"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o644


@pytest.mark.parametrize(
    ("host", "port", "is_taken"),
    [
        ("", "", True),
        ("127.0.0.1", "8000", True),
        ("", "8080", False),
        ("0.0.0.0", "", False),  # noqa: S104
        ("127.0.0.1", "80001", False),
    ],
)
def test_install_refuses_other_host_or_port(host: str, port: str, is_taken: bool) -> None:
    rule = re.search(r'^ +\[\[ "\$\(setting HOST\).*\n.*', INSTALL.read_text(), re.MULTILINE)
    assert rule
    script = (
        f'set -eu; fail() {{ echo "$*"; exit 1; }}; setting() {{ [ "$1" = HOST ] && echo "{host}" || echo "{port}"; }}'
    )
    done = subprocess.run(
        ["bash", "-c", f"{script}\nSETTINGS=site.env\n{rule[0]}"], capture_output=True, text=True, check=False
    )
    message = (
        ""
        if is_taken
        else "remove PORT and HOST from site.env: here the site listens on 127.0.0.1:8000, behind Caddy.\n"
    )
    assert (done.stdout, done.stderr) == (message, "")


def test_port_is_the_same_in_all_deploy_files() -> None:
    texts = {
        name: (INSTALL.parent / name).read_text()
        for name in ("aijuu.socket", "Caddyfile", "Dockerfile", "compose.yaml")
    }
    ports = {
        *re.findall(r"(?:127\.0\.0\.1|site):(\d+)", "".join((INSTALL.read_text(), *texts.values()))),
        *re.findall(r"^    PORT: (\d+)$", texts["compose.yaml"], re.MULTILINE),
        *re.findall(r"^EXPOSE (\d+)$", texts["Dockerfile"], re.MULTILINE),
    }
    assert ports == {"8000"}
    # This overrides PORT of .env.
    assert "    PORT: 8000\n" in texts["compose.yaml"].split("\nservices:")[0].split("environment:")[1]


@pytest.mark.parametrize("backup", ["/mnt/backups/aijuu-1.age", ""])
@pytest.mark.parametrize("is_refused", [True, False])
def test_no_rollback_to_release_that_refuses_database(tmp_path: Path, is_refused: bool, backup: str) -> None:
    old, new = (tmp_path / "releases" / name for name in ("1-old", "2-new"))
    for release in (old, new):
        release.mkdir(parents=True)
    (tmp_path / "current").symlink_to(old)
    stubs = f"""
        ROOT={tmp_path} READY_SECONDS=1 rollback= backup={backup}
        say() {{ echo "$*"; }}; fail() {{ echo "$*" >&2; exit 1; }}
        take_static_files_of_others() {{ :; }}; put_system_files() {{ :; }}; journalctl() {{ :; }}
        systemctl() {{ echo "systemctl $*"; }}
        manage() {{ echo "manage ${{1##*/}} ${{*:2}}"; {"false" if is_refused else "true"}; }}
        start() {{ echo "start $(basename "$(readlink $ROOT/current)")"; [ "$(readlink $ROOT/current)" != {new} ]; }}
    """
    script = "\n".join(["set -euo pipefail", stubs, function("use_release"), function("switch_to"), f"switch_to {new}"])
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    asked = ["start 2-new", "systemctl stop aijuu.socket aijuu", "manage 1-old prepare --dry-run"]
    assert done.returncode == 1
    if is_refused:
        assert done.stdout.splitlines() == [*asked, "systemctl start aijuu.socket aijuu"]
        assert "1-old can't run with the database as it is now" in done.stderr
        assert done.stderr.rstrip().endswith(backup or "an older backup, since none was made now")
        assert ((tmp_path / "current").resolve(), (tmp_path / "previous").resolve()) == (new, old)
    else:
        assert done.stdout.splitlines() == [*asked, "start 1-old"]
        assert "so 1-old runs again" in done.stderr
        assert (tmp_path / "current").resolve() == old
        assert not new.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--admin-email",), "--admin-email needs an e-mail address"),
        (("--admin-email", ""), "--admin-email needs an e-mail address"),
        (("--admin-email", "--rollback"), "--admin-email needs an e-mail address"),
        (("--email-url-file",), "--email-url-file needs a file that can be read"),
        (("--email-url-file", "/nowhere"), "--email-url-file needs a file that can be read"),
    ],
)
def test_option_without_value_gives_one_line_error(arguments: tuple[str, ...], message: str) -> None:
    # The invalid domain prevents an installation in case the option is accepted.
    done = subprocess.run(["bash", INSTALL, "NO DOMAIN", *arguments], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"install.sh: {message}\n")
