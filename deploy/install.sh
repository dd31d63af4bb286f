#!/bin/bash
# Install the site on a plain Debian server (12 or newer), or upgrade it to this checkout.
# The steps, and what to do afterwards: docs/production.md.
set -euo pipefail
# Caddy and the site must be able to read the files written here, whatever root's umask is. Secret files get a stricter mode.
umask 022

usage() {
    cat <<'TEXT'
Usage: deploy/install.sh DOMAIN       install this checkout for https://DOMAIN (and www.DOMAIN)
       deploy/install.sh              upgrade to this checkout
       deploy/install.sh --rollback   back to the release that ran before

As root, on Debian 12 or newer. Can be repeated. Settings are in /etc/aijuu/site.env, data in /var/lib/aijuu, releases in
/opt/aijuu/releases. Options, for somebody who can't be asked (otherwise the first installation asks):
  --email-url-file FILE    EMAIL_URL is the first line of this file: smtp+tls://user:password@server:587
  --admin-email ADDRESS    ADMIN_EMAIL, the first account
Exit status 0 only where the site answers afterwards, on this machine. Whether the domain leads here over https: aijuu check_domain.
TEXT
}

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SOURCE=$(dirname "$HERE")
ROOT=/opt/aijuu
SETTINGS=/etc/aijuu/site.env
DATA=/var/lib/aijuu
PAGES=/var/lib/aijuu-pages
KEPT_RELEASES=3
READY_SECONDS=${READY_SECONDS:-120}

say() { printf '%s\n' "$*"; }
fail() { printf 'install.sh: %s\n' "$*" >&2; exit 1; }

domain='' email_url='' admin_email='' rollback='' release='' backup=''
while [ $# -gt 0 ]; do
    case $1 in
        --help | -h) usage; exit 0 ;;
        --rollback) rollback=1 ;;
        --email-url-file) [ -r "${2:-}" ] || fail "$1 needs a file that can be read"; email_url=$(head -n 1 "$2"); shift ;;
        --admin-email) [[ ${2:-} == *@* ]] || fail "$1 needs an e-mail address"; admin_email=$2; shift ;;
        -*) usage >&2; exit 2 ;;
        *) [ -z "$domain" ] || { usage >&2; exit 2; }; domain=$1 ;;
    esac
    shift
done
[ "$(id -u)" = 0 ] || fail "run it as root."
[ -d /run/systemd/system ] || fail "systemd does not run here."
domain=${domain#www.}
[[ -z $domain || $domain =~ ^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)*[a-z0-9-]+$ ]] || fail "'$domain' is no domain name (lower case, without https://)."

# Only one installation at a time.
exec 9>/run/aijuu-install.lock
flock -n 9 || fail "another installation runs."

manage() { (cd "$1" && shift && runuser -u aijuu -- env DATA_DIR="$DATA" PYTHONDONTWRITEBYTECODE=1 .venv/bin/python manage.py "$@"); }
# Print a setting, parsed as the site parses the file: quotes, spaces, "export".
setting() {
    (cd "${release:-$ROOT/current}" && PYTHONDONTWRITEBYTECODE=1 .venv/bin/python - "$SETTINGS" "$1" <<'TEXT'
import sys
from pathlib import Path
from aijuu_site.settings.environment import Environment

print(Environment(Path(sys.argv[1]), {}).text(sys.argv[2]))
TEXT
    )
}
site_domain() {
    local host
    host=$(setting SITE_URL)
    host=${host#https://}
    host=${host%%/*}
    say "${host#www.}"
}

install_packages() {
    say "Installing Debian's packages (python3, caddy) …"
    local wanted=(python3 python3-venv caddy ca-certificates curl sqlite3) missing=() name
    for name in "${wanted[@]}"; do
        dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || missing+=("$name")
    done
    [ ${#missing[@]} = 0 ] && return
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq update
    apt-get -qq install --yes --no-install-recommends "${missing[@]}" >/dev/null
}

make_account_and_folders() {
    getent passwd aijuu >/dev/null || useradd --system --user-group --home-dir "$DATA" --no-create-home --shell /usr/sbin/nologin aijuu
    install -d -m 0755 "$ROOT" "$ROOT/releases" "$PAGES"
    install -d -m 0750 -o root -g aijuu /etc/aijuu
    install -d -m 0700 -o aijuu -g aijuu "$DATA"
}

write_settings() {
    [ -e "$SETTINGS" ] && return
    [ -n "$domain" ] || fail "name the domain at the first installation: deploy/install.sh example.fi"
    if [ -z "$admin_email" ] && [ -t 0 ]; then
        read -r -p "E-mail address of the first account [kati.levola@aijuu.fi]: " admin_email
    fi
    if [ -z "$email_url" ] && [ -t 0 ]; then
        read -r -s -p "Mail server, as smtp+tls://user:password@server:587 (not shown): " email_url
        say ""
    fi
    [ -n "$email_url" ] || fail "the mail server is missing (--email-url-file). Without it nobody would be told of a message."
    (
        umask 077
        {
            say "# Settings of the site; README.md lists them all. After a change: systemctl restart aijuu"
            say "SITE_URL=https://$domain"
            say "EMAIL_URL=$email_url"
            [ -z "$admin_email" ] || say "ADMIN_EMAIL=$admin_email"
            say "# Backups (docs/backup.md) and who is told of problems (docs/monitoring.md):"
            say "#BACKUP_KEY="
            say "#BACKUP_TO="
            say "#ALERT_EMAIL="
        } >"$SETTINGS.new"
    )
    chown root:aijuu "$SETTINGS.new"
    chmod 0640 "$SETTINGS.new"
    mv "$SETTINGS.new" "$SETTINGS"
}

build_release() {
    local name
    name=$(sed -n 's/^version = "\(.*\)"/\1/p' "$SOURCE/pyproject.toml" | head -n 1)-$(date -u +%Y%m%d%H%M%S)
    release=$ROOT/releases/$name
    say "Building release $name (some minutes) …"
    trap 'rm -rf "$release"' EXIT
    "$HERE/build.sh" "$release"
    ln -s "$SETTINGS" "$release/.env"
    # A wrong setting or an unreachable database stops the script here, while the old release still runs.
    manage "$release" prepare --dry-run
    # aijuu.socket and Caddyfile use this address.
    [[ "$(setting HOST):$(setting PORT)" =~ ^(127\.0\.0\.1)?:(8000)?$ ]] ||
        fail "remove PORT and HOST from $SETTINGS: here the site listens on 127.0.0.1:8000, behind Caddy."
    [ -z "$domain" ] || [ "$domain" = "$(site_domain)" ] ||
        fail "the site is installed for $(site_domain). To move it to $domain, change SITE_URL in $SETTINGS, then: deploy/install.sh"
    trap - EXIT
}

back_up() {
    [ -e "$ROOT/current" ] || return 0
    if [ -z "$(setting BACKUP_KEY)" ]; then
        say "No backup before the upgrade: BACKUP_KEY is not set (docs/backup.md)."
        return 0
    fi
    say "Backing up …"
    backup=$(manage "$ROOT/current" backup) || fail "the backup failed, so nothing was changed."
    say "$backup"
}

use_release() {
    ln -sfn "$1" "$ROOT/next"
    mv -T "$ROOT/next" "$ROOT/current"
}

# The "-" makes systemd ignore a missing folder: a disk that is not mounted must not keep the site from starting.
backups_drop_in() {
    local folder=${1//\\/\\\\}
    folder=${folder//\"/\\\"}
    printf '[Service]\nReadWritePaths="-%s"\n' "${folder//%/%%}"
}

put_system_files() {
    install -m 0644 "$ROOT/current/deploy/aijuu.service" "$ROOT/current/deploy/aijuu.socket" /etc/systemd/system/
    # Allow the service to write to the backup folder.
    local backups
    backups=$(setting BACKUP_TO)
    rm -rf /etc/systemd/system/aijuu.service.d/backups.conf
    if [[ $backups == /* ]]; then
        install -d -m 0755 /etc/systemd/system/aijuu.service.d
        backups_drop_in "$backups" >/etc/systemd/system/aijuu.service.d/backups.conf
    fi
    # Debian's unit does not restart Caddy if it was killed.
    install -d -m 0755 /etc/systemd/system/caddy.service.d
    printf '[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestart=always\nRestartSec=1\n' >/etc/systemd/system/caddy.service.d/aijuu.conf
    cat >/usr/local/bin/aijuu.new <<'TEXT'
#!/bin/sh
# Run a command of the site as its own account: aijuu changepassword kati.levola@aijuu.fi
cd /opt/aijuu/current && exec runuser -u aijuu -- env DATA_DIR=/var/lib/aijuu PYTHONDONTWRITEBYTECODE=1 .venv/bin/python manage.py "$@"
TEXT
    chmod 0755 /usr/local/bin/aijuu.new
    mv /usr/local/bin/aijuu.new /usr/local/bin/aijuu
    sed "s/DOMAIN/$(site_domain)/" "$ROOT/current/deploy/Caddyfile" >/etc/caddy/Caddyfile.new
    caddy validate --adapter caddyfile --config /etc/caddy/Caddyfile.new >/dev/null 2>/run/aijuu-caddy.log ||
        fail "Caddy refuses $ROOT/current/deploy/Caddyfile: $(tail -n 1 /run/aijuu-caddy.log)"
    mv /etc/caddy/Caddyfile.new /etc/caddy/Caddyfile
    systemctl daemon-reload
}

is_ready() {
    local limit=$((SECONDS + READY_SECONDS))
    until curl -fsS -o /dev/null --max-time 60 http://127.0.0.1:8000/health/live 2>/dev/null; do
        [ $SECONDS -lt $limit ] || return 1
        sleep 0.3
    done
}

start() {
    systemctl -q enable aijuu.socket aijuu.service caddy
    systemctl start aijuu.socket
    systemctl restart aijuu
    is_ready || return 1
    manage "$ROOT/current" maintenance_page >"$PAGES/huolto.html.new" && mv "$PAGES/huolto.html.new" "$PAGES/huolto.html"
    systemctl reload-or-restart caddy
}

# Keep the running release, the previous one (for --rollback), and the newest others up to KEPT_RELEASES.
remove_old_releases() {
    find "$ROOT/releases" -mindepth 1 -maxdepth 1 -type d ! -path "$(readlink -f "$ROOT/current")" \
        ! -path "$(readlink -f "$ROOT/previous")" -printf '%T@ %p\n' | sort -rn | cut -d' ' -f2- |
        tail -n +$((KEPT_RELEASES - 1)) | while read -r name; do rm -rf "$name"; done
}

# Pages that are open in browsers, or cached by a proxy, request static files of the release that rendered them.
take_static_files_of_others() {
    local other
    for other in "$ROOT/releases"/*/; do
        [ "$other" -ef "$1" ] ||
            (cd "$1" && PYTHONDONTWRITEBYTECODE=1 .venv/bin/python -m aijuu_site.static_files "$other/built_static" built_static)
    done
}

say_what_is_not_set() {
    local missing=()
    if [ -z "$(setting BACKUP_KEY)" ]; then
        missing+=("BACKUP_KEY   no backups are made: what is lost with this machine is lost for good. Make the key elsewhere: docs/backup.md")
    elif [ -z "$(setting BACKUP_TO)" ]; then
        missing+=("BACKUP_TO    backups are on this machine alone, and lost with it. A folder of another disk, or a bucket: docs/backup.md")
    fi
    [ -n "$(setting ALERT_EMAIL)" ] ||
        missing+=("ALERT_EMAIL  nobody is told when mail, backups or the form fail. An address that somebody reads: docs/monitoring.md")
    [ ${#missing[@]} != 0 ] || return 0
    say ""
    say "NOT SET YET in $SETTINGS. Write a line NAME=value there, then run deploy/install.sh again:"
    printf '  %s\n' "${missing[@]}"
}

switch_to() {
    local old
    old=$(readlink -e "$ROOT/current" || true)
    # At the first installation, so that the login details of the first account are printed here and not to the log.
    [ -n "$old" ] || manage "$1" prepare
    take_static_files_of_others "$1"
    use_release "$1"
    put_system_files
    if ! start; then
        journalctl --unit aijuu --lines 20 --no-pager --output cat >&2 || true
        if [ -n "$old" ] && [ "$old" != "$1" ]; then
            # Stop it: it may still be migrating the database.
            systemctl stop aijuu.socket aijuu
            if ! manage "$old" prepare --dry-run; then
                ln -sfn "$old" "$ROOT/previous"
                systemctl start aijuu.socket aijuu || true
                fail "the new release did not answer within $READY_SECONDS s, and $(basename "$old") can't run with the database as it is now:" \
                    "the reason of each stands above. The new one is tried again for ever. To go back: docs/production.md," \
                    "\"Back over a change of the database\", with ${backup:-an older backup, since none was made now}"
            fi
            use_release "$old"
            put_system_files
            start || fail "neither the new release nor the old one starts: journalctl -u aijuu"
            [ -n "$rollback" ] || rm -rf "$1"
            fail "the new release did not answer within $READY_SECONDS s, so $(basename "$old") runs again. What it said stands above."
        fi
        fail "the site does not answer: journalctl -u aijuu"
    fi
    if [ -n "$old" ] && [ "$old" != "$1" ]; then
        ln -sfn "$old" "$ROOT/previous"
    fi
}

if [ -n "$rollback" ]; then
    [ -e "$ROOT/previous" ] || fail "there is no earlier release."
    previous=$(readlink -f "$ROOT/previous")
    # The database is not changed: --dry-run checks whether the previous release can use it.
    manage "$previous" prepare --dry-run || fail "it can't go back like this: docs/production.md, \"Back over a change of the database\"."
    switch_to "$previous"
    say "Running: $(basename "$previous")"
    exit 0
fi

install_packages
make_account_and_folders
write_settings
build_release
back_up
switch_to "$release"
remove_old_releases
say ""
say "Running: $(basename "$release") at $(setting SITE_URL)"
say "  log      journalctl -u aijuu"
say "  command  aijuu --help"
say_what_is_not_set
