import { DefaultHttpAuthService } from '@backstage/backend-defaults/httpAuth';
import {
  coreServices,
  createServiceFactory,
  type AuditorService,
  type BackstageCredentials,
  type HttpAuthService,
  type LoggerService,
  type PermissionsService,
} from '@backstage/backend-plugin-api';
import { NotAllowedError } from '@backstage/errors';
import {
  AuthorizeResult,
  type Permission,
  type PolicyDecision,
} from '@backstage/plugin-permission-common';
import { ServerPermissionClient } from '@backstage/plugin-permission-node';

type Request = Parameters<HttpAuthService['credentials']>[0];
type Query = { permission: Permission; resourceRef?: string };

// By the credentials that came with it. A permission check gets the credentials only, and a refusal
// has to name the address that it came from.
const requests = new WeakMap<BackstageCredentials, Request>();

/** Backstage's own, and remembers whose credentials came with which request. */
export const httpAuth = createServiceFactory({
  service: coreServices.httpAuth,
  deps: {
    auth: coreServices.auth,
    discovery: coreServices.discovery,
    plugin: coreServices.pluginMetadata,
  },
  factory({ auth, discovery, plugin }) {
    const service = DefaultHttpAuthService.create({
      auth,
      discovery,
      pluginId: plugin.getId(),
    });
    return remembering(service);
  },
});

export function remembering(service: HttpAuthService): HttpAuthService {
  return {
    async credentials(request, options) {
      const credentials = await service.credentials(request, options);
      requests.set(credentials, request);
      return credentials;
    },
    issueUserCookie: (response, options) =>
      service.issueUserCookie(response, options),
  };
}

/** Backstage's own, and audits refusals as `permission-check`. */
export const permissions = createServiceFactory({
  service: coreServices.permissions,
  deps: {
    auditor: coreServices.auditor,
    auth: coreServices.auth,
    config: coreServices.rootConfig,
    discovery: coreServices.discovery,
    logger: coreServices.logger,
  },
  factory({ auditor, auth, config, discovery, logger }) {
    const client = ServerPermissionClient.fromConfig(config, {
      auth,
      discovery,
    });
    return auditingRefusals(client, auditor, logger);
  },
});

/**
 * Audits calls of which `service` denies all: where it allows some, they only filter what is shown.
 * After a conditional decision the plugin that holds the resource refuses; its own event then fails.
 */
export function auditingRefusals(
  service: PermissionsService,
  auditor: AuditorService,
  logger: LoggerService,
): PermissionsService {
  async function audit(queries: Query[], credentials: BackstageCredentials) {
    const { userEntityRef, subject } = credentials.principal as {
      userEntityRef?: string;
      subject?: string;
    };
    const names = queries.map(({ permission }) => permission.name);
    const event = await auditor.createEvent({
      eventId: 'permission-check',
      severityLevel: 'medium',
      request: requests.get(credentials),
      meta: {
        permissions: [...new Set(names)],
        resourceRefs: queries.flatMap(({ resourceRef }) => resourceRef ?? []),
        // The actor of a background task is the plugin.
        principal: userEntityRef ?? subject ?? 'none',
      },
    });
    await event.fail({ error: new NotAllowedError('Refused') });
  }

  function audited<Decision extends PolicyDecision>(
    queries: Query[],
    decisions: Decision[],
    credentials: BackstageCredentials,
  ): Decision[] {
    const refused = ({ result }: Decision) => result === AuthorizeResult.DENY;
    if (queries.length && decisions.every(refused)) {
      audit(queries, credentials).catch(error =>
        logger.error('A refused permission was not audited', error),
      );
    }
    return decisions;
  }

  return {
    authorize: async (queries, options) =>
      audited(
        queries,
        await service.authorize(queries, options),
        options.credentials,
      ),
    authorizeConditional: async (queries, options) =>
      audited(
        queries,
        await service.authorizeConditional(queries, options),
        options.credentials,
      ),
  };
}
