import type {
  BackstageCredentials,
  HttpAuthService,
  PermissionsService,
} from '@backstage/backend-plugin-api';
import {
  AuthorizeResult,
  type BasicPermission,
} from '@backstage/plugin-permission-common';
import { auditingRefusals, remembering } from './permissions';

type Request = Parameters<HttpAuthService['credentials']>[0];

const { ALLOW, DENY } = AuthorizeResult;
const credentials = {
  principal: { type: 'user', userEntityRef: 'user:default/bob' },
} as unknown as BackstageCredentials;
const query = (name: string) => ({
  permission: { type: 'basic', name, attributes: {} } as BasicPermission,
});

describe('auditingRefusals', () => {
  const fail = jest.fn();
  const createEvent = jest.fn();
  const logger = { error: jest.fn() };
  const service = { authorize: jest.fn(), authorizeConditional: jest.fn() };
  const audited = auditingRefusals(
    service as PermissionsService,
    { createEvent },
    logger as never,
  );

  beforeEach(() => {
    jest.resetAllMocks();
    createEvent.mockResolvedValue({ fail });
  });

  it('audits a refusal, with user and request', async () => {
    const request = { ip: '192.0.2.1' } as Request;
    const httpAuth = remembering({
      credentials: async () => credentials,
    } as unknown as HttpAuthService);
    await httpAuth.credentials(request);
    service.authorize.mockResolvedValue([{ result: DENY }, { result: DENY }]);

    await audited.authorize(
      [
        query('a.delete'),
        { ...query('a.delete'), resourceRef: 'a:b/c' } as never,
      ],
      { credentials },
    );
    await new Promise(setImmediate);

    expect(createEvent.mock.calls).toEqual([
      [
        {
          eventId: 'permission-check',
          severityLevel: 'medium',
          request,
          meta: {
            permissions: ['a.delete'],
            resourceRefs: ['a:b/c'],
            principal: 'user:default/bob',
          },
        },
      ],
    ]);
    expect(fail.mock.calls[0][0].error.name).toBe('NotAllowedError');
  });

  it('takes a call that is allowed in part for a filter', async () => {
    service.authorize.mockResolvedValue([{ result: ALLOW }, { result: DENY }]);
    await audited.authorize([query('a'), query('b')], { credentials });
    expect(createEvent).not.toHaveBeenCalled();
  });

  it('audits a denied query of a background task', async () => {
    const principal = { type: 'service', subject: 'plugin:scaffolder' };
    service.authorizeConditional.mockResolvedValue([{ result: DENY }]);
    await audited.authorizeConditional(
      [query('a.read')] as never,
      { credentials: { principal } } as never,
    );
    await new Promise(setImmediate);
    expect(createEvent.mock.calls[0][0]).toMatchObject({
      request: undefined,
      meta: { principal: 'plugin:scaffolder' },
    });
  });

  it('returns the decision and logs when the event cannot be written', async () => {
    createEvent.mockRejectedValue(new Error('no log'));
    service.authorize.mockResolvedValue([{ result: DENY }]);
    const decisions = await audited.authorize([query('a')], { credentials });
    await new Promise(setImmediate);
    expect(decisions).toEqual([{ result: DENY }]);
    expect(logger.error).toHaveBeenCalledTimes(1);
  });
});
