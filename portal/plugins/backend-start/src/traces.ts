/**
 * Traces of requests to the portal, of the requests and SQL statements that they cause, and of
 * Backstage's own work, sent by OTLP over HTTP as protobuf.
 *
 * Off, with no package loaded, unless OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT
 * is set. OpenTelemetry's other variables for the exporter, the sampler, the batches and the resource
 * apply.
 *
 * Import it before Backstage: what is loaded earlier isn't instrumented.
 */
import type { ClientRequest, IncomingMessage } from 'node:http';
import { createNoopMeter } from '@opentelemetry/api';
import { isHealthCheck } from './healthChecks';

/** Whether traces are sent: an endpoint is set, and nothing turns them off. */
export function wanted(environment: NodeJS.ProcessEnv): boolean {
  return Boolean(
    (environment.OTEL_EXPORTER_OTLP_ENDPOINT ||
      environment.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) &&
      environment.OTEL_TRACES_EXPORTER !== 'none' &&
      environment.OTEL_SDK_DISABLED !== 'true',
  );
}

/** Starts tracing. Returns a function that sends what is left. */
export function start(): () => Promise<void> {
  // Loading these takes time and memory, which only a portal with traces spends.
  /* eslint-disable global-require */
  const { BatchSpanProcessor, NodeTracerProvider } =
    require('@opentelemetry/sdk-trace-node') as typeof import('@opentelemetry/sdk-trace-node');
  const { OTLPTraceExporter } =
    require('@opentelemetry/exporter-trace-otlp-proto') as typeof import('@opentelemetry/exporter-trace-otlp-proto');
  const {
    defaultResource,
    detectResources,
    envDetector,
    resourceFromAttributes,
  } =
    require('@opentelemetry/resources') as typeof import('@opentelemetry/resources');
  const { registerInstrumentations } =
    require('@opentelemetry/instrumentation') as typeof import('@opentelemetry/instrumentation');
  const { HttpInstrumentation } =
    require('@opentelemetry/instrumentation-http') as typeof import('@opentelemetry/instrumentation-http');
  const { PgInstrumentation } =
    require('@opentelemetry/instrumentation-pg') as typeof import('@opentelemetry/instrumentation-pg');
  const { UndiciInstrumentation } =
    require('@opentelemetry/instrumentation-undici') as typeof import('@opentelemetry/instrumentation-undici');
  /* eslint-enable global-require */

  const provider = new NodeTracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': 'backstage' }))
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
  });
  provider.register();
  registerInstrumentations({
    tracerProvider: provider,
    // metrics.ts counts requests already.
    meterProvider: { getMeter: createNoopMeter },
    instrumentations: [
      new HttpInstrumentation({
        ignoreIncomingRequestHook: ({ url }) => isHealthCheck(url),
        // A trace per route, not one per address.
        requestHook: (span, request: ClientRequest | IncomingMessage) => {
          if ('url' in request && request.url) {
            span.updateName(`${request.method} ${named(request.url)}`);
            // A query may hold a secret, such as an OAuth code.
            span.setAttribute('url.query', '***');
          }
        },
      }),
      // Backstage polls its queues each second: without a parent every poll would be a trace.
      new PgInstrumentation({ requireParentSpan: true }),
      new UndiciInstrumentation({ requireParentforSpans: true }),
    ],
  });
  return () => provider.shutdown();
}

/** The plugin of a path, which keeps the names few: /api/catalog/entities is /api/catalog. */
export function named(url: string): string {
  return /^\/api\/[a-z0-9-]+/.exec(url)?.[0] ?? '/';
}

if (wanted(process.env)) {
  start();
}
