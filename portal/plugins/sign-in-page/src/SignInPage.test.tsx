import { mockApis, renderInTestApp } from '@backstage/frontend-test-utils';
import { screen } from '@testing-library/react';
import { oidcAuthApiRef } from './oidc';
import { ConfiguredSignInPage } from './SignInPage';

// Renders what Backstage's own pages are given.
jest.mock('@backstage/core-components', () => ({
  ...jest.requireActual('@backstage/core-components'),
  SignInPage: ({ provider, providers = [provider], title }: any) => (
    <>
      <h1>{title}</h1>
      {providers.map((each: any) => (
        <p key={each.id ?? each} data-testid="provider">
          {each.title ?? each}
        </p>
      ))}
    </>
  ),
  ProxiedSignInPage: ({ provider }: any) => <p>signed in by {provider}</p>,
}));

const open = (providers?: object, order?: string[]) =>
  renderInTestApp(<ConfiguredSignInPage onSignInSuccess={jest.fn()} />, {
    config: {
      app: { title: 'Portal', signIn: { providers: order } },
      auth: { providers },
    } as any,
    apis: [[oidcAuthApiRef, {}], mockApis.discovery()] as any,
  });

const offered = async () =>
  (await screen.findAllByTestId('provider')).map(each => each.textContent);

describe('ConfiguredSignInPage', () => {
  it.each([[undefined], [{}], [{ saml: {} }]])(
    'reports that nobody can sign in with %p',
    async providers => {
      open(providers, ['github']);
      expect(await screen.findByText('Nobody can sign in')).toBeInTheDocument();
      expect(
        screen.getByText(/none of: github, gitlab, .*guest, awsalb/),
      ).toBeInTheDocument();
    },
  );

  it.each([
    ['github', 'GitHub'],
    ['gitlab', 'GitLab'],
    ['google', 'Google'],
    ['microsoft', 'Microsoft'],
    ['okta', 'Okta'],
    ['oidc', 'Single sign-on'],
  ])('offers %s alone and no guest', async (key, title) => {
    open({ [key]: {} });
    expect(await offered()).toEqual([title]);
  });

  it('offers a choice of two providers', async () => {
    open({ github: {}, guest: {} });
    expect(await offered()).toEqual(['GitHub', 'guest']);
    expect(screen.getByText('Choose how to sign in')).toBeInTheDocument();
  });

  it('offers them in the configured order, then the others', async () => {
    open({ github: {}, okta: {}, google: {}, oidc: {} }, [
      'oidc',
      'microsoft',
      'google',
    ]);
    expect(await offered()).toEqual([
      'Single sign-on',
      'Google',
      'GitHub',
      'Okta',
    ]);
  });

  it('offers nothing behind a load balancer that signs users in', async () => {
    open({ awsalb: {}, github: {} });
    expect(await screen.findByText('signed in by awsalb')).toBeInTheDocument();
    expect(screen.queryByText('GitHub')).not.toBeInTheDocument();
  });
});
