# The portal's image, built in the image: needs nothing but Docker.
#
#   docker build --file image/multi-stage.Dockerfile portal
#
# The context is a Backstage app with yarn 4. What goes in is what
# multi-stage.Dockerfile.dockerignore lets through.
# checkov:skip=CKV_DOCKER_7: tag and digest of the base are NODE_IMAGE's
# checkov:skip=CKV_DOCKER_2: the Deployment's probes decide; Kubernetes ignores a HEALTHCHECK
ARG NODE_IMAGE=node:24.21.0-trixie-slim@sha256:8ec5d7557396cfe32d21c3f9c13072355ceab22b584578ca4bb28af31120cffe

# The yarn release that the app's package.json names.
FROM ${NODE_IMAGE} AS yarn
ENV PATH=/opt/yarn/node_modules/.bin:$PATH \
    YARN_ENABLE_GLOBAL_CACHE=true \
    YARN_ENABLE_TELEMETRY=false \
    YARN_GLOBAL_FOLDER=/var/cache/yarn
WORKDIR /app
COPY package.json ./
RUN npm install --prefix /opt/yarn --no-audit --no-fund --no-update-notifier \
        "@yarnpkg/cli-dist@$(node -p 'require("./package.json").packageManager.match(/^yarn@([^+]+)/)[1]')" \
    && npm cache clean --force

# What decides which packages are installed. A change elsewhere leaves these files as they are, and
# with them the layers of both installs.
FROM ${NODE_IMAGE} AS manifests
WORKDIR /app
COPY . .
RUN find . -type f ! -name package.json ! -name yarn.lock ! -name .yarnrc.yml ! -path './.yarn/*' -delete \
    && find . -type d -empty -delete

# No package's install script runs: a build needs none of them. The cache is a mount, not a layer.
FROM yarn AS installed
COPY --from=manifests /app ./
# hadolint ignore=DL3060
RUN --mount=type=cache,id=yarn,target=/var/cache/yarn,sharing=locked \
    yarn install --immutable --mode=skip-build

# What the frontend can be built from: a change in the backend leaves it as it is, and with it the
# layer of that build, the longest.
FROM ${NODE_IMAGE} AS frontend-sources
WORKDIR /app
COPY . .
RUN for package in packages/* plugins/*; do \
        case "$(node -p "require('./$package/package.json').backstage?.role" 2>/dev/null)" in \
            backend*|node-library) rm -rf "$package/src" ;; \
        esac; \
    done

# Every bundled frontend, and a manifest that says there is nothing left to build.
FROM installed AS frontend
COPY --from=frontend-sources /app ./
RUN mkdir /frontend \
    && for package in packages/*; do \
        if [ "$(node -p "require('./$package/package.json').backstage?.role")" = frontend ]; then \
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
# Then what only a compiler or a reader wants is removed: source maps, TypeScript (but for the
# declarations of configuration and the compiler's own library, which Backstage reads at its
# start), documentation, tests and examples, add-ons for other runtimes.
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

# docker build --target techdocs: with mkdocs, for `techdocs.builder: local`. Debian's release is the
# base image's, so that no version of a package is named here.
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
