# Which tests somebody means. Sourced after common.sh, never run.

# A behaviour is a module in a group of tests that links once: tests/jobs/cancel.rs is the module `cancel` of the
# group `jobs`. `--test cancel` selects it as if it stood alone.

# select_tests ARGUMENT...: sorts the arguments of test.sh into
#   CARGO     what cargo gets
#   HARNESS   what stands after `--`
#   GROUPS_   `--test GROUP` for each group of a module that is named
#   MODULES   what the modules' tests are called: `cancel::`, or `cancel::NAME` for `--test cancel NAME`
#   SOURCES   the files that hold the selected tests; empty when everything is selected
select_tests() {
    CARGO=() HARNESS=() GROUPS_=() MODULES=() SOURCES=()
    local name file found
    while [ $# -gt 0 ]; do
        case $1 in
        --)
            shift
            HARNESS=("$@")
            return
            ;;
        --test=*)
            name=${1#--test=}
            shift
            set -- --test "$name" "$@"
            ;;
        --test)
            name=${2:?which test?}
            shift 2
            found=
            for file in tests/"$name".rs tests/"$name" tests/support/tests/"$name".rs; do
                [ -f "$file" ] || [ -f "$file/main.rs" ] || continue
                SOURCES+=("$file")
                found=1
            done
            file=$(find tests -mindepth 2 -maxdepth 2 -name "$name.rs" -print -quit)
            if [ -n "$found" ] || [ ! -f "${file%/*}/main.rs" ]; then
                CARGO+=(--test "$name")
                continue
            fi
            SOURCES+=("$file")
            file=${file%/*}
            [[ " ${GROUPS_[*]} " == *" ${file##*/} "* ]] || GROUPS_+=(--test "${file##*/}")
            if [ $# -gt 0 ] && [[ $1 != -* ]]; then
                MODULES+=("$name::$1")
                shift
            else
                MODULES+=("$name::")
            fi
            ;;
        *)
            CARGO+=("$1")
            shift
            ;;
        esac
    done
}

# wants PATTERN: true when all tests are selected, or one whose source holds this.
wants() {
    [ ${#SOURCES[@]} = 0 ] || grep -rqE "$1" "${SOURCES[@]}"
}
