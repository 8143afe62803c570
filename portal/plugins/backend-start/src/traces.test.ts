import { named, wanted } from './traces';

jest.mock('@opentelemetry/sdk-trace-node', () => {
  throw new Error('the SDK is loaded');
});

const ENDPOINT = 'http://collector:4318';

describe('wanted', () => {
  it.each([
    { OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT },
    { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: ENDPOINT },
  ])('is true with %j', environment => {
    expect(wanted(environment)).toBe(true);
  });

  it.each([
    {},
    { OTEL_EXPORTER_OTLP_ENDPOINT: '' },
    { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: ENDPOINT },
    { OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT, OTEL_TRACES_EXPORTER: 'none' },
    { OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT, OTEL_SDK_DISABLED: 'true' },
  ])('is false with %j', environment => {
    expect(wanted(environment)).toBe(false);
  });
});

describe('the module', () => {
  const environment = process.env;
  afterEach(() => {
    process.env = environment;
  });
  const load = () => jest.isolateModules(() => require('./traces'));

  it('loads no package while traces are off', () => {
    process.env = { ...environment, OTEL_EXPORTER_OTLP_ENDPOINT: undefined };
    expect(load).not.toThrow();
  });

  it('loads them with an endpoint', () => {
    process.env = { ...environment, OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT };
    expect(load).toThrow('the SDK is loaded');
  });
});

describe('named', () => {
  it.each([
    ['/api/catalog/entities?filter=kind=user', '/api/catalog'],
    ['/api/techdocs/static/docs/default/component/a/', '/api/techdocs'],
    ['/catalog/default/component/checkout', '/'],
    ['/api/', '/'],
    ['/', '/'],
  ])('%s belongs to %s', (url, name) => {
    expect(named(url)).toBe(name);
  });
});
