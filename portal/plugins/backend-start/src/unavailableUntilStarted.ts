import {
  rootHttpRouterServiceFactory,
  type RootHttpRouterConfigureContext,
} from '@backstage/backend-defaults/rootHttpRouter';

type Context = Pick<
  RootHttpRouterConfigureContext,
  'app' | 'routes' | 'lifecycle' | 'applyDefaults'
>;

/**
 * The server listens before plugins have registered their routes. Until the backend has started, a
 * request that matches no route gets 503, which clients retry, instead of 404. Requests to a
 * registered plugin are handled by Backstage: it holds them for startupRequestPauseTimeout.
 */
export function configure({ app, routes, lifecycle, applyDefaults }: Context) {
  let started = false;
  lifecycle.addStartupHook(() => {
    started = true;
  });
  app.use((request, response, next) => {
    if (started || request.path.startsWith('/.backstage/')) {
      next();
      return;
    }
    routes(request, response, error => {
      if (error) {
        next(error);
      } else {
        response.status(503).set('Retry-After', '1').end();
      }
    });
  });
  applyDefaults();
}

export const unavailableUntilStarted = rootHttpRouterServiceFactory({
  configure,
});
