#!/bin/sh
# Builds the Dockerfile as it stands, with `buildah bud`, on a base that stands for node:24-trixie-slim: Debian 13 and Node from $root, npm of
# this machine, and the user that those images have. Run by scripts/test-image.mjs, in the engine's namespaces.
#   root     a folder with Debian and Node
#   base     a folder to write the base's own files into
#   npm      npm's package on this machine
#   context  the checkout
#   revision the commit
set -eu

base_image=localhost/node:24-trixie-slim

tar -C "$root" -c . | podman import --quiet - localhost/plumb-debian >&2
cp -a "$npm" "$base/npm"
# This machine's way to packages: its own authorities, and its registry.
cat "${NODE_EXTRA_CA_CERTS:-/dev/null}" >"$base/authorities.pem"
cat >"$base/Dockerfile" <<EOF
FROM localhost/plumb-debian
COPY npm /usr/lib/node_modules/npm
COPY authorities.pem /etc/ssl/authorities.pem
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/authorities.pem npm_config_registry=$(npm config get registry)
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/bin/npm && groupadd -g 1000 node && useradd -u 1000 -g 1000 -m node
CMD ["node"]
EOF
buildah bud --isolation chroot --format docker --quiet --tag "$base_image" "$base" >&2
# As `docker build` would: the Dockerfile's own .dockerignore says what goes in.
buildah bud --isolation chroot --format docker --build-arg BASE="$base_image" --build-arg REVISION="$revision" --tag localhost/plumb:test "$context" >&2
podman images --format '{{.Repository}}:{{.Tag}} {{.Size}}' localhost/plumb
