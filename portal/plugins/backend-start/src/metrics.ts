/**
 * OpenTelemetry metrics in Prometheus' format at :9464/metrics, a port that no load balancer
 * reaches. OTEL_EXPORTER_PROMETHEUS_HOST and OTEL_EXPORTER_PROMETHEUS_PORT override it.
 *
 * Serves Backstage's own meters (catalog, scaffolder, scheduled tasks), the duration of HTTP
 * requests, and Node's event loop, heap and garbage collection.
 *
 * Import it before Backstage: a meter created earlier never reports.
 */
import { subscribe } from 'node:diagnostics_channel';
import { IncomingMessage, ServerResponse } from 'node:http';
import { metrics } from '@opentelemetry/api';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { RuntimeNodeInstrumentation } from '@opentelemetry/instrumentation-runtime-node';
import {
  AggregationType,
  InstrumentType,
  MeterProvider,
  type ViewOptions,
} from '@opentelemetry/sdk-metrics';
import { isHealthCheck } from './healthChecks';

// OpenTelemetry's default buckets are made for milliseconds: up to 5 s would be one.
const seconds = [
  0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 150, 300, 600, 1800, 3600,
];

/** Buckets for Backstage's own histograms, which count seconds and suggest none. */
export const views: ViewOptions[] = [
  'backend_tasks.*',
  'catalog.*',
  'scaffolder.*',
].map(instrumentName => ({
  instrumentName,
  instrumentType: InstrumentType.HISTOGRAM,
  aggregation: {
    type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM,
    options: { boundaries: seconds },
  },
}));

const meterProvider = new MeterProvider({
  readers: [new PrometheusExporter()],
  views,
});

metrics.setGlobalMeterProvider(meterProvider);
new RuntimeNodeInstrumentation().setMeterProvider(meterProvider);

// From Node's own events: @opentelemetry/instrumentation-http would hook every require and slow the
// start. Name, unit, attributes and buckets follow OpenTelemetry's semantic conventions.
const duration = meterProvider
  .getMeter('backend')
  .createHistogram('http.server.request.duration', {
    description:
      'Duration of HTTP server requests, without health checks and event streams.',
    unit: 's',
    advice: {
      explicitBucketBoundaries: [
        0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5,
        10,
      ],
    },
  });
const started = new WeakMap<IncomingMessage, number>();

subscribe('http.server.request.start', message => {
  const { request } = message as { request: IncomingMessage };
  // An event stream lasts as long as its page is open.
  const stream =
    request.method === 'GET' &&
    request.headers.accept?.startsWith('text/event-stream');
  if (!stream && !isHealthCheck(request.url)) {
    started.set(request, performance.now());
  }
});
subscribe('http.server.response.finish', message => {
  const { request, response } = message as {
    request: IncomingMessage;
    response: ServerResponse;
  };
  const start = started.get(request);
  if (start !== undefined) {
    duration.record((performance.now() - start) / 1000, {
      'http.request.method': request.method,
      'http.response.status_code': response.statusCode,
      'server.port': request.socket.localPort,
    });
  }
});
