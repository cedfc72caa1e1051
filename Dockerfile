# uWebSockets.js's binaries for Node 22 and newer need glibc 2.38: Debian 13 has it, Debian 12 does not.
ARG BASE=node:24-trixie-slim

FROM ${BASE} AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY . .
# What the image holds is decided there, and tested without a container: `npm run stage:check`, `npm run test:image`.
RUN npm run stage -- /stage

FROM ${BASE}
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Plumb" \
      org.opencontainers.image.description="An online inference server that is true to training, on time and safe to change" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="${REVISION}"
# ONNX Runtime would write an identifier into the home folder and report to its maker.
ENV NODE_ENV=production PLUMB_HOST=0.0.0.0 ORT_DISABLE_TELEMETRY=1
WORKDIR /app
COPY --from=build /stage ./
# By number, so that Kubernetes' runAsNonRoot can tell. All of /app is root's: the server can't write there, nor does it anywhere else.
USER 1000:1000
# The admin listener stays on loopback unless PLUMB_ADMIN_HOST says otherwise: whoever reaches it sees everything.
EXPOSE 8080 8082
STOPSIGNAL SIGTERM
# Asks the server of the same environment and config file; settings given as flags it doesn't see. A quarter of a second of processor time each.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 CMD ["node", "bin/plumb.js", "health"]
# No shell between: SIGTERM reaches the server itself, which drains.
ENTRYPOINT ["node", "bin/plumb.js"]
CMD ["serve"]
