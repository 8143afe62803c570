/**
 * OpenTelemetry metrics in Prometheus' format at :9464/metrics, a port of their own that no load
 * balancer reaches. OTEL_EXPORTER_PROMETHEUS_HOST and OTEL_EXPORTER_PROMETHEUS_PORT move it.
 *
 * Served are Backstage's own meters (catalog, scaffolder, scheduled tasks), the duration of HTTP
 * requests, and Node's event loop, heap and garbage collection.
 */
import { metrics } from '@opentelemetry/api';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { RuntimeNodeInstrumentation } from '@opentelemetry/instrumentation-runtime-node';
import { MeterProvider } from '@opentelemetry/sdk-metrics';

const meterProvider = new MeterProvider({
  readers: [new PrometheusExporter()],
});

metrics.setGlobalMeterProvider(meterProvider);
registerInstrumentations({
  meterProvider,
  instrumentations: [
    new HttpInstrumentation(),
    new RuntimeNodeInstrumentation(),
  ],
});
