# The "host" of the stock image: create-app's template, built as its Dockerfile says.
# `yarn up` moves its packages to one release line, because create-app needs a download from outside the
# package registry to do so. Install scripts stay off, because they download or compile.
ARG NODE_IMAGE
FROM ${NODE_IMAGE}
ARG CREATE_APP
ENV YARN_ENABLE_TELEMETRY=false GIT_AUTHOR_NAME=b GIT_AUTHOR_EMAIL=b@example.com \
    GIT_COMMITTER_NAME=b GIT_COMMITTER_EMAIL=b@example.com
WORKDIR /stock
RUN echo stock | npx --yes "@backstage/create-app@${CREATE_APP}" --skip-install --path /stock/app
WORKDIR /stock/app
RUN echo "enableScripts: false" >> .yarnrc.yml \
    && yarn up '@backstage/*' --mode=update-lockfile >/tmp/up.log 2>&1 || { tail -20 /tmp/up.log; exit 1; } \
    && yarn cache clean
# Each step prints its duration for the benchmark's table.
RUN start=$(date +%s) && yarn install >/tmp/install.log 2>&1 || { tail -20 /tmp/install.log; exit 1; } \
    && echo "seconds of install: $(($(date +%s) - start))"
RUN start=$(date +%s) && yarn tsc && echo "seconds of tsc: $(($(date +%s) - start))"
RUN start=$(date +%s) && yarn build:backend >/tmp/build.log 2>&1 || { tail -20 /tmp/build.log; exit 1; } \
    && echo "seconds of bundle: $(($(date +%s) - start))"
