import { renderInTestApp } from '@backstage/frontend-test-utils';
import { screen } from '@testing-library/react';
import { ConfiguredSignInPage } from './SignInPage';

// Renders what Backstage's own page is given.
jest.mock('@backstage/core-components', () => ({
  ...jest.requireActual('@backstage/core-components'),
  SignInPage: ({ provider, providers = [provider], title }: any) => (
    <>
      <h1>{title}</h1>
      {providers.map((each: any) => (
        <p key={each.id ?? each}>{each.title ?? each}</p>
      ))}
    </>
  ),
}));

const open = (providers?: object) =>
  renderInTestApp(<ConfiguredSignInPage onSignInSuccess={jest.fn()} />, {
    config: { auth: { providers } } as any,
  });

describe('ConfiguredSignInPage', () => {
  it.each([[undefined], [{}], [{ saml: {} }]])(
    'reports that nobody can sign in with %p',
    async providers => {
      open(providers);
      expect(await screen.findByText('Nobody can sign in')).toBeInTheDocument();
      expect(
        screen.getByText(/none of: github, gitlab, .*guest/),
      ).toBeInTheDocument();
    },
  );

  it.each([
    ['github', 'GitHub'],
    ['gitlab', 'GitLab'],
    ['google', 'Google'],
    ['microsoft', 'Microsoft'],
    ['okta', 'Okta'],
  ])('offers %s alone and no guest', async (key, title) => {
    open({ [key]: {} });
    expect(await screen.findByText(title)).toBeInTheDocument();
    expect(screen.queryByText('guest')).not.toBeInTheDocument();
  });

  it('offers a choice of two providers', async () => {
    open({ github: {}, guest: {} });
    expect(await screen.findByText('GitHub')).toBeInTheDocument();
    expect(screen.getByText('guest')).toBeInTheDocument();
    expect(screen.getByText('Choose how to sign in')).toBeInTheDocument();
  });
});
