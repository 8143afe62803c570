import { createFrontendModule } from '@backstage/frontend-plugin-api';
import { SignInPageBlueprint } from '@backstage/plugin-app-react';

/** Replaces Backstage's default sign-in page, which offers guests only. */
export default createFrontendModule({
  pluginId: 'app',
  extensions: [
    SignInPageBlueprint.make({
      params: {
        loader: () =>
          import('./SignInPage').then(module => module.ConfiguredSignInPage),
      },
    }),
  ],
});
