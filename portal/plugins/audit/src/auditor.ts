import {
  DefaultAuditorService,
  type AuditorEvent,
} from '@backstage/backend-defaults/auditor';
import {
  coreServices,
  createServiceFactory,
  type AuditorServiceEventSeverityLevel,
} from '@backstage/backend-plugin-api';
import type { JsonObject } from '@backstage/types';

type Level = 'debug' | 'info' | 'warn' | 'error';

// The framework's defaults.
const LEVELS: Record<AuditorServiceEventSeverityLevel, Level> = {
  low: 'debug',
  medium: 'info',
  high: 'info',
  critical: 'info',
};

/**
 * The fields of an event's log line. By default a failed event's error is spread over the line:
 * into the message, name, cause and stack. Here it is one field, and the message is the same for
 * every status. A URL's query is left out, because it may hold a secret such as an OAuth code.
 */
export function fields({ request, ...event }: AuditorEvent): JsonObject {
  const error = event.status === 'failed' && {
    error: { name: event.error.name, message: event.error.message },
  };
  const [url] = request?.url.split('?') ?? [];
  return {
    ...(event as JsonObject),
    ...(request && { request: { ...request, url } }),
    ...error,
  };
}

/** Logs audit events at the levels of `backend.auditor.severityLogLevelMappings`. */
export const auditor = createServiceFactory({
  service: coreServices.auditor,
  deps: {
    auth: coreServices.auth,
    config: coreServices.rootConfig,
    httpAuth: coreServices.httpAuth,
    logger: coreServices.logger,
    plugin: coreServices.pluginMetadata,
  },
  factory({ config, logger, ...deps }) {
    const log = logger.child({ isAuditEvent: true });
    const levels: typeof LEVELS = {
      ...LEVELS,
      ...config.getOptional('backend.auditor.severityLogLevelMappings'),
    };
    return DefaultAuditorService.create(event => {
      log[levels[event.severityLevel]](
        `${event.plugin}.${event.eventId}`,
        fields(event),
      );
    }, deps);
  },
});
