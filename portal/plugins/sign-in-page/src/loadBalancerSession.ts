import {
  createFetchApi,
  FetchMiddlewares,
  type FetchMiddleware,
} from '@backstage/core-app-api';
import {
  ApiBlueprint,
  configApiRef,
  discoveryApiRef,
  fetchApiRef,
  identityApiRef,
} from '@backstage/frontend-plugin-api';
import { reload } from './browser';

/** Whether the load balancer would send the browser to the identity provider. */
const hasExpired = async (appUrl: string) => {
  try {
    const answer = await fetch(appUrl, {
      redirect: 'manual',
      cache: 'no-store',
    });
    return answer.type === 'opaqueredirect';
  } catch {
    return false; // no network: a reload would only lose the page
  }
};

/**
 * Reloads the page when a request fails because the load balancer's session has expired. The load
 * balancer redirects such a request to another origin, which a browser follows for a page only.
 */
export const reloadOnceExpired = (appUrl: string): FetchMiddleware => ({
  apply: next => async (input, init) => {
    try {
      return await next(input, init);
    } catch (error) {
      if (await hasExpired(appUrl)) {
        reload();
      }
      throw error;
    }
  },
});

/** Backstage's fetch API, with `reloadOnceExpired` behind a load balancer that signs users in. */
export const loadBalancerFetchApi = ApiBlueprint.make({
  name: 'fetch',
  params: define =>
    define({
      api: fetchApiRef,
      deps: {
        config: configApiRef,
        identityApi: identityApiRef,
        discoveryApi: discoveryApiRef,
      },
      factory: ({ config, identityApi, discoveryApi }) =>
        createFetchApi({
          middleware: [
            ...(config.has('auth.providers.awsalb')
              ? [reloadOnceExpired(config.getString('app.baseUrl'))]
              : []),
            FetchMiddlewares.resolvePluginProtocol({ discoveryApi }),
            FetchMiddlewares.injectIdentityAuth({ identityApi, config }),
          ],
        }),
    }),
});
