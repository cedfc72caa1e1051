# uWebSockets.js's binaries for Node 22 and newer need glibc 2.38: Debian 13 has it, Debian 12 does not.
ARG BASE=node:24-trixie-slim

FROM ${BASE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY . .
RUN npm run build

FROM ${BASE} AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --omit=dev
COPY scripts scripts
RUN node scripts/prune-natives.mjs

FROM ${BASE}
# ONNX Runtime would write an identifier into the home folder and report to its maker.
ENV NODE_ENV=production PLUMB_HOST=0.0.0.0 ORT_DISABLE_TELEMETRY=1
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json LICENSE ./
COPY bin bin
COPY models models
# The image's own unprivileged user. Nothing under /app is written to: the container may run read-only.
USER node
# The admin listener stays on loopback unless PLUMB_ADMIN_HOST says otherwise: whoever reaches it sees everything.
EXPOSE 8080 8082
ENTRYPOINT ["node", "bin/plumb.js"]
CMD ["serve"]
