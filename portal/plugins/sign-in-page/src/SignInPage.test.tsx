import { renderInTestApp } from '@backstage/frontend-test-utils';
import { screen } from '@testing-library/react';
import { ConfiguredSignInPage } from './SignInPage';

// Backstage's own page, of which only what it is given matters here.
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
  it.each([[undefined], [{}], [{ okta: {} }]])(
    'says that nobody can sign in with %p',
    async providers => {
      open(providers);
      expect(await screen.findByText('Nobody can sign in')).toBeInTheDocument();
      expect(screen.getByText(/github, guest/)).toBeInTheDocument();
    },
  );

  it('offers the only provider and no guest', async () => {
    open({ github: {} });
    expect(await screen.findByText('GitHub')).toBeInTheDocument();
    expect(screen.queryByText('guest')).not.toBeInTheDocument();
  });

  it('offers a choice where two are configured', async () => {
    open({ github: {}, guest: {} });
    expect(await screen.findByText('GitHub')).toBeInTheDocument();
    expect(screen.getByText('guest')).toBeInTheDocument();
    expect(screen.getByText('Choose how to sign in')).toBeInTheDocument();
  });
});
