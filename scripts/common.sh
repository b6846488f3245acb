# What the scripts share; sourced, never run. Bash 3.2 (macOS) is enough.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
ROOT=$PWD
TOOLS=$ROOT/.tools

have() { command -v "$1" >/dev/null 2>&1; }
say() { printf '%s\n' "$@" >&2; }

# die MESSAGE [HINT]: one line of cause, one of remedy.
die() {
    say "error: $1"
    [ -z "${2:-}" ] || say "hint: $2"
    exit 1
}

# die_with_log MESSAGE FILE: the end of the log usually says why.
die_with_log() {
    tail -n 8 "$2" >&2 || true
    die "$1" "the whole log is in ${2#"$ROOT/"}"
}

# The comment block at the top of the calling script is its help text.
help_and_exit() {
    sed -n '2,/^[^#]/{/^#/s/^# \{0,1\}//p;}' "$1"
    exit 0
}

# step TEXT COMMAND...: says what starts and, if it took a while, how long it took. The command does not see the locks'
# descriptors: a daemon it leaves behind (a compiler cache, say) would hold them.
step() {
    local text=$1 start=$SECONDS
    shift
    say "$text"
    "$@" 7>&- 8>&- || return
    [ $((SECONDS - start)) -lt 3 ] || say "  done in $((SECONDS - start)) s"
}

# The version of crate $1 in Cargo.lock.
locked_version() {
    awk -v name="name = \"$1\"" '$0 == name { getline; gsub(/version = |"/, ""); print; exit }' Cargo.lock
}

# lock NAME FD: waits for the lock and holds it, through file descriptor FD (7 or 8), until the script ends in any way.
lock() {
    local name=$1 fd=$2
    mkdir -p "$TOOLS"
    eval "exec $fd>'$TOOLS/$name.lock'"
    if have flock; then
        flock "$fd"
    else
        perl -e 'open(my $f, ">&=", $ARGV[0]) && flock($f, 2) or die "lock: $!\n"' "$fd"
    fi
}

# Node 24 of package-lock.json comes before the machine's.
node_env() { export PATH="$ROOT/node_modules/.bin:$PATH"; }

# What wasm builds need, on top of the user's own toolchain. Where setup had to bring a compiler of its own (.tools/rust),
# it serves wasm alone: host builds never call this. The target directory is separate because two compilers may share it badly.
wasm_env() {
    node_env
    export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$ROOT/target}/wasm
    export PATH="$TOOLS/bin:$PATH"
    if [ -x "$TOOLS/rust/bin/rustc" ]; then
        export PATH="$TOOLS/rust/bin:$PATH" RUSTC="$TOOLS/rust/bin/rustc" RUSTDOC="$TOOLS/rust/bin/rustdoc"
    fi
    export CARGO_PROFILE_DEV_DEBUG=0 # nothing here reads it, and it doubles the time to compile the tests
    export WASM_BINDGEN_BIN="$TOOLS/bin/wasm-bindgen"
    export WASM_OPT_BIN="$ROOT/node_modules/.bin/wasm-opt"
    export ESBUILD_BIN="$ROOT/node_modules/.bin/esbuild"
    export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER="$TOOLS/bin/wasm-bindgen-test-runner"
}
