import { createFrontendModule } from '@backstage/frontend-plugin-api';
import { SignInPageBlueprint } from '@backstage/plugin-app-react';
import { loadBalancerFetchApi } from './loadBalancerSession';
import { oidcAuthApi } from './oidc';

/** Replaces Backstage's default sign-in page, which offers guests only. */
export default createFrontendModule({
  pluginId: 'app',
  extensions: [
    oidcAuthApi,
    loadBalancerFetchApi,
    SignInPageBlueprint.make({
      params: {
        loader: () =>
          import('./SignInPage').then(module => module.ConfiguredSignInPage),
      },
    }),
  ],
});
