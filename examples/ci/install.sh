#!/usr/bin/env bash
# Puts the binary into a folder: downloaded where HEADWATER_URL says from where, else built with cargo.
#
#   install.sh FOLDER
#
# A binary that is there already, from a cache, is taken if it came from where it would come from now; the newest commit of
# a repository is built each time.
#
# HEADWATER_URL         the binary itself, or a .tar.gz that holds `headwater`
# HEADWATER_REPOSITORY  the Git repository to build from, at HEADWATER_REV if that is set
set -euo pipefail

folder="${1:?say the folder for the binary}"
mkdir -p "$folder"
from="${HEADWATER_URL:-${HEADWATER_REPOSITORY:-} ${HEADWATER_REV:-}}"
if [ -x "$folder/headwater" ] && [ -n "${HEADWATER_URL:-}${HEADWATER_REV:-}" ] && [ "$from" = "$(cat "$folder/headwater.from" 2>/dev/null)" ]; then
  echo "headwater is there already"
elif [ -n "${HEADWATER_URL:-}" ]; then
  case "$HEADWATER_URL" in
    *.tar.gz | *.tgz) curl --fail --silent --show-error --location "$HEADWATER_URL" | tar -xz -C "$folder" headwater ;;
    *) curl --fail --silent --show-error --location --output "$folder/headwater" "$HEADWATER_URL" ;;
  esac
  chmod +x "$folder/headwater"
else
  repository="${HEADWATER_REPOSITORY:?set HEADWATER_URL to download the binary, or HEADWATER_REPOSITORY to build it}"
  cargo install --locked --git "$repository" ${HEADWATER_REV:+--rev "$HEADWATER_REV"} --root "$folder/build" headwater
  cp "$folder/build/bin/headwater" "$folder/headwater"
fi
echo "$from" > "$folder/headwater.from"
"$folder/headwater" --version
