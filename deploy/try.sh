#!/bin/bash
# Test install.sh: in a fresh Debian with its own systemd, install, break, upgrade, roll back, back up and restore the site.
set -euo pipefail

usage() {
    cat <<'TEXT'
Usage: deploy/try.sh [--suite NAME] [--from REF] [--keep]

As root, with debootstrap and systemd-container installed. Makes a Debian tree in /var/tmp, boots it with systemd-nspawn and
proves there, with the last commit of this checkout: installation, TLS, hardening, kill -9 of each process, an upgrade and a
rollback under load, upgrades that fail, backup, loss and restore, a restart of the machine. Takes about 15 minutes.

  --suite NAME   Debian's release: trixie (13), bookworm (12)
  --from REF     the release to upgrade from: the last tag, or where there is none the same commit
  --keep         leave the tree where it is and say where
The ports 80, 443 and 8000 of this machine must be free, since the tree shares its network. PIP_… variables are passed on.
Exit status 0 only where everything held.
TEXT
}

SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
suite=trixie from='' keep=''
while [ $# -gt 0 ]; do
    case $1 in
        --help | -h) usage; exit 0 ;;
        --suite) suite=${2:?}; shift ;;
        --from) from=${2:?}; shift ;;
        --keep) keep=1 ;;
        *) usage >&2; exit 2 ;;
    esac
    shift
done

fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }
step() { printf '\n== %s\n' "$*"; }
ok() { printf '   ok: %s\n' "$*"; }

[ "$(id -u)" = 0 ] || fail "run it as root."
for program in debootstrap systemd-nspawn nsenter curl git python3; do
    command -v $program >/dev/null || fail "$program is missing (apt-get install debootstrap systemd-container util-linux curl git python3)"
done
for port in 80 443 8000; do
    ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || fail "port $port is taken."
done
[ -n "$from" ] || from=$(git -C "$SOURCE" describe --tags --abbrev=0 2>/dev/null || echo HEAD)

place=$(mktemp -d /var/tmp/aijuu-try.XXXXXX)
tree=$place/tree
ca=$place/ca.crt
nspawn=''

shut_down() {
    [ -n "$nspawn" ] || return 0
    # On SIGTERM, nspawn shuts the tree down in an orderly way.
    kill "$nspawn" 2>/dev/null || true
    wait "$nspawn" 2>/dev/null || true
    nspawn=''
}

clean_up() {
    local status=$?
    if [ $status != 0 ] && [ -n "$nspawn" ]; then
        inside journalctl --unit aijuu --unit caddy --lines 30 --no-pager --output cat >&2 || true
    fi
    shut_down
    if [ -n "$keep" ]; then
        echo "The tree: $tree"
    else
        rm -rf --one-file-system "$place"
    fi
    exit $status
}
trap clean_up EXIT

# Boot the tree with its own systemd. On a host with cgroup v1, mount cgroup v2 for it.
boot() {
    local prepare=''
    [ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ] ||
        prepare='mount --make-rprivate /; umount -R /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup;'
    # shellcheck disable=SC2016
    SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 unshare -mC sh -c "$prepare"'exec systemd-nspawn --quiet --directory "$0" --boot --register=no --keep-unit' \
        "$tree" >"$place/console.log" 2>&1 &
    nspawn=$!
    local limit=$((SECONDS + 60))
    until leader=$(pgrep -P "$nspawn" | head -n 1) && [ -n "$leader" ] && inside systemctl is-system-running 2>/dev/null | grep -Eq 'running|degraded'; do
        [ $SECONDS -lt $limit ] || fail "the tree does not boot: $place/console.log"
        sleep 0.5
    done
}

inside() {
    nsenter --target "$leader" --mount --uts --ipc --net --pid --cgroup --root --wd -- \
        env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 "${passed[@]}" "$@"
}

passed=()
while IFS= read -r line; do passed+=("$line"); done < <(env | grep '^PIP_' | grep -v '^PIP_CERT=\|^PIP_FIND_LINKS=' || true)
[ -z "${PIP_CERT:-}" ] || passed+=("PIP_CERT=/root/pip-ca.crt")

# Put the program at REF into the tree as /root/NAME.
put_program() {
    mkdir -p "$tree/root/$2"
    git -C "$SOURCE" archive "$1" | tar -x -C "$tree/root/$2"
}

site=koe.localhost
https() {
    curl --silent --show-error --max-time 60 --cacert "$ca" --resolve "$site:443:127.0.0.1" --resolve "$site:80:127.0.0.1" \
        --resolve "www.$site:443:127.0.0.1" "$@"
}
visitor() { python3 "$SOURCE/deploy/try_visitor.py" "$ca" "$@"; }
letters_stored() { inside sqlite3 /var/lib/aijuu/db.sqlite3 "SELECT count(*) FROM intake_enquiry WHERE name LIKE 'Kokeilija %'"; }
running() { inside readlink -f /opt/aijuu/current; }

# Wait until the front page responds. Prints the seconds.
wait_for_site() {
    local began=$SECONDS
    until https --fail --output /dev/null "https://$site/" 2>/dev/null; do
        [ $((SECONDS - began)) -lt 90 ] || fail "the site does not come back"
        sleep 0.2
    done
    echo $((SECONDS - began))
}

# style_sheet prints the URL of the front page's style sheet; has_file tests whether the site serves a file.
style_sheet() { https "https://$site/" | grep -o '/static/css/site[^"]*\.css' | head -n 1; }
has_file() { https --fail --output /dev/null "https://$site$1"; }

confirmed=0
write_letter() { visitor letter >/dev/null || fail "a letter was refused"; confirmed=$((confirmed + 1)); }
expect_letters() {
    local stored
    stored=$(letters_stored)
    [ "$stored" = "$confirmed" ] || fail "$confirmed letters were confirmed, $stored are stored"
    ok "$stored letters were confirmed, $stored are stored"
}

step "A fresh Debian ($suite)"
debootstrap --variant=minbase --include=ca-certificates,systemd,systemd-sysv,dbus,procps "$suite" "$tree" >"$place/debootstrap.log" 2>&1 ||
    fail "debootstrap: $(tail -n 3 "$place/debootstrap.log")"
[ -z "${PIP_CERT:-}" ] || cp "$PIP_CERT" "$tree/root/pip-ca.crt"
echo '127.0.0.1 localhost' >"$tree/etc/hosts"
put_program "$from" old
put_program HEAD new
# So that the new release's style sheet has another name than the old one's.
echo '/* newer */' >>"$tree/root/new/static/css/site.css"
boot
ok "booted"

step "Installation"
# A mail server in the tree that accepts everything.
cat >"$tree/root/mail_server.py" <<'TEXT'
import asyncio

async def client(reader, writer):
    writer.write(b"220 sink\r\n")
    data = False
    while line := await reader.readline():
        if data:
            data = line != b".\r\n"
            if not data:
                writer.write(b"250 taken\r\n")
            continue
        word = line[:4].upper()
        data = word == b"DATA"
        writer.write(b"354 go on\r\n" if data else b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
        if word == b"QUIT":
            break
    await writer.drain()
    writer.close()

async def main():
    await (await asyncio.start_server(client, "127.0.0.1", 2525)).serve_forever()

asyncio.run(main())
TEXT
echo 'smtp://127.0.0.1:2525' >"$tree/root/email_url"
began=$SECONDS
inside /root/old/deploy/install.sh $site --email-url-file /root/email_url --admin-email try@example.fi | tee "$place/install.log"
ok "installed in $((SECONDS - began)) s"
for name in BACKUP_KEY ALERT_EMAIL; do
    grep -q "^  $name " "$place/install.log" || fail "the installation does not say that $name is not set"
done
inside systemd-run --quiet --unit mail-sink --property Restart=always python3 /root/mail_server.py
echo 'FORM_RATE_LIMIT=1000000' >>"$tree/etc/aijuu/site.env"
inside systemctl restart aijuu
cp "$tree/var/lib/caddy/.local/share/caddy/pki/authorities/local/root.crt" "$ca"

step "Answers over TLS"
wait_for_site >/dev/null
https --head "https://$site/" | tr -d '\r' >"$place/head"
grep -q '^HTTP/2 200' "$place/head" || fail "no HTTP/2 200: $(head -n 1 "$place/head")"
grep -qi '^strict-transport-security:' "$place/head" || fail "no HSTS"
! grep -qi '^x-accel-expires:' "$place/head" || fail "X-Accel-Expires reaches visitors"
[ "$(https --output /dev/null --write-out '%{http_code} %{redirect_url}' "http://$site/yhteys")" = "308 https://$site/yhteys" ] || fail "http does not lead to https"
[ "$(https --output /dev/null --write-out '%{http_code} %{redirect_url}' "https://www.$site/")" = "301 https://$site/" ] || fail "www does not lead to the site"
[ "$(https --output /dev/null --write-out '%{http_code}' "https://$site/admin/login/")" = 200 ] || fail "no login page"
ok "front page over HTTP/2 with HSTS, http and www lead there, login page"
write_letter
expect_letters

step "Locked down"
inside systemd-analyze --no-pager security aijuu | tail -n 1
inside systemd-analyze --no-pager security aijuu --threshold=20 >/dev/null || fail "systemd-analyze security: more than 2.0"
owners=$(find "$tree/var/lib/aijuu" "$tree/etc/aijuu" \( -perm /o=r -o -perm /o=w \) ! -type l -print)
[ -z "$owners" ] || fail "everybody may read: $owners"
[ -z "$(find "$tree/opt/aijuu" -user "$(stat -c %u "$tree/var/lib/aijuu")" -print -quit)" ] || fail "the site may change its own program"
ok "the site's account owns no file of the program, nobody else reads data or settings"

step "kill -9 of each process"
main_process() { inside systemctl show --property MainPID --value "$1"; }
for name in "web server" worker aijuu caddy; do
    case $name in
        aijuu | caddy) pid=$(main_process "$name") ;;
        *) pid=$(inside pgrep --oldest --exact "$name") || fail "no process '$name'" ;;
    esac
    inside kill -9 "$pid"
    seconds=$(wait_for_site)
    ok "'$name' was killed; the site answers after $seconds s"
    write_letter
done
expect_letters
visitor seconds 12 >"$place/load" & load=$!
sleep 4
inside kill -9 "$(inside pgrep --oldest --exact "web server")"
wait $load || { cat "$place/load" >&2; fail "requests failed while the web server was killed"; }
tail -n 1 "$place/load"
confirmed=$((confirmed + $(sed -n 's/.*LETTERS \([0-9]*\).*/\1/p' "$place/load")))
expect_letters
ok "the web server was killed under load, and no request failed"

step "Upgrade under load ($from to HEAD)"
old=$(running)
old_style=$(style_sheet)
visitor seconds 75 >"$place/load" & load=$!
sleep 5
# With a strict umask, as on a hardened server.
inside sh -c 'umask 077 && exec /root/new/deploy/install.sh' >"$place/upgrade.log" 2>&1 || { cat "$place/upgrade.log" >&2; fail "the upgrade"; }
[ "$(running)" != "$old" ] || fail "the old release still runs"
wait $load || { cat "$place/load" >&2; fail "requests failed during the upgrade"; }
tail -n 1 "$place/load"
confirmed=$((confirmed + $(sed -n 's/.*LETTERS \([0-9]*\).*/\1/p' "$place/load")))
expect_letters
new_style=$(style_sheet)
[ "$new_style" != "$old_style" ] || fail "the new release's pages name the same style sheet"
has_file "$new_style" || fail "no style sheet"
has_file "$old_style" || fail "a page that was opened before the upgrade loses its style sheet"
ok "pages that were opened before the upgrade still get their style sheet"

step "Rollback under load"
visitor seconds 25 >"$place/load" & load=$!
sleep 3
inside /root/new/deploy/install.sh --rollback || fail "the rollback"
[ "$(running)" = "$old" ] || fail "the new release still runs"
[ "$(style_sheet)" = "$old_style" ] || fail "the pages name another style sheet"
has_file "$new_style" || fail "a page that was opened before the rollback loses its style sheet"
wait $load || { cat "$place/load" >&2; fail "requests failed during the rollback"; }
tail -n 1 "$place/load"
confirmed=$((confirmed + $(sed -n 's/.*LETTERS \([0-9]*\).*/\1/p' "$place/load")))
expect_letters

step "An upgrade that does not start"
cp -a "$tree/root/new" "$tree/root/broken"
sed -i '1i raise SystemExit("broken on purpose")' "$tree/root/broken/aijuu_site/serving/start.py"
! inside env READY_SECONDS=15 /root/broken/deploy/install.sh >"$place/broken.log" 2>&1 || fail "a broken release was taken"
[ "$(running)" = "$old" ] || fail "the broken release stayed"
[ "$(inside sh -c 'ls /opt/aijuu/releases | wc -l')" = 2 ] || fail "the broken release is kept"
wait_for_site >/dev/null
write_letter
expect_letters

step "A mistake in the settings"
! inside /root/new/deploy/install.sh other.example >"$place/mistake.log" 2>&1 || fail "another domain was taken"
grep -q "installed for $site" "$place/mistake.log" || { cat "$place/mistake.log" >&2; fail "the domain is not named"; }
echo 'SITE_URL=https://' >>"$tree/etc/aijuu/site.env"
! inside /root/new/deploy/install.sh >"$place/mistake.log" 2>&1 || fail "a mistaken setting was taken"
grep -q 'SITE_URL' "$place/mistake.log" || fail "the mistaken setting is not named"
sed -i '$d' "$tree/etc/aijuu/site.env"
wait_for_site >/dev/null
ok "named, and the site still runs"

step "Backup, loss and restore"
inside aijuu backup_key >"$place/key"
{
    echo "BACKUP_KEY=$(sed -n 's/^# public key: //p' "$place/key")"
    echo 'export BACKUP_TO="/mnt/backups"'
    echo "ALERT_EMAIL=try@example.fi"
} >>"$tree/etc/aijuu/site.env"
inside install -d -m 0700 -o aijuu -g aijuu /mnt/backups
# BACKUP_KEY is set now, so the upgrade itself makes a backup.
inside /root/new/deploy/install.sh >"$place/upgrade.log" 2>&1 || { cat "$place/upgrade.log" >&2; fail "the upgrade with a backup"; }
grep -q '/mnt/backups/aijuu-' "$place/upgrade.log" || { cat "$place/upgrade.log" >&2; fail "no backup before the upgrade"; }
! grep -q 'NOT SET' "$place/upgrade.log" || fail "it says that something is not set"
[ "$(inside readlink -e /opt/aijuu/previous)" = "$old" ] || fail "the release before was removed"
write_letter
inside aijuu backup
# This message is not counted: it is confirmed, but newer than the backup, so it is lost with the machine.
visitor letter >/dev/null
inside systemctl stop aijuu.socket aijuu.service
inside find /var/lib/aijuu -mindepth 1 -delete
inside aijuu restore latest --key - <"$place/key" || fail "the restore"
inside systemctl start aijuu
seconds=$(wait_for_site)
ok "the site answers after $seconds s"
expect_letters
write_letter
expect_letters

step "An upgrade that changes the database and does not start"
cp -a "$tree/root/broken" "$tree/root/changed"
last=$(cd "$tree/root/changed/home/migrations" && printf '%s\n' [0-9]*.py | tail -n 1)
cat >"$tree/root/changed/home/migrations/9999_try.py" <<TEXT
from django.db import migrations

class Migration(migrations.Migration):
    dependencies = [("home", "${last%.py}")]
TEXT
before=$(running)
! inside env READY_SECONDS=20 /root/changed/deploy/install.sh >"$place/changed.log" 2>&1 || fail "a broken release was taken"
backup=$(sed -n 's/.*"Back over a change of the database", with //p' "$place/changed.log")
[ -n "$backup" ] && [ -f "$tree$backup" ] || { cat "$place/changed.log" >&2; fail "no backup is named"; }
[ "$(running)" != "$before" ] || fail "the old release was taken, which refuses the database"
[ "$(inside readlink -e /opt/aijuu/previous)" = "$before" ] || fail "the release before is lost"
# The steps in docs/production.md, "Back over a change of the database".
inside systemctl stop aijuu.socket aijuu
inside ln -sfn "$before" /opt/aijuu/current
inside mv /var/lib/aijuu /var/lib/aijuu.before
inside install -d -m 0700 -o aijuu -g aijuu /var/lib/aijuu
inside cp -p /var/lib/aijuu.before/secret_key /var/lib/aijuu/
inside aijuu restore "$backup" --key - <"$place/key" || fail "the restore"
inside systemctl start aijuu
seconds=$(wait_for_site)
ok "the site answers after $seconds s"
expect_letters
write_letter

step "The machine restarts"
shut_down
boot
inside systemd-run --quiet --unit mail-sink --property Restart=always python3 /root/mail_server.py
seconds=$(wait_for_site)
ok "the site answers after $seconds s"
write_letter
expect_letters

step "Everything held."
