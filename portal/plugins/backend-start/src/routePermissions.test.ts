import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import { AuthenticationError } from '@backstage/errors';
import { AuthorizeResult } from '@backstage/plugin-permission-common';
import express from 'express';
import { guard, guardedActions } from './routePermissions';

describe('guard', () => {
  let server: Server;
  let asked: string[];
  let allowed: string[];

  const listen = async (pluginId: string) => {
    const app = express();
    app.use(
      guard(
        pluginId,
        {
          credentials: async ({ headers }: any) => {
            if (!headers.authorization) {
              throw new AuthenticationError();
            }
            return headers.authorization;
          },
        },
        {
          authorize: async (requests: any[]) => {
            const names = requests.map(each => each.permission.name);
            asked.push(...names);
            return names.map(name => ({
              result: allowed.includes(name)
                ? AuthorizeResult.ALLOW
                : AuthorizeResult.DENY,
            }));
          },
        },
      ),
    );
    app.use((_, response) => response.send('served'));
    app.use((error: any, _: any, response: any, _next: any) =>
      response.status(error.name === 'NotAllowedError' ? 403 : 401).end(),
    );
    await new Promise<void>(resolve => {
      server = app.listen(0, '127.0.0.1', resolve);
    });
  };
  beforeEach(() => {
    asked = [];
    allowed = [];
  });
  afterEach(() => new Promise(resolve => server.close(resolve)));

  const statusOf = async (
    method: string,
    path: string,
    authorization = 'a',
  ) => {
    const { port } = server.address() as AddressInfo;
    const headers: HeadersInit = authorization ? { authorization } : {};
    return (await fetch(`http://127.0.0.1:${port}${path}`, { method, headers }))
      .status;
  };

  it.each([
    ['GET', '/.backstage/scheduler/v1/tasks', 'devtools.scheduler.read'],
    ['GET', '/.Backstage/SCHEDULER/v1/tasks/', 'devtools.scheduler.read'],
    [
      'POST',
      '/.backstage/scheduler/v1/tasks/a/trigger',
      'devtools.scheduler.trigger',
    ],
    [
      'POST',
      '/.backstage/scheduler/v1/tasks/a/cancel',
      'devtools.scheduler.trigger',
    ],
    [
      'GET',
      '/.well-known/backstage/permissions/metadata',
      'permission.metadata.read',
    ],
  ])('asks every plugin at %s %s for %s', async (method, path, name) => {
    await listen('catalog');
    expect(await statusOf(method, path)).toBe(403);
    expect(asked).toEqual([name]);
    expect(await statusOf(method, path, '')).toBe(401);
    allowed = [name];
    expect(await statusOf(method, path)).toBe(200);
  });

  it.each([
    ['scaffolder', 'GET', '/v2/actions', 'scaffolder.template.management'],
    [
      'scaffolder',
      'GET',
      '/v2/templating-extensions',
      'scaffolder.template.management',
    ],
    [
      'scaffolder',
      'POST',
      '/v2/autocomplete/github/repositories',
      'scaffolder.task.create',
    ],
  ])('asks %s at %s %s for %s', async (plugin, method, path, name) => {
    await listen(plugin);
    expect(await statusOf(method, path)).toBe(403);
    allowed = [name];
    expect(await statusOf(method, path)).toBe(200);
  });

  it('asks for the proxy as a whole or for one endpoint', async () => {
    await listen('proxy');
    allowed = ['proxy.use.jenkins'];
    expect(await statusOf('GET', '/jenkins/api')).toBe(200);
    expect(await statusOf('POST', '/other/api')).toBe(403);
    expect(await statusOf('GET', '/other%2F..%2Fjenkins')).toBe(403);
    allowed = ['proxy.use'];
    expect(await statusOf('POST', '/other/api')).toBe(200);
  });

  it('leaves other routes alone', async () => {
    await listen('catalog');
    expect(await statusOf('GET', '/entities', '')).toBe(200);
    expect(await statusOf('GET', '/v2/actions', '')).toBe(200);
    expect(asked).toEqual([]);
  });
});

describe('guardedActions', () => {
  it('adds a permission to an action without one, and registers only the others', async () => {
    const registered: any[] = [];
    const added: string[] = [];
    const registry = await guardedActions(
      async ({ permissionsRegistry }) => ({
        register: (action: any) => {
          permissionsRegistry.addPermissions([action.visibilityPermission]);
          registered.push(action.visibilityPermission);
        },
      }),
      {
        metadata: { getId: () => 'catalog' },
        permissionsRegistry: {
          addPermissions: (all: any[]) => added.push(...all.map(p => p.name)),
        } as any,
      },
    );
    const own = { name: 'own.read', type: 'basic', attributes: {} } as const;
    registry.register({ attributes: { readOnly: true } } as any);
    registry.register({} as any);
    registry.register({ visibilityPermission: own } as any);
    expect(
      registered.map(({ name, attributes }) => [name, attributes]),
    ).toEqual([
      ['catalog.actions.read', { action: 'read' }],
      ['catalog.actions.use', {}],
      ['own.read', {}],
    ]);
    expect(added).toEqual(['own.read']);
  });
});
