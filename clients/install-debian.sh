#!/usr/bin/env bash
# Installs Debian's packages for building the clients and running their examples.
#
#   clients/install-debian.sh [build|check|love|luanti|godot|csharp|browser|window]...     (all of them if none is named)
#
# Says what it installs. Exit status 3, with one sentence, where apt or root is missing.
set -euo pipefail

declare -A packages=(
  [build]="cmake g++ pkg-config libgrpc++-dev libprotobuf-dev protobuf-compiler protobuf-compiler-grpc nlohmann-json3-dev"
  [check]="valgrind binutils"
  [love]="love"
  [luanti]="minetest-server"
  [godot]="godot3-server"
  [csharp]="mono-mcs mono-runtime"
  [browser]="chromium"
  [window]="xvfb xdotool chocolate-doom freedoom lbreakout2"
)

missing=()
for group in "${@:-build check love luanti godot csharp browser window}"; do
  for name in $group; do
    for package in ${packages[$name]:?"no such group; choose from: ${!packages[*]}"}; do
      dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
    done
  done
done
[ ${#missing[@]} -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null; then
  echo "This machine has no apt-get; install the like of: ${missing[*]}" >&2
  exit 3
fi
if [ "$(id -u)" != 0 ]; then
  echo "Installing needs root; run: sudo apt-get install --no-install-recommends ${missing[*]}" >&2
  exit 3
fi
echo "Installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
install=(apt-get -qq -o DPkg::Lock::Timeout=300 install --yes --no-install-recommends "${missing[@]}")
"${install[@]}" >/dev/null || { apt-get -qq -o DPkg::Lock::Timeout=300 update && "${install[@]}" >/dev/null; }
