import { ForwardedError, NotAllowedError } from '@backstage/errors';
import { fields } from './auditor';

const event = {
  plugin: 'auth',
  eventId: 'sign-in',
  severityLevel: 'medium' as const,
  actor: { ip: '192.0.2.1' },
  request: { url: '/api/auth/github/handler/frame?code=secret', method: 'GET' },
};

describe('fields', () => {
  it('leaves out the query, which holds an OAuth code', () => {
    expect(fields({ ...event, status: 'initiated' })).toEqual({
      ...event,
      request: { url: '/api/auth/github/handler/frame', method: 'GET' },
      status: 'initiated',
    });
  });

  it('keeps name and message of an error in one field', () => {
    const error = new ForwardedError(
      'Refresh failed',
      new NotAllowedError('x'),
    );
    Object.assign(error, { token: 'secret' });
    expect(
      fields({ ...event, request: undefined, status: 'failed', error }),
    ).toEqual({
      ...event,
      request: undefined,
      status: 'failed',
      error: {
        name: 'NotAllowedError',
        message: 'Refresh failed; caused by NotAllowedError: x',
      },
    });
  });
});
