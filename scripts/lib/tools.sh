# Build tools that no distribution is sure to have, each in a fixed version, in target/tools where the
# machine has none of its own; RUNNER_TOOLS is another place for them. Sourced after common.sh, never run.

TOOLS=${RUNNER_TOOLS:-$(target_dir)/tools}
PATH=$TOOLS/bin:$PATH

# cargo_tool NAME VERSION: a subcommand of cargo.
cargo_tool() {
    have "$1" || {
        say "building $1 $2"
        # Unoptimised and for no debugger, which compiles in half the time. Its own target folder and flags, so that
        # nothing of this project's build gets into it.
        env -u CARGO_ENCODED_RUSTFLAGS -u RUSTFLAGS CARGO_TARGET_DIR="$TOOLS/build" CARGO_PROFILE_DEV_DEBUG=0 \
            cargo install --quiet --locked --debug --root "$TOOLS" --version "$2" "$1" >&2
    } || lacks "$1 is missing: cargo install --locked --version $2 $1"
}

# python_tool FOLDER PACKAGE==VERSION...: Python packages in TOOLS/FOLDER. False when they cannot be had.
python_tool() {
    local folder=$TOOLS/$1
    shift
    [ -e "$folder/installed" ] || {
        say "installing $*"
        { python3 -m venv "$folder" || { install_packages python3-venv && python3 -m venv "$folder"; }; } >&2 &&
            "$folder/bin/pip" install --quiet --disable-pip-version-check "$@" >&2 &&
            touch "$folder/installed"
    }
}

# zig_tools: zig as a C compiler and linker for another architecture, and the cargo subcommand that uses it.
zig_tools() {
    { have cargo-zigbuild && { have zig || have python-zig; }; } || {
        python_tool zig ziglang==0.17.1 cargo-zigbuild==0.24.0 &&
            mkdir -p "$TOOLS/bin" &&
            ln -sf ../zig/bin/cargo-zigbuild "$TOOLS/bin/cargo-zigbuild" &&
            ln -sf ../zig/bin/python-zig "$TOOLS/bin/zig"
    } || lacks "zig and cargo-zigbuild are missing: pip install ziglang cargo-zigbuild"
}
