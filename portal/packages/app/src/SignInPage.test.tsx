import { githubAuthApiRef } from '@backstage/frontend-plugin-api';
import { renderInTestApp } from '@backstage/frontend-test-utils';
import { screen } from '@testing-library/react';
import { ConfiguredSignInPage } from './SignInPage';

const signedOut = {
  getBackstageIdentity: async () => undefined,
  getProfile: async () => undefined,
};

const open = (providers?: object) =>
  renderInTestApp(<ConfiguredSignInPage onSignInSuccess={jest.fn()} />, {
    config: { auth: { providers } } as any,
    apis: [[githubAuthApiRef, signedOut as any]],
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
    expect(screen.queryByText('Guest')).not.toBeInTheDocument();
  });

  it('offers a choice where two are configured', async () => {
    open({ github: {}, guest: {} });
    expect(await screen.findByText('GitHub')).toBeInTheDocument();
    expect(screen.getByText('Guest')).toBeInTheDocument();
    expect(screen.getByText('Choose how to sign in')).toBeInTheDocument();
  });
});
