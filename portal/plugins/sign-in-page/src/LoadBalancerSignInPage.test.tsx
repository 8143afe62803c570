import { mockApis, renderInTestApp } from '@backstage/frontend-test-utils';
import { fireEvent, screen, waitFor } from '@testing-library/react';
import { navigate, reload } from './browser';
import { LoadBalancerSignInPage } from './LoadBalancerSignInPage';

jest.mock('./browser', () => ({ navigate: jest.fn(), reload: jest.fn() }));

const SIGN_OUT = 'https://portal.example.com/api/auth/awsalb/sign-out';
const onSignInSuccess = jest.fn();
const answer = (status: number, body: object) =>
  jest.spyOn(global, 'fetch').mockResolvedValue({
    ok: status < 400,
    status,
    statusText: '',
    headers: new Map([['content-type', 'application/json']]),
    json: async () => body,
    text: async () => JSON.stringify(body),
  } as any);
const fails = (message: string) =>
  answer(401, {
    error: { name: 'AuthenticationError', message },
    response: { statusCode: 401 },
  });
const open = () =>
  renderInTestApp(
    <LoadBalancerSignInPage onSignInSuccess={onSignInSuccess} />,
    {
      apis: [mockApis.discovery({ baseUrl: 'https://portal.example.com' })],
    },
  );

describe('LoadBalancerSignInPage', () => {
  beforeEach(jest.clearAllMocks);
  afterEach(() => jest.mocked(global.fetch).mockRestore());

  it('takes over the user; sign-out ends the load balancer’s session', async () => {
    answer(200, {
      profile: { email: 'a@example.com' },
      backstageIdentity: {
        token: `e30.${btoa(JSON.stringify({ exp: Date.now() }))}.s`,
        identity: {
          type: 'user',
          userEntityRef: 'user:default/a',
          ownershipEntityRefs: [],
        },
      },
    });
    open();
    await waitFor(() => expect(onSignInSuccess).toHaveBeenCalled());
    const [[identity]] = onSignInSuccess.mock.calls;
    expect((await identity.getBackstageIdentity()).userEntityRef).toBe(
      'user:default/a',
    );
    const settled = jest.fn();
    identity.signOut().then(settled);
    await waitFor(() => expect(navigate).toHaveBeenCalledWith(SIGN_OUT));
    expect(settled).not.toHaveBeenCalled();
  });

  it.each([
    ['Missing ALB OIDC header: x-amzn-oidc-data', /public address/],
    ['Signer mismatch on JWT token', /pulumi up/],
    ['Issuer mismatch on JWT token', /pulumi up/],
    ['Missing email in the JWT token', /scope email/],
    ['Exception occurred during JWT processing', /public-keys\.auth\.elb/],
    [
      'Failed to sign-in, unable to resolve user identity. Please verify that',
      /no User with your email/,
    ],
    ['Sign-in user email is not from an allowed domain', /your domain/],
    ['out of order', /log/],
  ])('says what to do on: %s', async (said, remedy) => {
    fails(said);
    open();
    expect(await screen.findByText(remedy)).toHaveTextContent(said);
    fireEvent.click(screen.getByText('Try again'));
    expect(reload).toHaveBeenCalled();
    fireEvent.click(screen.getByText('Sign out'));
    await waitFor(() => expect(navigate).toHaveBeenCalledWith(SIGN_OUT));
    expect(onSignInSuccess).not.toHaveBeenCalled();
  });
});
