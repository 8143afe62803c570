# Builds the portal's image entirely in Docker.
#
#   docker build --file image/multi-stage.Dockerfile portal
#
# The context is a Backstage app with Yarn 4; multi-stage.Dockerfile.dockerignore limits what is sent.
# checkov:skip=CKV_DOCKER_7: NODE_IMAGE pins the base's tag and digest
# checkov:skip=CKV_DOCKER_2: Kubernetes ignores HEALTHCHECK; the Deployment has probes
ARG NODE_IMAGE=node:24.21.0-trixie-slim@sha256:8ec5d7557396cfe32d21c3f9c13072355ceab22b584578ca4bb28af31120cffe

# The Yarn release that the app's package.json names, checked against the hash there, if it has one.
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
    && npm cache clean --force \
    && node -e 'const hash = require("./package.json").packageManager.split("+sha512.")[1]; \
        const yarn = require("fs").readFileSync("/opt/yarn/node_modules/@yarnpkg/cli-dist/bin/yarn.js"); \
        if (hash && hash !== require("crypto").createHash("sha512").update(yarn).digest("hex")) \
            throw new Error("this yarn has another hash than the one in package.json")'

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
# base image's release, so no version is pinned. `make lock` writes the hashes of the Python packages.
FROM runtime AS techdocs
USER 0
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3-venv \
    && rm -rf /var/lib/apt/lists/* \
    && python3 -m venv /opt/mkdocs
RUN printf '%s\n' \
        'babel==2.19.0 --hash=sha256:6d49734aed1d595b2c065d012174df8c83964692f26fc461702281634dd7555b' \
        'backrefs==8.3.1 --hash=sha256:5e3fec5e2d2405da135c8b480df12005e2245500c12a60ffd3f496e4acb7cd79' \
        'certifi==2026.10.19.post1 --hash=sha256:1324c476b4811eff41a8bc2122cd0bbd4d9c7234c725446d99ab1612b3a7fdd2' \
        'charset-normalizer==3.5.3 --hash=sha256:656b9744bac4493561d28b56d7d646afd7a8471254ef7004d849aa8368020037 --hash=sha256:fd0341b9dea133d187d7c5a2cd7e21ae6449a7b68ea8c2454f9cf77def11ec1b' \
        'click==8.5.1 --hash=sha256:8bb5376d2006950386f8c6427613334a2acadc5f559cb80e638d00b4df957e37' \
        'colorama==0.4.6 --hash=sha256:4f1d9991f5acc0ca119f9d443620b77f9d6b33703e51011c16baf57afb285fc6' \
        'ghp-import==2.1.0 --hash=sha256:8337dd7b50877f163d4c0289bc1f1c7f127550241988d568c1db512c4324a619' \
        'idna==3.20 --hash=sha256:ab7ae7122974553370f0bdb919e1a960b2cd1bc1ef0276416d896db81c14582c' \
        'jinja2==3.1.6 --hash=sha256:85ece4451f492d0c13c5dd7c13a64681a86afae63a5f347908daf103ce6d2f67' \
        'markdown==3.10.3 --hash=sha256:fa6c92a00a4a3c98b22728c64a935ae1928250ae65058a6ded814d2cc29a4cea' \
        'markdown_graphviz_inline==1.1.3 --hash=sha256:3571f7da594533b6c2c9ef08a6ce582396b64f778e47ac3678f00e75b2652909' \
        'markupsafe==3.0.4 --hash=sha256:434139499bb20b502ed3baa1f169e618f924a97e7a777fea1a49446d80106cf6 --hash=sha256:7018d4af1cd272e847aa5917983ab5e83e4f6579f9dbfecd4a79c0ca80b144c2' \
        'mdx-truly-sane-lists==1.3 --hash=sha256:b9546a4c40ff8f1ab692f77cee4b6bfe8ddf9cccf23f0a24e71f3716fe290a37' \
        'mergedeep==1.3.4 --hash=sha256:70775750742b25c0d8f36c55aed03d24c3384d17c951b3175d898bd778ef0307' \
        'mkdocs-get-deps==0.2.2 --hash=sha256:e7878cbeac04860b8b5e0ca31d3abad3df9411a75a32cde82f8e44b6c16ff650' \
        'mkdocs-github-admonitions-plugin==0.1.1 --hash=sha256:824dc821764171943c1043c88218d4af0329693870ba9be657f890d484a0aa85' \
        'mkdocs-material-extensions==1.3.1 --hash=sha256:adff8b62700b25cb77b53358dad940f3ef973dd6db797907c49e3c2ef3ab4e31' \
        'mkdocs-material==9.7.7 --hash=sha256:8ea9bb1737a5b524a5f9dcf2e1b4ebda8274ae3008aa7845720a97083bef708f' \
        'mkdocs-monorepo-plugin==1.1.2 --hash=sha256:4b917bc224b89e34e1736bb31ad5ae9deb0a907da879e03bb9454b41fb8b1cac' \
        'mkdocs-redirects==1.2.3 --hash=sha256:ec7312fff462d03ec16395d0c001006a418f8d0c21cdf2b47ff11cf839dc3ce0' \
        'mkdocs-techdocs-core==1.7.1 --hash=sha256:6fb29ff01608ea7652af2f93d4ac559f33a498bbcced36cc11c7b3024973fb67' \
        'mkdocs==1.6.1 --hash=sha256:db91759624d1647f3f34aa0c3f327dd2601beae39a366d6e064c03468d35c20e' \
        'packaging==26.4 --hash=sha256:81383611a09c1bc0b08b76e0fd5829d7c6824c65b27a6aee339da133f4233ea2' \
        'paginate==0.5.7 --hash=sha256:b885e2af73abcf01d9559fd5216b57ef722f8c42affbb63942377668e35c7591' \
        'pathspec==1.1.1 --hash=sha256:a00ce642f577bf7f473932318056212bc4f8bfdf53128c78bbd5af0b9b20b189' \
        'plantuml-markdown==3.11.2 --hash=sha256:45eb97fed669cc23c90593ae1d42122809bfc3693970a6edb0004c0dc20cde27' \
        'platformdirs==4.14.8 --hash=sha256:1e34af590de4d978631b751eb2202f2fee4497537a17c1720b12fcf57b331392' \
        'properdocs==1.6.7 --hash=sha256:6fa0cfa2e01bf338f684892c8a506cf70ea88ae7f3479c933b6fa20168101cbd' \
        'pygments==2.21.0 --hash=sha256:2363c69b61c4a97c838da3b130dcd6468f4848992b21a82f2a63ec34377137d9' \
        'pymdown-extensions==11.0.1 --hash=sha256:db3943a62bab7e03af1364f0c4083e64b91fb097675a4b6cceccfbe9a77e5eb2' \
        'python-dateutil==4.0.0 --hash=sha256:a5e246f79eb80475e691bf93862cead98decd8a498cf53ba0516fcdc0f50dc1c' \
        'python-slugify==9.2.0 --hash=sha256:7298dcfc65e9ccdf834b3c398f163af0d09a9a8fc1ee6a7b2dffd8d38bfb756e' \
        'pyyaml==6.0.4 --hash=sha256:41b4669c3a8fd5750e594dff59d3e62d40e321fec467b50449603710ed0a68f3 --hash=sha256:50588147ab2c6a59b5f990a4905db80899a6c2bd197e046a6201f1e67587e794' \
        'pyyaml_env_tag==1.1 --hash=sha256:17109e1a528561e32f026364712fee1264bc2ea6715120891174ed1b980d2e04' \
        'requests==2.34.2 --hash=sha256:2a0d60c172f83ac6ab31e4554906c0f3b3588d37b5cb939b1c061f4907e278e0' \
        'text-unidecode==1.3 --hash=sha256:1311f10e8b895935241623731c2ba64f4c455287888b18189350b67134a822e8' \
        'tzdata==2026.6 --hash=sha256:0a10eec6e13ef16b627fabed9a5f2ba61a62b1c67f327305f4e7e412a70b4aec' \
        'urllib3==2.8.0 --hash=sha256:0cf3cae568d36aa9576b28dfb35f11328f1cb974ca7647d9475ebb86c75ac6e3' \
        'watchdog==7.1.0 --hash=sha256:48db8dd8f9f92359ca5d4bccbd82be814facc3f57feaa3c67be964cc86b1dc33 --hash=sha256:ad6d0b473cb8cde0721692b22b30fcbea8b52102430528874b3593549888bd81' \
        > /tmp/mkdocs.txt \
    && /opt/mkdocs/bin/pip install --no-cache-dir --no-deps --only-binary=:all: --require-hashes --requirement=/tmp/mkdocs.txt \
    && rm /tmp/mkdocs.txt
ENV PATH=/opt/mkdocs/bin:$PATH
USER 10001:10001

FROM runtime AS portal
