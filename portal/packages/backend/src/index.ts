// First, so that Backstage's meters find the metrics exporter.
import { start } from '@internal/backend-start';
import { createBackend } from '@backstage/backend-defaults';
import {
  coreServices,
  createBackendFeatureLoader,
  type BackendFeature,
} from '@backstage/backend-plugin-api';

/** Loads a feature only if `key` is configured: loading it slows the start and takes memory. */
const ifConfigured = (
  key: string,
  feature: () => Promise<{ default: BackendFeature }>,
) =>
  createBackendFeatureLoader({
    deps: { config: coreServices.rootConfig },
    *loader({ config }) {
      if (config.has(key)) {
        yield feature();
      }
    },
  });

const backend = createBackend();

backend.add(import('@internal/audit'));

backend.add(import('@backstage/plugin-app-backend'));
backend.add(import('@backstage/plugin-proxy-backend'));

backend.add(import('@backstage/plugin-auth-backend'));
backend.add(import('@internal/sign-in-providers'));

backend.add(import('@backstage/plugin-permission-backend'));
// Or, with the same files: import('@backstage-community/plugin-rbac-backend')
backend.add(import('@internal/permission-policy'));

backend.add(import('@backstage/plugin-catalog-backend'));
backend.add(import('@backstage/plugin-catalog-backend-module-logs'));
backend.add(
  import('@backstage/plugin-catalog-backend-module-scaffolder-entity-model'),
);

backend.add(import('@internal/integrations'));

backend.add(import('@backstage/plugin-scaffolder-backend'));
backend.add(
  ifConfigured(
    'integrations.github',
    () => import('@backstage/plugin-scaffolder-backend-module-github'),
  ),
);
backend.add(
  import('@backstage/plugin-scaffolder-backend-module-notifications'),
);

backend.add(import('@backstage/plugin-techdocs-backend'));

backend.add(import('@backstage/plugin-search-backend'));
backend.add(import('@backstage/plugin-search-backend-module-pg'));
backend.add(import('@backstage/plugin-search-backend-module-catalog'));
backend.add(import('@backstage/plugin-search-backend-module-techdocs'));

backend.add(
  ifConfigured(
    'kubernetes.objectTypes',
    () => import('@backstage/plugin-kubernetes-backend'),
  ),
);

backend.add(import('@backstage/plugin-user-settings-backend'));
backend.add(import('@backstage/plugin-notifications-backend'));
backend.add(import('@backstage/plugin-signals-backend'));
backend.add(
  ifConfigured(
    'mcpActions',
    () => import('@backstage/plugin-mcp-actions-backend'),
  ),
);

start(backend);
