import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import express, { Router } from 'express';
import { configure } from './unavailableUntilStarted';

describe('configure', () => {
  const routes = Router();
  let server: Server;
  let finishStart: () => void;

  beforeEach(async () => {
    const app = express();
    configure({
      app,
      routes,
      lifecycle: {
        addStartupHook: hook => {
          finishStart = hook as () => void;
        },
        addShutdownHook: () => {},
      },
      applyDefaults: () => {
        app.get('/.backstage/health', (_, response) => response.send('ok'));
        app.use(routes);
      },
    });
    routes.get('/api/registered', (_, response) => response.send('ok'));
    routes.get('/api/failing', (_request, _response, next) => next('failed'));
    await new Promise<void>(resolve => {
      server = app.listen(0, '127.0.0.1', resolve);
    });
  });

  afterEach(() => new Promise(resolve => server.close(resolve)));

  const get = (path: string) =>
    fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`);

  it.each(['/', '/api/catalog/entities'])(
    'answers 503 for %s until the backend has started, then 404',
    async path => {
      const response = await get(path);
      expect(response.status).toBe(503);
      expect(response.headers.get('Retry-After')).toBe('1');
      finishStart();
      expect((await get(path)).status).toBe(404);
    },
  );

  it('serves health checks and registered routes at once', async () => {
    expect((await get('/.backstage/health')).status).toBe(200);
    expect((await get('/api/registered')).status).toBe(200);
    expect((await get('/api/failing')).status).toBe(500);
  });
});
