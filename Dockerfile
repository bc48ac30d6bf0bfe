# streamhost serve, behind the XMPP server of your choice:
#
#   docker build --tag streamhost .
#   docker run --env STREAMHOST_SERVICE=xmpp://prosody:5347 --env STREAMHOST_DOMAIN=proxy.example.org \
#     --env STREAMHOST_SECRET --publish 7777:7777 streamhost
#
# Every option of `serve` is an environment variable STREAMHOST_…; flags may follow the image's name. docs/guides tells more.

FROM node:20-bookworm-slim AS build
RUN apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev
WORKDIR /streamhost
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/build-native.js scripts/bundle.js scripts/run.js scripts/
COPY src src
RUN npm run build:native && npm run build && npm prune --omit=dev --ignore-scripts

FROM node:20-bookworm-slim
ENV NODE_ENV=production STREAMHOST_HTTP=127.0.0.1:9477
WORKDIR /streamhost
COPY --from=build /streamhost/package.json ./
COPY --from=build /streamhost/node_modules node_modules
COPY --from=build /streamhost/dist dist
COPY --from=build /streamhost/build build
COPY LICENSE ./
USER node
EXPOSE 7777
HEALTHCHECK --start-period=10s CMD ["node", "-e", \
  "fetch(`http://127.0.0.1:${process.env.STREAMHOST_HTTP.split(':').pop()}/healthz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/streamhost/dist/cli/main.js", "serve"]
