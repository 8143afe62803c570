import {
  coreServices,
  createBackendModule,
  type AuditorService,
  type LoggerService,
} from '@backstage/backend-plugin-api';
import type { Request, RequestHandler } from 'express';

/** What a provider answers, in the body or in the page that a sign-in's window gets. */
type Answer = {
  backstageIdentity?: { identity: { userEntityRef: string } };
  error?: { name: string; message: string };
};

const ROUTE = /^\/([^/]+)\/(handler\/frame|refresh)$/;
// Source: @backstage/plugin-auth-node, sendWebMessageResponse.
const FRAME = /authResponse = decodeURIComponent\('([^']*)'\)/;

/**
 * Audits what the auth plugin answers: `sign-in` when someone signs in or is refused, and
 * `session-refresh` when a page renews the session that a cookie keeps.
 */
export const signIns = createBackendModule({
  pluginId: 'auth',
  moduleId: 'audit',
  register(module) {
    module.registerInit({
      deps: {
        auditor: coreServices.auditor,
        httpRouter: coreServices.httpRouter,
        logger: coreServices.logger,
      },
      // A module is initialized before its plugin, so this comes before the plugin's routes.
      async init({ auditor, httpRouter, logger }) {
        httpRouter.use(auditing(auditor, logger));
      },
    });
  },
});

export function auditing(
  auditor: AuditorService,
  logger: LoggerService,
): RequestHandler {
  return (request, response, next) => {
    const [, provider, route] = ROUTE.exec(request.path) ?? [];
    if (provider) {
      const chunks: unknown[] = [];
      const [write, end] = [response.write, response.end].map(
        each => each.bind(response) as (...args: unknown[]) => any,
      );
      // Express' sessions write the body before they end.
      response.write = (...args: unknown[]) => {
        chunks.push(args[0]);
        return write(...args);
      };
      response.end = ((...args: unknown[]) => {
        end(...args);
        const body = [...chunks, args[0]]
          .filter(each => typeof each === 'string' || Buffer.isBuffer(each))
          .join('');
        // 404: no such provider
        if (response.statusCode !== 404) {
          audit(auditor, request, provider, route, () =>
            answer(body, response.getHeader('Location')),
          ).catch(error => logger.error('A sign-in was not audited', error));
        }
        return response;
      }) as typeof response.end;
    }
    next();
  };
}

async function audit(
  auditor: AuditorService,
  request: Request,
  provider: string,
  route: string,
  read: () => Answer,
) {
  const { backstageIdentity, error } = read();
  const cookie = request.headers.cookie?.includes(`${provider}-refresh-token`);
  const anonymous = error?.message.includes('Missing session cookie');
  if (anonymous || !(backstageIdentity || error)) {
    return; // a page that asks whether there is a session, or a token without sign-in
  }
  const refresh = route === 'refresh' && cookie;
  const event = await auditor.createEvent({
    eventId: refresh ? 'session-refresh' : 'sign-in',
    severityLevel: refresh && !error ? 'low' : 'medium',
    // Without its credentials, which needn't be valid here.
    request: Object.create(request, {
      headers: { value: { ...request.headers, authorization: undefined } },
    }),
    meta: {
      provider,
      ...(backstageIdentity && {
        userEntityRef: backstageIdentity.identity.userEntityRef,
      }),
    },
  });
  await (error
    ? event.fail({ error: Object.assign(new Error(error.message), error) })
    : event.success());
}

function answer(body: string, location?: unknown): Answer {
  if (location) {
    // auth's redirect flow
    const message = new URL(String(location)).searchParams.get('error');
    return message ? { error: { name: 'Error', message } } : {};
  }
  const frame = FRAME.exec(body);
  if (!frame) {
    return JSON.parse(body);
  }
  const { response, error } = JSON.parse(decodeURIComponent(frame[1]));
  return { ...response, error };
}
