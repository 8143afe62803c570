import {
  coreServices,
  createBackendModule,
} from '@backstage/backend-plugin-api';
import { Router } from 'express';

// A load balancer splits its session into as many cookies as it takes, at most four.
// Source: Elastic Load Balancing, "Authenticate users using an Application Load Balancer".
const COOKIES = [0, 1, 2, 3].map(shard => `AWSELBAuthSessionCookie-${shard}`);

/**
 * GET /awsalb/sign-out ends the load balancer's session. It leads to `signOutUrl`, or to a page:
 * every address behind the load balancer would sign the user in again.
 */
export function signOutRoute(signOutUrl: string | undefined, appUrl: string) {
  return Router().get('/awsalb/sign-out', (_, response) => {
    const options = { path: '/', httpOnly: true, secure: true };
    COOKIES.forEach(name => response.clearCookie(name, options));
    response.setHeader('Cache-Control', 'no-store');
    if (signOutUrl) {
      response.redirect(303, signOutUrl);
    } else {
      response.send(
        `<!doctype html><title>Signed out</title><p>You are signed out of the portal, and may still be
         signed in at your identity provider. <a href="${encodeURI(
           appUrl,
         )}">Sign in again</a></p>`,
      );
    }
  });
}

export default createBackendModule({
  pluginId: 'auth',
  moduleId: 'awsalb-sign-out',
  register(reg) {
    reg.registerInit({
      deps: {
        config: coreServices.rootConfig,
        httpRouter: coreServices.httpRouter,
      },
      async init({ config, httpRouter }) {
        httpRouter.use(
          signOutRoute(
            config.getOptionalString('auth.providers.awsalb.signOutUrl'),
            config.getString('app.baseUrl'),
          ),
        );
        httpRouter.addAuthPolicy({
          path: '/awsalb/sign-out',
          allow: 'unauthenticated',
        });
      },
    });
  },
});
