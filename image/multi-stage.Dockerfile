# Builds the portal's image entirely in Docker.
#
#   docker build --file image/multi-stage.Dockerfile portal
#
# The context is a Backstage app with Yarn 4; multi-stage.Dockerfile.dockerignore limits what is sent.
# checkov:skip=CKV_DOCKER_7: NODE_IMAGE pins the base's tag and digest
# checkov:skip=CKV_DOCKER_2: Kubernetes ignores HEALTHCHECK; the Deployment has probes
ARG NODE_IMAGE=node:24.21.0-trixie-slim@sha256:8ec5d7557396cfe32d21c3f9c13072355ceab22b584578ca4bb28af31120cffe

# The Yarn release that the app's package.json names.
FROM ${NODE_IMAGE} AS yarn
# Install scripts of native modules compile, or download from outside the package registry.
ENV PATH=/opt/yarn/node_modules/.bin:$PATH \
    YARN_ENABLE_GLOBAL_CACHE=true \
    YARN_ENABLE_SCRIPTS=false \
    YARN_ENABLE_TELEMETRY=false \
    YARN_GLOBAL_FOLDER=/var/cache/yarn
WORKDIR /app
COPY package.json ./
RUN npm install --prefix /opt/yarn --no-audit --no-fund --no-update-notifier \
        "@yarnpkg/cli-dist@$(node -p 'require("./package.json").packageManager.match(/^yarn@([^+]+)/)[1]')" \
    && npm cache clean --force

# Only the files that decide which packages are installed, so any other change reuses the layers of
# both installs.
FROM ${NODE_IMAGE} AS manifests
WORKDIR /app
COPY . .
RUN find . -type f ! -name package.json ! -name yarn.lock ! -name .yarnrc.yml ! -path './.yarn/*' -delete \
    && find . -type d -empty -delete

FROM yarn AS installed
COPY --from=manifests /app ./
# hadolint ignore=DL3060
RUN --mount=type=cache,id=yarn,target=/var/cache/yarn,sharing=locked \
    yarn install --immutable --mode=skip-build

# Without the backend's sources, so a change there reuses the layer of the frontend build, the slowest.
FROM ${NODE_IMAGE} AS frontend-sources
WORKDIR /app
COPY . .
RUN for manifest in packages/*/package.json plugins/*/package.json; do \
        case "$([ ! -f "$manifest" ] || node -p "require('./$manifest').backstage?.role")" in \
            backend*|node-library) rm -rf "$(dirname "$manifest")/src" ;; \
        esac; \
    done

# Every built frontend, with a manifest whose build script does nothing: the backend's build runs it.
FROM installed AS frontend
COPY --from=frontend-sources /app ./
RUN mkdir /frontend \
    && for manifest in packages/*/package.json; do \
        package="$(dirname "$manifest")"; \
        if [ "$(node -p "require('./$manifest').backstage?.role")" = frontend ]; then \
            yarn --cwd "$package" build || exit 1; \
            mkdir -p "/frontend/$package"; \
            mv "$package/dist" "/frontend/$package/dist"; \
            cp "$package/package.json" "/frontend/$package/package.json"; \
            npm pkg set --prefix "/frontend/$package" scripts.build=true; \
        fi; \
    done

FROM installed AS build
COPY . .
COPY --from=frontend /frontend ./
RUN yarn --cwd packages/backend build \
    && mkdir /bundle \
    && tar xzf packages/backend/dist/bundle.tar.gz -C /bundle \
    && rm /bundle/yarn.lock \
    && find /bundle -name '*.map' -delete

FROM yarn AS production
COPY --from=manifests /app ./
# Removes what the backend doesn't load: source maps, TypeScript, documentation, tests, examples and
# add-ons for other runtimes. It reads config.d.ts and TypeScript's own library when it starts.
RUN --mount=type=cache,id=yarn,target=/var/cache/yarn,sharing=locked \
    yarn workspaces focus "$(node -p 'require("./packages/backend/package.json").name')" --production \
    && rm -rf .yarn .yarnrc.yml yarn.lock node_modules/.yarn-state.yml \
    && find . -path '*/node_modules/*' -type f \
        '(' -name '*.map' -o -name '*.md' -o -name '*.markdown' -o -name '*.flow' -o -name '*.bare' \
        -o -name '*.tsbuildinfo' -o -name '*.ts' -o -name '*.mts' -o -name '*.cts' -o -name '*.tsx' ')' \
        ! -name config.d.ts ! -path '*/typescript/lib/lib.*' -delete \
    && find . -path '*/node_modules/*' -type d \
        '(' -name test -o -name tests -o -name __tests__ -o -name example -o -name examples \
        -o -name benchmark -o -name benchmarks -o -name coverage -o -name .github ')' \
        -exec test -f '{}/../package.json' ';' -prune -exec rm -rf '{}' + \
    && find . -type d -empty -delete

FROM ${NODE_IMAGE} AS runtime
ENV NODE_ENV=production \
    NODE_OPTIONS="--max-old-space-size-percentage=75"
WORKDIR /app
COPY --from=production /app ./
COPY --from=build /bundle ./
COPY backstage.json app-config.yaml ./
USER 10001:10001
ENTRYPOINT []
CMD ["node", "packages/backend", "--config", "app-config.yaml"]
ARG REVISION=unknown
ARG SOURCE=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="Backstage portal" \
      org.opencontainers.image.revision=$REVISION \
      org.opencontainers.image.source=$SOURCE \
      org.opencontainers.image.created=$CREATED

# docker build --target techdocs: adds mkdocs, for `techdocs.builder: local`. Debian packages follow the
# base image's release, so no version is pinned.
FROM runtime AS techdocs
USER 0
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3-venv \
    && rm -rf /var/lib/apt/lists/* \
    && python3 -m venv /opt/mkdocs \
    && /opt/mkdocs/bin/pip install --no-cache-dir mkdocs-techdocs-core==1.7.1
ENV PATH=/opt/mkdocs/bin:$PATH
USER 10001:10001

FROM runtime AS portal
