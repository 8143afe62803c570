import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { metrics } from '@opentelemetry/api';

const listening = (server: Server) =>
  new Promise<number>(resolve =>
    server.listen(0, '127.0.0.1', () =>
      resolve((server.address() as AddressInfo).port),
    ),
  );

describe('metrics', () => {
  let scrape: () => Promise<string[]>;
  let portal: Server;
  let ask: (path: string, accept?: string) => Promise<string>;

  beforeAll(async () => {
    const probe = createServer();
    const port = await listening(probe);
    await new Promise(resolve => probe.close(resolve));
    process.env.OTEL_EXPORTER_PROMETHEUS_PORT = String(port);
    require('./metrics'); // once the port is known
    scrape = async () =>
      (await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).split(
        '\n',
      );
    portal = createServer((request, response) => {
      response.writeHead(request.url === '/failing' ? 500 : 200).end('ok');
    });
    const served = await listening(portal);
    ask = async (path, accept = 'application/json') =>
      (
        await fetch(`http://127.0.0.1:${served}${path}`, {
          headers: { accept },
        })
      ).text();
  });
  afterAll(() => portal.close());

  const counted = async (status: string) => {
    const line = (await scrape()).find(
      each =>
        each.startsWith('http_server_request_duration_count') &&
        each.includes(`http_response_status_code="${status}"`) &&
        each.includes(
          `server_port="${(portal.address() as AddressInfo).port}"`,
        ),
    );
    return Number(line?.split(' ').at(-1) ?? 0);
  };

  it('counts requests by status, without health checks and event streams', async () => {
    await ask('/api/catalog/entities');
    await ask('/failing');
    await ask('/.backstage/health/v1/readiness');
    await ask('/api/scaffolder/v2/tasks/1/eventstream', 'text/event-stream');
    expect(await counted('200')).toBe(1);
    expect(await counted('500')).toBe(1);
  });

  it.each([
    'backend_tasks.task.runs.duration',
    'catalog.processing.duration',
    'catalog.processing.queue.delay',
    'scaffolder.task.duration',
  ])('has buckets of seconds for %s', async name => {
    const meter = metrics.getMeter('backstage-plugin-test');
    meter.createHistogram(name, { unit: 'seconds' }).record(0.3);
    const metric = name.replaceAll('.', '_');
    const buckets = (await scrape()).filter(each =>
      each.startsWith(`${metric}_bucket`),
    );
    const value = (le: string) =>
      buckets
        .find(each => each.includes(`le="${le}"`))
        ?.split(' ')
        .at(-1);
    expect([value('0.1'), value('0.5'), value('600')]).toEqual(['0', '1', '1']);
    expect(value('10000')).toBeUndefined();
  });

  it('leaves counters and other histograms alone', async () => {
    const meter = metrics.getMeter('other');
    meter.createCounter('catalog.processed.entities.count').add(2);
    meter.createHistogram('other.size').record(5000);
    const lines = await scrape();
    expect(
      lines.find(each =>
        each.startsWith('catalog_processed_entities_count_total'),
      ),
    ).toMatch(/ 2$/);
    expect(
      lines.find(
        each =>
          each.startsWith('other_size_bucket') && each.includes('le="5000"'),
      ),
    ).toMatch(/ 1$/);
  });
});
