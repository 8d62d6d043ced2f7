#!/usr/bin/env bash
# Prints the path of a gitops-action binary for this runner: the one the user named, the released one when
# its SHA-256 is in checksums.txt beside this script, else one built from this very source.
# A binary with a wrong checksum is never run.
set -euo pipefail

fail() {
  printf 'error: %s\n' "$1" >&2
  [ "${GITHUB_ACTIONS:-}" != true ] || printf '::error title=gitops-action::%s\n' "$1" >&2
  exit 1
}

sha256() {
  if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}

source_dir="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

if [ -n "${GITOPS_BIN_PATH:-}" ]; then
  if [ ! -f "$GITOPS_BIN_PATH" ] || [ ! -x "$GITOPS_BIN_PATH" ]; then
    fail "bin-path: $GITOPS_BIN_PATH is not an executable file"
  fi
  printf '%s\n' "$GITOPS_BIN_PATH"
  exit
fi

case "${RUNNER_OS:-$(uname -s)}" in
  Linux) os=linux exe='' ;;
  macOS | Darwin) os=darwin exe='' ;;
  Windows | MINGW* | MSYS*) os=windows exe=.exe ;;
  *) fail "no binary for the operating system ${RUNNER_OS:-$(uname -s)}" ;;
esac
case "${RUNNER_ARCH:-$(uname -m)}" in
  X64 | x86_64 | amd64) arch=amd64 ;;
  ARM64 | arm64 | aarch64) arch=arm64 ;;
  *) arch=other ;;
esac

# checksums.txt has one line for each file of the release: SHA-256, two spaces, gitops-action_VERSION_OS_ARCH.
sum='' file=''
while read -r a b; do
  case "$b" in gitops-action_*_"${os}_${arch}${exe}") sum="$a" file="$b" ;; esac
done <"$source_dir/action/checksums.txt"

if [ -n "$sum" ]; then
  rest="${file#gitops-action_}"
  version="${rest%%_*}"
  dir="${RUNNER_TOOL_CACHE:-${RUNNER_TEMP:-/tmp}}/gitops-action/$version/$arch"
  bin="$dir/gitops-action$exe"
  if [ ! -f "$bin" ]; then
    mkdir -p "$dir"
    part="$(mktemp "$dir/part.XXXXXX")"
    trap 'rm -f "$part"' EXIT
    curl --fail --silent --show-error --location --retry 3 --output "$part" \
      "${GITOPS_DOWNLOAD_URL:-https://github.com/kubectl-gitops/kubectl-gitops/releases/download}/v$version/$file" ||
      fail "could not download $file; on a runner without internet access use bin-path"
    [ "$(sha256 "$part")" = "$sum" ] || fail "$file has the wrong SHA-256: it is not the released file, and was not run"
    chmod 755 "$part"
    mv "$part" "$bin"
  fi
  # Checked on every run: a tool cache may be shared, or restored from elsewhere.
  [ "$(sha256 "$bin")" = "$sum" ] || fail "$bin has the wrong SHA-256 and was not run; delete it"
  printf '%s\n' "$bin"
  exit
fi

command -v go >/dev/null || fail "no released binary for $os/$arch in this version and no Go to build one: add actions/setup-go before this step, or use bin-path"
bin="${RUNNER_TEMP:-$(mktemp -d)}/gitops-action$exe"
CGO_ENABLED=0 go build -C "$source_dir" -buildvcs=false -trimpath -ldflags '-s -w' -o "$bin" ./cmd/gitops-action >&2 ||
  fail "building gitops-action failed"
printf '%s\n' "$bin"
