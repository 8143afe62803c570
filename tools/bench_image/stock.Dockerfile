# What `npx @backstage/create-app` makes, built as its README says; the build "host" of the stock
# image. Left out is better-sqlite3, which has to be compiled where no ready-made binary is to be had.
ARG NODE_IMAGE
FROM ${NODE_IMAGE}
ARG CREATE_APP
ARG YARN
ENV YARN_ENABLE_TELEMETRY=false GIT_AUTHOR_NAME=b GIT_AUTHOR_EMAIL=b@example.com \
    GIT_COMMITTER_NAME=b GIT_COMMITTER_EMAIL=b@example.com
WORKDIR /stock
RUN echo stock | npx --yes "@backstage/create-app@${CREATE_APP}" --skip-install --path /stock/app
WORKDIR /stock/app
RUN npm pack --silent "@yarnpkg/cli-dist@${YARN}" --pack-destination /tmp \
    && mkdir -p .yarn/releases \
    && tar xzf /tmp/yarnpkg-cli-dist-*.tgz -C /tmp \
    && cp /tmp/package/bin/yarn.js ".yarn/releases/yarn-${YARN}.cjs" \
    && sed -i 's/npmMinimalAgeGate: .*/npmMinimalAgeGate: 60d/' .yarnrc.yml \
    && npm pkg delete --prefix packages/backend dependencies.better-sqlite3 \
    && npm pkg set resolutions.got=^11.8.6 \
    && npm pkg set "packageManager=yarn@${YARN}"
# Each step says how long it took, for the benchmark's table.
RUN start=$(date +%s) && yarn install >/tmp/install.log 2>&1 || { tail -20 /tmp/install.log; exit 1; } \
    && echo "seconds of install: $(($(date +%s) - start))"
RUN start=$(date +%s) && yarn tsc && echo "seconds of tsc: $(($(date +%s) - start))"
RUN start=$(date +%s) && yarn build:backend >/tmp/build.log 2>&1 || { tail -20 /tmp/build.log; exit 1; } \
    && echo "seconds of bundle: $(($(date +%s) - start))"
