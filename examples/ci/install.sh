#!/usr/bin/env bash
# Puts the binary into a folder: downloaded where HEADWATER_URL says from where, else built with cargo.
#
#   install.sh FOLDER
#
# HEADWATER_URL         the binary itself, or a .tar.gz that holds `headwater`
# HEADWATER_REPOSITORY  the Git repository to build from, at HEADWATER_REV if that is set
set -euo pipefail

folder="${1:?say the folder for the binary}"
mkdir -p "$folder"
if [ -x "$folder/headwater" ]; then
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
"$folder/headwater" --version
