import { reload } from './browser';
import { reloadOnceExpired } from './loadBalancerSession';

jest.mock('./browser', () => ({ reload: jest.fn() }));

const APP = 'https://portal.example.com';
const request = (next: typeof fetch) =>
  reloadOnceExpired(APP).apply(next)(`${APP}/api/catalog/entities`);
const failing = () => Promise.reject(new TypeError('Failed to fetch'));

describe('reloadOnceExpired', () => {
  const probe = jest.spyOn(global, 'fetch');
  beforeEach(jest.clearAllMocks);
  afterAll(() => probe.mockRestore());

  it('reloads when the load balancer redirects to the identity provider', async () => {
    probe.mockResolvedValue({ type: 'opaqueredirect' } as Response);
    await expect(request(failing)).rejects.toThrow('Failed to fetch');
    expect(reload).toHaveBeenCalledTimes(1);
    expect(probe).toHaveBeenCalledWith(APP, {
      redirect: 'manual',
      cache: 'no-store',
    });
  });

  it('does not while the session lasts, or without a network', async () => {
    probe.mockResolvedValueOnce({ type: 'basic' } as Response);
    await expect(request(failing)).rejects.toThrow();
    probe.mockRejectedValueOnce(new TypeError('Failed to fetch'));
    await expect(request(failing)).rejects.toThrow();
    expect(reload).not.toHaveBeenCalled();
  });

  it('passes on every answer, errors too, without a probe', async () => {
    const answer = { status: 401 } as Response;
    expect(await request(async () => answer)).toBe(answer);
    expect(probe).not.toHaveBeenCalled();
  });
});
