# The runner and nothing else: no shell, no libc, no files but the binary, which carries its CA roots.
# scripts/image.sh builds this with whatever is there; `docker build .` alone compiles it inside.

# `build` compiles the binary here; `prebuilt` takes ./semilayer-runner from the build context.
ARG BINARY=build

FROM --platform=$BUILDPLATFORM rust:1.95-slim-bookworm AS build
ARG TARGETARCH=amd64
ARG REVISION=
WORKDIR /src
COPY Cargo.toml Cargo.lock README.md ./
COPY scripts scripts
COPY tests/support tests/support
COPY src src
RUN case $TARGETARCH in \
        amd64) target=x86_64-unknown-linux-musl ;; \
        arm64) target=aarch64-unknown-linux-musl ;; \
        *) echo "no build for $TARGETARCH" >&2; exit 1 ;; \
    esac \
    && SEMILAYER_BUILD_COMMIT=$REVISION scripts/build-static.sh $target \
    && mv target/$target/release/semilayer-runner /semilayer-runner

FROM scratch AS prebuilt
COPY semilayer-runner /semilayer-runner

FROM ${BINARY} AS binary

FROM scratch
ARG VERSION=
ARG REVISION=
LABEL org.opencontainers.image.title="semilayer-runner" \
    org.opencontainers.image.description="A small runner for SemiLayer: one outbound WebSocket, queries on the databases beside it" \
    org.opencontainers.image.licenses="MIT" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}"
COPY --from=binary /semilayer-runner /semilayer-runner
# A number, because there is no /etc/passwd to find a name in; Kubernetes' runAsNonRoot wants one, too.
USER 65532:65532
# Loopback only. Containers that share the host's network need an address each.
ENV SEMILAYER_HEALTH_ADDR=127.0.0.1:9464
# There is no curl in here; the binary asks itself.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["/semilayer-runner", "health", "--ready"]
ENTRYPOINT ["/semilayer-runner"]
CMD ["start"]
