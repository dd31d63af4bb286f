#!/bin/sh
# Build one release: the program, its packages and the collected static files in one folder, which is not changed afterwards
# except for static files of other releases. Used by install.sh and the Dockerfile.
set -eu

usage() {
    echo "Usage: deploy/build.sh FOLDER"
    echo "Build a release of this checkout in FOLDER, which must not exist yet. PYTHON names the interpreter (python3)."
}

case "${1:-}" in
    --help | -h) usage; exit 0 ;;
    "" | -*) usage >&2; exit 2 ;;
esac
target=$1
source=$(cd "$(dirname "$0")/.." && pwd)
python=${PYTHON:-python3}

if [ -e "$target" ]; then
    echo "build.sh: $target exists already." >&2
    exit 1
fi
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "build.sh: Python 3.11 or newer is needed." >&2
    exit 1
}

umask 022
mkdir -p "$target"
for name in manage.py pyproject.toml requirements.txt LICENSE CHANGELOG.md aijuu_site home intake templates static docs deploy; do
    cp -R "$source/$name" "$target/"
done
find "$target" -name __pycache__ -type d -prune -exec rm -rf {} +
# compose.yaml's settings contain secrets, and every user of the machine may read a release.
rm -f "$target/deploy/.env"

"$python" -m venv "$target/.venv"
"$target/.venv/bin/python" -m pip --disable-pip-version-check --no-cache-dir --quiet install \
    --require-hashes --only-binary :all: --requirement "$target/requirements.txt"

# An empty environment: the machine's settings must not affect the release.
data=$(mktemp -d)
trap 'rm -rf "$data"' EXIT
mkdir "$target/built_static"
(cd "$target" && env -i PATH="$PATH" DATA_DIR="$data" .venv/bin/python manage.py collectstatic --no-input --verbosity 0)
"$target/.venv/bin/python" -m compileall -q -x '/\.venv/bin/' "$target"
# The account that runs the site may read everything here, and owns nothing.
chmod -R u=rwX,go=rX "$target"
