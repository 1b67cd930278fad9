# Which container tool there is, and how to call it. Sourced after common.sh, never run.

# container_tool: sets CONTAINER to the command and its global flags. False when there is none.
container_tool() {
    if have docker && docker info >/dev/null 2>&1; then
        CONTAINER=(docker)
    elif have podman; then
        CONTAINER=(podman)
    elif have buildah; then
        CONTAINER=(buildah)
    else
        return 1
    fi
    # Where no systemd runs, as inside another container, neither its cgroups nor overlays can be had.
    if [ "${CONTAINER[0]}" != docker ] && [ ! -d /run/systemd/system ]; then
        CONTAINER+=(--storage-driver=vfs)
        [ "${CONTAINER[0]}" = buildah ] || CONTAINER+=(--cgroup-manager=cgroupfs --runtime runc)
    fi
}
