import {
  coreServices,
  createBackendFeatureLoader,
  type BackendFeature,
} from '@backstage/backend-plugin-api';
import type { Config } from '@backstage/config';

type Load = () => Promise<{ default: BackendFeature }>;

const GITHUB_WEBHOOKS = 'events.modules.github.webhookSecret';
const GITLAB_WEBHOOKS = 'events.modules.gitlab.webhookSecret';

/**
 * What each needs to be configured, one of several keys. Without a webhook's secret there is no
 * events backend: a topic in events.http.topics alone would be a path that anyone may post to.
 */
const FEATURES: [string[], Load][] = [
  [
    ['catalog.providers.github'],
    () => import('@backstage/plugin-catalog-backend-module-github'),
  ],
  [
    ['catalog.providers.githubOrg'],
    () => import('@backstage/plugin-catalog-backend-module-github-org'),
  ],
  [
    ['catalog.providers.gitlab'],
    () => import('@backstage/plugin-catalog-backend-module-gitlab'),
  ],
  [
    ['catalog.providers.gitlab'],
    () => import('@backstage/plugin-catalog-backend-module-gitlab-org'),
  ],
  [
    [GITHUB_WEBHOOKS, GITLAB_WEBHOOKS],
    () => import('@backstage/plugin-events-backend'),
  ],
  [
    [GITHUB_WEBHOOKS],
    () => import('@backstage/plugin-events-backend-module-github'),
  ],
  [
    [GITLAB_WEBHOOKS],
    () => import('@backstage/plugin-events-backend-module-gitlab'),
  ],
  [
    ['scaffolder.taskRecovery.workspaceProvider'],
    () =>
      import('@backstage/plugin-scaffolder-backend-module-workspace-database'),
  ],
];

/** What the configuration needs. */
export const configured = (config: Config): Load[] =>
  FEATURES.filter(([keys]) => keys.some(key => config.has(key))).map(
    ([, load]) => load,
  );

/** Loads what is configured: loading a module slows the start and takes memory. */
export default createBackendFeatureLoader({
  deps: { config: coreServices.rootConfig },
  loader: ({ config }) => configured(config).map(load => load()),
});
