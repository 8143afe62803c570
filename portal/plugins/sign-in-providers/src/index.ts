import {
  coreServices,
  createBackendFeatureLoader,
  type BackendFeature,
  type RootConfigService,
} from '@backstage/backend-plugin-api';

type Load = () => Promise<{ default: BackendFeature }>;

/** By key in auth.providers. */
const PROVIDERS: Record<string, Load[]> = {
  awsalb: [() => import('./alb'), () => import('./albSignOut')],
  github: [
    () => import('@backstage/plugin-auth-backend-module-github-provider'),
  ],
  gitlab: [
    () => import('@backstage/plugin-auth-backend-module-gitlab-provider'),
  ],
  google: [
    () => import('@backstage/plugin-auth-backend-module-google-provider'),
  ],
  guest: [() => import('@backstage/plugin-auth-backend-module-guest-provider')],
  microsoft: [
    () => import('@backstage/plugin-auth-backend-module-microsoft-provider'),
  ],
  oidc: [() => import('./oidc')],
  okta: [() => import('@backstage/plugin-auth-backend-module-okta-provider')],
};

/** The modules of the configured providers: loading one slows the start and takes memory. */
export const configured = (config: RootConfigService): Load[] =>
  Object.entries(PROVIDERS).flatMap(([id, modules]) =>
    config.has(`auth.providers.${id}`) ? modules : [],
  );

export default createBackendFeatureLoader({
  deps: { config: coreServices.rootConfig },
  *loader({ config }) {
    yield* configured(config).map(load => load());
  },
});
