# The image of lcp-provider:   docker build -t lcp-provider .
# How to run it beside Ollama and lnd: deploy/README.md. A pinned base: --build-arg NODE_IMAGE=node:24-bookworm-slim@sha256:…
ARG NODE_IMAGE=node:24-bookworm-slim

# Everything the lock file names. No dependency needs its install script, so none is run.
FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --no-audit --no-fund

FROM dependencies AS build
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/run.mjs scripts/
COPY src src
RUN npm run build

# What runs, without what Node never loads: types, maps, documents, tests, and the tokenizer's vocabularies in a second form. Licenses stay.
FROM dependencies AS production
RUN npm prune --omit=dev --ignore-scripts --no-audit --no-fund \
 && find node_modules -type f ! -iname '*licen[cs]e*' ! -iname '*notice*' ! -iname '*copying*' \
      \( -name '*.ts' -o -name '*.mts' -o -name '*.cts' -o -name '*.map' -o -name '*.md' -o -name '*.tiktoken' \) -delete \
 && find node_modules -type d \( -name test -o -name tests -o -name __tests__ \) -prune -exec rm -rf {} + \
 && find node_modules -depth -type d -empty -delete
# Rights as they must be, whatever the umask of the machine that builds.
COPY bin bin
COPY pricing pricing
COPY config.example.yaml config.schema.json ./
RUN chmod -R u=rwX,go=rX . && chmod 0755 bin/lcp-provider.mjs

FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="lcp-provider" \
      org.opencontainers.image.description="Sells LLM inference to Lightning peers, by the Lightning Compute Protocol" \
      org.opencontainers.image.licenses="MIT"
# LCP_HEALTH_URL: what the health check asks; change it together with health.listen in the configuration.
ENV NODE_ENV=production \
    LCP_HEALTH_URL=http://127.0.0.1:9737/healthz
RUN install -d -m 0700 -o node -g node /data && install -d /config
WORKDIR /app
# From what changes seldom to what changes often.
COPY --from=production /app/node_modules node_modules
COPY --from=production /app/package.json /app/config.example.yaml /app/config.schema.json ./
COPY --from=production /app/bin bin
COPY --from=production /app/pricing pricing
COPY --from=build /app/dist dist
USER node
VOLUME /data
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch(process.env.LCP_HEALTH_URL, { signal: AbortSignal.timeout(4000) }).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/bin/lcp-provider.mjs"]
CMD ["serve", "--config", "/config/config.yaml"]
