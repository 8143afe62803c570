import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { sendWebMessageResponse } from '@backstage/plugin-auth-node';
import { auditing } from './signIns';

const identity = { identity: { userEntityRef: 'user:default/alice' } };
const refused = { name: 'NotAllowedError', message: "no 'alice' here" };
const app = 'https://backstage.example.com';

describe('auditing', () => {
  const createEvent = jest.fn();
  const success = jest.fn();
  const fail = jest.fn();
  const logger = { error: jest.fn() };
  let respond: express.RequestHandler;
  let server: Server;

  beforeAll(async () => {
    const routes = express();
    routes.use(auditing({ createEvent }, logger as never));
    routes.use((request, response, next) => respond(request, response, next));
    await new Promise<void>(resolve => {
      server = routes.listen(0, '127.0.0.1', resolve);
    });
  });
  beforeEach(() => {
    jest.resetAllMocks();
    createEvent.mockResolvedValue({ success, fail });
  });
  afterAll(() => new Promise(resolve => server.close(resolve)));

  const get = (path: string, headers = {}) =>
    fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, {
      headers,
      redirect: 'manual',
    });
  const frame =
    (response: object): express.RequestHandler =>
    (_, to) =>
      sendWebMessageResponse(to, app, {
        type: 'authorization_response',
        ...response,
      } as never);

  it('audits a sign-in, without the credentials of the request', async () => {
    respond = frame({ response: { backstageIdentity: identity } });
    const page = await get('/github/handler/frame?code=c', {
      Authorization: 'Bearer expired',
      'User-Agent': 'browser',
    });
    expect(await page.text()).toContain('alice');
    const { request, ...event } = createEvent.mock.calls[0][0];
    expect(event).toEqual({
      eventId: 'sign-in',
      severityLevel: 'medium',
      meta: { provider: 'github', userEntityRef: 'user:default/alice' },
    });
    expect(request.headers.authorization).toBeUndefined();
    expect(request.get('User-Agent')).toBe('browser');
    expect(request.ip).toMatch(/127\.0\.0\.1$/);
    expect(success).toHaveBeenCalledTimes(1);
  });

  it('reads a body that is written before the response ends', async () => {
    respond = (_, response) => {
      const { end } = response;
      // As express-session does when a session changed.
      response.end = ((body: string) => {
        response.write(body);
        return (end as () => typeof response).call(response);
      }) as never;
      frame({ response: { backstageIdentity: identity } })(
        _,
        response,
        jest.fn(),
      );
    };
    expect(await (await get('/oidc/handler/frame')).text()).toContain('alice');
    expect(success).toHaveBeenCalledTimes(1);
    expect(logger.error).not.toHaveBeenCalled();
  });

  it.each([
    ['in the page', frame({ error: refused })],
    [
      'in the redirect',
      ((_, response) =>
        response.redirect(
          `${app}/?error=no+%27alice%27+here`,
        )) as typeof respond,
    ],
  ])('audits a refused sign-in, told %s', async (_, answer) => {
    respond = answer;
    await get('/github/handler/frame');
    expect(createEvent.mock.calls[0][0]).toMatchObject({
      eventId: 'sign-in',
      meta: { provider: 'github' },
    });
    expect(fail.mock.calls[0][0].error.message).toBe("no 'alice' here");
    expect(success).not.toHaveBeenCalled();
  });

  it.each([
    ['sign-in', 'medium', {}],
    ['session-refresh', 'low', { Cookie: 'okta-refresh-token=t' }],
  ])(
    'takes a refresh for a %s, depending on the cookie',
    async (eventId, severityLevel, headers) => {
      respond = (_, response) => response.json({ backstageIdentity: identity });
      await get('/okta/refresh', headers);
      expect(createEvent.mock.calls[0][0]).toMatchObject({
        eventId,
        severityLevel,
        meta: { provider: 'okta', userEntityRef: 'user:default/alice' },
      });
      expect(success).toHaveBeenCalledTimes(1);
    },
  );

  it('audits a refused refresh as medium', async () => {
    respond = (_, response) => response.status(401).json({ error: refused });
    await get('/okta/refresh', { Cookie: 'okta-refresh-token=t' });
    expect(createEvent.mock.calls[0][0]).toMatchObject({
      eventId: 'session-refresh',
      severityLevel: 'medium',
    });
    expect(fail).toHaveBeenCalledTimes(1);
  });

  it.each([
    [
      'a page without a session',
      '/okta/refresh',
      401,
      'Missing session cookie',
    ],
    ['an unknown provider', '/nobody/refresh', 404, 'Unknown auth provider'],
    ['another route', '/okta/start', 401, 'x'],
  ])('ignores %s', async (_, path, status, message) => {
    respond = (__, response) =>
      response.status(status).json({ error: { name: 'E', message } });
    expect((await get(path)).status).toBe(status);
    expect(createEvent).not.toHaveBeenCalled();
  });

  it('ignores a token without sign-in', async () => {
    respond = frame({ response: { providerInfo: {} } });
    await get('/github/handler/frame');
    expect(createEvent).not.toHaveBeenCalled();
  });

  it('says so when it cannot read the answer', async () => {
    respond = (_, response) => response.send('<html>changed</html>');
    expect((await get('/github/handler/frame')).status).toBe(200);
    expect(logger.error).toHaveBeenCalledTimes(1);
  });
});
