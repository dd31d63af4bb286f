"""Parts of deploy/install.sh that need no server; deploy/try.sh proves the whole."""

import re
import stat
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

INSTALL = settings.BASE_DIR / "deploy" / "install.sh"


@pytest.mark.parametrize(
    ("folder", "written"),
    [
        ("/mnt/backups", '"-/mnt/backups"'),
        ("/mnt/usb disk/100 %", '"-/mnt/usb disk/100 %%"'),
        ('/mnt/a"b\\c', '"-/mnt/a\\"b\\\\c"'),
    ],
)
def test_service_starts_without_the_folder_of_backups(folder: str, written: str) -> None:
    """systemd starts no service whose ReadWritePaths= names an absent folder, except behind "-"."""
    function = re.search(r"^backups_drop_in\(\) \{.*?^\}", INSTALL.read_text(), re.DOTALL | re.MULTILINE)
    assert function
    script = f'{function[0]}\nbackups_drop_in "$1"'
    made = subprocess.run(["bash", "-euc", script, "-", folder], capture_output=True, text=True, check=True)
    assert made.stdout == f"[Service]\nReadWritePaths={written}\n"


@pytest.mark.parametrize("mask", ["022", "027", "077"])
def test_caddy_may_read_its_files_whatever_the_umask(tmp_path: Path, mask: str) -> None:
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
def test_installs_at_the_address_of_its_socket_alone(host: str, port: str, is_taken: bool) -> None:
    rule = re.search(r'^ +\[\[ "\$\(setting HOST\).*\n.*', INSTALL.read_text(), re.MULTILINE)
    assert rule
    script = (
        f'set -eu; fail() {{ echo "$*"; exit 1; }}; setting() {{ [ "$1" = HOST ] && echo "{host}" || echo "{port}"; }}'
    )
    done = subprocess.run(
        ["bash", "-c", f"{script}\nSETTINGS=site.env\n{rule[0]}"], capture_output=True, text=True, check=False
    )
    told = (
        ""
        if is_taken
        else "remove PORT and HOST from site.env: here the site listens on 127.0.0.1:8000, behind Caddy.\n"
    )
    assert (done.stdout, done.stderr) == (told, "")


def test_all_who_ask_the_site_name_the_same_port() -> None:
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
    # Over the one of .env.
    assert "    PORT: 8000\n" in texts["compose.yaml"].split("\nservices:")[0].split("environment:")[1]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--admin-email",), "--admin-email needs an e-mail address"),
        (("--admin-email", ""), "--admin-email needs an e-mail address"),
        (("--admin-email", "--rollback"), "--admin-email needs an e-mail address"),
        (("--email-url-file",), "--email-url-file needs a file that can be read"),
        (("--email-url-file", "/nowhere"), "--email-url-file needs a file that can be read"),
    ],
)
def test_option_without_its_value_is_one_line(arguments: tuple[str, ...], told: str) -> None:
    # With a domain that is none, so that nothing is installed where the option is taken.
    done = subprocess.run(["bash", INSTALL, "NO DOMAIN", *arguments], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"install.sh: {told}\n")
